"""The geometry of the fronts in a plane of two objectives: curves, their gap, the range of the axes. Pure numpy."""

import itertools
from collections.abc import Sequence

import numpy as np

from backbones.merging.front import Front, Point
from backbones.merging.methods import METHODS, Tuned
from backbones.merging.preference import Preference

CHI_SQUARE_95 = 5.991  # of two degrees of freedom
MARGIN = 0.08  # around what was measured, as a share of the axis
SHARES = np.linspace(1, 0, 101)  # of the first objective of a plane, along a curve


def edge(points: Sequence[Point], plane: Sequence[int]) -> list[tuple[int, Point]]:
    """The points, with their places among all, whose preference is for the two objectives of `plane` alone, from the
    first to the second. With two objectives these are all."""
    others = [i for i in range(len(points[0].preference)) if i not in plane]
    found = [(k, one) for k, one in enumerate(points) if all(one.preference[i] < 1e-9 for i in others)]
    return sorted(found, key=lambda pair: -pair[1].preference[plane[0]])


def curve(points: Sequence[Point], plane: Sequence[int]) -> np.ndarray:
    """Rewards [101, 2] in `plane` along its `edge`, at every per cent of the preference, interpolated linearly."""
    along = [point for _, point in edge(points, plane)][::-1]
    shares = [point.preference[plane[0]] for point in along]
    return np.stack([np.interp(SHARES, shares, [point.rewards[i] for point in along]) for i in plane], axis=1)


def extrapolates(method: str, tuned: Tuned, plane: Sequence[int], n: int) -> np.ndarray:
    """Mask [101]: where along its `curve` the method's coefficients leave [0, 1]."""
    mask = []
    for share in SHARES:
        mu = np.zeros(n)
        mu[list(plane)] = share, 1 - share
        values = METHODS[method].merge(Preference(mu.tolist()), tuned).coefficients.values()
        mask.append(any(not -1e-9 <= value <= 1 + 1e-9 for value in values))
    return np.array(mask)


def pieces(line: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The parts of `line` [k, 2] where `mask` [k] holds, as far as the next points; NaN between them."""
    near = mask.copy()
    near[1:] |= mask[:-1]
    near[:-1] |= mask[1:]
    return np.where(near[:, None], line, np.nan)


def longest(line: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Every other point [k, 2] of the longest stretch of `line` where `mask` holds, its middle first, its ends last."""
    places = np.flatnonzero(mask)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    run = max(runs, key=lambda run: np.linalg.norm(np.diff(line[run], axis=0), axis=1).sum())
    run = run[::2]
    return line[run[np.argsort(abs(np.arange(len(run)) - (len(run) - 1) / 2), kind="stable")]]


def gap(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outlines [k, 2] of what the curve `first` [101, 2] dominates and `second` does not, and of the reverse, where
    both have points above each other: the gap between the two fronts."""
    left, right = max(first[:, 0].min(), second[:, 0].min()), min(first[:, 0].max(), second[:, 0].max())
    if left >= right:
        return np.zeros((0, 2)), np.zeros((0, 2))
    at = np.unique(np.clip(np.concatenate([first[:, 0], second[:, 0], [left, right]]), left, right))
    heights = _dominated(first, at), _dominated(second, at)
    top = np.maximum(*heights)
    one, other = (
        np.stack([np.concatenate([at, at[::-1]]), np.concatenate([top, low[::-1]])], axis=1) for low in heights[::-1]
    )
    return one, other


def ranges(front: Front, axes: Sequence[int]) -> list[tuple[float, float]]:
    """(low, high) of each axis: holds all that was measured, of every method, with its intervals."""
    points = [point for measured in front.methods.values() for point in measured.points]
    found = []
    for i in axes:
        low, high = min(point.low[i] for point in points), max(point.high[i] for point in points)
        margin = MARGIN * (high - low) or 0.1  # a single value has an axis too
        found.append((round(low - margin, 4), round(high + margin, 4)))
    return found


def widest_plane(front: Front, methods: Sequence[str]) -> tuple[int, int]:
    """The plane of two objectives where the fronts of the first two methods differ most: where the gap between them is
    the largest share of the picture. (0, 1) where one of them has not been measured, or of equals the first."""
    planes = list(itertools.combinations(range(len(front.objectives)), 2))
    measured = [front.points(method) for method in methods[:2]]
    if len(measured) < 2 or not all(measured) or any(METHODS[method].lone for method in methods[:2]):
        return planes[0]

    def share(plane: tuple[int, int]) -> float:
        (left, right), (bottom, top) = ranges(front, plane)
        outlines = gap(*(curve(points, plane) for points in measured))
        return sum(area(outline) for outline in outlines) / ((right - left) * (top - bottom))

    return max(planes, key=share)


def area(outline: np.ndarray) -> float:
    """The area inside an outline [k, 2], by the shoelace formula."""
    x, y = outline.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def ellipse(centre, covariance, steps: int = 16) -> np.ndarray:
    """Outline [steps + 1, 2] of the 95 % confidence ellipse of a mean [2] with this covariance [2, 2]."""
    values, vectors = np.linalg.eigh(np.asarray(covariance))
    turn = np.linspace(0, 2 * np.pi, steps + 1)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.asarray(centre) + circle * np.sqrt(CHI_SQUARE_95 * values.clip(min=0)) @ vectors.T


def _dominated(line: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How high [k] a curve reaches at `at` [k] or to the right of it."""
    x, y = line.T
    beyond = np.where(x[None] >= at[:, None], y[None], -np.inf).max(axis=1)
    (x0, x1), (y0, y1) = (x[:-1], x[1:]), (y[:-1], y[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (at[:, None] - x0) / (x1 - x0)  # (k, segments)
        crossing = np.where((t >= 0) & (t <= 1), y0 + t * (y1 - y0), -np.inf).max(axis=1)
    return np.maximum(beyond, crossing)
