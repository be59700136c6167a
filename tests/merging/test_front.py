"""Expected positions against values worked out by hand; the file of the shipped fronts, and damaged ones."""

import json
from dataclasses import fields

import numpy as np
import pytest

from backbones.merging import front
from backbones.merging.front import Example, Front, Metric, Point
from backbones.merging.methods import METHODS
from backbones.merging.preference import Preference, lattice
from backbones.store.soup_set import SETS, shipped


def point(mu, rewards, **ends):
    """A point at the preference mu with these mean rewards."""
    rewards = tuple(float(reward) for reward in rewards)
    ends = {"low": rewards, "high": rewards} | ends
    return Point(Preference(mu), rewards, covariance=(), words=0, log_probability=0, repeated=0, example=NONE, **ends)


NONE = Example("", "")
MUS = [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)]


@pytest.mark.parametrize(("n", "parts"), [(2, 10), (3, 6), (4, 2)])
def test_interpolation_on_a_lattice_is_exact_for_linear_rewards_and_at_its_points(n, parts):
    grid, plane = lattice(n, parts), np.arange(n * n).reshape(n, n) ** 1.5
    points = [point(mu.rounded, mu @ plane) for mu in grid]
    for mu in (*np.random.default_rng(0).dirichlet(np.ones(n), 100), *grid, *np.eye(n)):
        np.testing.assert_allclose(front.interpolated(points, Preference(mu)), mu @ plane, atol=1e-4)
    bent = [point(mu, [k]) for k, mu in enumerate(grid)]
    values = [
        front.interpolated([point(p.preference, [*p.rewards, *[0] * (n - 1)]) for p in bent], mu)[0] for mu in grid
    ]
    assert values == list(range(len(grid)))


def test_oracles_and_base_are_expected_at_their_nearest_point():
    points = [point(mu, [mu[0], 0]) for mu in MUS]
    for method in METHODS:
        reached = front.expected(method, points, Preference((0.7, 0.3)))
        assert reached == pytest.approx([0.5 if method in ("morlhf", "base") else 0.7, 0])


def test_expected_positions_lie_on_and_between_the_points():
    points = [point(mu, [mu[0] ** 2, mu[1]]) for mu in MUS[::-1]]
    assert front.expected("bone-soup", points, Preference((0.5, 0.5))) == pytest.approx((0.25, 0.5))
    assert front.expected("bone-soup", points, Preference((0.75, 0.25))) == pytest.approx((0.625, 0.25))


def test_ends_of_intervals_are_interpolated_as_rewards_are():
    points = [point(mu, mu, low=(mu[0] - 0.1, 0.0), high=(mu[0] + 0.2, 2.0)) for mu in MUS]
    for method, share in (("bone-soup", 0.7), ("morlhf", 0.5)):
        mu = Preference((0.7, 0.3))
        assert front.expected(method, points, mu, "low") == pytest.approx((share - 0.1, 0.0))
        assert front.expected(method, points, mu, "high") == pytest.approx((share + 0.2, 2.0))


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_front_is_written_as_it_was_read(name, tmp_path):
    file = SETS / name / "front.json"
    measured = front.read(file)
    measured.write(tmp_path / "front.json")
    assert (tmp_path / "front.json").read_bytes() == file.read_bytes()
    assert front.read(tmp_path / "front.json") == measured
    assert set(json.loads(file.read_text())) == {field.name for field in fields(Front)}
    assert measured.points("bone-soup") == measured.methods["bone-soup"].points
    assert measured.points("stew") == ()


def test_a_front_is_made_of_records():
    measured = front.read(SETS / "restaurants" / "front.json")
    one = measured.methods["bone-soup"]
    assert isinstance(one.points[0], Point) and type(one.points[0].preference) is Preference
    assert isinstance(one.points[0].example, Example) and isinstance(one.metrics["hypervolume"], Metric)
    assert measured.methods["rewarded-soup"].hypervolume_over_baseline is None
    assert isinstance(one.hypervolume_over_baseline, Metric)
    assert all(type(mu) is Preference for mu in measured.at_oracles.preferences)
    for kept in (one.points, one.points[0].rewards, one.points[0].covariance[0], measured.objectives):
        assert isinstance(kept, tuple)


def without(data, *path):
    *parents, last = path
    for key in parents:
        data = data[key]
    del data[last]


FIRST = ("methods", "bone-soup", "points", 0)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: without(data, "format"), "format is None, this version reads format 1: measure it again"),
        (lambda data: data.update(format=99), "format is 99"),
        (lambda data: without(data, "at_oracles"), "the field 'at_oracles' is missing: measure it again"),
        (lambda data: without(data, "normalisation"), "is no front .*normalisation"),
        (lambda data: without(data, "methods", "bone-soup", "metrics"), "the field 'metrics' is missing"),
        (lambda data: without(data, *FIRST, "words"), "the field 'words' is missing"),
        (lambda data: data["methods"]["bone-soup"]["points"][0].update(preference=[2, -1]), "negative"),
        (lambda data: data["methods"]["bone-soup"]["points"][0].update(preference=[1]), "one per objective"),
        (lambda data: data["methods"]["mod"]["metrics"].update(length=3), "is no front"),
        (lambda data: data.update(methods=[]), "is no front"),
        (lambda data: data.update(surplus=1), "is no front .*surplus"),
    ],
)
def test_damaged_fronts_name_the_file_and_the_fault(tmp_path, damage, message):
    data = json.loads((SETS / "restaurants" / "front.json").read_text())
    damage(data)
    (tmp_path / "front.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=message) as error:
        front.read(tmp_path / "front.json")
    assert str(error.value).startswith(str(tmp_path / "front.json")) and "train.evaluate" in str(error.value)


@pytest.mark.parametrize("contents", [b"", b"{", b"\xff\xfe"])
def test_what_is_no_json_is_named(tmp_path, contents):
    (tmp_path / "front.json").write_bytes(contents)
    with pytest.raises(ValueError, match=r"front\.json is no valid JSON \(.*\): correct it"):
        front.read(tmp_path / "front.json")
    (tmp_path / "front.json").write_text("[]")
    with pytest.raises(ValueError, match=r"front\.json: format is None"):
        front.read(tmp_path / "front.json")
