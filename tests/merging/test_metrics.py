"""Metrics against values worked out by hand, and their words."""

from dataclasses import replace

import numpy as np
import pytest

from backbones.merging import metrics
from backbones.merging.front import Front, Metric, SeedFront
from tests.fake import fake_set

MUS = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])


def test_metrics_of_a_small_front():
    rewards = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    found = metrics.of_front(MUS, rewards, np.array([0.0, 0.0]))
    assert list(found) == list(metrics.KINDS)
    assert found["hypervolume"] == pytest.approx(0.25)
    assert found["inner_product"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert found["controllability"] == 1
    assert found["length"] == 3
    assert found["sparsity"] == pytest.approx(0.25)
    assert found["spacing"] == pytest.approx(0)


def test_a_dominated_point_shortens_the_front_and_disorder_lowers_controllability():
    rewards = np.array([[0.2, 0.9], [0.1, 0.3], [0.9, 0.1]])
    found = metrics.of_front(MUS, rewards, np.array([0.0, 0.0]))
    assert found["length"] == 2
    assert found["controllability"] == pytest.approx((1 / 3 + 1) / 2)


def test_reversed_rewards_give_controllability_minus_one():
    assert metrics.of_front(MUS, MUS[::-1], np.zeros(2))["controllability"] == -1


def test_of_equal_points_the_first_is_kept():
    assert metrics.non_dominated(np.array([[0.5, 0.5], [0.5, 0.5], [0.4, 0.5]])).tolist() == [True, False, False]


def test_three_objectives_have_a_volume():
    rewards = np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.5], [0.5, 0.5, 1.0]])
    assert metrics.hypervolume(rewards, np.zeros(3)) == pytest.approx(0.5**3 + 3 * 0.5**3)


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
    front = differing(metric, low, high)
    assert metrics.verdict(front, "mod", metric) == expected
    assert metrics.verdict(front, "rewarded-soup", metric) is None
    assert metrics.seeds(front, "mod") == "1 training seed"


def differing(metric: str, low: float, high: float, *others: float) -> Front:
    """A front on which MOD differs from the baseline by [low, high], and by `others` with other training seeds; the
    last has been trained for Bone Soup alone."""
    front = fake_set().front
    methods = front.methods | {
        "mod": replace(front.methods["mod"], minus_baseline={metric: Metric(0, low, high)}),
        "rewarded-soup": replace(front.methods["rewarded-soup"], minus_baseline={}),
    }
    found = [{"mod": {metric: 0.5 + other}, "rewarded-soup": {metric: 0.5}} for other in others]
    found.append({"bone-soup": {metric: 0.9}, "rewarded-soup": {metric: 0.5}})
    return replace(front, methods=methods, training_seeds=tuple(SeedFront(1, {}, {}, seed, {}) for seed in found))


@pytest.mark.parametrize(
    ("metric", "low", "high", "others", "expected"),
    [
        ("hypervolume", 0.1, 0.2, (0.3, 0.01), "better"),
        ("hypervolume", 0.1, 0.2, (0.3, -0.01), "tie"),
        ("hypervolume", 0.1, 0.2, (0.0,), "tie"),
        ("hypervolume", -0.1, 0.2, (0.3, 0.3), "tie"),
        ("hypervolume", -0.2, -0.1, (-0.3,), "worse"),
        ("sparsity", -0.2, -0.1, (-0.3,), "better"),
        ("sparsity", -0.2, -0.1, (0.3,), "tie"),
    ],
)
def test_a_verdict_needs_every_training_seed(metric, low, high, others, expected):
    front = differing(metric, low, high, *others)
    assert metrics.verdict(front, "mod", metric) == expected
    assert metrics.seeds(front, "mod") == f"{1 + len(others)} training seeds"
    assert metrics.seeds(front, "rewarded-soup") == f"{2 + len(others)} training seeds"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("hypervolume", ("0.123", "[0.100, 12.000]")),
        ("sparsity", ("0.1235", "[0.1000, 12.0000]")),
        ("length", ("0", "[0, 12]")),
    ],
)
def test_people_read_as_many_digits_as_mean_something(name, shown):
    assert metrics.with_interval(name, Metric(0.12346, 0.1, 12)) == shown


def test_arrows_say_whether_more_is_better():
    assert all(kind.label[-1] == ("↑" if kind.up else "↓") for kind in metrics.KINDS.values())
