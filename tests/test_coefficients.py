"""The closed form, its errors, and the analytic two-quadratic example of the paper."""

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
        assert [str(value) for value in c.merging_coefficients("bone-soup", mu, 0.7).tolist()] == expected


def test_a_corner_extrapolates():
    np.testing.assert_allclose(c.merging_coefficients("bone-soup", (1, 0), 0.7), (1.75, -0.75))
    np.testing.assert_allclose(c.extrapolate(np.array([1.75, -0.75]), 0.2), (2.1, -0.9))


def test_baselines():
    np.testing.assert_allclose(c.merging_coefficients("rewarded-soup", (3, 1), 0.7), (0.75, 0.25))
    np.testing.assert_allclose(c.merging_coefficients("no-mapping", (3, 1), 0.7), (0.75, 0.25))
    np.testing.assert_allclose(c.merging_coefficients("base", (3, 1), 0.7), (0, 0))


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


def test_unknown_method_and_bad_extrapolation():
    with pytest.raises(ValueError, match="'soup'"):
        c.merging_coefficients("soup", (1, 1), 0.7)
    with pytest.raises(ValueError, match="strength is -1"):
        c.extrapolate(np.ones(2), -1)


def test_two_quadratic_rewards_bone_soup_beats_rewarded_soup_where_theorem_1_says():
    """r_i = -k_i (theta - theta_i)^2: utility of both merges against the optimum, inside the interval."""
    beta, s = 0.7, np.sqrt(2 * 0.7**2 - 2 * 0.7 + 1)
    k, target = np.array([1.0, 8.0]), np.array([0.0, 1.0])

    def best(mu):
        return (mu * k * target).sum() / (mu * k).sum()

    def utility(theta, mu):
        return -(mu * k * (theta - target) ** 2).sum()

    backbones = np.array([best(row) for row in c.backbone_matrix(2, beta)])
    for mu_1 in np.linspace(0.5 - s / 2 + 0.01, 0.5 + s / 2 - 0.01, 25):
        mu = np.array([mu_1, 1 - mu_1])
        bone = utility(c.bone_soup(mu, beta) @ backbones, mu)
        rewarded = utility(mu @ target, mu)
        assert bone > rewarded
        assert bone <= utility(best(mu), mu) + 1e-12
