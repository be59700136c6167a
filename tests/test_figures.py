"""Figures: fronts, expected positions, markers."""

import numpy as np

from app.figures import COLOURS, front_figure
from tests.fake import fake_set

LABELS = ["Complete", "Concise"]


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_expected_positions_follow_the_preference():
    front = fake_set().front
    for mu in ((0.35, 0.65), (1.0, 0.0)):
        (marker,) = traces(front_figure(front, LABELS, np.array(mu), []), "Rewarded Soup, expected")
        np.testing.assert_allclose((marker.x[0], marker.y[0]), (0.3 + 0.65 * mu[0], 0.3 + 0.65 * mu[1]))
        assert marker.marker.color == COLOURS["rewarded-soup"]


def test_every_text_gets_a_marker_and_several_texts_a_mean():
    mark = {
        "method": "bone-soup",
        "preference": (0.5, 0.5),
        "texts": [("One", [0.2, 0.4]), ("Two", [0.4, 0.8])],
    }
    figure = front_figure(fake_set().front, LABELS, np.array((0.5, 0.5)), [mark])
    (faint,), (mean,) = traces(figure, "Bone Soup, one text"), traces(figure, "Bone Soup, written")
    assert list(faint.x) == [0.2, 0.4] and faint.marker.opacity < 0.5
    np.testing.assert_allclose((mean.x[0], mean.y[0]), (0.3, 0.6))


def test_hover_texts_are_escaped():
    mark = {"method": "bone-soup", "preference": (0.5, 0.5), "texts": [("<img src=x>", [0.2, 0.4])]}
    html = front_figure(fake_set().front, LABELS, np.array((0.5, 0.5)), [mark]).to_json()
    assert (
        "img src" in html
        and "<img" not in html.replace("\\u003c", "<")
        and "<b>pub" not in html.replace("\\u003c", "<")
    )


def test_the_figure_suits_light_and_dark_pages():
    figure = front_figure(fake_set().front, LABELS, np.array((0.5, 0.5)), [])
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
