"""The closed form and its errors."""

import numpy as np
import pytest

from backbones.merging import coefficients as c
from backbones.merging.preference import Preference


@pytest.mark.parametrize(("n", "beta"), [(2, 0.6), (2, 0.7), (3, 0.5), (5, 0.8)])
def test_closed_form_equals_the_inverse_of_b(n, beta):
    matrix = c.backbone_matrix(n, beta)
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    for mu in np.random.default_rng(0).dirichlet(np.ones(n), 20):
        np.testing.assert_allclose(c.bone_soup(Preference(mu), beta), np.linalg.solve(matrix, mu), atol=1e-12)
    for j, row in enumerate(matrix):
        np.testing.assert_array_equal(c.bone_soup(Preference(row), beta), np.eye(n)[j])


@pytest.mark.parametrize(("n", "beta"), [(2, 0.6), (2, 0.8), (3, 0.7), (5, 0.5)])
def test_anchored_coefficients_are_convex_and_mix_to_the_preference(n, beta):
    matrix = c.backbone_matrix(n, beta)
    rng = np.random.default_rng(0)
    for mu in (*rng.dirichlet(np.ones(n), 50), *np.eye(n), *matrix):
        backbones, specialists = c.anchored(Preference(mu), beta)
        assert min(backbones.min(), specialists.min()) >= 0
        assert backbones.sum() + specialists.sum() == pytest.approx(1)
        np.testing.assert_allclose(backbones @ matrix + specialists, mu, atol=1e-9)
        if mu.min() >= matrix.min():  # inside the hull of the rows
            np.testing.assert_allclose(backbones, c.bone_soup(Preference(mu), beta), atol=1e-9)


def test_anchored_corners_are_the_specialists():
    np.testing.assert_array_equal(c.anchored(Preference((1.0, 0.0)), 0.8), [(0, 0), (1, 0)])


@pytest.mark.parametrize(("n", "beta"), [(2, 0.5), (2, 1.0), (3, 1 / 3), (2, float("nan"))])
def test_beta_out_of_range(n, beta):
    with pytest.raises(ValueError, match="beta is"):
        c.backbone_matrix(n, beta)


def test_one_objective_is_no_soup():
    with pytest.raises(ValueError, match="n is 1: a soup needs at least 2"):
        c.backbone_matrix(1, 0.7)


@pytest.mark.parametrize("a", [-1, float("nan"), float("inf")])
def test_bad_extrapolation(a):
    with pytest.raises(ValueError, match=f"strength is {a}"):
        c.extrapolate(np.ones(2), a)
