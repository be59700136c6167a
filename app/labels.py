"""Where the names of curves stand, so that they cover neither each other nor what is drawn. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PICTURE = (270, 330)  # px; no smaller on a phone. Where there is more room, labels only move further apart
LETTER, BOLD, LINE, OFFSET = 7.2, 9.2, 18, 10  # px: widths of a letter, height of a line, distance to what is named
Sides = tuple[tuple[int, int], ...]
OUTER: Sides = ((1, 1), (0, 1), (1, 0))  # sides of a point: right and above, above, right
INNER: Sides = ((-1, -1), (0, -1), (-1, 0))
SIDES: Sides = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
ANCHORS = {-1: ("right", "top"), 0: ("center", "middle"), 1: ("left", "bottom")}  # of the text


@dataclass(frozen=True)
class Label:
    """What to write at one of `places` [k, 2], on one of its `sides`, of which the first are preferred."""

    text: str
    places: np.ndarray
    key: str  # who it belongs to
    bold: bool = False
    sides: Sides = SIDES


def placed(labels: Sequence[Label], lines: Sequence[np.ndarray], ranges: Sequence[tuple[float, float]]) -> list[dict]:
    """Annotations for plotly, one per label, in order; the first choose first.

    `lines` [k, 2]: what should not be covered. `ranges`: (low, high) of both axes.
    """
    (left, right), (bottom, top) = ranges
    origin, scale = np.array([left, bottom]), np.array(PICTURE) / (right - left, top - bottom)
    drawn = np.concatenate([np.zeros((0, 2)), *lines])
    drawn = (drawn[~np.isnan(drawn).any(axis=1)] - origin) * scale
    boxes: list[np.ndarray] = []
    annotations = []
    for label in labels:
        options = [(rank, place, side) for rank, place in enumerate(label.places) for side in label.sides]

        def cost(option, label: Label = label) -> float:
            rank, place, side = option
            box = _box((place - origin) * scale, side, label)
            covered = int(((drawn > box[0]) & (drawn < box[1])).all(axis=1).sum())
            outside = np.maximum(-box[0], 0).sum() + np.maximum(box[1] - PICTURE, 0).sum()
            overlap = sum(_overlap(box, other) for other in boxes)
            return 1000 * overlap + 20 * outside + 3 * covered + 0.5 * rank + 0.5 * label.sides.index(side)

        _, place, side = min(options, key=cost)
        boxes.append(_box((place - origin) * scale, side, label))
        annotations.append(
            {
                "x": round(float(place[0]), 4),
                "y": round(float(place[1]), 4),
                "text": f"<b>{label.text}</b>" if label.bold else label.text,
                "xanchor": ANCHORS[side[0]][0],
                "yanchor": ANCHORS[side[1]][1],
                "xshift": OFFSET * side[0],
                "yshift": OFFSET * side[1],
                "showarrow": False,
                "borderpad": 0,
            }
        )
    return annotations


def _box(at: np.ndarray, side: tuple[int, int], label: Label) -> np.ndarray:
    """Corners [2, 2] in px of a label beside the point `at` [2]."""
    size = np.array([(BOLD if label.bold else LETTER) * len(label.text), LINE])
    low = at + OFFSET * np.array(side) + size * (np.array(side) - 1) / 2
    return np.stack([low, low + size])


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """The area in square px that two boxes share."""
    sides = np.minimum(one[1], other[1]) - np.maximum(one[0], other[0])
    return float(sides.clip(min=0).prod())
