"""The bare words of a text, as the learned rewards read them."""

import re

_SHORT = re.compile(
    r"\b(?:(can|could|do|does|did|is|are|was|were|has|have|had|would|should|might|must|need)n'?t"
    r"|(ca|wo|ai|sha)n'?t|cannot)\b"
)
_NEGATED = {"ca": "can not", "wo": "will not", "ai": "is not", "sha": "shall not"}
_CONTRACTED = {"'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'d": " would", "'s": " 's"}
_SPELT = {
    "im": "i am", "ive": "i have", "id": "i would", "u": "you", "ur": "your", "r": "are", "n": "and",
    "thats": "that 's", "youre": "you are", "theyre": "they are", "cuz": "because",
    "bc": "because", "w": "with", "gonna": "going to", "gotta": "got to", "wanna": "want to", "tho": "though",
    "thru": "through", "luv": "love", "pls": "please", "plz": "please", "abt": "about", "lil": "little",
    "tmrw": "tomorrow", "tmr": "tomorrow", "rn": "right now", "thx": "thanks", "mom": "mum", "mama": "mum",
    "mommy": "mum", "mother": "mum", "daddy": "dad", "father": "dad",
}  # fmt: skip


def plain(text: str) -> str:
    """The bare words of a text, spelt one way: what is left says nothing of case, punctuation or apostrophes.

    A reward that heard these would tell the columns of the data apart instead of what they say.
    """
    text = text.lower().replace("’", "'").replace("‘", "'")
    text = re.sub(r"https?:\S+|www\.\S+|[@#]", " ", text)
    text = re.sub(r"([a-z])\1{2,}", r"\1\1", text)  # sooo
    text = _SHORT.sub(lambda m: f"{m[1]} not" if m[1] else _NEGATED[m[2]] if m[2] else "can not", text)
    text = re.sub(r"(?<=[a-z])'(?:m|re|ve|ll|d|s)\b", lambda m: _CONTRACTED[m[0]], text)
    said = re.findall(r"'s\b|[a-z]+|\d+", text)
    return " ".join(_SPELT.get(word, word) for word in said).replace("'s", "s")
