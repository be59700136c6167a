"""Care for people in distress: thoughts about self-harm or suicide, which no small model should answer.

Plain rules, which anybody can read, over a plain form of the text. They would rather catch a harmless thought than
miss a serious one, yet they miss some: they are no assessment of anybody. Turns of phrase that only sound alike are
taken out first, so that a serious word beside them is still heard. Violence to others is not their subject.
"""

import re
import unicodedata

from backbones.tasks.reframe.hints import HINTS
from backbones.tasks.reframe.languages import OTHER_LANGUAGES
from backbones.tasks.reframe.phrases import HARMLESS, PIECES, SERIOUS

POINTER = (
    "This sounds heavier than anything a small model should answer. You deserve to be heard by a person: "
    "findahelpline.com lists free, confidential helplines in your country. If somebody is in danger right now, please "
    "call the local emergency number."
)

# The plain form

SAME = str.maketrans("аеіоорсухѕԁıɩ", "aeioopcyxsdii")  # Cyrillic and other letters that look like Latin ones
DIGITS = str.maketrans("013457@$", "oieastas")  # as in k1ll
CENSORED = ("kill", "killing", "die", "dying", "dead", "death", "suicide", "suicidal", "cut", "cutting")
GERMAN = re.compile(r"\b(?:ich|und|nicht|ist)\b")  # in which "im" and "die" are no more than "in the" and "the"
SAID = (  # how something is written, and how the rules have it
    (r"\b(kill|cutt|dy|liv|end|hurt|jump|think|hang|burn|harm|go)in\b", r"\1ing"),
    (r"\b(?:wnat|wnt|watn)\b", "want"),
    (r"\b(?:abt|bout)\b", "about"),
    (r"\b(?:wan+a|want 2|wanting to)\b", "want to"),
    (r"\b(?:gon+a|finna)\b", "going to"),
    (r"\b(?:tryna|tryin to)\b", "trying to"),
    (r"\bim\b", "i am"),
    (r"\bive\b", "i have"),
    (r"\b(?:id|i would)\b", "id"),
    (r"\b(?:do not|does not|did not|doesnt|didnt|don t|dnt|dont)\b", "dont"),
    (r"\b(?:can not|cannot|can t|cant|couldnt|could not)\b", "cant"),
    (r"\b(?:is not|isn t|isnt|aint)\b", "isnt"),
    (r"\b(?:was not|were not|wasnt|werent)\b", "wasnt"),
    (r"\b(?:no one|noone)\b", "nobody"),
    (r"\b(?:my ?sel[fv]e?|miself|my slef|mysefl|myslef|mself|meself)\b", "myself"),
    (r"\b(him|her|them|your)sel(?:f|ves)\b", r"\1self"),
    (r"\b(?:any ?more|any ?longer|nomore|no more)\b", "anymore"),
    (r"\b(?:2|too)\b", "to"),
    (r"\bu\b", "you"),
    (r"\bb\b", "be"),
    (
        r"\b(?:just|really|fuck(?:ing?|in)|freaking|bloody|damn|honestly|literally|actually|basically|simply|kinda|so"
        r"|sorta|probably|badly|desperately|truly|still|even|ever|often|sometimes|always|constantly|secretly|maybe) ",
        "",
    ),
)


def concerns(text: str) -> bool:
    """Whether a thought is about self-harm or suicide, of whoever has it or of somebody else."""
    return bool(_SERIOUS.search(_HARMLESS.sub("-", _plain(text))))


def _plain(text: str) -> str:
    """Lower-case words without accents and apostrophes, a space between two, ` . ` between two clauses."""
    text = unicodedata.normalize("NFKD", text.casefold()).translate(SAME)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Cf"))
    text = re.sub(r"['’‘`´ʼ′]", "", text)
    text = re.sub(r"(?<=[a-z])[013457@$](?=[a-z])", lambda match: match[0].translate(DIGITS), text)
    text = re.sub(r"\b[a-z]+(?:\*+[a-z]*)+", _uncensored, text)
    text = re.sub(r"\b[a-z](?:[ ._*-][a-z]){2,}\b", lambda match: re.sub(r"[^a-z]", "", match[0]), text)
    text = re.sub(r"([^\W\dl])\1{2,}", r"\1", text)  # dieeee, but not killl
    text = re.sub(r"l{3,}", "ll", text)
    text = re.sub(r"[.!?;:]+|\n\s*\n", " . ", text)
    text = " ".join(re.sub(r"[^\w.]", " ", text).replace("_", " ").split())
    if GERMAN.search(text):
        text = re.sub(r"\b(?:im|die)\b", "-", text)
    for written, said in SAID:
        text = re.sub(written, said, text)
    return text


def _uncensored(match: re.Match) -> str:
    """A word with asterisks as it is meant, where the rules need it."""
    word = match[0].replace("*", ".")
    return next((known for known in CENSORED if re.fullmatch(word, known)), match[0])


def _compiled(rules: tuple[str, ...]) -> re.Pattern:
    """One pattern of all the rules, of whole words."""
    pattern = rf"\b(?:{'|'.join(rules)})\b"
    while any(name in pattern for name in PIECES):
        for name, piece in PIECES.items():
            pattern = pattern.replace(name, piece)
    return re.compile(pattern)


_HARMLESS, _SERIOUS = _compiled(HARMLESS), _compiled(SERIOUS + HINTS + OTHER_LANGUAGES)
