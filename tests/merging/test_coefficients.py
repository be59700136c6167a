"""The closed form and its errors."""

import numpy as np
import pytest

from backbones.merging import coefficients as c
from backbones.merging.preference import Preference, lattice


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


@pytest.mark.parametrize(("n", "beta", "strengths"), [(2, 0.8, (1.25, 0.7)), (3, 0.6, (2.0, 1.0, 0.9))])
def test_every_corner_is_extrapolated_by_its_own_strength(n, beta, strengths):
    inverse = np.linalg.inv(c.backbone_matrix(n, beta))
    for mu in lattice(n):
        found = c.extrapolated(mu, beta, strengths)
        by_corner = sum(share * k * corner for share, k, corner in zip(mu, strengths, inverse, strict=True))
        np.testing.assert_allclose(found, by_corner, atol=1e-11)
        assert found.sum() == pytest.approx(np.dot(mu, strengths))  # the base has what this lacks of 1
        np.testing.assert_allclose(c.extrapolated(mu, beta, (1.0,) * n), c.bone_soup(mu, beta), atol=1e-11)
        np.testing.assert_allclose(c.extrapolated(mu, beta, (1.5,) * n), 1.5 * c.bone_soup(mu, beta), atol=1e-11)


def corners(n):
    return [Preference(corner) for corner in np.eye(n).tolist()]


def rows(n, beta):
    return [Preference(row) for row in c.backbone_matrix(n, beta).tolist()]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_nearest_to_the_corners_alone_is_the_preference(n):
    for mu in lattice(n):
        np.testing.assert_allclose(c.nearest(mu, corners(n)), mu, atol=1e-12)


@pytest.mark.parametrize("beta", [0.55, 0.7, 0.8])
def test_anchored_is_nearest_of_the_same_models_for_two_objectives(beta):
    for mu in lattice(2, 60):
        same = c.nearest(mu, [*rows(2, beta), *corners(2)])
        np.testing.assert_allclose(same, c.anchored(mu, beta).ravel(), atol=1e-11)


def test_for_three_objectives_anchored_is_that_too_but_where_a_cell_has_four_models():
    for mu in lattice(3, 20):
        same, anchored = c.nearest(mu, [*rows(3, 0.7), *corners(3)]), c.anchored(mu, 0.7).ravel()
        if np.count_nonzero(anchored) < 4:
            np.testing.assert_allclose(same, anchored, atol=1e-11)
        assert set(np.flatnonzero(same)) <= set(np.flatnonzero(anchored))


SOME = [(0.6, 0.2, 0.2), (0.5, 0.5, 0.0), (0.1, 0.2, 0.7), (0.333333, 0.333333, 0.333333)]


@pytest.mark.parametrize(
    "trained",
    [
        [*corners(2), Preference((0.9, 0.1)), Preference((0.5, 0.5))],
        [*corners(3), *map(Preference, SOME)],
        [*corners(3), *rows(3, 0.6)],
    ],
)
def test_nearest_mixes_to_the_preference_without_jumps_and_is_one_hot_at_a_trained_one(trained):
    n = len(trained[0])
    for i, mu in enumerate(trained):
        np.testing.assert_array_equal(c.nearest(mu, trained), np.eye(len(trained))[i])
    rng = np.random.default_rng(0)
    for start, end in rng.dirichlet(np.ones(n), (20, 2)):
        path = [Preference((start + (end - start) * t).tolist()) for t in np.linspace(0, 1, 101)]
        found = np.array([c.nearest(mu, trained) for mu in path])
        assert found.min() >= 0
        np.testing.assert_allclose(found.sum(axis=1), 1)
        np.testing.assert_allclose(found @ np.array(trained), path, atol=1e-5)
        assert abs(np.diff(found, axis=0)).max() < 0.15


def test_nearest_uses_the_neighbours_on_the_line_and_equals_share():
    trained = [*corners(2), Preference((0.8, 0.2)), Preference((0.5, 0.5)), Preference((0.5, 0.5))]
    np.testing.assert_allclose(c.nearest(Preference((0.6, 0.4)), trained), [0, 0, 1 / 3, 1 / 3, 1 / 3])
