"""Two quadratic rewards, where every merge is known in closed form. Pure numpy.

r_i(theta) = -k_i |theta - theta_i|^2 with curvatures k_i > 0. Utility of a preference: sum_i mu_i r_i. Source:
Xie et al., "Bone Soups", ACL 2025, Theorem 1; Ramé et al., "Rewarded soups", NeurIPS 2023, for the baseline.
"""

from dataclasses import dataclass

import numpy as np

from backbones.merging import coefficients as c
from backbones.merging.methods import METHODS, Oracle
from backbones.merging.preference import Preference


@dataclass(frozen=True)
class Quadratic:
    """Two backbones and two specialists that each reached its own optimum; see `methods.Tuned`."""

    beta: float
    extrapolation: tuple[float, ...] = (1.0, 1.0)
    specialist_extrapolation: tuple[float, ...] = (1.0, 1.0)
    backbones: tuple[str, ...] = ("backbone-1", "backbone-2")
    specialists: tuple[str, ...] = ("specialist-1", "specialist-2")
    oracles: tuple[Oracle, ...] = ()
    start: str | None = None


def optimum(mu: np.ndarray, curvatures: np.ndarray, optima: np.ndarray) -> np.ndarray:
    """The best parameters for preferences mu [..., 2]: sum mu_i k_i theta_i / sum mu_i k_i, [..., d].

    `curvatures` [2], `optima` [2, d]. With a row of B for mu, the parameters of that backbone.
    """
    weights = mu * curvatures
    return weights @ optima / weights.sum(axis=-1, keepdims=True)


def rewards(theta: np.ndarray, curvatures: np.ndarray, optima: np.ndarray) -> np.ndarray:
    """Both rewards [..., 2] of parameters theta [..., d]."""
    return -curvatures * ((theta[..., None, :] - optima) ** 2).sum(axis=-1)


def front(method: str, mus: np.ndarray, beta: float, curvatures: np.ndarray, optima: np.ndarray) -> np.ndarray:
    """Rewards [points, 2] of `method` at the preferences `mus` [points, 2].

    `method`: "oracle", the optimum for every preference, or one of `METHODS` that merges backbones or specialists.
    """
    if method == "oracle":
        return rewards(optimum(mus, curvatures, optima), curvatures, optima)
    tuned = Quadratic(beta)
    rows = np.concatenate([c.backbone_matrix(2, beta), np.eye(2)])
    at = dict(zip(tuned.backbones + tuned.specialists, optimum(rows, curvatures, optima), strict=True))
    merges = [METHODS[method].merge(Preference(mu), tuned).coefficients for mu in mus]
    merged = np.array([sum(value * at[name] for name, value in merge.items()) for merge in merges])
    return rewards(merged, curvatures, optima)


def theorem_1(beta: float) -> tuple[float, float]:
    """The open interval of mu_1 where Bone Soup strictly beats Rewarded Soup in utility, for k_1 != k_2."""
    width = np.sqrt(2 * beta**2 - 2 * beta + 1)
    return float((1 - width) / 2), float((1 + width) / 2)
