"""The page in headless Chromium, on a stream without a model."""

import json
import re
import zipfile
from urllib.parse import urlparse

import pytest

from app.page import build
from app.serve import launch
from backbones import export
from tests.browser import choose, needs_browser, press, wait_for_text
from tests.fake import FakeStream, fake_set

pytestmark = needs_browser


@pytest.fixture(scope="module")
def served():
    stream = FakeStream(delay=0.15)
    page = build([fake_set(2), fake_set(3)], stream)
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url, stream
    page.close()


def opened(browser, url, width=1400, height=900, mode="light"):
    """A page that is ready, and the list of the errors and outside requests it will make."""
    page, problems = browser.new_page(viewport={"width": width, "height": height}), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("request", lambda r: urlparse(r.url).hostname not in ("127.0.0.1", None) and problems.append(r.url))
    page.set_default_timeout(60_000)
    address, _, query = url.partition("#")
    page.goto(f"{address}?__theme={mode}#{query}")
    page.wait_for_selector("#front .scatterlayer .trace", timeout=30_000)
    return page, problems


@pytest.fixture
def page(browser, served, request):
    page, problems = opened(browser, served[0], *getattr(request, "param", ()))
    yield page
    page.close()
    assert problems == []


def markers(page, name):
    """Positions of the traces called `name` in the plot."""
    return page.evaluate(
        """name => document.querySelector('#front .js-plotly-plot')._fullData
            .filter(t => t.name === name).map(t => [t.x[0], t.y[0]])""",
        name,
    )


def wait_for_trace(page, name):
    page.wait_for_function(
        "name => document.querySelector('#front .js-plotly-plot')._fullData.some(t => t.name === name)", arg=name
    )


def write(page):
    press(page, "Write")
    page.wait_for_selector("#column-right .chips", timeout=20_000)


def shares(page):
    return [float(text.removesuffix(" %")) for text in page.locator(".share output").all_inner_texts()]


def click_marker(page, name, index):
    """Click the marker of a trace where it is drawn."""
    place = page.evaluate(
        """([name, index]) => {
            const plot = document.querySelector('#front .js-plotly-plot'), layout = plot._fullLayout;
            const trace = plot._fullData.find(t => t.name === name), box = plot.getBoundingClientRect();
            return [box.left + layout.xaxis._offset + layout.xaxis.l2p(trace.x[index]),
                    box.top + layout.yaxis._offset + layout.yaxis.l2p(trace.y[index])];
        }""",
        [name, index],
    )
    page.mouse.move(*place)
    page.wait_for_timeout(200)
    page.mouse.click(*place)


def test_a_slider_moved_by_keyboard_changes_coefficients_and_expectation_before_writing(page, served):
    written, before = len(served[1].orders), markers(page, "Bone Soup, expected")
    assert "+0.50" in page.locator("#coefficients").inner_text()
    slider = page.locator("#slider-2")
    slider.focus()
    slider.press("Home")
    wait_for_text(page, "#coefficients", "+1.75")
    assert "-0.75" in page.locator("#coefficients").inner_text() and shares(page) == [100, 0]
    assert "your 100 % is outside" in page.locator("#coefficients").inner_text()
    page.wait_for_function(
        """x => document.querySelector('#front .js-plotly-plot')._fullData
                .some(t => t.name === 'Bone Soup, expected' && t.x[0] > x)""",
        arg=before[0][0],
    )
    assert len(served[1].orders) == written


def test_presets_set_the_preference(page):
    press(page, "backbone 2")
    wait_for_text(page, "#coefficients", "+1.00")
    assert shares(page) == [30, 70]
    press(page, "balanced")
    assert shares(page) == [50, 50]


def test_write_fills_both_columns_marks_the_plot_and_is_kept(page):
    assert markers(page, "Bone Soup, written") == []
    write(page)
    assert "bone-soup pub" in page.locator("#column-left").inner_text()
    assert "rewarded-soup pub" in page.locator("#column-right").inner_text()
    assert page.locator("#column-left mark.stated").inner_text() == "The Golden Lantern"
    wait_for_trace(page, "Rewarded Soup, written")
    assert len(markers(page, "Bone Soup, written")) == 1
    assert page.locator("#history tbody tr").count() == 2


