"""Expected positions and metrics against values worked out by hand."""

import numpy as np
import pytest

from backbones import front

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


def test_expected_positions_lie_on_and_between_the_points():
    points = [{"preference": list(mu), "rewards": [mu[0] ** 2, mu[1]]} for mu in MUS[::-1]]
    np.testing.assert_allclose(front.expected(points, (0.5, 0.5)), (0.25, 0.5))
    np.testing.assert_allclose(front.expected(points, (0.75, 0.25)), (0.625, 0.25))
