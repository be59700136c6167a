"""The tab that explains the method: matrices, words, closing text, and the tab in headless Chromium."""

import html
import re
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest

from app import lesson, theme
from app import lesson_figures as q
from app.figures import COLOURS
from backbones.merging import coefficients as c
from backbones.merging.methods import METHODS
from tests.browser import needs_browser
from tests.fake import fake_set

FIGURES = (q.landing_figure, q.reward_figure, q.preference_figure)
IMAGE = "<img src=x onerror=alert(1)>"


def seen(page):
    """The text of HTML as a person sees it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())


def shown_matrices(html, n):
    """Both matrices [n, n] as the page shows them."""
    values = [float(cell.replace("−", "-")) for cell in re.findall(r"<td[^>]*>([^<]+)</td>", html)]
    assert len(values) == 2 * n * n
    return np.array(values).reshape(2, n, n)


@pytest.mark.parametrize(("n", "beta"), [(2, 0.7), (2, 0.9), (3, 0.7), (3, 0.45)])
def test_the_matrices_shown_are_b_and_its_inverse(n, beta):
    matrix, inverse = shown_matrices(lesson.matrices(fake_set(n), beta), n)
    np.testing.assert_allclose(matrix, c.backbone_matrix(n, beta), atol=0.5 * 10.0**-n)
    np.testing.assert_allclose(matrix @ inverse, np.eye(n), atol=0.01)


def test_the_examples_are_a_corner_a_row_and_the_middle():
    words = seen(lesson.matrices(fake_set(2), 0.7))
    for example in ("(1, 0) → λ = (1.75, −0.75)", "(0.7, 0.3) → λ = (1, 0)", "(0.5, 0.5) → λ = (0.5, 0.5)"):
        assert f"μ = {example}" in words
    assert "backbone 1 is tuned for 70 % complete and 30 % concise, and a point" in words
    assert "70 % complete, 15 % concise and 15 % upbeat, and a point" in seen(lesson.matrices(fake_set(3), 0.7))


def test_another_beta_than_the_sets_own_is_said_to_be_another():
    said = "tuned at its own β = 0.7"
    assert said in lesson.matrices(fake_set(2), 0.71)
    assert said not in lesson.matrices(fake_set(2), 0.7)


@pytest.mark.parametrize("n", [2, 3])
def test_a_slider_gives_matrices_words_and_figures_at_its_values(n):
    soup_set = fake_set(n)
    matrices, words, *figures = lesson.look(soup_set, 0.6, 0.6, 40)
    assert shown_matrices(matrices, n)[0, 0, 0] == 0.6
    assert q.sentence(0.6, 4.0, 0.4) in seen(words) and "4 times as sharp" in words
    assert [f.to_json() for f in figures] == [draw(0.6, 4.0, 0.4).to_json() for draw in FIGURES]
    assert ("of two objectives" in words) == (n == 3)


def test_a_beta_too_small_for_two_objectives_is_drawn_at_the_least_that_is_not():
    matrices, words, *figures = lesson.look(fake_set(3), 0.4, 0.6, 40)
    assert shown_matrices(matrices, 3)[0, 0, 0] == 0.4
    assert "here at 0.51" in words and figures[1].to_json() == q.reward_figure(0.51, 4.0, 0.4).to_json()


def test_another_set_brings_its_own_beta_bounds_and_numbers():
    soup_set = replace(fake_set(3), beta=0.6)
    closing, slider, matrices, *_ = lesson.choose(soup_set, 0.6, 40)
    assert (slider["minimum"], slider["maximum"], slider["value"]) == (0.34, 0.99, 0.6)
    assert shown_matrices(matrices, 3)[0, 0, 0] == 0.6 and "(0, 0, 0)" in closing
    assert lesson.bounds(fake_set(2)) == (0.51, 0.99)


def test_the_closing_text_keeps_methods_numbers_and_sources():
    closing = lesson.closing(fake_set(2))
    plain = seen(closing)
    for name, method in METHODS.items():
        assert method.label in plain and method.meaning in plain and COLOURS[name] in closing
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


def test_symbols_are_in_italics():
    assert "<i>λ</i> = <i>B</i>⁻¹ <i>μ</i>." in lesson.closing(fake_set(2))


@pytest.mark.parametrize("n", [2, 3])
def test_texts_of_the_set_are_escaped(n):
    soup_set = fake_set(n)
    objectives = tuple(replace(one, name=IMAGE, label=IMAGE, description=IMAGE) for one in soup_set.objectives)
    front = replace(soup_set.front, objectives=(IMAGE,) * n, conditions={"prompts": IMAGE, "samples": IMAGE})
    soup_set = replace(soup_set, name=IMAGE, title=IMAGE, objectives=objectives, front=front)
    closing, _, matrices, words, *figures = lesson.choose(soup_set, 0.6, 40)
    for shown in (closing, matrices, words, *(figure.to_json() for figure in figures)):
        assert "<img" not in shown.replace("\\u003c", "<")
    assert "&lt;img" in closing and "&lt;img" in matrices


def test_a_set_without_specialists_or_fronts_is_explained_all_the_same():
    soup_set = fake_set(2)
    measured = {name: one for name, one in soup_set.front.methods.items() if name != "rewarded-soup"}
    front = replace(soup_set.front, methods=measured)
    closing = seen(lesson.closing(replace(soup_set, specialists=(), oracles=(), front=front)))
    assert "Bone Soup0.700 [0.600, 0.800]" in closing and "Difference" not in closing and "MOD" not in closing
    assert "train.evaluate" in lesson.closing(replace(soup_set, front=None))


@pytest.fixture(scope="module")
def served():
    sets = [fake_set(2), fake_set(3)]
    with gr.Blocks(analytics_enabled=False) as page:
        name = gr.Dropdown([(s.title, s.name) for s in sets], value=sets[0].name, label="Set")
        with gr.Tab("Write"):
            gr.Markdown("first")
        with gr.Tab("How it works"):
            lesson.build(sets, name)
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
