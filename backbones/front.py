"""Fronts: expected positions and the metrics of a front. Numpy and moocore.

A front is a list of points, each with a "preference" [n] and mean "rewards" [n], all maximised.
"""

import math

import moocore
import numpy as np

LABELS = {
    "bone-soup": "Bone Soup",
    "bone-soup-anchored": "Bone Soup, anchored",
    "bone-soup-extrapolated": "Bone Soup, extrapolated",
    "rewarded-soup": "Rewarded Soup",
    "no-mapping": "No mapping (ABA)",
    "mod": "MOD",
    "morlhf": "MORLHF oracles",
    "base": "Base",
}
LONE = ("morlhf", "base")  # single models: they answer at their own preferences and are not merged for others
METRICS = {  # label, what it is
    "hypervolume": ("Hypervolume ↑", "volume of rewards that the front dominates"),
    "inner_product": ("Inner product ↑", "mean of preference · reward"),
    "controllability": ("Controllability ↑", "Kendall's tau between preference and reward, averaged over objectives"),
    "length": ("Length ↑", "points that no other point dominates"),
    "sparsity": ("Sparsity ↓", "mean squared gap between neighbours"),
    "spacing": ("Spacing ↓", "standard deviation of nearest-neighbour distances"),
}


def expected(points: list[dict], mu, field: str = "rewards") -> np.ndarray:
    """Rewards [n] at the preference mu [n], interpolated linearly between measured points.

    `field`: "rewards", or "low" or "high" for the ends of a 95 % interval, which is then somewhat too wide (errors of
    neighbouring points are taken to go together). The points' preferences are the simplex lattice
    (`coefficients.simplex_lattice`). mu lies in one cell of its Freudenthal triangulation; the
    cell's corners come from the cumulative sums of mu in units of the lattice.
    """
    parts = _parts(points)
    at = {tuple(np.round(np.array(p["preference"]) * parts).astype(int)): np.array(p[field]) for p in points}
    sums = np.round(np.cumsum(mu)[:-1] * parts, 9)
    corner = np.floor(sums)
    fractions = sums - corner
    order = np.argsort(fractions, kind="stable")[::-1]  # of equals the last first: sums must stay in order
    weights = -np.diff(np.concatenate([[1.0], fractions[order], [0.0]]))
    value = np.zeros(len(points[0][field]))
    for weight, step in zip(weights, (None, *order)):
        if step is not None:
            corner[step] += 1
        if weight > 0:
            value += weight * at[tuple(np.diff(np.concatenate([[0], corner, [parts]])).astype(int))]
    return value


def expected_at(method: str, points: list[dict], mu, field: str = "rewards") -> list[float]:
    """Rewards [n] that `method` is expected to reach at mu [n]: interpolated; for `LONE` those of the nearest point.

    `field` as in `expected`.
    """
    if method in LONE:
        return min(points, key=lambda point: float(np.linalg.norm(np.array(point["preference"]) - mu)))[field]
    return expected(points, mu, field).tolist()


def _parts(points: list[dict]) -> int:
    """The lattice's number of parts: the points of a lattice number C(parts + n - 1, n - 1)."""
    n, parts = len(points[0]["preference"]), 1
    while math.comb(parts + n - 1, n - 1) < len(points):
        parts += 1
    return parts


def non_dominated(rewards: np.ndarray) -> np.ndarray:
    """Mask [points] of the rewards [points, n] that no other point dominates; of equals the first."""
    return moocore.is_nondominated(rewards, maximise=True)


def with_interval(name: str, metric: dict) -> tuple[str, str]:
    """A metric's value and its 95 % interval for people."""
    digits = {"sparsity": 4, "length": 0}.get(name, 3)
    return f"{metric['value']:.{digits}f}", f"[{metric['low']:.{digits}f}, {metric['high']:.{digits}f}]"


def verdict(metric: str, difference: dict | None) -> str | None:
    """ "better", "worse" or "tie" by the 95 % interval of a method's difference to Rewarded Soup; None without one."""
    if difference is None:
        return None
    low, high = difference["low"], difference["high"]
    if METRICS[metric][0].endswith("↓"):
        low, high = -high, -low
    return "better" if low > 0 else "worse" if high < 0 else "tie"


def hypervolume(rewards: np.ndarray, reference: np.ndarray) -> float:
    """Volume that the rewards [points, n] dominate above `reference` [n]."""
    return float(moocore.hypervolume(rewards, ref=reference, maximise=True))


def metrics(preferences: np.ndarray, rewards: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Metrics of a front from preferences [points, n] and rewards [points, n].

    hypervolume above `reference` [n] (up); inner_product, mean of mu . r (up); controllability, Kendall's
    tau between preference and reward per objective, averaged (up); length, the number of non-dominated
    points (up); sparsity, mean squared gap between neighbours on the front, averaged over objectives
    (down); spacing, standard deviation of nearest-neighbour distances (down).
    """
    best = rewards[non_dominated(rewards)]
    taus = [_kendall(mu, r) for mu, r in zip(preferences.T, rewards.T, strict=True)]
    gaps = np.diff(np.sort(best, axis=0), axis=0)
    distances = np.linalg.norm(best[:, None] - best[None], axis=-1) + np.diag(np.full(len(best), np.inf))
    return {
        "hypervolume": hypervolume(rewards, reference),
        "inner_product": float((preferences * rewards).sum(axis=1).mean()),
        "controllability": float(np.mean(taus)),
        "length": len(best),
        "sparsity": float((gaps**2).mean()) if len(best) > 1 else 0.0,
        "spacing": float(distances.min(axis=1).std()) if len(best) > 1 else 0.0,
    }


def _kendall(a: np.ndarray, b: np.ndarray) -> float:
    """Kendall's tau: concordant less discordant pairs over the pairs that differ in `a`."""
    first, second = np.triu_indices(len(a), 1)
    order = np.sign(a[first] - a[second])
    return float((order * np.sign(b[first] - b[second])).sum() / max((order != 0).sum(), 1))
