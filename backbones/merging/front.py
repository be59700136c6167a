"""Measured fronts: mean rewards of every method at a lattice of preferences, with intervals, metrics and conditions.

One reader and one writer of front.json; `FORMAT` is the version in the file. All rewards are maximised.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from backbones.merging.methods import BASELINE, METHODS
from backbones.merging.preference import Preference

FORMAT = 1
End = Literal["rewards", "low", "high"]


@dataclass(frozen=True)
class Metric:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Example:
    """A text at a point, and what it was given as one line."""

    given: str
    text: str


@dataclass(frozen=True)
class Point:
    """What a method reached at a preference [n]: mean `rewards` [n], the ends of their 95 % intervals, the covariance
    [n, n] of the means, the mean number of words, log-probability per token under the base, share of repeated runs of
    three words; `judged`: scores that nothing was trained on, by name (train.judges)."""

    preference: Preference
    rewards: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    words: float
    log_probability: float
    repeated: float
    example: Example
    judged: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """The front of one method: points in order, metrics by name, and the paired differences to the baseline's."""

    points: tuple[Point, ...]
    metrics: dict[str, Metric]
    minus_baseline: dict[str, Metric] = field(default_factory=dict)
    hypervolume_over_baseline: Metric | None = None


@dataclass(frozen=True)
class Comparison:
    """Hypervolumes at the same few preferences, and their ratios to that of the method `over`."""

    preferences: tuple[Preference, ...]
    over: str
    hypervolume: dict[str, Metric]
    ratios: dict[str, Metric]


@dataclass(frozen=True)
class Gain:
    """What `method` has over the method `over`: the ratio of their hypervolumes, the difference of inner products."""

    method: str
    over: str
    hypervolume: Metric
    inner_product: Metric


@dataclass(frozen=True)
class SeedFront:
    """The front of a set trained with another seed: per method mean rewards [points, n] and metrics by name, and the
    ratios of hypervolume to the baseline's inside the rows of B."""

    seed: int
    preferences: dict[str, list[list[float]]]
    rewards: dict[str, list[list[float]]]
    metrics: dict[str, dict[str, float]]
    inside_b: dict[str, float]


@dataclass(frozen=True)
class Front:
    """All that was measured of a set. `objectives` [n] by name; hypervolumes lie above `reference_point` [n]."""

    objectives: tuple[str, ...]
    reference_point: tuple[float, ...]
    normalisation: str
    conditions: dict[str, Any]
    methods: dict[str, Measured]
    at_oracles: Comparison
    inside_b: Comparison
    gains: tuple[Gain, ...] = ()
    training_seeds: tuple[SeedFront, ...] = ()
    format: int = FORMAT

    def points(self, method: str) -> tuple[Point, ...]:
        """The measured points of a method; none where it has not been measured."""
        return self.methods[method].points if method in self.methods else ()

    def seeds(self, method: str) -> tuple[SeedFront, ...]:
        """The other training seeds with which a method and the baseline have been measured."""
        return tuple(seed for seed in self.training_seeds if {method, BASELINE} <= seed.metrics.keys())

    def json(self) -> str:
        """The contents of its file; preferences have 6 decimals."""
        return json.dumps(asdict(self, dict_factory=_rounded), indent=1, ensure_ascii=False)

    def write(self, file: Path) -> None:
        """Write it as JSON."""
        file.write_text(self.json() + "\n", encoding="utf-8")


