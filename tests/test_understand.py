"""The tab that explains the method: figures of two quadratic rewards, matrices, and the tab in headless Chromium."""

import re
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest

from app import quadratics as q
from app import theme, understand
from app.figures import COLOURS
from backbones import coefficients as c
from backbones import theory
from tests.browser import needs_browser
from tests.fake import fake_set

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


def shown_matrices(html, n):
    """Both matrices [n, n] as the page shows them."""
    values = [float(cell.replace("−", "-")) for cell in re.findall(r"<td[^>]*>([^<]+)</td>", html)]
    assert len(values) == 2 * n * n
    return np.array(values).reshape(2, n, n)


@pytest.mark.parametrize(("n", "beta"), [(2, 0.7), (2, 0.9), (3, 0.7), (3, 0.45)])
def test_the_matrices_shown_are_b_and_its_inverse(n, beta):
    matrix, inverse = shown_matrices(understand.matrices_html(fake_set(n), beta), n)
    np.testing.assert_allclose(matrix, c.backbone_matrix(n, beta), atol=0.5 * 10.0**-n)
    np.testing.assert_allclose(matrix @ inverse, np.eye(n), atol=0.01)


def test_the_examples_are_a_corner_a_row_and_the_middle():
    html = re.sub(r"<[^>]+>", "", understand.matrices_html(fake_set(2), 0.7))
    for example in ("(1, 0) → λ = (1.75, −0.75)", "(0.7, 0.3) → λ = (1, 0)", "(0.5, 0.5) → λ = (0.5, 0.5)"):
        assert f"μ = {example}" in html
    assert "70 % complete and 30 % concise" in html


def test_another_beta_than_the_sets_own_is_said_to_be_another():
    said = "tuned at its own β = 0.7"
    assert said in understand.matrices_html(fake_set(2), 0.71)
    assert said not in understand.matrices_html(fake_set(2), 0.7)


@pytest.mark.parametrize("n", [2, 3])
def test_a_slider_gives_matrices_words_and_figures_at_its_values(n):
    soup_set = fake_set(n)
    matrices, words, *figures = understand.look(soup_set, 0.6, 0.6, 40)
    assert shown_matrices(matrices, n)[0, 0, 0] == 0.6
    assert q.sentence(0.6, 4.0, 0.4) in words and "4 times as sharp" in words
    assert [f.to_json() for f in figures] == [draw(0.6, 4.0, 0.4).to_json() for draw in FIGURES]
    assert ("of two objectives" in words) == (n == 3)


def test_a_beta_too_small_for_two_objectives_is_drawn_at_the_least_that_is_not():
    matrices, words, *figures = understand.look(fake_set(3), 0.4, 0.6, 40)
    assert shown_matrices(matrices, 3)[0, 0, 0] == 0.4
    assert "here at 0.51" in words and figures[1].to_json() == q.reward_figure(0.51, 4.0, 0.4).to_json()


def test_another_set_brings_its_own_beta_bounds_and_numbers():
    soup_set = replace(fake_set(3), beta=0.6)
    closing, slider, matrices, *_ = understand.choose(soup_set, 0.6, 40)
    assert (slider["minimum"], slider["maximum"], slider["value"]) == (0.34, 0.99, 0.6)
    assert shown_matrices(matrices, 3)[0, 0, 0] == 0.6 and "(0, 0, 0)" in closing
    assert understand.bounds(fake_set(2)) == (0.51, 0.99)


def test_the_closing_text_keeps_methods_numbers_and_sources():
    closing = understand.closing(fake_set(2))
    plain = " ".join(re.sub(r"<[^>]+>", "", closing).split())
    for method in c.METHODS:
        assert q.LABELS[method] in plain and COLOURS[method] in closing
    for fact in (
        "10 held-out prompts (1 texts each, 95 % intervals)",
        "+0.100 [+0.050, +0.150]",
        "a = 0.25",
        "2502.10762",
        "Ramé",
        "Shi et al.",
        "CC BY-SA 4.0",
        "Apache 2.0",
    ):
        assert fact in plain


def test_texts_of_the_set_are_escaped():
    soup_set = fake_set(2)
    objective = replace(soup_set.objectives[0], label="<img src=x>")
    html = understand.look(replace(soup_set, objectives=(objective, soup_set.objectives[1])), 0.7, 0.0, 50)[0]
    assert "&lt;img" in html and "<img" not in html


@pytest.fixture(scope="module")
def served():
    sets = [fake_set(2), fake_set(3)]
    with gr.Blocks(analytics_enabled=False) as page:
        name = gr.Dropdown([(s.title, s.name) for s in sets], value=sets[0].name, label="Set")
        with gr.Tab("Write"):
            gr.Markdown("first")
        with gr.Tab("How it works"):
            understand.build(sets, name)
    _, url, _ = page.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", ssr_mode=False, theme=theme.THEME, css=theme.CSS
    )
    yield url
    page.close()


@needs_browser
def test_the_tab_follows_keyboard_and_set_and_fits_a_phone(served, browser):
    def backbone():
        return page.evaluate(
            """document.querySelector('#picture-1 .js-plotly-plot')._fullData.find(t => t.name === 'Backbone 1').x[0]"""
        )

    page, errors = browser.new_page(viewport={"width": 390, "height": 844}), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(served)
    page.get_by_role("tab", name="How it works", exact=True).click()
    page.wait_for_selector("#picture-3 .scatterlayer .trace", state="attached", timeout=30_000)
    before = backbone()
    assert "1.75" in page.locator("#lesson-matrices").inner_text()
    slider = page.locator("#lesson-beta input[type=range]")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function("document.querySelector('#lesson-matrices').innerText.includes('0.71')")
    page.wait_for_function(
        """x => document.querySelector('#picture-1 .js-plotly-plot')._fullData
                .find(t => t.name === 'Backbone 1').x[0] > x""",
        arg=before,
    )
    assert backbone() == pytest.approx(0.71 / (0.71 + 4 * 0.29), abs=1e-6)
    assert "tuned at its own β = 0.7" in page.locator("#lesson-matrices").inner_text()
    page.get_by_label("number input for β").fill("7")  # out of bounds
    page.wait_for_function("document.querySelector('#lesson-matrices').innerText.includes('0.99')")
    page.get_by_label("Set", exact=True).click()
    page.get_by_role("option", name="Fake of 3", exact=True).click()
    page.wait_for_function("document.querySelector('#lesson-matrices').innerText.includes('backbone 3')")
    assert slider.input_value() == "0.7" and slider.get_attribute("min") == "0.34"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    assert errors == []
