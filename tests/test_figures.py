"""Figures: fronts, expected positions, texts of the session, sweeps."""

import json

import numpy as np
import pytest

from app import sweep as sweeps
from app.choices import Choices
from app.figures import COLOURS, ellipse, front_figure, views
from backbones.writer import Text
from tests.fake import fake_set

LABELS, METHODS = ["Complete", "Concise"], ["bone-soup", "rewarded-soup", "morlhf"]
THREE = [*LABELS, "Upbeat"]
EVEN = np.array((0.5, 0.5))


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def entry(number, rewards, text="One", preference=(0.5, 0.5)):
    return {
        "id": number,
        "method": "bone-soup",
        "preference": list(preference),
        "facts": {"name": "A"},
        "text": text,
        "rewards": dict(zip(("complete", "concise", "upbeat"), rewards)),
    }


def test_expected_positions_follow_the_preference_with_their_intervals():
    front = fake_set().front
    for mu in ((0.35, 0.65), (1.0, 0.0)):
        (marker,) = traces(front_figure(front, LABELS, METHODS, np.array(mu)), "Rewarded Soup, expected")
        np.testing.assert_allclose((marker.x[0], marker.y[0]), (0.3 + 0.65 * mu[0], 0.3 + 0.65 * mu[1]), atol=1e-4)
        assert marker.error_x.array[0] == pytest.approx(0.02) and marker.marker.color == COLOURS["rewarded-soup"]


def test_every_text_gets_a_marker_and_several_texts_a_mean_with_error_bars():
    texts = [entry(1, [0.2, 0.4]), entry(2, [0.4, 0.8]), entry(3, [0.9, 0.1], preference=(0.9, 0.1))]
    figure = front_figure(fake_set().front, LABELS, METHODS, EVEN, texts=texts)
    (faint,), (mean,) = traces(figure, "Bone Soup, one text"), traces(figure, "Bone Soup, written")
    assert list(faint.x) == [0.2, 0.4] and faint.marker.opacity < 0.5
    np.testing.assert_allclose(mean.x, (0.3, 0.9))
    np.testing.assert_allclose(mean.error_y.array, (0.2, 0), atol=1e-4)
    assert [json.loads(key) for key, *_ in faint.customdata] == [["text", 1], ["text", 2]]


def test_hover_texts_are_escaped():
    html = front_figure(fake_set().front, LABELS, METHODS, EVEN, texts=[entry(1, [0.2, 0.4], "<img src=x>")]).to_json()
    assert "img src" in html and "<img" not in html.replace("\\u003c", "<")


def test_the_figure_suits_light_and_dark_pages():
    for view, n, labels in (("0-1", 2, LABELS), ("3d", 3, THREE)):
        figure = front_figure(fake_set(n).front, labels, METHODS, np.full(n, 1 / n), view)
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.scene.xaxis.showbackground is False


def test_a_plane_of_three_objectives_shows_two_and_the_third_as_colour():
    figure = front_figure(fake_set(3).front, THREE, ["rewarded-soup"], np.array((0.2, 0.3, 0.5)), "1-2")
    (points,), (expected,) = traces(figure, "Rewarded Soup"), traces(figure, "Rewarded Soup, expected")
    assert points.mode == "markers" and len(points.x) == 28
    np.testing.assert_allclose((expected.x[0], expected.y[0]), 0.3 + 0.65 * np.array((0.3, 0.5)), atol=1e-4)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Concise →", "Upbeat →")
    first = np.array([point["rewards"][0] for point in fake_set(3).front["methods"]["rewarded-soup"]["points"]])
    np.testing.assert_allclose(points.marker.color, first, atol=1e-4)
    assert points.marker.line.color == COLOURS["rewarded-soup"]
    assert figure.layout.coloraxis.colorbar.title.text == "Complete"


def test_three_objectives_in_space():
    texts = [entry(1, [0.2, 0.4, 0.6], preference=(0.2, 0.3, 0.5))]
    figure = front_figure(fake_set(3).front, THREE, METHODS, np.array((0.2, 0.3, 0.5)), "3d", texts)
    (points,), (written,) = traces(figure, "Bone Soup"), traces(figure, "Bone Soup, written")
    assert points.type == "scatter3d" and len(points.z) == 28 and points.error_z.array[0] == pytest.approx(0.02)
    assert (written.x[0], written.y[0], written.z[0]) == (0.2, 0.4, 0.6)
    assert figure.layout.scene.zaxis.title.text == "Upbeat →"
    assert views(THREE)[-1] == ("3-D", "3d") and len(views(THREE)) == 4 and len(views(LABELS)) == 1


def test_every_marker_of_a_front_says_which_point_it_is():
    (points,) = traces(front_figure(fake_set().front, LABELS, METHODS, EVEN), "Bone Soup")
    assert [json.loads(key) for key, *_ in points.customdata] == [["front", "bone-soup", i] for i in range(11)]


def test_a_sweep_is_drawn_as_a_front_of_means_per_method():
    choices = Choices(fake_set(), ("bone-soup", "mod"), (0.5, 0.5), {"name": "A"}, samples=2)
    orders = choices.orders(sweeps.grid(2))
    rewards = [{"complete": o.preference[0], "concise": 0.2 + 0.2 * (o.seed % 2)} for o in orders]
    sweep = sweeps.made(choices, [Text("t", "t", 1, True, r) for r in rewards])
    figure = front_figure(fake_set().front, LABELS, ["bone-soup", "mod"], EVEN, sweep=sweep)
    (own,) = traces(figure, "Bone Soup, this prompt")
    np.testing.assert_allclose(own.x, np.linspace(1, 0, 11))
    np.testing.assert_allclose(own.y, np.full(11, 0.3))
    assert json.loads(own.customdata[3][0]) == ["sweep", 0, 3]
    assert len(traces(figure, "MOD, this prompt")) == 1


def test_a_confidence_ellipse_holds_95_percent_of_what_its_covariance_draws():
    covariance = np.array([[0.04, 0.015], [0.015, 0.01]])
    outline = ellipse((1.0, 2.0), covariance)
    inverse = np.linalg.inv(covariance)
    distances = [d @ inverse @ d for d in outline - (1.0, 2.0)]
    np.testing.assert_allclose(distances, 5.991, atol=1e-6)
    draws = np.random.default_rng(0).multivariate_normal((0, 0), covariance, 20_000)
    assert np.mean(np.einsum("ij,jk,ik->i", draws, inverse, draws) < distances[0]) == pytest.approx(0.95, abs=0.01)


def test_a_method_chosen_twice_is_drawn_once():
    figure = front_figure(fake_set().front, LABELS, ["mod", "mod"], EVEN)
    assert len(traces(figure, "MOD")) == 1
