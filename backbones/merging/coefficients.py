"""The backbone matrix B and the merging coefficients that a preference gives. Pure numpy.

Source: Xie et al., "Bone Soups", ACL 2025, section 4 (backbone matrix, B^-1 mu, extrapolation).
"""

import numpy as np

from backbones.merging.preference import Preference


def backbone_matrix(n: int, beta: float) -> np.ndarray:
    """B [n, n]: beta on the diagonal, (1 - beta) / (n - 1) elsewhere. Row j mixes backbone j's reward.

    Raises ValueError unless n >= 2 and 1/n < beta < 1, where B is invertible and every backbone has an
    objective of its own.
    """
    if n < 2:
        raise ValueError(f"n is {n}: a soup needs at least 2 objectives")
    if not 1 / n < beta < 1:
        raise ValueError(f"beta is {beta}: for {n} objectives it must lie between 1/{n} and 1, both excluded")
    b = (1 - beta) / (n - 1)
    return np.full((n, n), b) + (beta - b) * np.eye(n)


def bone_soup(mu: Preference, beta: float) -> np.ndarray:
    """lambda = B^-1 mu [n] over the backbones, in closed form (mu_i - b) / (beta - b).

    Sums to 1; entries may be negative or above 1. Exactly one-hot when mu is a row of B: rounded to 12
    decimals, since an adapter whose coefficient is 1e-17 would show as -0.00 and cost as much as any other.
    """
    n = len(mu)
    backbone_matrix(n, beta)
    b = (1 - beta) / (n - 1)
    return np.round((np.array(mu) - b) / (beta - b), 12) + 0.0  # + 0.0 turns -0.0 into 0.0


def extrapolate(coefficients: np.ndarray, a: float) -> np.ndarray:
    """(1 + a) lambda [n]: moves the merged model away from the base (section 4.3), theta_0 fixed.

    Raises ValueError for a negative or non-finite a.
    """
    if not (np.isfinite(a) and a >= 0):
        raise ValueError(f"extrapolation strength is {a}: use a finite number >= 0")
    return (1 + a) * coefficients


def anchored(mu: Preference, beta: float) -> np.ndarray:
    """Coefficients [2, n] over backbones and specialists, all >= 0, whose reward weights mix to exactly mu [n].

    A variant of this project's, not of the paper's: where B^-1 mu leaves [0, 1], the rest of the preference is
    carried by specialists instead of by extrapolation. The backbones carry L = min(1, min(mu) / b) of it, the most
    that B allows; inside the hull of B's rows that is all, and the coefficients are those of Bone Soup.
    """
    b = (1 - beta) / (len(mu) - 1)
    backbones = min(1.0, min(mu) / b)
    rest = np.array(mu) - b * backbones
    shares = rest / rest.sum()
    return np.round(np.stack([backbones * shares, (1 - backbones) * shares]), 12) + 0.0
