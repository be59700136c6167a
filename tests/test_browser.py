"""The page in headless Chromium, on a stream without a model."""

import os
import re
import shutil

import pytest

from app import theme
from app.page import build
from tests.fake import FakeStream, fake_set

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"),
    reason="no Chromium found: install Debian's package chromium",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def served():
    stream = FakeStream(delay=0.15)
    page = build([fake_set(2), fake_set(3)], stream)
    _, url, _ = page.launch(
        prevent_thread_lock=True,
        quiet=True,
        server_name="127.0.0.1",
        ssr_mode=False,
        theme=theme.THEME,
        css=theme.CSS,
    )
    yield url, stream
    page.close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, served, request):
    width, height, mode = getattr(request, "param", (1400, 900, "light"))
    page, errors = browser.new_page(viewport={"width": width, "height": height}), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(f"{served[0]}?__theme={mode}")
    page.wait_for_selector("#front .scatterlayer .trace", timeout=30_000)
    yield page
    page.close()
    assert errors == []


def markers(page, name):
    """Positions of the traces called `name` in the plot."""
    return page.evaluate(
        """name => document.querySelector('#front .js-plotly-plot')._fullData
            .filter(t => t.name === name).map(t => [t.x[0], t.y[0]])""",
        name,
    )


def write(page):
    page.get_by_role("button", name="Write", exact=True).click()
    page.wait_for_selector("#column-right .chips", timeout=20_000)


def test_a_slider_moved_by_keyboard_changes_coefficients_and_expectation_before_writing(page, served):
    written, before = len(served[1].orders), markers(page, "Bone Soup, expected")
    assert "+0.50" in page.locator("#coefficients").inner_text()
    slider = page.locator("#slider-2 input[type=range]")
    slider.focus()
    slider.press("Home")
    page.wait_for_function("document.querySelector('#coefficients').innerText.includes('+1.75')")
    assert "-0.75" in page.locator("#coefficients").inner_text()
    assert "100 % complete" in page.locator("#preference").inner_text()
    page.wait_for_function(
        """x => document.querySelector('#front .js-plotly-plot')._fullData
                .some(t => t.name === 'Bone Soup, expected' && t.x[0] > x)""",
        arg=before[0][0],
    )
    assert len(served[1].orders) == written


def test_write_fills_both_columns_and_marks_the_plot(page):
    assert markers(page, "Bone Soup, written") == []
    write(page)
    assert "bone-soup pub" in page.locator("#column-left").inner_text()
    assert "rewarded-soup pub" in page.locator("#column-right").inner_text()
    page.wait_for_function(
        "document.querySelector('#front .js-plotly-plot')._fullData.some(t => t.name === 'Rewarded Soup, written')"
    )
    assert len(markers(page, "Bone Soup, written")) == 1


def test_stop_ends_the_stream_at_once(page, served):
    closed = served[1].closed
    page.get_by_role("button", name="Write", exact=True).click()
    page.wait_for_selector("#column-left .caret")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_timeout(1500)
    assert served[1].closed == closed + 1
    assert page.locator("#column-left .chips").count() == 0


def test_a_missing_name_says_so_and_loses_nothing(page):
    write(page)
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_label("Near", exact=True).fill("the lighthouse")
    page.get_by_role("button", name="Write", exact=True).click()
    page.wait_for_selector("text=the fact 'name' is missing")
    assert page.get_by_label("Near", exact=True).input_value() == "the lighthouse"
    assert "bone-soup pub" in page.locator("#column-left").inner_text()


def test_the_dice_changes_the_facts(page):
    before = page.get_by_label("Name", exact=True).input_value()
    for _ in range(6):
        page.get_by_role("button", name=re.compile("Example facts")).click()
        page.wait_for_timeout(300)
        if page.get_by_label("Name", exact=True).input_value() != before:
            return
    raise AssertionError("six throws gave the same name")


def choose(page, label, option):
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_another_method_in_a_column_changes_front_coefficients_and_what_is_written(page, served):
    choose(page, "Right column", "MOD")
    page.wait_for_function("document.querySelector('#coefficients').innerText.includes('mixed at every token')")
    page.wait_for_function(
        "document.querySelector('#front .js-plotly-plot')._fullData.some(t => t.name === 'MOD, expected')"
    )
    write(page)
    assert "mod pub" in page.locator("#column-right").inner_text()


def test_another_set_brings_a_third_slider_and_planes_and_keeps_what_was_typed(page, served):
    page.get_by_label("Name", exact=True).fill("The Lighthouse")
    assert not page.locator("#slider-3").is_visible() and not page.locator("#axes").is_visible()
    choose(page, "Set", "Fake of 3")
    page.wait_for_selector("#slider-3", state="visible")
    assert "Upbeat" in page.locator("#slider-3").inner_text()
    page.wait_for_function("document.querySelector('#preference').innerText.includes('upbeat')")
    choose(page, "Plane", "Concise × Upbeat")
    page.wait_for_function(
        "document.querySelector('#front .js-plotly-plot').layout.xaxis.title.text.startsWith('Concise')"
    )
    assert page.get_by_label("Name", exact=True).input_value() == "The Lighthouse"
    write(page)
    assert len(served[1].orders[-1][0].preference) == 3
    choose(page, "Set", "Fake of 2")
    page.wait_for_selector("#slider-3", state="hidden")
    page.wait_for_function("!document.querySelector('#preference').innerText.includes('upbeat')")


def test_the_results_say_where_a_method_is_better(page):
    page.get_by_role("button", name=re.compile("Results")).click()
    page.wait_for_selector("#results table", state="visible")
    assert page.locator("#results .verdict.better").count() > 0


@pytest.mark.parametrize("page", [(390, 844, "light")], indirect=True)
def test_no_sideways_scrolling_on_a_phone(page):
    choose(page, "Set", "Fake of 3")
    page.wait_for_selector("#slider-3", state="visible")
    write(page)
    for name in ("Results", "How it works", "Sampling"):
        page.get_by_role("button", name=re.compile(name)).click()
    page.wait_for_selector("#results table", state="visible")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("page", [(1400, 900, "dark")], indirect=True)
def test_dark_mode_covers_page_and_plot(page):
    colours = page.evaluate(
        "[['.gradio-container', 'backgroundColor'], ['#title h1', 'color']]"
        ".map(([where, what]) => getComputedStyle(document.querySelector(where))[what])"
    )
    background, title = [[int(v) for v in re.findall(r"\d+", colour)[:3]] for colour in colours]
    assert max(background) < 90 < 160 < min(title), colours
    assert page.evaluate("getComputedStyle(document.querySelector('#front .main-svg')).backgroundColor") in (
        "rgba(0, 0, 0, 0)",
        "transparent",
    )
