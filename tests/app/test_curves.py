"""The geometry of fronts in a plane."""

import numpy as np
import pytest

from app import curves
from backbones.merging import front as fronts
from backbones.merging.preference import Preference
from tests.fake import fake_set


def test_a_curve_is_what_is_expected_along_the_edge_of_its_plane():
    points = fake_set(3).points("bone-soup")
    line = curves.curve(points, (0, 2))
    for k in (0, 13, 50, 100):
        mu = Preference((1 - k / 100, 0.0, k / 100))
        np.testing.assert_allclose(line[k], np.array(fronts.expected("bone-soup", points, mu))[[0, 2]], atol=1e-5)
    assert [k for k, _ in curves.edge(points, (0, 2))] == [
        k for k, point in enumerate(points) if point.preference[1] == 0
    ]


def test_a_method_extrapolates_where_a_coefficient_leaves_0_to_1():
    soup_set = fake_set()
    mask = curves.extrapolates("bone-soup", soup_set, (0, 1), 2)
    assert mask[:30].all() and not mask[30:71].any() and mask[71:].all()  # rows of B: 70/30 and 30/70
    assert not curves.extrapolates("rewarded-soup", soup_set, (0, 1), 2).any()
    assert not curves.extrapolates("bone-soup-anchored", soup_set, (0, 1), 2).any()
    assert curves.extrapolates("bone-soup", fake_set(3), (0, 1), 3).all()  # nothing for the third: below 0 everywhere


def test_pieces_of_a_line_reach_their_neighbours():
    line = np.arange(10.0).reshape(5, 2)
    mask = np.array([False, False, True, False, False])
    np.testing.assert_array_equal(np.isnan(curves.pieces(line, mask)[:, 0]), [True, False, False, False, True])
    assert np.isnan(curves.pieces(line, np.zeros(5, bool))).all()


def test_the_longest_stretch_begins_in_its_middle():
    line = np.stack([np.arange(12.0), np.zeros(12)], axis=1)
    mask = np.array([True, True] + [False] * 3 + [True] * 7)
    assert curves.longest(line, mask)[:, 0].tolist() == [7, 9, 5, 11]


def test_the_gap_is_what_one_front_dominates_and_the_other_does_not():
    share = np.linspace(0, 1, 101)
    straight, shifted = np.stack([share, 1 - share], axis=1), np.stack([share, 1.1 - share], axis=1)
    more, less = curves.gap(shifted, straight)
    assert curves.area(more) == pytest.approx(0.1, abs=1e-6) and curves.area(less) == pytest.approx(0, abs=1e-9)
    crossing = np.stack([share, np.where(share < 0.5, 1.1, 0.9) - share], axis=1)
    more, less = curves.gap(crossing, straight)
    assert curves.area(more) == pytest.approx(0.05, abs=0.005) and curves.area(less) == pytest.approx(0.05, abs=0.005)
    assert [len(outline) for outline in curves.gap(straight, straight + 5)] == [0, 0]  # nothing above each other


def test_a_confidence_ellipse_holds_95_percent_of_what_its_covariance_draws():
    covariance = np.array([[0.04, 0.015], [0.015, 0.01]])
    outline = curves.ellipse((1.0, 2.0), covariance)
    inverse = np.linalg.inv(covariance)
    distances = [d @ inverse @ d for d in outline - (1.0, 2.0)]
    np.testing.assert_allclose(distances, 5.991, atol=1e-6)
    draws = np.random.default_rng(0).multivariate_normal((0, 0), covariance, 20_000)
    assert np.mean(np.einsum("ij,jk,ik->i", draws, inverse, draws) < distances[0]) == pytest.approx(0.95, abs=0.01)
