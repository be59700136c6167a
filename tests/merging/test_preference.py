"""Preferences: what is taken for one, what it is for people, and the lattice."""

import pickle

import numpy as np
import pytest

from backbones.merging.preference import PARTS, Preference, lattice


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.5, -0.1), r"preference \[0\.5, -0\.1\] holds a negative number"),
        ((0, 0), "all zero"),
        ((float("nan"), 1), "NaN"),
        ((float("inf"), 1), "infinity"),
        ((1, 1, 1), r"preference \(1, 1, 1\) has shape \(3,\): give 2 numbers, one per objective"),
        ((), "one per objective"),
        (((1, 1), (1, 1)), "one per objective"),
    ],
)
def test_bad_preferences_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        Preference.of(values, 2)


@pytest.mark.parametrize("values", [(70, 30), [0.7, 0.3], np.array([7, 3]), (1.4, 0.6)])
def test_any_numbers_become_shares(values):
    mu = Preference.of(values, 2)
    assert mu == pytest.approx((0.7, 0.3)) and sum(mu) == pytest.approx(1, abs=1e-15)
    assert isinstance(mu, tuple) and {type(share) for share in mu} == {float}


def test_a_preference_is_not_changed_by_another_check():
    for values in np.random.default_rng(0).exponential(size=(1000, 3)):
        mu = Preference.of(values, 3)
        assert Preference.of(mu, 3) == mu
    with pytest.raises(ValueError, match="one per objective"):
        Preference.of(mu, 2)


def test_the_same_share_for_everyone():
    assert Preference.equal(2) == (0.5, 0.5)
    assert Preference.equal(3) == pytest.approx([1 / 3] * 3)


def test_what_people_and_files_read():
    assert str(Preference.of((7, 3), 2)) == "70 % / 30 %"
    assert str(Preference.equal(3)) == "33 % / 33 % / 33 %"
    assert Preference.equal(3).rounded == [0.333333] * 3


def test_distances_are_euclidean():
    assert Preference((1.0, 0.0)).distance((0.0, 1.0)) == pytest.approx(2**0.5)
    assert Preference.equal(3).distance(Preference.equal(3)) == 0


def test_pickling_keeps_every_bit():
    for values in np.random.default_rng(0).dirichlet(np.ones(3), 100):
        mu = Preference.of(values, 3)
        again = pickle.loads(pickle.dumps(mu))
        assert type(again) is Preference and [share.hex() for share in again] == [share.hex() for share in mu]


@pytest.mark.parametrize(("n", "parts", "points"), [(2, 10, 11), (3, 6, 28), (4, 3, 20)])
def test_the_lattice_covers_the_simplex_evenly(n, parts, points):
    grid = lattice(n, parts)
    assert np.shape(grid) == (points, n) and len(set(grid)) == points
    np.testing.assert_allclose(np.sum(grid, axis=1), 1)
    assert grid[0] == (1.0, *[0.0] * (n - 1)) and grid[-1] == (*[0.0] * (n - 1), 1.0)
    np.testing.assert_array_equal(np.array(grid) * parts, np.round(np.array(grid) * parts))
    assert lattice(n) == grid and PARTS.get(n, 3) == parts
    assert all(type(mu) is Preference and Preference.of(mu, n) == mu for mu in grid)
