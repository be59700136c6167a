"""The closed form and its errors."""

import numpy as np
import pytest

from backbones import coefficients as c


@pytest.mark.parametrize(("n", "beta"), [(2, 0.6), (2, 0.7), (3, 0.5), (5, 0.8)])
def test_closed_form_equals_the_inverse_of_b(n, beta):
    matrix = c.backbone_matrix(n, beta)
    np.testing.assert_allclose(matrix, matrix.T)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    for mu in np.random.default_rng(0).dirichlet(np.ones(n), 20):
        np.testing.assert_allclose(c.bone_soup(mu, beta), np.linalg.solve(matrix, mu), atol=1e-12)
    for j, row in enumerate(matrix):
        np.testing.assert_array_equal(c.bone_soup(row, beta), np.eye(n)[j])


def test_a_preference_typed_as_percent_is_exactly_one_hot_without_minus_zero():
    for mu, expected in (((70, 30), ["1.0", "0.0"]), ((30, 70), ["0.0", "1.0"])):
        assert [str(value) for value in c.merging_coefficients("bone-soup", mu, 0.7)[0].tolist()] == expected


def test_a_corner_extrapolates():
    np.testing.assert_allclose(c.merging_coefficients("bone-soup", (1, 0), 0.7), [(1.75, -0.75), (0, 0)])
    extrapolated = c.merging_coefficients("bone-soup-extrapolated", (1, 0), 0.7, 0.2)
    np.testing.assert_allclose(extrapolated, [(2.1, -0.9), (0, 0)])


def test_baselines():
    np.testing.assert_allclose(c.merging_coefficients("rewarded-soup", (3, 1), 0.7), [(0, 0), (0.75, 0.25)])
    np.testing.assert_allclose(c.merging_coefficients("no-mapping", (3, 1), 0.7), [(0.75, 0.25), (0, 0)])


@pytest.mark.parametrize(("n", "beta"), [(2, 0.6), (2, 0.8), (3, 0.7), (5, 0.5)])
def test_anchored_coefficients_are_convex_and_mix_to_the_preference(n, beta):
    matrix = c.backbone_matrix(n, beta)
    rng = np.random.default_rng(0)
    for mu in (*rng.dirichlet(np.ones(n), 50), *np.eye(n), *matrix):
        backbones, specialists = c.anchored(mu, beta)
        assert min(backbones.min(), specialists.min()) >= 0
        assert backbones.sum() + specialists.sum() == pytest.approx(1)
        np.testing.assert_allclose(backbones @ matrix + specialists, mu, atol=1e-9)
        if mu.min() >= matrix.min():  # inside the hull of the rows
            np.testing.assert_allclose(backbones, c.bone_soup(mu, beta), atol=1e-9)


def test_anchored_corners_are_the_specialists():
    np.testing.assert_array_equal(c.anchored(np.array([1.0, 0.0]), 0.8), [(0, 0), (1, 0)])


@pytest.mark.parametrize(("n", "parts", "points"), [(2, 10, 11), (3, 6, 28), (4, 3, 20)])
def test_the_lattice_covers_the_simplex_evenly(n, parts, points):
    lattice = c.simplex_lattice(n, parts)
    assert lattice.shape == (points, n) and len(np.unique(lattice, axis=0)) == points
    np.testing.assert_allclose(lattice.sum(axis=1), 1)
    np.testing.assert_array_equal(lattice[0], np.eye(n)[0])
    np.testing.assert_array_equal(lattice * parts, np.round(lattice * parts))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.5, -0.1), "negative"),
        ((0, 0), "all zero"),
        ((float("nan"), 1), "NaN"),
        ((float("inf"), 1), "infinity"),
        ((1, 1, 1), "one per objective"),
    ],
)
def test_bad_preferences_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        c.preference(values, 2)


@pytest.mark.parametrize(("n", "beta"), [(2, 0.5), (2, 1.0), (3, 1 / 3), (2, float("nan"))])
def test_beta_out_of_range(n, beta):
    with pytest.raises(ValueError, match="beta is"):
        c.backbone_matrix(n, beta)


def test_methods_that_merge_nothing_and_bad_extrapolation():
    for method in ("soup", "mod", "base"):
        with pytest.raises(ValueError, match=f"'{method}' merges nothing"):
            c.merging_coefficients(method, (1, 1), 0.7)
    with pytest.raises(ValueError, match="strength is -1"):
        c.extrapolate(np.ones(2), -1)
