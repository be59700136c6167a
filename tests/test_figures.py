"""Figures: fronts, expected positions, markers."""

import numpy as np
import pytest

from app.figures import COLOURS, ellipse, front_figure
from tests.fake import fake_set

LABELS, METHODS = ["Complete", "Concise"], ["bone-soup", "rewarded-soup", "morlhf"]


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_expected_positions_follow_the_preference():
    front = fake_set().front
    for mu in ((0.35, 0.65), (1.0, 0.0)):
        (marker,) = traces(front_figure(front, LABELS, METHODS, np.array(mu), []), "Rewarded Soup, expected")
        np.testing.assert_allclose((marker.x[0], marker.y[0]), (0.3 + 0.65 * mu[0], 0.3 + 0.65 * mu[1]))
        assert marker.marker.color == COLOURS["rewarded-soup"]


def test_every_text_gets_a_marker_and_several_texts_a_mean():
    mark = {
        "method": "bone-soup",
        "preference": (0.5, 0.5),
        "texts": [("One", [0.2, 0.4]), ("Two", [0.4, 0.8])],
    }
    figure = front_figure(fake_set().front, LABELS, METHODS, np.array((0.5, 0.5)), [mark])
    (faint,), (mean,) = traces(figure, "Bone Soup, one text"), traces(figure, "Bone Soup, written")
    assert list(faint.x) == [0.2, 0.4] and faint.marker.opacity < 0.5
    np.testing.assert_allclose((mean.x[0], mean.y[0]), (0.3, 0.6))


def test_hover_texts_are_escaped():
    mark = {"method": "bone-soup", "preference": (0.5, 0.5), "texts": [("<img src=x>", [0.2, 0.4])]}
    html = front_figure(fake_set().front, LABELS, METHODS, np.array((0.5, 0.5)), [mark]).to_json()
    assert (
        "img src" in html
        and "<img" not in html.replace("\\u003c", "<")
        and "<b>pub" not in html.replace("\\u003c", "<")
    )


def test_the_figure_suits_light_and_dark_pages():
    figure = front_figure(fake_set().front, LABELS, METHODS, np.array((0.5, 0.5)), [])
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_a_plane_of_three_objectives_shows_the_two_chosen():
    front, labels = fake_set(3).front, ["Complete", "Concise", "Upbeat"]
    figure = front_figure(front, labels, ["rewarded-soup"], np.array((0.2, 0.3, 0.5)), [], axes=(1, 2))
    (points,), (expected,) = traces(figure, "Rewarded Soup"), traces(figure, "Rewarded Soup, expected")
    assert points.mode == "markers" and len(points.x) == 28
    np.testing.assert_allclose((expected.x[0], expected.y[0]), 0.3 + 0.65 * np.array((0.3, 0.5)), atol=1e-5)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Concise →", "Upbeat →")


def test_a_confidence_ellipse_holds_95_percent_of_what_its_covariance_draws():
    covariance = np.array([[0.04, 0.015], [0.015, 0.01]])
    outline = ellipse((1.0, 2.0), covariance)
    inverse = np.linalg.inv(covariance)
    distances = [d @ inverse @ d for d in outline - (1.0, 2.0)]
    np.testing.assert_allclose(distances, 5.991, atol=1e-6)
    draws = np.random.default_rng(0).multivariate_normal((0, 0), covariance, 20_000)
    assert np.mean(np.einsum("ij,jk,ik->i", draws, inverse, draws) < distances[0]) == pytest.approx(0.95, abs=0.01)


def test_a_method_chosen_twice_is_drawn_once():
    figure = front_figure(fake_set().front, LABELS, ["mod", "mod"], np.array((0.5, 0.5)), [])
    assert len(traces(figure, "MOD")) == 1
