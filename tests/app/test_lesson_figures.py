"""Figures of two quadratic rewards, against the theory and utilities written out here."""

import numpy as np
import pytest

from app import lesson_figures as q
from app.figures import COLOURS
from backbones.merging import theory

OPTIMA = np.array([[1.0], [0.0]])
FIGURES = (q.landing_figure, q.reward_figure, q.preference_figure)


def trace(figure, name):
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


def front(method, mus, beta, ratio):
    return theory.front(method, mus, beta, np.array([1, ratio]), OPTIMA)


def below_oracle(beta, ratio, m):
    """Utilities lost by Bone Soup and Rewarded Soup, from the merged parameters written out."""
    mu, k = np.array([m, 1 - m]), np.array([1, ratio])
    best, backbones = (
        lambda w: w[0] / (w[0] + ratio * w[1]),
        [[beta, 1 - beta], [1 - beta, beta]],
    )
    lam = np.linalg.solve(np.array(backbones), mu)
    utility = [
        -(mu * k * (theta - OPTIMA[:, 0]) ** 2).sum()
        for theta in (best(mu), lam[0] * best(backbones[0]) + lam[1] * best(backbones[1]), m)
    ]
    return utility[0] - utility[1], utility[0] - utility[2]


def test_the_fronts_are_those_of_the_theory_and_thick_where_theorem_1_holds():
    figure = q.reward_figure(0.8, 3, 0.4)
    for method, name in (("oracle", "Oracle"), ("bone-soup", "Bone Soup"), ("rewarded-soup", "Rewarded Soup")):
        drawn = trace(figure, f"{name}, front")
        np.testing.assert_allclose(np.stack([drawn.x, drawn.y], axis=1), front(method, q.MUS, 0.8, 3))
        assert drawn.line.color == COLOURS["morlhf" if method == "oracle" else method]
    held = trace(figure, "Bone Soup, where Theorem 1 holds")
    low, high = theory.theorem_1(0.8)
    np.testing.assert_allclose(held.x, front("bone-soup", q.MUS, 0.8, 3)[(low < q.SHARES) & (high > q.SHARES), 0])
    assert held.line.width > trace(figure, "Bone Soup, front").line.width


def test_what_is_lost_at_every_preference_is_that_of_the_theory():
    figure = q.preference_figure(0.7, 5, 0.4)
    best = (front("oracle", q.MUS, 0.7, 5) * q.MUS).sum(axis=1)
    for method in ("bone-soup", "bone-soup-anchored", "rewarded-soup"):
        lost = (front(method, q.MUS, 0.7, 5) * q.MUS).sum(axis=1) - best
        np.testing.assert_allclose(trace(figure, q.NAMES[method]).y, lost, atol=1e-12)
    (band,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (band.x0 / 100, band.x1 / 100) == pytest.approx(theory.theorem_1(0.7))


def test_markers_move_with_the_preference_to_where_the_theory_lands():
    for m in (0.0, 0.35, 1.0):
        mu = np.array([[m, 1 - m]])
        landing, reward, preference = (draw(0.7, 4, m) for draw in FIGURES)
        for method in q.SHOWN:
            name = f"{q.NAMES[method]}, now"
            expected = front(method, mu, 0.7, 4)[0]
            point = trace(reward, name)
            np.testing.assert_allclose((point.x[0], point.y[0]), expected, atol=1e-12)
            above, lane = [t for t in landing.data if t.name == name]
            np.testing.assert_allclose(theory.rewards(np.array(above.x), np.array([1, 4]), OPTIMA), expected)
            assert above.y[0] == pytest.approx(float(expected @ mu[0])) and lane.x == above.x
            assert trace(preference, name).x[0] == pytest.approx(100 * m)
    assert trace(q.landing_figure(0.7, 4, 0.35), "Rewarded Soup, way").x == pytest.approx(q.SHARES[::10])


def test_backbones_stand_at_the_optima_of_the_rows_of_b_on_the_way_of_bone_soup():
    figure = q.landing_figure(0.8, 4, 0.5)
    at = [trace(figure, f"Backbone {j}").x[0] for j in (1, 2)]
    assert at == pytest.approx([0.8 / (0.8 + 4 * 0.2), 0.2 / (0.2 + 4 * 0.8)])
    way = trace(figure, "Bone Soup, way").x
    assert [way[8], way[2]] == pytest.approx(at)  # at 80 % and 20 %
    assert [trace(figure, f"Specialist {i}").x[0] for i in (1, 2)] == [1, 0]


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_suit_light_and_dark_pages_and_every_slider(figure):
    for beta, ratio, m in ((0.51, 0.1, 0), (0.99, 10, 1), (0.8, 1, 0.5)):
        drawn = figure(beta, ratio, m)
        assert drawn.layout.paper_bgcolor == drawn.layout.plot_bgcolor == "rgba(0,0,0,0)"
        for t in drawn.data:  # a NaN marker would not be seen
            assert "markers" not in t.mode or np.isfinite(np.array([*t.x, *t.y], dtype=float)).all()


@pytest.mark.parametrize("m", [0.0, 0.05, 0.3, 0.7, 0.97, 1.0])
@pytest.mark.parametrize("ratio", [0.1, 4.0])
def test_the_sentence_says_who_leads_and_agrees_with_utilities_computed_here(ratio, m):
    said = q.sentence(0.8, ratio, m)
    bone, rewarded = below_oracle(0.8, ratio, m)
    assert f"Bone Soup is {abs(bone):.3f} below the oracle and Rewarded Soup {abs(rewarded):.3f}." in said
    assert ("Bone Soup leads" in said) == (bone < rewarded)
    assert ("Rewarded Soup leads" in said) == (bone > rewarded)
    low, high = theory.theorem_1(0.8)
    assert ("as Theorem 1 guarantees" in said) == (low < m < high)
    assert "from 9 % to 91 %" in said


def test_per_cents_said_to_be_guaranteed_lie_inside_the_open_interval():
    for beta in np.arange(0.51, 1, 0.01):
        (first, last), (low, high) = q.guaranteed(beta), theory.theorem_1(beta)
        assert low < first / 100 <= low + 0.01 and high - 0.01 <= last / 100 < high


def test_equal_curvatures_are_said_to_make_both_soups_optimal():
    assert "coincide" in q.sentence(0.8, 1.0, 0.7) and "coincide" not in q.sentence(0.8, 1.3, 0.7)
    assert below_oracle(0.8, 1, 0.7) == pytest.approx((0, 0))
    assert all(shape.type != "rect" for shape in q.preference_figure(0.8, 1, 0.7).layout.shapes)
