"""The descriptions of E2E NLG as a model learns from them: tidy, with placeholders for names."""

import re
import unicodedata

from backbones.tasks.restaurants.facts import NAME, NEAR, Facts


def tidy(ref: str) -> str:
    """One description with even spacing and a full stop at its end."""
    text = re.sub(r"\s+([.,;:!?])", r"\1", " ".join(ref.split()))
    return text if not text or text[-1] in ".!?" else text.rstrip(",;:") + "."


def delexicalise(ref: str, facts: Facts) -> str | None:
    """The description with its names replaced by placeholders.

    None when the name cannot be found (misspelt or left out), since a model trained on such a text
    would write names of its own. Case and accents are ignored, and so is a leading "The".
    """
    text = _replace(tidy(ref), facts["name"], NAME)
    if "near" in facts:
        text = _replace(text, facts["near"], NEAR)
    return text if NAME in text else None


def _replace(text: str, name: str, placeholder: str) -> str:
    plain = _plain(text)
    article, _, rest = name.partition(" ")
    pattern = rf"(?:the\s+)?{re.escape(_plain(rest))}" if article == "The" and rest else re.escape(_plain(name))
    pieces, end = [], 0
    for match in re.finditer(rf"(?<![\w<]){pattern}(?![\w>])", plain):
        pieces += [text[end : match.start()], placeholder]
        end = match.end()
    return "".join(pieces) + text[end:]


def _plain(text: str) -> str:
    """Lower case without accents, of the same length as `text`."""
    return "".join(unicodedata.normalize("NFD", char)[0].lower()[0] for char in text)
