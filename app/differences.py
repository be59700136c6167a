"""Where two texts differ, word by word. Pure."""

import difflib
import re
from collections.abc import Iterator, Sequence

from backbones.tasks.task import Span

Piece = tuple[str, bool]  # words, and whether the other text lacks them


def pieces(spans: Sequence[Span], other: str | None) -> Iterator[tuple[Span, list[Piece]]]:
    """The spans of a text, each in pieces that the text `other` has or lacks; nothing differs from None."""
    text, start = "".join(span.text for span in spans), 0
    cuts = lacking(text, text if other is None else other)
    for span in spans:
        end, here, place = start + len(span.text), [], start
        for low, high in cuts:
            low, high = max(low, start), min(high, end)
            if low < high:
                here += [(text[place:low], False), (text[low:high], True)]
                place = high
        here.append((text[place:end], False))
        yield span, [piece for piece in here if piece[0]]
        start = end


def lacking(text: str, other: str) -> list[tuple[int, int]]:
    """Where runs of words begin and end in `text` that `other` does not have at their place."""
    words = list(re.finditer(r"\S+", text))
    mine, theirs = [word.group().lower() for word in words], other.lower().split()
    matcher = difflib.SequenceMatcher(None, mine, theirs, autojunk=False)
    return [
        (words[low].start(), words[high - 1].end())
        for kind, low, high, _, _ in matcher.get_opcodes()
        if kind in ("replace", "delete")
    ]
