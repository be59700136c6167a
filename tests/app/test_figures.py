"""Figures: fronts, expected positions, texts of the session, sweeps."""

import json
from dataclasses import replace

import numpy as np
import pytest

from app import history
from app import sweep as sweeps
from app.canvas import SPACE
from app.choices import Choices
from app.colours import COLOURS, PAPER, colour, contrast
from app.figures import SYMBOLS, default_view, front_figure, views
from app.history import Entry
from backbones.engine.request import Request, Text
from backbones.merging.front import Front
from backbones.merging.methods import METHODS
from backbones.merging.preference import Preference
from tests.fake import fake_set

COLUMNS = ["bone-soup", "rewarded-soup", "morlhf"]
LABELS, THREE = ["Complete", "Concise"], ["Complete", "Concise", "Upbeat"]
EVEN = Preference.equal(2)


def drawn(n=2, methods=COLUMNS, mu=EVEN, view="0-1", entries=(), sweep=None, front=None):
    soup_set = fake_set(n)
    return front_figure(front or soup_set.front, soup_set.objectives, methods, mu, view, entries, sweep, soup_set)


def changed(front: Front, method: str, rewards) -> Front:
    """The front with other rewards for one method: `rewards` of a preference."""
    points = [
        replace(one, rewards=(got := tuple(rewards(one.preference))), low=got, high=got) for one in front.points(method)
    ]
    measured = replace(front.methods[method], points=tuple(points))
    return replace(front, methods=front.methods | {method: measured})


def traces(figure, name):
    """Those of a name, but for what is only in the key."""
    return [trace for trace in figure.data if trace.name == name and trace.x[0] is not None]


def entry(number, rewards, text="One", preference=(0.5, 0.5)):
    request = Request({"name": "A"}, Preference(preference), "bone-soup")
    scored = dict(zip(("complete", "concise", "upbeat"), rewards))
    return Entry("fake-2", Text(request, text, text, 1, True, scored), "write", number)


def test_expected_positions_follow_the_preference_with_their_intervals():
    for mu in (Preference((0.35, 0.65)), Preference((1.0, 0.0))):
        (marker,) = traces(drawn(mu=mu), "Rewarded Soup, expected")
        np.testing.assert_allclose((marker.x[0], marker.y[0]), (0.3 + 0.65 * mu[0], 0.3 + 0.65 * mu[1]), atol=1e-4)
        assert marker.error_x.array[0] == pytest.approx(0.02) and marker.marker.color == COLOURS["rewarded-soup"]
        assert f"Complete {0.3 + 0.65 * mu[0]:.2f}, Concise {0.3 + 0.65 * mu[1]:.2f}" in marker.customdata[0][1]


def test_every_text_gets_a_marker_and_several_texts_a_mean_with_error_bars():
    texts = [entry(1, [0.3, 0.4]), entry(2, [0.5, 0.8]), entry(3, [0.9, 0.3], preference=(0.9, 0.1))]
    figure = drawn(entries=texts)
    (faint,), (mean,) = traces(figure, "Bone Soup, one text"), traces(figure, "Bone Soup, written")
    assert list(faint.y) == [0.4, 0.8] and faint.marker.opacity < 0.5
    np.testing.assert_allclose(mean.x, (0.4, 0.9))
    np.testing.assert_allclose(mean.error_y.array, (0.2, 0), atol=1e-4)
    assert [json.loads(key) for key, *_ in faint.customdata] == [["text", 1], ["text", 2]]


def swept(choices, texts):
    """The sweep of texts of the left column, then of the right."""
    entries, half = history.entries("fake", texts, "sweep"), len(texts) // 2
    return sweeps.Sweep(choices, (entries[:half], entries[half:]))


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
    figure = front_figure(soup_set.front, objectives, methods, mu, view, texts, swept(choices, written))
    assert "&lt;img src=x" in figure.to_json()
    shown = json.loads(figure.to_json())
    del shown["layout"]["meta"]  # plain text, as that of markers, which the page shows as text
    for trace in shown["data"]:
        trace.pop("customdata", None)
    strings = list(strings_in(shown))
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
        for mode, inks in figure.layout.meta["ink"].items():
            assert all(contrast(ink, PAPER[mode]) >= 4.5 for ink in inks.values())
        assert figure.layout.font.color == figure.layout.meta["ink"]["light"]["font.color"]
        assert len(figure.layout.meta["ink"]["dark"]) == 1 + len(figure.layout.annotations)
    assert figure.layout.scene.xaxis.showbackground is False


def test_a_plane_of_three_objectives_shows_two_and_the_third_as_colour():
    figure = drawn(3, ["rewarded-soup"], Preference((0.2, 0.3, 0.5)), "1-2")
    (points,), (expected,) = traces(figure, "Rewarded Soup"), traces(figure, "Rewarded Soup, expected")
    assert points.mode == "markers" and len(points.x) == 28 and points.marker.symbol == SYMBOLS["rewarded-soup"]
    np.testing.assert_allclose((expected.x[0], expected.y[0]), 0.3 + 0.65 * np.array((0.3, 0.5)), atol=1e-4)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Concise →", "Upbeat →")
    first = np.array([point.rewards[0] for point in fake_set(3).points("rewarded-soup")])
    np.testing.assert_allclose(points.marker.color, first, atol=1e-4)
    assert points.marker.line.color == COLOURS["rewarded-soup"]
    assert figure.layout.coloraxis.colorbar.title.text == "Complete"


