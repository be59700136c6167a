"""The words of a text."""

import re

_WORD = re.compile(r"<\w+>|£?\d+(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)*")


def words(text: str) -> list[str]:
    """The words of a text in lower case; parts of a hyphenated word count as words, a placeholder is one."""
    return [word.lower() for word in _WORD.findall(text)]
