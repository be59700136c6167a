"""Insults: those that texts never show, whatever the model repeats, and milder ones, which are only counted."""

import re

SLURS = frozenset(
    """asshole assholes bastard bastards bitch bitches bitchy bitching cunt cunts dick dicks dyke dykes fag faggot
    faggots fags nigga niggas nigger niggers prick pricks pussy retard retarded retards slut sluts tranny twat twats
    wanker whore whores""".split()
)
INSULTS = SLURS | frozenset("dumb hoe hoes idiot idiots loser losers moron morons stupid".split())

_WORD = re.compile(r"[^\W\d_]+")


def masked(text: str) -> str:
    """The text with stars for the letters of every slur but the first."""

    def mask(match: re.Match) -> str:
        word = match.group()
        return word[0] + "*" * (len(word) - 1) if word.lower() in SLURS else word

    return _WORD.sub(mask, text)