def test_three_objectives_in_space():
    texts = [entry(1, [0.3, 0.4, 0.6], preference=(0.2, 0.3, 0.5))]
    figure = drawn(3, mu=Preference((0.2, 0.3, 0.5)), view="3d", entries=texts)
    (points,), (written,) = traces(figure, "Bone Soup"), traces(figure, "Bone Soup, written")
    assert points.type == "scatter3d" and len(points.z) == 28 and points.error_z.array[0] == pytest.approx(0.02)
    assert (written.x[0], written.y[0], written.z[0]) == (0.3, 0.4, 0.6)
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
    figure = drawn(methods=["bone-soup", "mod"], sweep=swept(choices, texts))
    (own,) = traces(figure, "Bone Soup, this prompt")
    np.testing.assert_allclose(own.x[1:8], np.linspace(0.9, 0.3, 7))
    np.testing.assert_allclose(own.y, np.full(11, 0.3))
    (here,) = traces(figure, "Bone Soup, this prompt, here")
    assert (here.x[0], here.y[0]) == (0.5, 0.3) and json.loads(here.customdata[0][0]) == ["sweep", 0, 5]
    assert json.loads(own.customdata[3][0]) == ["sweep", 0, 3]
    (other,) = traces(figure, "MOD, this prompt")  # has the same rewards everywhere, and can be seen all the same
    assert (
        other.marker.symbol[0] == "cross-open" and other.marker.size > own.marker.size and list(other.x) == list(own.x)
    )


def test_a_method_chosen_twice_is_drawn_once():
    assert len(traces(drawn(methods=["mod", "mod"]), "MOD")) == 1


def test_a_set_that_was_not_measured_shows_its_texts_alone():
    figure = front_figure(None, fake_set().objectives, COLUMNS, EVEN, entries=[entry(1, [0.2, 0.4])])
    assert [trace.name for trace in figure.data] == ["Bone Soup, written", "texts you had written"]
    assert figure.layout.xaxis.range is None


def test_every_method_has_a_colour_of_its_own():
    colours = [colour(method) for method in METHODS]
    assert len(set(colours)) == len(METHODS) and list(COLOURS) == list(METHODS)


def test_every_method_has_a_symbol_of_its_own():
    assert len(set(SYMBOLS.values())) == len(METHODS) and list(SYMBOLS) == list(METHODS)


@pytest.mark.parametrize(("n", "view"), [(2, "0-1"), (3, "1-2"), (3, SPACE)])
def test_axes_hold_all_that_was_measured_and_stand_still(n, view):
    def axes(figure):
        named = [figure.layout.scene[f"{k}axis"] for k in "xyz"] if view == SPACE else figure.layout
        return [one.range for one in (named if view == SPACE else (named.xaxis, named.yaxis))]

    mu = Preference.equal(n)
    before = axes(drawn(n, mu=mu, view=view))
    assert all(low < 0.28 and high > 0.97 for low, high in before)
    texts = [entry(1, [0.0, 9.0, 0.1], preference=mu)]
    figure = drawn(n, ["mod", "base"], Preference(np.eye(n)[0].tolist()), view, texts)
    assert axes(figure) == before and figure.layout.uirevision == drawn(n, view=view, mu=mu).layout.uirevision


def test_a_text_outside_the_axes_stands_at_their_edge_points_out_and_says_what_it_reached():
    figure = drawn(entries=[entry(1, [0.0, 0.5]), entry(2, [0.5, 0.5], preference=(0.7, 0.3))])
    (written,) = traces(figure, "Bone Soup, written")
    low, _ = figure.layout.xaxis.range
    assert low < written.x[0] < 0.28 and written.y[0] == 0.5 and written.marker.symbol[0] == "triangle-left"
    assert "Complete 0.00" in written.customdata[0][1] and "Outside the axes" in written.customdata[0][1]
    assert written.marker.symbol[1] == "star" and "Outside" not in written.customdata[1][1]


def test_stars_in_one_place_are_outlines_around_each_other():
    texts = [
        entry(1, [0.5, 0.5]),
        entry(2, [0.5, 0.501], preference=(0.7, 0.3)),
        entry(3, [0.8, 0.5], preference=(0.9, 0.1)),
    ]
    other = replace(texts[0].text, request=replace(texts[0].text.request, method="rewarded-soup"))
    figure = drawn(entries=[*texts, Entry("fake-2", other, "write", 4)])
    (bone,), (rewarded,) = traces(figure, "Bone Soup, written"), traces(figure, "Rewarded Soup, written")
    sizes = [*bone.marker.size, *rewarded.marker.size]
    assert list(bone.marker.symbol) == ["star", "star-open", "star"] and list(rewarded.marker.symbol) == ["star-open"]
    assert sizes[0] == sizes[2] < sizes[1] < sizes[3]


