"""A picture that is drawn on: shapes with smooth edges, and words of any kind, cut to their place. Pure."""

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SCALE = 2  # all is drawn larger and made smaller in the end, which smooths the edges of shapes
# Source Sans as gradio 6.31.0 brings it: about 2,700 characters, with Greek and Cyrillic. The name of one is another's.
FONTS = Path(find_spec("gradio").origin).parent / "templates" / "frontend" / "static" / "fonts" / "SourceSansPro"
LINE = 1.3  # distance of lines, in sizes of the font
LONGEST = 2000  # characters of words that are looked at; no picture has room for more
UNKNOWN = 0.3  # share of letters that the font may lack; what is left of more would say something else
ILLEGIBLE = "(in letters that this picture lacks)"


class Sheet:
    """A picture of `width` x `height` px. All places and sizes are in px of the finished picture."""

    def __init__(self, width: int, height: int, paper: str):
        self.size = (width, height)
        self.image = Image.new("RGB", (width * SCALE, height * SCALE), paper)
        self.draw = ImageDraw.Draw(self.image)

    def finished(self) -> Image.Image:
        """The picture in its own size."""
        return self.image.resize(self.size, Image.Resampling.LANCZOS)

    def words(
        self, place: tuple[float, float], words: str, size: int, ink: str, bold: bool = False, anchor: str = "ls"
    ) -> None:
        """Words in one line; `anchor` as Pillow's: by default `place` is where their base line begins."""
        self.draw.text((place[0] * SCALE, place[1] * SCALE), words, ink, font(size, bold), anchor)

    def box(self, corners: Sequence[float], radius: float, fill: str, outline: str | None = None) -> None:
        """A box with round corners, from (left, top) to (right, bottom)."""
        self.draw.rounded_rectangle(_scaled(corners), radius * SCALE, fill, outline, SCALE)

    def line(self, points: np.ndarray, ink: str, width: float) -> None:
        """A line through `points` [k, 2]."""
        self.draw.line(_scaled(np.ravel(points)), ink, round(width * SCALE), "curve")

    def shape(self, points: np.ndarray, fill: str, outline: str | None = None, width: float = 1) -> None:
        """What `points` [k, 2] enclose."""
        self.draw.polygon(_scaled(np.ravel(points)), fill, outline, round(width * SCALE))

    def disc(
        self, centre: Sequence[float] | np.ndarray, radius: float, fill: str, outline: str | None = None, width: int = 1
    ) -> None:
        """A disc around `centre` [2]."""
        x, y = centre
        corners = (x - radius, y - radius, x + radius, y + radius)
        self.draw.ellipse(_scaled(corners), fill, outline, width * SCALE)


def legible(words: str) -> str:
    """Words in one line, without what the font lacks, such as emoji; `ILLEGIBLE` where that is much of them."""
    composed = unicodedata.normalize("NFC", words[:LONGEST])
    kept = "".join(one if one.isspace() or _has(one) else "\0" for one in composed)
    letters = [one for one, other in zip(composed, kept, strict=True) if other == "\0" and one.isalpha()]
    if len(letters) > UNKNOWN * sum(one.isalpha() for one in composed):
        return ILLEGIBLE
    return " ".join(kept.replace("\0", " ").split())


def fitted(words: str, sizes: Sequence[int], width: float, height: float, bold: bool = False) -> tuple[int, list[str]]:
    """The first of `sizes` in which `words` fit into `width` x `height`, and their lines; in the last they are cut."""
    for size in sizes:
        lines, most = wrapped(words, size, width, bold), max(1, int(height / (LINE * size)))
        if len(lines) <= most:
            return size, lines
    return size, [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), size, width, bold)]


def wrapped(words: str, size: int, width: float, bold: bool = False) -> list[str]:
    """Words in lines of at most `width`; longer ones are broken anywhere."""
    lines, line = [], ""
    for word in words.split():
        longer = f"{line} {word}".strip()
        if extent(longer, size, bold) <= width:
            line = longer
            continue
        lines += [line] if line else []
        while extent(word, size, bold) > width:
            most = max(1, _room(word, "", size, width, bold))
            lines.append(word[:most])
            word = word[most:]
        line = word
    return [*lines, line] if line or not lines else lines


def cut(words: str, size: int, width: float, bold: bool = False) -> str:
    """As many of the words as have room in one line, with … where some have not."""
    if extent(words, size, bold) <= width:
        return words
    most = _room(words, " …", size, width, bold)
    whole = words[: most + 1].rpartition(" ")[0]
    return f"{(whole or words[:most]).rstrip(' ,;:.')} …"


def _room(words: str, end: str, size: int, width: float, bold: bool) -> int:
    """How many of the first characters have room in `width` before `end`."""
    return max(0, bisect_right(range(len(words) + 1), width, key=lambda n: extent(words[:n] + end, size, bold)) - 1)


def extent(words: str, size: int, bold: bool = False) -> float:
    """How wide words are."""
    return font(size, bold).getlength(words) / SCALE


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font in a size. Without shaping, which costs more and which no script needs that it has."""
    file = FONTS / f"SourceSansPro-{'Bold' if bold else 'Regular'}.woff2"
    return ImageFont.truetype(file, size * SCALE, layout_engine=ImageFont.Layout.BASIC)


@cache
def _missing() -> bytes:
    """What the font draws for a character that it lacks."""
    return bytes(font(20).getmask("\U0010ffff"))


def _has(character: str) -> bool:
    """Whether the font has a character that is seen."""
    return unicodedata.category(character)[0] not in "CM" and bytes(font(20).getmask(character)) != _missing()


def _scaled(places: Sequence[float] | np.ndarray) -> list[float]:
    return [SCALE * float(one) for one in places]
