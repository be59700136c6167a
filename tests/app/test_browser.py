"""The page in headless Chromium, on a stream without a model: what is chosen and what it looks like."""

import re

import pytest

from tests.browser import (
    choose,
    click_marker,
    needs_browser,
    open_fields,
    press,
    shares,
    three,
    wait_for_text,
    wait_for_trace,
    write,
)

pytestmark = needs_browser


def test_a_slider_moved_by_keyboard_changes_coefficients_before_writing(page, served):
    written = len(served[1].requests)
    wait_for_text(page, "#coefficients", "+0.50")
    slider = page.locator("#slider-2")
    slider.focus()
    slider.press("Home")
    wait_for_text(page, "#coefficients", "+1.75")
    wait_for_text(page, "#coefficients", "-0.75")
    wait_for_text(page, "#coefficients", "your 100 % is outside")
    assert shares(page) == [100, 0]
    assert len(served[1].requests) == written


def test_presets_set_the_preference(page):
    press(page, "backbone 2")
    wait_for_text(page, "#coefficients", "+1.00")
    assert shares(page) == [30, 70]
    press(page, "balanced")
    assert shares(page) == [50, 50]


def test_the_dice_changes_the_facts(page):
    before = page.get_by_label("Name", exact=True).input_value()
    page.evaluate("window.thrown = 0; document.addEventListener('bonesoup:changed', () => { thrown += 1; })")
    for i in range(6):
        press(page, "Another example")
        page.wait_for_function("i => thrown > i", arg=i)
        name = page.get_by_label("Name", exact=True).input_value()
        if name != before:
            return wait_for_text(page, "#sentence", name)
    raise AssertionError("six throws gave the same name")


def test_another_method_in_a_column_changes_front_coefficients_and_what_is_written(page, served):
    choose(page, "Right column", "MOD")
    wait_for_text(page, "#coefficients", "mixed at every token")
    wait_for_trace(page, "MOD, expected")
    write(page)
    assert "mod pub" in page.locator("#column-right").inner_text()


def test_another_set_brings_a_third_slider_a_triangle_and_views_and_keeps_what_was_typed(page, served):
    open_fields(page)
    page.get_by_label("Name", exact=True).fill("The Lighthouse")
    assert page.locator("#slider-3").count() == 0 and not page.locator("#view").is_visible()
    three(page)
    choose(page, "View", "Concise × Upbeat")
    page.wait_for_function(
        "document.querySelector('#front .js-plotly-plot').layout.xaxis.title.text.startsWith('Concise')"
    )
    choose(page, "View", "3-D")
    page.wait_for_function(
        "document.querySelector('#front .js-plotly-plot')._fullData.every(t => t.type === 'scatter3d')"
    )
    assert page.get_by_label("Name", exact=True).input_value() == "The Lighthouse"
    write(page)
    assert len(served[1].requests[-1][0].preference) == 3
    choose(page, "Set", "Fake of 2")
    page.wait_for_selector("#slider-3", state="detached")
    page.wait_for_function("!document.querySelector('#coefficients').innerText.includes('backbone-3')")


def test_three_sliders_add_up_to_100_and_one_can_be_locked(page):
    three(page)
    press(page, "backbone 1")
    page.get_by_role("button", name="Lock Concise").click()
    page.locator("#slider-1").press("End")
    assert shares(page) == [85, 15, 0] and page.locator("#slider-2").is_disabled()
    page.get_by_role("button", name="Lock Concise").click()
    page.locator("#slider-1").press("Home")
    assert shares(page) == [0, 100, 0]
    for _ in range(7):
        page.locator("#slider-3").press("ArrowRight")
        assert sum(shares(page)) == 100


def test_the_triangle_is_dragged_and_moved_by_keyboard(page):
    three(page)
    box = page.locator(".triangle polygon").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 4, box["y"] + box["height"] + 4, steps=5)
    page.mouse.up()
    assert shares(page) == [0, 100, 0]
    handle = page.get_by_role("slider", name="Preference in the triangle")
    before = shares(page)
    handle.press("ArrowUp")
    assert shares(page)[0] > before[0] and "% complete" in handle.get_attribute("aria-valuetext")
    wait_for_text(page, "#coefficients", "-")


def test_a_click_on_a_front_jumps_to_its_preference_with_an_example(page):
    click_marker(page, "Rewarded Soup", 2)
    page.wait_for_selector("#example .example")
    wait_for_text(page, "#example", "Rewarded Soup at 80 % / 20 %")
    assert shares(page) == [80, 20]
    wait_for_text(page, "#coefficients", "+0.80")
    press(page, "balanced")
    page.wait_for_selector("#example .example", state="detached")  # it is of another preference


def test_the_front_is_also_a_table(page):
    page.get_by_role("tab", name="Fronts as a table").click()
    page.locator("#points").get_by_role("button", name="go there").first.press("Enter")
    page.wait_for_selector("#example .example")
    assert shares(page) == [100, 0]


def test_the_results_say_where_a_method_is_better(page):
    page.get_by_role("tab", name="Results").click()
    page.wait_for_selector("#results table", state="visible")
    assert page.locator("#results .verdict.better").count() > 0


@pytest.mark.parametrize("page", [(390, 844, "light")], indirect=True)
def test_no_sideways_scrolling_on_a_phone(page):
    three(page)
    write(page)
    page.get_by_role("button", name="Sampling").click()
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    for name in ("Fronts as a table", "Blind round", "Results", "Use it from code", "Sweep", "History"):
        tab = page.get_by_role("tab", name=name)
        if not tab.is_visible():
            page.locator(".overflow-menu button").first.click()
            tab = page.locator(".overflow-dropdown button", has_text=name)
        tab.click()
        page.wait_for_timeout(400)
        assert page.evaluate(fits), name


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
