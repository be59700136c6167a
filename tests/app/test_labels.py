"""Names on curves."""

import itertools

import numpy as np
import pytest

from app import labels
from app.colours import COLOURS, PAPER, contrast, ink
from app.figures import front_figure
from app.labels import Label
from backbones.merging.preference import Preference
from backbones.store import soup_set as sets

UNIT = [(0.0, 1.0), (0.0, 1.0)]


def box(note, ranges, bold):
    """Corners in px of an annotation in the smallest picture, from what plotly is told."""
    (left, right), (bottom, top) = ranges
    at = (np.array([note["x"], note["y"]]) - (left, bottom)) * labels.PICTURE / (right - left, top - bottom)
    at += np.array([note["xshift"], note["yshift"]])
    text = note["text"].removeprefix("<b>").removesuffix("</b>")
    size = np.array([(labels.BOLD if bold else labels.LETTER) * len(text), labels.LINE])
    share = (
        {"left": 0, "center": 0.5, "right": 1}[note["xanchor"]],
        {"bottom": 0, "middle": 0.5, "top": 1}[note["yanchor"]],
    )
    return at - share * size, at + (1 - np.array(share)) * size


def apart(one, other):
    return bool((one[1] <= other[0] + 1e-6).any() or (other[1] <= one[0] + 1e-6).any())


def test_labels_of_one_place_stand_on_different_sides_of_it_and_inside_the_picture():
    place = np.array([[0.9, 0.9]])
    notes = labels.placed([Label("first", place, "mod"), Label("second", place, "mod")], [], UNIT)
    boxes = [box(note, UNIT, False) for note in notes]
    assert apart(*boxes) and all((low >= 0).all() and (high <= labels.PICTURE).all() for low, high in boxes)


def test_a_label_keeps_off_lines_where_it_can():
    share = np.linspace(0, 1, 101)
    line = np.stack([share, 0.5 * np.ones(101)], axis=1)
    (note,) = labels.placed([Label("name", line[50:51], "mod")], [line], UNIT)
    assert note["yanchor"] in ("top", "bottom")


def test_a_label_stands_on_a_side_that_it_may():
    (note,) = labels.placed([Label("name", np.array([[0.5, 0.5]]), "mod", sides=labels.INNER)], [], UNIT)
    assert (note["xanchor"], note["yanchor"]) == ("right", "top") and note["xshift"] < 0 and note["yshift"] < 0


@pytest.mark.parametrize(("name", "views"), [("restaurants", ["0-1"]), ("restaurants-3", ["0-1", "0-2", "1-2"])])
def test_labels_of_the_shipped_sets_do_not_overlap_whatever_is_compared(name, views):
    soup_set = sets.read(name)
    mu = Preference.equal(len(soup_set.objectives))
    for view, methods in itertools.product(views, itertools.combinations(soup_set.methods, 2)):
        figure = front_figure(soup_set.front, soup_set.objectives, methods, mu, view, tuned=soup_set)
        ranges = [figure.layout.xaxis.range, figure.layout.yaxis.range]
        boxes = [box(note.to_plotly_json(), ranges, "<b>" in note.text) for note in figure.layout.annotations]
        assert len(boxes) >= 2
        for one, other in itertools.combinations(boxes, 2):
            assert apart(one, other), (methods, view)


def test_names_can_be_read_on_light_and_dark_pages():
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#ffffff") == pytest.approx(
        4.48, abs=0.01
    )
    for mode in PAPER:
        assert all(contrast(ink(method, mode), PAPER[mode]) >= 4.5 for method in COLOURS)
    assert ink("bone-soup", "light") == COLOURS["bone-soup"].lower()  # legible as it is
