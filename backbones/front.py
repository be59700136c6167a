"""Fronts: expected positions and the metrics of a front. Numpy and moocore.

A front is a list of points, each with a "preference" [n] and mean "rewards" [n], all maximised.
"""

import moocore
import numpy as np


def expected(points: list[dict], mu) -> np.ndarray:
    """Rewards [2] interpolated linearly in mu_1 between the measured points of a two-objective front."""
    at = np.array([point["preference"][0] for point in points])
    order = np.argsort(at)
    rewards = np.array([point["rewards"] for point in points])[order]
    return np.array([np.interp(mu[0], at[order], column) for column in rewards.T])


def non_dominated(rewards: np.ndarray) -> np.ndarray:
    """Mask [points] of the rewards [points, n] that no other point dominates; of equals the first."""
    return moocore.is_nondominated(rewards, maximise=True)


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
        "hypervolume": float(moocore.hypervolume(rewards, ref=reference, maximise=True)),
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
