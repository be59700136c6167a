"""The backbone matrix B and the merging coefficients that a preference gives. Pure numpy.

Source: Xie et al., "Bone Soups", ACL 2025, section 4 (backbone matrix, B^-1 mu, extrapolation).
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from backbones.merging.preference import Preference, corners


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


def extrapolated(mu: Preference, beta: float, strengths: Sequence[float]) -> np.ndarray:
    """sum_i mu_i k_i B^-1 e_i [n], with a strength k_i for the corner of each objective; Bone Soup where all are 1.

    Above 1 a corner moves away from the base (section 4.3), below 1 towards it: what the coefficients lack of 1 is the
    base's. As the paper's own code does it, which searches k = 1 / (1 - c) for each corner by itself.
    """
    lambdas = np.array([bone_soup(corner, beta) for corner in corners(len(mu))])
    return np.round(np.multiply(strengths, mu) @ lambdas, 12) + 0.0


def anchored(mu: Preference, beta: float) -> np.ndarray:
    """Coefficients [2, n] over backbones and specialists, all >= 0, whose reward weights mix to exactly mu [n].

    A variant of this project's, not of the paper's: where B^-1 mu leaves [0, 1], the rest of the preference is
    carried by specialists instead of by extrapolation. The backbones carry L = min(1, min(mu) / b) of it, the most
    that B allows; inside the hull of B's rows that is all, and the coefficients are those of Bone Soup. For two
    objectives this is `nearest` of the same models. For three a cell outside the hull has four of them, on one circle,
    and here all four take part smoothly.
    """
    b = (1 - beta) / (len(mu) - 1)
    backbones = min(1.0, min(mu) / b)
    rest = np.array(mu) - b * backbones
    shares = rest / rest.sum()
    return np.round(np.stack([backbones * shares, (1 - backbones) * shares]), 12) + 0.0


def nearest(mu: Preference, trained: Sequence[Preference]) -> np.ndarray:
    """Coefficients [k], all >= 0, over models trained for the preferences `trained` [k], which mix to mu.

    Of all that do, those with the least mean squared distance to mu, sum_k c_k |mu_k - mu|^2: at most n models, the
    corners of the cell of the Delaunay triangulation that holds mu (it is the lower hull of the points lifted to a
    paraboloid, which is this minimum). So the coefficients change continuously with mu; with the smallest sum of plain
    distances, say, they would jump where two cells overlap. Sets have so few models that all cells can be tried. Of
    equally good ones, as where four preferences lie on one circle, the mean is taken: no objective comes first.

    For two objectives these are the two neighbours of mu on the line; with the corners of the simplex alone, mu itself.
    `trained` must have the corners, so that mu is in some cell.
    """
    points = np.array(trained)
    cells = np.array(list(combinations(range(len(points)), len(mu))))  # [cells, n]
    cells = cells[abs(np.linalg.det(points[cells])) > 1e-9]  # not those without an inside
    shares = np.linalg.solve(points[cells].transpose(0, 2, 1), np.array(mu))
    around = shares.min(axis=1) >= -1e-9
    cells, shares = cells[around], shares[around]
    distances = (shares * ((points[cells] - np.array(mu)) ** 2).sum(axis=2)).sum(axis=1)
    best = distances <= distances.min() + 1e-6
    found = np.zeros(len(points))
    np.add.at(found, cells[best], shares[best])
    found[found < 1e-5 * found.sum()] = 0  # from preferences that files have rounded
    return found / found.sum()
