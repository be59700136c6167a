"""Merging coefficients of Bone Soup and its baselines. Pure numpy.

Source: Xie et al., "Bone Soups", ACL 2025, section 4 (backbone matrix, B^-1 mu, extrapolation); Ramé et
al., "Rewarded soups", NeurIPS 2023.
"""

import itertools

import numpy as np

SOUPS = ("bone-soup", "bone-soup-anchored", "bone-soup-extrapolated", "rewarded-soup", "no-mapping")  # one merge each
METHODS = (*SOUPS, "mod", "morlhf", "base")
PARTS = {2: 10, 3: 6}  # of the lattice that fronts are measured on and sweeps are written on: 11 and 28 points


def preference(values, n: int) -> np.ndarray:
    """The preference mu [n] on the simplex: `values` checked and divided by their sum.

    Raises ValueError for a wrong length, an entry that is negative, NaN or infinite, or all zeros.
    """
    mu = np.asarray(values, dtype=float)
    if mu.shape != (n,):
        raise ValueError(f"preference {values!r} has shape {mu.shape}: give {n} numbers, one per objective")
    if not np.isfinite(mu).all():
        raise ValueError(f"preference {mu.tolist()} holds NaN or infinity: use finite numbers")
    if (mu < 0).any():
        raise ValueError(f"preference {mu.tolist()} holds a negative number: use numbers >= 0")
    if mu.sum() <= 0:
        raise ValueError(f"preference {mu.tolist()} is all zero: give at least one objective some weight")
    return mu / mu.sum()


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


def bone_soup(mu: np.ndarray, beta: float) -> np.ndarray:
    """lambda = B^-1 mu [n] over the backbones, in closed form (mu_i - b) / (beta - b).

    Sums to 1; entries may be negative or above 1. Exactly one-hot when mu is a row of B: rounded to 12
    decimals, since an adapter whose coefficient is 1e-17 would show as -0.00 and cost as much as any other.
    """
    n = len(mu)
    backbone_matrix(n, beta)
    b = (1 - beta) / (n - 1)
    return np.round((mu - b) / (beta - b), 12) + 0.0  # + 0.0 turns -0.0 into 0.0


def extrapolate(coefficients: np.ndarray, a: float) -> np.ndarray:
    """(1 + a) lambda [n]: moves the merged model away from the base (section 4.3), theta_0 fixed.

    Raises ValueError for a negative or non-finite a.
    """
    if not (np.isfinite(a) and a >= 0):
        raise ValueError(f"extrapolation strength is {a}: use a finite number >= 0")
    return (1 + a) * coefficients


def anchored(mu: np.ndarray, beta: float) -> np.ndarray:
    """Coefficients [2, n] over backbones and specialists, all >= 0, whose reward weights mix to exactly mu [n].

    A variant of this project's, not of the paper's: where B^-1 mu leaves [0, 1], the rest of the preference is
    carried by specialists instead of by extrapolation. The backbones carry L = min(1, min(mu) / b) of it, the most
    that B allows; inside the hull of B's rows that is all, and the coefficients are those of Bone Soup.
    """
    n = len(mu)
    b = (1 - beta) / (n - 1)
    backbones = min(1.0, float(mu.min()) / b)
    rest = mu - b * backbones
    shares = rest / rest.sum()
    return np.round(np.stack([backbones * shares, (1 - backbones) * shares]), 12) + 0.0


def merging_coefficients(method: str, mu, beta: float, extrapolation: float = 0.0) -> np.ndarray:
    """Coefficients [2, n] over the backbones and over the specialists for the preference `mu` [n].

    bone-soup: B^-1 mu over the backbones. bone-soup-extrapolated: (1 + `extrapolation`) B^-1 mu. bone-soup-anchored:
    see `anchored`. no-mapping (the paper's ablation ABA): mu over the backbones. rewarded-soup: mu over the
    specialists.
    Raises ValueError for a method that is no merge, or a preference or beta that is out of range.
    """
    if method not in SOUPS:
        raise ValueError(f"{method!r} merges nothing: use one of {', '.join(SOUPS)}")
    mu = preference(mu, len(mu))
    none = np.zeros_like(mu)
    if method == "bone-soup":
        return np.stack([bone_soup(mu, beta), none])
    if method == "bone-soup-anchored":
        return anchored(mu, beta)
    if method == "bone-soup-extrapolated":
        return np.stack([extrapolate(bone_soup(mu, beta), extrapolation), none])
    return np.stack([none, mu] if method == "rewarded-soup" else [mu, none])


def simplex_lattice(n: int, parts: int) -> np.ndarray:
    """All preferences [points, n] that are multiples of 1 / parts, from (1, 0, ..) down to (.., 0, 1)."""
    counts = [c for c in itertools.product(range(parts, -1, -1), repeat=n) if sum(c) == parts]
    return np.array(counts, dtype=float) / parts