def test_symbols_are_explained():
    figure = drawn(entries=[entry(1, [0.5, 0.5])])
    shown = {trace.name: trace.marker.symbol for trace in figure.data if trace.showlegend is not False}
    assert shown == {
        "oracles, to be reached": SYMBOLS["morlhf"],
        "expected at your preference": "diamond-open",
        "texts you had written": "star",
    }
    three = drawn(3, ["bone-soup", "mod"], Preference.equal(3))
    assert {"Bone Soup", "MOD"} <= {trace.name for trace in three.data if trace.showlegend is not False}


def test_where_coefficients_leave_0_to_1_the_line_is_dashed_and_says_so():
    figure = drawn(methods=["bone-soup", "rewarded-soup"])
    (solid,), (dashed,) = traces(figure, "Bone Soup, line"), traces(figure, "Bone Soup, extrapolates")
    reached = 0.3 + 0.65 * np.sqrt(0.7)  # at 70 % / 30 %, a row of B
    assert np.nanmax(solid.x) == pytest.approx(reached, abs=1e-3) and dashed.line.dash == "dash"
    beyond = np.array(dashed.x, dtype=float)
    assert np.nanmax(beyond) == pytest.approx(0.95) and np.isnan(beyond[40:60]).all()
    assert [note.text for note in figure.layout.annotations].count("extrapolates") == 1
    assert not traces(figure, "Rewarded Soup, extrapolates")
    named = drawn(methods=["bone-soup-extrapolated", "rewarded-soup"])
    assert traces(named, "Bone Soup, extrapolated, extrapolates")
    assert not any(note.text == "extrapolates" for note in named.layout.annotations)
    alone = drawn(methods=["rewarded-soup", "bone-soup-anchored"])
    assert not any("extrapolates" in note.text for note in alone.layout.annotations)


def test_the_gap_is_shaded_in_the_colour_of_the_front_that_reaches_it():
    figure = drawn(methods=["rewarded-soup", "bone-soup"])
    (ahead,), (behind,) = traces(figure, "Bone Soup, reaches more"), traces(figure, "Rewarded Soup, reaches more")
    assert ahead.fill == "toself" and ahead.fillcolor.startswith("rgba(0, 114, 178")
    height = np.subtract(np.array(ahead.y[: len(ahead.y) // 2]), np.array(ahead.y[len(ahead.y) // 2 :][::-1]))
    assert height.max() == pytest.approx(0.65 * (np.sqrt(2) - 1), abs=0.08) and (height > -1e-4).all()
    (y,) = {tuple(np.subtract(behind.y[: len(behind.y) // 2], behind.y[len(behind.y) // 2 :][::-1]).round(3))}
    assert max(y) < 0.02
    assert not traces(drawn(methods=["mod", "base"]), "MOD, reaches more")


def test_the_anchored_variant_is_drawn_faintly_where_it_differs():
    front = fake_set().front
    assert not traces(drawn(methods=["bone-soup", "mod"]), "anchored")  # here it reaches the same
    front = changed(front, "bone-soup-anchored", lambda mu: 0.3 + 0.65 * np.sqrt(mu) - 0.2 * (mu[0] > 0.85))
    figure = drawn(methods=["bone-soup", "mod"], front=front)
    (points,) = traces(figure, "anchored")
    assert [json.loads(key) for key, _ in points.customdata] == [["front", "bone-soup-anchored", i] for i in (0, 1)]
    assert points.marker.color == "rgba(86, 180, 233, 0.6)"
    assert "anchored" in [note.text for note in figure.layout.annotations]
    assert not traces(drawn(methods=["bone-soup", "bone-soup-anchored"], front=front), "anchored")
    assert not traces(drawn(methods=["mod", "rewarded-soup"], front=front), "anchored")


def test_the_first_view_is_the_plane_where_the_methods_differ_most():
    front = fake_set(3).front
    assert default_view(front, ["mod", "rewarded-soup"]) == "0-1"  # of equals the first
    ahead = changed(front, "mod", lambda mu: 0.3 + 0.65 * np.array((mu[0], *np.sqrt(mu[1:]))))
    assert default_view(ahead, ["mod", "rewarded-soup"]) == "1-2"
    assert default_view(front, ["mod", "base"]) == default_view(None, ["mod", "rewarded-soup"]) == "0-1"
    assert default_view(fake_set().front, COLUMNS) == "0-1"


def test_the_browser_is_told_what_moves_with_the_preference():
    meta = drawn(mu=Preference((0.35, 0.65))).layout.meta
    expected = {one["label"]: one for one in meta["moving"]}
    assert expected["Bone Soup, expected"]["draggable"] and not expected["MORLHF oracles, expected"]["draggable"]
    assert expected["MORLHF oracles, expected"]["nearest"] and not expected["Bone Soup, expected"]["nearest"]
    assert meta["name"] == "Bone Soup and Rewarded Soup and MORLHF oracles, complete by concise"
    figure = drawn()
    for one in meta["moving"]:
        assert figure.data[one["trace"]].name == one["label"]