def read(file: Path) -> Front:
    """The front in a file that `Front.write` wrote. Raises ValueError for another format or one that is damaged."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no valid JSON ({error}): correct it") from None
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise ValueError(
            f"{file}: format is {found!r}, this version reads format {FORMAT}: measure it again with train.evaluate"
        )
    try:
        n = len(data["objectives"])
        return Front(
            **data
            | {
                "objectives": tuple(data["objectives"]),
                "reference_point": tuple(data["reference_point"]),
                "methods": {name: _measured(one, n) for name, one in data["methods"].items()},
                "at_oracles": _comparison(data["at_oracles"], n),
                "inside_b": _comparison(data["inside_b"], n),
                "gains": tuple(_gain(one) for one in data.get("gains", ())),  # which fronts of before do not have
                "training_seeds": tuple(SeedFront(**seed) for seed in data["training_seeds"]),
            }
        )
    except KeyError as error:
        raise ValueError(f"{file}: the field {error} is missing: measure it again with train.evaluate") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is no front ({error}): measure it again with train.evaluate") from None


def expected(method: str, points: Sequence[Point], mu: Preference, end: End = "rewards") -> list[float]:
    """Rewards [n] that `method` is expected to reach at mu: interpolated; of lone models those of the nearest point.

    `end`: "low" or "high" for the ends of a 95 % interval, which between points is then somewhat too wide (errors of
    neighbouring points are taken to go together).
    """
    if METHODS[method].lone:
        return list(getattr(min(points, key=lambda point: mu.distance(point.preference)), end))
    return interpolated(points, mu, end).tolist()


def interpolated(points: Sequence[Point], mu: Preference, end: End = "rewards") -> np.ndarray:
    """Rewards [n] at mu, interpolated linearly between points on a lattice of the simplex (`preference.lattice`).

    mu lies in one cell of the lattice's Freudenthal triangulation; the cell's corners come from the cumulative sums of
    mu in units of the lattice.
    """
    parts = _parts(points)
    at = {tuple(np.round(np.array(p.preference) * parts).astype(int)): np.array(getattr(p, end)) for p in points}
    sums = np.round(np.cumsum(mu)[:-1] * parts, 9)
    corner = np.floor(sums)
    fractions = sums - corner
    order = np.argsort(fractions, kind="stable")[::-1]  # of equals the last first: sums must stay in order
    weights = -np.diff(np.concatenate([[1.0], fractions[order], [0.0]]))
    value = np.zeros(len(mu))
    for weight, step in zip(weights, (None, *order), strict=True):
        if step is not None:
            corner[step] += 1
        if weight > 0:
            value += weight * at[tuple(np.diff(np.concatenate([[0], corner, [parts]])).astype(int))]
    return value


def _parts(points: Sequence[Point]) -> int:
    """The lattice's number of parts: the points of a lattice number C(parts + n - 1, n - 1)."""
    n, parts = len(points[0].preference), 1
    while math.comb(parts + n - 1, n - 1) < len(points):
        parts += 1
    return parts


def _rounded(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """The fields of a dataclass with preferences as they are written."""
    written = {name: value for name, value in items if name != "judged" or value}
    if isinstance(written.get("preference"), Preference):
        written["preference"] = written["preference"].rounded
    if isinstance(written.get("preferences"), tuple):
        written["preferences"] = [mu.rounded for mu in written["preferences"]]
    return written


def _measured(data: dict, n: int) -> Measured:
    over = data["hypervolume_over_baseline"]
    return Measured(
        tuple(_point(point, n) for point in data["points"]),
        _metrics(data["metrics"]),
        _metrics(data["minus_baseline"]),
        over and Metric(**over),
    )


def _point(data: dict, n: int) -> Point:
    required = [f.name for f in fields(Point) if f.name != "judged"]  # which fronts of before do not have
    wholes = {name: tuple(data[name]) for name in required if isinstance(data[name], list)}
    return Point(
        **data
        | wholes
        | {
            "preference": _preference(data["preference"], n),
            "covariance": tuple(map(tuple, data["covariance"])),
            "example": Example(**data["example"]),
        }
    )


def _comparison(data: dict, n: int) -> Comparison:
    return Comparison(
        tuple(_preference(mu, n) for mu in data["preferences"]),
        data["over"],
        _metrics(data["hypervolume"]),
        _metrics(data["ratios"]),
    )


def _gain(data: dict) -> Gain:
    return Gain(**data | _metrics({name: data[name] for name in ("hypervolume", "inner_product")}))


def _preference(values: list[float], n: int) -> Preference:
    """Checked and as it is in the file: divided by the sum of its rounded shares it would be written as another."""
    Preference.of(values, n)
    return Preference(values)


def _metrics(data: dict) -> dict[str, Metric]:
    return {name: Metric(**metric) for name, metric in data.items()}