def test_stop_ends_the_stream_at_once_and_keeps_what_is_there(page, served):
    closed = served[1].closed
    press(page, "Write")
    page.wait_for_selector("#column-left .caret")
    press(page, "Stop")
    page.wait_for_selector("#column-left .stopped")
    page.wait_for_timeout(1000)
    assert served[1].closed == closed + 1
    assert page.locator("#column-left .chips").count() == 0
    assert "The Golden Lantern" in page.locator("#column-left").inner_text()


def test_live_mode_writes_when_the_preference_rests(page, served):
    written = len(served[1].orders)
    page.locator("#slider-1").press("End")
    page.wait_for_timeout(900)
    assert len(served[1].orders) == written
    page.get_by_label("Live", exact=False).check()
    for _ in range(4):
        page.locator("#slider-1").press("ArrowLeft")
    page.wait_for_selector("#column-right .chips", timeout=20_000)
    assert len(served[1].orders) == written + 1
    assert served[1].orders[-1][0].preference == (0.96, 0.04)


def test_a_missing_name_says_so_and_loses_nothing(page):
    write(page)
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_label("Near", exact=True).fill("the lighthouse")
    press(page, "Write")
    page.wait_for_selector("text=the fact 'name' is missing")
    assert page.get_by_label("Near", exact=True).input_value() == "the lighthouse"
    assert "bone-soup pub" in page.locator("#column-left").inner_text()


def test_markup_in_a_name_is_shown_and_never_run(page):
    page.get_by_label("Name", exact=True).fill('Tom & "Jerry" onload=alert(1)')
    write(page)
    assert 'Tom & "Jerry" onload=alert(1) is a bone-soup' in page.locator("#column-left").inner_text()


def test_the_dice_changes_the_facts(page):
    before = page.get_by_label("Name", exact=True).input_value()
    for _ in range(6):
        press(page, "Example facts")
        page.wait_for_timeout(300)
        if page.get_by_label("Name", exact=True).input_value() != before:
            return
    raise AssertionError("six throws gave the same name")


def test_another_method_in_a_column_changes_front_coefficients_and_what_is_written(page, served):
    choose(page, "Right column", "MOD")
    wait_for_text(page, "#coefficients", "mixed at every token")
    wait_for_trace(page, "MOD, expected")
    write(page)
    assert "mod pub" in page.locator("#column-right").inner_text()


def three(page):
    choose(page, "Set", "Fake of 3")
    page.wait_for_selector(".triangle", state="visible")
    wait_for_text(page, "#coefficients", "backbone-3")


def test_another_set_brings_a_third_slider_a_triangle_and_views_and_keeps_what_was_typed(page, served):
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
    assert len(served[1].orders[-1][0].preference) == 3
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
    assert shares(page)[1] > 95
    handle = page.get_by_role("slider", name="Preference in the triangle")
    before = shares(page)
    handle.press("ArrowUp")
    assert shares(page)[0] > before[0] and "% complete" in handle.get_attribute("aria-valuetext")
    wait_for_text(page, "#coefficients", "-")


def test_a_click_on_a_front_jumps_to_its_preference_with_an_example(page):
    click_marker(page, "Rewarded Soup", 2)
    page.wait_for_selector("#example .example")
    assert "Rewarded Soup at 80 % / 20 %" in page.locator("#example").inner_text()
    assert shares(page) == [80, 20]
    wait_for_text(page, "#coefficients", "+0.80")


def test_a_click_on_a_generation_brings_back_its_text_and_settings(page):
    press(page, "all complete")
    write(page)
    wait_for_trace(page, "Rewarded Soup, written")
    page.get_by_label("Name", exact=True).fill("Elm")
    press(page, "balanced")
    choose(page, "Left column", "MOD")
    click_marker(page, "Rewarded Soup, written", 0)
    wait_for_text(page, "#column-right", "Written before")
    assert "The Golden Lantern is a rewarded-soup" in page.locator("#column-right").inner_text()
    assert shares(page) == [100, 0]
    assert page.get_by_label("Name", exact=True).input_value() == "The Golden Lantern"


def test_a_text_of_another_set_is_reopened_from_the_table(page):
    three(page)
    write(page)
    choose(page, "Set", "Fake of 2")
    page.wait_for_selector(".triangle", state="detached")
    page.locator("#history").get_by_role("button", name="reopen").last.press("Enter")
    page.wait_for_selector(".triangle", state="visible")
    wait_for_text(page, "#column-left", "Written before")
    page.wait_for_selector("#view", state="visible")


