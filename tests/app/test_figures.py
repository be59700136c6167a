"""Figures: fronts, expected positions, texts of the session, sweeps."""

import json
from dataclasses import replace

import numpy as np
import pytest

from app import sweep as sweeps
from app.choices import Choices
from app.figures import COLOURS, colour, ellipse, front_figure, views
from app.history import Entry
from backbones.engine.request import Request, Text
from backbones.merging.methods import METHODS
from backbones.merging.preference import Preference
from tests.fake import fake_set

COLUMNS = ["bone-soup", "rewarded-soup", "morlhf"]
LABELS, THREE = ["Complete", "Concise"], ["Complete", "Concise", "Upbeat"]
EVEN = Preference.equal(2)


def drawn(n=2, methods=COLUMNS, mu=EVEN, view="0-1", entries=(), sweep=None):
    soup_set = fake_set(n)
    return front_figure(soup_set.front, soup_set.objectives, methods, mu, view, entries, sweep)


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def entry(number, rewards, text="One", preference=(0.5, 0.5)):
    request = Request({"name": "A"}, Preference(preference), "bone-soup")
    scored = dict(zip(("complete", "concise", "upbeat"), rewards))
    return Entry("fake-2", Text(request, text, text, 1, True, scored), "write", number)


def test_expected_positions_follow_the_preference_with_their_intervals():
    for mu in (Preference((0.35, 0.65)), Preference((1.0, 0.0))):
        (marker,) = traces(drawn(mu=mu), "Rewarded Soup, expected")
        np.testing.assert_allclose((marker.x[0], marker.y[0]), (0.3 + 0.65 * mu[0], 0.3 + 0.65 * mu[1]), atol=1e-4)
        assert marker.error_x.array[0] == pytest.approx(0.02) and marker.marker.color == COLOURS["rewarded-soup"]
        assert marker.text[0] == f"Complete {0.3 + 0.65 * mu[0]:.2f}, Concise {0.3 + 0.65 * mu[1]:.2f}"


def test_every_text_gets_a_marker_and_several_texts_a_mean_with_error_bars():
    texts = [entry(1, [0.2, 0.4]), entry(2, [0.4, 0.8]), entry(3, [0.9, 0.1], preference=(0.9, 0.1))]
    figure = drawn(entries=texts)
    (faint,), (mean,) = traces(figure, "Bone Soup, one text"), traces(figure, "Bone Soup, written")
    assert list(faint.x) == [0.2, 0.4] and faint.marker.opacity < 0.5
    np.testing.assert_allclose(mean.x, (0.3, 0.9))
    np.testing.assert_allclose(mean.error_y.array, (0.2, 0), atol=1e-4)
    assert [json.loads(key) for key, *_ in faint.customdata] == [["text", 1], ["text", 2]]


def test_hover_texts_are_escaped():
    html = drawn(entries=[entry(1, [0.2, 0.4], "<img src=x>")]).to_json()
    assert "img src" in html and "<img" not in html.replace("\\u003c", "<")


@pytest.mark.parametrize(("n", "view"), [(2, "0-1"), (3, "0-1"), (3, "1-2"), (3, "3d")])
def test_labels_of_a_set_are_text_to_plotly_wherever_they_are_shown(n, view):
    label = '<img src=x onerror="alert(1)"> & <b>'
    soup_set = fake_set(n)
    objectives = [replace(objective, label=label) for objective in soup_set.objectives]
    mu = Preference.equal(n)
    choices = Choices(soup_set, ("bone-soup", "mod"), mu, {"name": "A"})
    rewards = dict.fromkeys(("complete", "concise", "upbeat"), 0.5)
    written = [Text(request, "t", "t", 1, True, rewards) for request in choices.requests(sweeps.grid(n))]
    texts = [entry(i, [0.2, 0.4, 0.6], preference=mu) for i in (1, 2)]
    methods = ["bone-soup", "mod"]
    figure = front_figure(soup_set.front, objectives, methods, mu, view, texts, sweeps.made(choices, written))
    assert "&lt;img src=x" in figure.to_json()
    strings = list(strings_in(json.loads(figure.to_json())))
    assert strings and not any("<img" in text or "& <" in text for text in strings)
    if view == "3d":
        assert figure.layout.scene.xaxis.title.text == '‹img src=x onerror="alert(1)"› & ‹b› →'


def strings_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings_in(one)


def test_the_figure_suits_light_and_dark_pages():
    for view, n in (("0-1", 2), ("3d", 3)):
        figure = drawn(n, mu=Preference.equal(n), view=view)
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.scene.xaxis.showbackground is False


def test_a_plane_of_three_objectives_shows_two_and_the_third_as_colour():
    figure = drawn(3, ["rewarded-soup"], Preference((0.2, 0.3, 0.5)), "1-2")
    (points,), (expected,) = traces(figure, "Rewarded Soup"), traces(figure, "Rewarded Soup, expected")
    assert points.mode == "markers" and len(points.x) == 28
    np.testing.assert_allclose((expected.x[0], expected.y[0]), 0.3 + 0.65 * np.array((0.3, 0.5)), atol=1e-4)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Concise →", "Upbeat →")
    first = np.array([point.rewards[0] for point in fake_set(3).points("rewarded-soup")])
    np.testing.assert_allclose(points.marker.color, first, atol=1e-4)
    assert points.marker.line.color == COLOURS["rewarded-soup"]
    assert figure.layout.coloraxis.colorbar.title.text == "Complete"


def test_three_objectives_in_space():
    texts = [entry(1, [0.2, 0.4, 0.6], preference=(0.2, 0.3, 0.5))]
    figure = drawn(3, mu=Preference((0.2, 0.3, 0.5)), view="3d", entries=texts)
    (points,), (written,) = traces(figure, "Bone Soup"), traces(figure, "Bone Soup, written")
    assert points.type == "scatter3d" and len(points.z) == 28 and points.error_z.array[0] == pytest.approx(0.02)
    assert (written.x[0], written.y[0], written.z[0]) == (0.2, 0.4, 0.6)
    assert figure.layout.scene.zaxis.title.text == "Upbeat →"
    assert views(THREE)[-1] == ("3-D", "3d") and len(views(THREE)) == 4 and len(views(LABELS)) == 1


def test_every_marker_of_a_front_says_which_point_it_is():
    (points,) = traces(drawn(), "Bone Soup")
    assert [json.loads(key) for key, *_ in points.customdata] == [["front", "bone-soup", i] for i in range(11)]


def test_a_sweep_is_drawn_as_a_front_of_means_per_method():
    choices = Choices(fake_set(), ("bone-soup", "mod"), EVEN, {"name": "A"}, samples=2)
    requests = choices.requests(sweeps.grid(2))
    rewards = [{"complete": one.preference[0], "concise": 0.2 + 0.2 * (one.seed % 2)} for one in requests]
    texts = [Text(one, "t", "t", 1, True, reward) for one, reward in zip(requests, rewards, strict=True)]
    figure = drawn(methods=["bone-soup", "mod"], sweep=sweeps.made(choices, texts))
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
    assert len(traces(drawn(methods=["mod", "mod"]), "MOD")) == 1


def test_a_set_that_was_not_measured_shows_its_texts_alone():
    figure = front_figure(None, fake_set().objectives, COLUMNS, EVEN, entries=[entry(1, [0.2, 0.4])])
    assert [trace.name for trace in figure.data] == ["Bone Soup, written"]


def test_every_method_has_a_colour_of_its_own():
    colours = [colour(method) for method in METHODS]
    assert len(set(colours)) == len(METHODS) and list(COLOURS) == list(METHODS)
