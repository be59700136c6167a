"""Expected positions and metrics against values worked out by hand."""

import numpy as np
import pytest

from backbones import front
from backbones.coefficients import simplex_lattice

MUS = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])


def test_metrics_of_a_small_front():
    rewards = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    metrics = front.metrics(MUS, rewards, np.array([0.0, 0.0]))
    assert metrics["hypervolume"] == pytest.approx(0.25)
    assert metrics["inner_product"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert metrics["controllability"] == 1
    assert metrics["length"] == 3
    assert metrics["sparsity"] == pytest.approx(0.25)
    assert metrics["spacing"] == pytest.approx(0)


def test_a_dominated_point_shortens_the_front_and_disorder_lowers_controllability():
    rewards = np.array([[0.2, 0.9], [0.1, 0.3], [0.9, 0.1]])
    metrics = front.metrics(MUS, rewards, np.array([0.0, 0.0]))
    assert metrics["length"] == 2
    assert metrics["controllability"] == pytest.approx((1 / 3 + 1) / 2)


def test_reversed_rewards_give_controllability_minus_one():
    assert front.metrics(MUS, MUS[::-1], np.zeros(2))["controllability"] == -1


@pytest.mark.parametrize(("n", "parts"), [(2, 10), (3, 6), (4, 2)])
def test_interpolation_on_a_lattice_is_exact_for_linear_rewards_and_at_its_points(n, parts):
    lattice, plane = simplex_lattice(n, parts), np.arange(n * n).reshape(n, n) ** 1.5
    points = [{"preference": mu.round(6).tolist(), "rewards": (mu @ plane).tolist()} for mu in lattice]
    for mu in (*np.random.default_rng(0).dirichlet(np.ones(n), 100), *lattice, *np.eye(n)):
        np.testing.assert_allclose(front.expected(points, mu), mu @ plane, atol=1e-4)
    bent = [{"preference": mu.tolist(), "rewards": [float(k)]} for k, mu in enumerate(lattice)]
    assert [front.expected(bent, mu)[0] for mu in lattice] == list(range(len(lattice)))


def test_oracles_and_base_are_expected_at_their_nearest_point():
    points = [{"preference": list(mu), "rewards": [mu[0]]} for mu in MUS]
    assert front.expected_at("morlhf", points, (0.7, 0.3)) == [0.5]
    assert front.expected_at("bone-soup", points, (0.7, 0.3)) == [pytest.approx(0.7)]


@pytest.mark.parametrize(
    ("metric", "low", "high", "expected"),
    [
        ("hypervolume", 0.1, 0.2, "better"),
        ("hypervolume", -0.2, -0.1, "worse"),
        ("hypervolume", -0.1, 0.1, "tie"),
        ("hypervolume", 0.0, 0.1, "tie"),
        ("sparsity", -0.2, -0.1, "better"),
        ("spacing", 0.1, 0.2, "worse"),
    ],
)
def test_a_verdict_needs_an_interval_that_leaves_zero_out(metric, low, high, expected):
    assert front.verdict(metric, {"value": 0, "low": low, "high": high}) == expected


def test_three_objectives_have_a_volume():
    rewards = np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.5], [0.5, 0.5, 1.0]])
    assert front.hypervolume(rewards, np.zeros(3)) == pytest.approx(0.5**3 + 3 * 0.5**3)


def test_expected_positions_lie_on_and_between_the_points():
    points = [{"preference": list(mu), "rewards": [mu[0] ** 2, mu[1]]} for mu in MUS[::-1]]
    np.testing.assert_allclose(front.expected(points, (0.5, 0.5)), (0.25, 0.5))
    np.testing.assert_allclose(front.expected(points, (0.75, 0.25)), (0.625, 0.25))
