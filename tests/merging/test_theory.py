"""Two quadratic rewards: Theorem 1 on random curvatures and optima, and the ends where the fronts must meet."""

import numpy as np
import pytest

from backbones.merging import coefficients as c
from backbones.merging import theory

M = np.linspace(0, 1, 201)
MUS = np.stack([M, 1 - M], axis=1)


def problems():
    rng = np.random.default_rng(0)
    for _ in range(50):
        yield np.exp(rng.uniform(-3, 3, 2)), rng.normal(size=(2, 4))


def advantage(beta, curvatures, optima, over="rewarded-soup"):
    """Utility of Bone Soup less that of `over`, at every preference of MUS."""
    bone, other = (theory.front(method, MUS, beta, curvatures, optima) for method in ("bone-soup", over))
    return ((bone - other) * MUS).sum(axis=1)


@pytest.mark.parametrize("beta", [0.6, 0.7, 0.8, 0.95])
def test_bone_soup_beats_rewarded_soup_within_the_interval(beta):
    low, high = theory.theorem_1(beta)
    inside = (low + 1e-6 < M) & (high - 1e-6 > M)
    for problem in problems():
        assert (advantage(beta, *problem)[inside] > 0).all()


@pytest.mark.parametrize("beta", [0.6, 0.7, 0.8, 0.95])
def test_the_interval_is_tight_for_curvatures_nearly_equal(beta):
    low, high = theory.theorem_1(beta)
    wins = M[advantage(beta, np.array([1, 1.001]), np.array([[0.0], [1.0]])) > 0]
    assert (wins.min(), wins.max()) == pytest.approx((low, high), abs=M[1])


def test_the_interval_at_beta_07():
    assert theory.theorem_1(0.7) == pytest.approx((0.119, 0.881), abs=5e-4)


def test_no_merge_beats_the_oracle_and_bone_soup_reaches_it_at_the_rows_of_b():
    rows = c.backbone_matrix(2, 0.7)
    for problem in problems():
        assert (advantage(0.7, *problem, over="oracle") <= 1e-12).all()
        best = theory.front("oracle", rows, 0.7, *problem)
        np.testing.assert_allclose(theory.front("bone-soup", rows, 0.7, *problem), best, atol=1e-9)


def test_equal_curvatures_make_both_soups_optimal():
    for _, optima in problems():
        for method in ("bone-soup", "rewarded-soup"):
            front = theory.front(method, MUS, 0.7, np.ones(2), optima)
            np.testing.assert_allclose(front, theory.front("oracle", MUS, 0.7, np.ones(2), optima), atol=1e-9)


def test_anchoring_reaches_the_oracle_at_corners_and_rows_and_never_loses_to_rewarded_soup_in_between():
    places = np.concatenate([np.eye(2), c.backbone_matrix(2, 0.8)])
    for problem in problems():
        best = theory.front("oracle", places, 0.8, *problem)
        np.testing.assert_allclose(theory.front("bone-soup-anchored", places, 0.8, *problem), best, atol=1e-9)
        anchored, rewarded = (
            (theory.front(m, MUS, 0.8, *problem) * MUS).sum(axis=1) for m in ("bone-soup-anchored", "rewarded-soup")
        )
        assert (anchored >= rewarded - 1e-9).all()