def test_a_sweep_is_scrubbed_without_generating(page, served):
    press(page, "Sweep")
    page.wait_for_selector("#progress .bar")
    wait_for_text(page, "#column-left", "From the sweep")
    wait_for_trace(page, "Bone Soup, this prompt")
    assert not page.locator("#progress").is_visible()
    written = len(served[1].orders)
    page.locator("#slider-1").press("Home")
    wait_for_text(page, "#column-left", "at 0 % / 100 %")
    page.get_by_role("tab", name="Sweep").click()
    page.locator("#grid").get_by_role("button", name="go there").nth(3).click()
    wait_for_text(page, "#column-left", "at 70 % / 30 %")
    assert len(served[1].orders) == written and shares(page) == [70, 30]


def test_a_link_opened_in_another_browser_gives_the_same_texts(page, browser, served):
    three(page)
    press(page, "all upbeat")
    page.get_by_role("button", name="Sampling").click()
    page.get_by_label("Seed", exact=True).wait_for(state="visible")
    page.wait_for_timeout(700)  # a field that has just come into view takes its value once more
    page.get_by_label("Seed", exact=True).fill("42")
    choose(page, "Right column", "MOD")
    write(page)
    wait_for_text(page, "#history", "mod pub with seed 42")
    page.wait_for_function("location.hash.includes('seed=42')")
    press(page, "Copy link")
    page.wait_for_selector("#link textarea, #link input", state="visible")
    page.wait_for_function("document.querySelector('#link textarea, #link input').value.includes('seed=42')")
    link = page.locator("#link textarea, #link input").input_value()
    other, problems = opened(browser, link)
    other.wait_for_selector("#column-right .chips", timeout=20_000)
    for column in ("#column-left", "#column-right"):
        assert other.locator(column).inner_text() == page.locator(column).inner_text()
    assert shares(other) == [0, 0, 100] and served[1].orders[-1] == served[1].orders[-2]
    other.close()
    assert problems == []


def test_a_damaged_link_says_so(browser, served):
    page, problems = opened(browser, f"{served[0]}#set=fake-2&facts=%3Cscript%3E&preference=a")
    assert "The link cannot be opened" in page.locator("#problem").inner_text()
    assert "Press Write" in page.locator("#column-left").inner_text()
    page.close()
    assert problems == []


def test_two_browsers_at_once_get_their_own_preference(page, browser, served):
    other, problems = opened(browser, served[0])
    press(page, "all complete")
    press(other, "all concise")
    for one in (page, other):
        wait_for_text(one, "#coefficients", "+1.75")
        press(one, "Write")
    for one in (page, other):
        one.wait_for_selector("#column-right .chips", timeout=20_000)
    assert {orders[0].preference for orders in served[1].orders[-2:]} == {(1.0, 0.0), (0.0, 1.0)}
    assert "100 % / 0 %" in page.locator("#history").inner_text()
    assert "0 % / 100 %" in other.locator("#history").inner_text()
    other.close()
    assert problems == []


def test_texts_plot_and_adapter_are_downloaded(page, monkeypatch, tmp_path):
    write(page)
    wait_for_text(page, "#history", "bone-soup pub")
    with page.expect_download() as news:
        press(page, "Texts as JSON")
    assert len(json.loads(news.value.path().read_text())) == 2
    with page.expect_download() as news:
        press(page, "Texts as CSV")
    assert news.value.suggested_filename == "bone-soup.csv" and "bone-soup pub" in news.value.path().read_text()
    with page.expect_download() as news:
        press(page, "Plot as image")
    assert news.value.suggested_filename.endswith(".png")

    def made(soup_set, method, mu, folder):
        with zipfile.ZipFile(folder / f"{method}.zip", "w") as file:
            file.writestr("r", str(mu.tolist()))
        return folder / f"{method}.zip"

    monkeypatch.setattr(export, "zipped", made)
    with page.expect_download() as news:
        press(page, "Right merge as adapter")
    assert news.value.suggested_filename == "rewarded-soup.zip"
    with zipfile.ZipFile(news.value.path()) as file:
        assert file.read("r") == b"[0.5, 0.5]"


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
    for name in ("Fronts as a table", "Results", "How it works", "Use it from code", "Sweep", "History"):
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
