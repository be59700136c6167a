"""Metrics of a front, and their words. Numpy and moocore."""

from dataclasses import dataclass

import moocore
import numpy as np

from backbones.merging.front import Front, Metric
from backbones.merging.methods import BASELINE


@dataclass(frozen=True)
class Kind:
    """A metric's words, and how many decimals it is shown with."""

    label: str
    meaning: str
    up: bool = True  # whether more is better
    digits: int = 3


KINDS = {
    "hypervolume": Kind("Hypervolume ↑", "volume of rewards that the front dominates"),
    "inner_product": Kind("Inner product ↑", "mean of preference · reward"),
    "controllability": Kind(
        "Controllability ↑", "Kendall's tau between preference and reward, averaged over objectives"
    ),
    "length": Kind("Length ↑", "points that no other point dominates", digits=0),
    "sparsity": Kind("Sparsity ↓", "mean squared gap between neighbours", up=False, digits=4),
    "spacing": Kind("Spacing ↓", "standard deviation of nearest-neighbour distances", up=False),
}


def of_front(preferences: np.ndarray, rewards: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Every metric of `KINDS` from preferences [points, n] and rewards [points, n].

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


def hypervolume(rewards: np.ndarray, reference: np.ndarray) -> float:
    """Volume that the rewards [points, n] dominate above `reference` [n]."""
    return float(moocore.hypervolume(rewards, ref=reference, maximise=True))


def non_dominated(rewards: np.ndarray) -> np.ndarray:
    """Mask [points] of the rewards [points, n] that no other point dominates; of equals the first."""
    return moocore.is_nondominated(rewards, maximise=True)


def with_interval(name: str, metric: Metric) -> tuple[str, str]:
    """A metric's value and its 95 % interval for people."""
    digits = KINDS[name].digits
    return f"{metric.value:.{digits}f}", f"[{metric.low:.{digits}f}, {metric.high:.{digits}f}]"


def verdict(front: Front, method: str, name: str) -> str | None:
    """ "better" or "worse" than the baseline where the 95 % interval over prompts of the difference, and its sign with
    every other training seed, say so; else "tie". None for a method that has no difference to it."""
    difference = front.methods[method].minus_baseline.get(name)
    if difference is None:
        return None
    others = [seed.metrics[method][name] - seed.metrics[BASELINE][name] for seed in front.seeds(method)]
    low, high = min([difference.low, *others]), max([difference.high, *others])
    if not KINDS[name].up:
        low, high = -high, -low
    return "better" if low > 0 else "worse" if high < 0 else "tie"


def seeds(front: Front, method: str) -> str:
    """For people: with how many training seeds a method has been measured."""
    count = 1 + len(front.seeds(method))
    return "1 training seed" if count == 1 else f"{count} training seeds"


def _kendall(a: np.ndarray, b: np.ndarray) -> float:
    """Kendall's tau: concordant less discordant pairs over the pairs that differ in `a`."""
    first, second = np.triu_indices(len(a), 1)
    order = np.sign(a[first] - a[second])
    return float((order * np.sign(b[first] - b[second])).sum() / max((order != 0).sum(), 1))
