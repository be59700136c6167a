"""Texts that follow the preference in headless Chromium, without the server; and sweeps in the background."""

import pytest

from tests.browser import (
    choose,
    drag,
    needs_browser,
    open_fields,
    opened,
    press,
    shares,
    wait_for_text,
    write,
)
from tests.waiting import until

pytestmark = needs_browser


@pytest.fixture
def asked(page):
    """The addresses that the page has asked for since."""
    addresses = []
    page.on("request", lambda request: addresses.append(request.url))
    return addresses


def shown(page):
    """The text of either column."""
    return [page.locator(f"#column-{side} .answer").inner_text() for side in ("left", "right")]


def note(page):
    return page.locator("#columns [data-note]").inner_text()


def typed(page, words):
    """Type words at the end of the name."""
    name = page.get_by_label("Name", exact=True)
    name.press("End")
    name.press_sequentially(words)


def test_texts_and_what_to_see_in_them_are_there_without_a_press(page, served):
    before = len(served[1].requests), len(served[1].swept)
    assert shares(page) == [50, 50] and note(page) == ""
    assert shown(page) == [
        f"The Golden Lantern is a {method} pub at 50 % / 50 % ." for method in ("bone-soup", "rewarded-soup")
    ]
    words = "Bone Soup: 1 of 8 facts and 1 made up in 14 words. Rewarded Soup: 1 of 8 facts and 1 made up in 14 words."
    assert " ".join(page.locator(".verdict-line").inner_text().split()) == words
    assert (len(served[1].requests), len(served[1].swept)) == before


def test_a_dragged_slider_changes_both_texts_at_every_stop_and_asks_the_server_nothing(page, asked):
    seen = []
    drag(page, [50])
    for share in (57, 63, 71, 78, 84, 92, 99):
        box = page.locator("#slider-1").bounding_box()
        page.mouse.move(box["x"] + 10 + (box["width"] - 20) * share / 100, box["y"] + box["height"] / 2)
        seen.append((shares(page)[0], *shown(page), page.locator("#coefficients .mix-value").first.inner_text()))
    page.mouse.up()
    assert [one[0] for one in seen] == [60, 60, 70, 80, 80, 90, 100]
    for share, left, right, _ in seen:
        for text in (left, right):
            assert f"at {share:.0f} % / {100 - share:.0f} %" in text
    assert len({one[3] for one in seen}) == 5 and seen[-1][3] == "+1.75"
    page.wait_for_timeout(1000)
    assert asked == [] and note(page) == ""


def test_keys_go_between_the_stops_where_the_nearest_text_is_dimmed_and_write_writes(page, served, asked):
    page.locator("#slider-1").press("ArrowRight")
    assert shares(page) == [51, 49] and "at 50 % / 50 %" in shown(page)[0]
    assert "This is the text at 50 % / 50 %" in note(page) and page.locator(".pair.dimmed").count() == 1
    wait_for_text(page, "#coefficients", "your 51 % is inside")
    assert len(asked) == 1
    write(page)
    assert served[1].requests[-1][0].preference == (0.51, 0.49)
    assert "seed 0" in shown(page)[0] and note(page) == ""
    page.locator("#slider-1").press("ArrowLeft")
    assert "at 50 % / 50 %" in shown(page)[0]
    page.locator("#slider-1").press("ArrowRight")
    assert "seed 0" in shown(page)[0]


def test_coefficients_between_the_stops_stay_with_another_method_and_in_a_page_of_the_same_link(page, browser):
    for _ in range(4):
        page.locator("#slider-1").press("ArrowRight")
    wait_for_text(page, "#coefficients", "your 54 % is inside")
    choose(page, "Right column", "No mapping (ABA)")
    wait_for_text(page, "#coefficients", "No mapping")
    wait_for_text(page, "#coefficients", "+0.54")
    choose(page, "Right column", "Rewarded Soup")
    wait_for_text(page, "#coefficients", "your 54 % is inside")
    write(page)
    page.wait_for_function("location.hash.includes('54')")
    again, problems = opened(browser, page.url)
    wait_for_text(again, "#coefficients", "your 54 % is inside")
    again.close()
    assert problems == []


def test_other_parts_of_the_page_hear_of_every_move_and_can_make_one(page):
    page.evaluate(
        """() => {
            window.heard = [];
            document.addEventListener("bonesoup:preference", (event) => heard.push(event.detail));
            document.dispatchEvent(new CustomEvent("bonesoup:prefer", { detail: [28, 72] }));
        }"""
    )
    assert page.evaluate("heard") == [[30, 70]] and shares(page) == [30, 70] and "at 30 %" in shown(page)[0]


def test_words_that_differ_are_marked_on_demand(page):
    background = "getComputedStyle(document.querySelector('#column-left .differs')).backgroundColor"
    assert page.locator("#column-left .differs").all_inner_texts() == ["bone-soup"]
    assert page.evaluate(background) == "rgba(0, 0, 0, 0)"
    page.get_by_label("Mark what differs").check()
    assert page.evaluate(background) != "rgba(0, 0, 0, 0)"
    press(page, "all complete")
    assert page.locator(".differences .differs").count() == 2


def test_identical_texts_are_shown_once_and_another_method_is_swept(page, served):
    stream, swept = served[1], len(served[1].swept)
    choose(page, "Right column", "Bone Soup")
    wait_for_text(page, ".verdict-line", "in both columns")
    assert not page.locator("#column-right").is_visible() and "bone-soup" in shown(page)[0]
    assert len(stream.swept) == swept + 1 and {one.method for one in stream.swept[-1]} == {"bone-soup"}


def test_what_is_typed_is_swept_once_typing_rests_and_what_is_not_there_yet_is_dimmed(page, served, monkeypatch):
    stream, before = served[1], (len(served[1].swept), len(served[1].requests))
    monkeypatch.setattr(stream, "delay", 0.4)  # so that a busy machine sees what is there meanwhile
    open_fields(page)
    typed(page, " Inn")
    wait_for_text(page, "#columns", "Written before your change.")
    assert "The Golden Lantern is" in shown(page)[0] and page.locator(".pair.dimmed").count() == 1
    wait_for_text(page, "#columns", "0 of 11 preferences are there. This is from before.")
    wait_for_text(page, "#column-left", "The Golden Lantern Inn is a bone-soup")
    assert note(page) == "" and (len(stream.swept), len(stream.requests)) == (before[0] + 1, before[1])
    assert stream.swept[-1][0].given["name"] == "The Golden Lantern Inn"
    page.locator("#slider-1").press("Home")
    assert "Lantern Inn" in shown(page)[0] and note(page) == ""
    wait_for_text(page, "#sentence", "The Golden Lantern Inn, a moderate Italian coffee shop by the riverside")
    page.get_by_role("tab", name="Sweep").click()
    wait_for_text(page, "#grid", "The Golden Lantern Inn")


def test_the_next_change_ends_a_sweep(page, served, monkeypatch):
    stream, swept, closed = served[1], len(served[1].swept), served[1].closed
    monkeypatch.setattr(stream, "delay", 1.0)
    open_fields(page)
    typed(page, "s")
    until(lambda: len(stream.swept) == swept + 1)
    typed(page, "x")
    until(lambda: stream.closed == closed + 1)
    monkeypatch.setattr(stream, "delay", 0.05)
    wait_for_text(page, "#column-left", "The Golden Lanternsx is")
    assert len(stream.swept) == swept + 2


def test_enter_in_a_field_writes(page, served):
    written = len(served[1].requests)
    open_fields(page)
    typed(page, "!")
    page.get_by_label("Name", exact=True).press("Enter")
    wait_for_text(page, "#history", "The Golden Lantern!")
    assert len(served[1].requests) == written + 1
    assert "seed 0" in shown(page)[0]
    page.wait_for_timeout(2500)  # the sweep that follows leaves the text that was asked for
    assert "seed 0" in shown(page)[0] and note(page) == ""


def test_the_slider_shows_once_what_it_is_for_and_stops_at_a_touch(browser, served):
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="no-preference")
    context.set_default_timeout(60_000)
    heard = """
        window.heard = [];
        document.addEventListener("bonesoup:preference", (event) => heard.push(event.detail[0]));
    """
    context.add_init_script(heard)
    page = context.new_page()
    page.goto(served[0])
    page.wait_for_function("heard.length > 8 && heard.at(-1) === 50")
    assert min(page.evaluate("heard")) == 20 and "at 50 %" in shown(page)[0]
    page.close()
    page = context.new_page()  # another visit
    page.goto(served[0])
    page.wait_for_selector("#column-left .answer")
    page.wait_for_timeout(2500)
    assert set(page.evaluate("heard")) == {50}
    page.evaluate("localStorage.clear()")
    page.reload()
    page.wait_for_function("heard.at(-1) < 50")
    page.keyboard.press("Shift")
    stopped = page.evaluate("heard.length")
    page.wait_for_timeout(1000)
    assert page.evaluate("heard.length") == stopped
    context.close()


def test_nothing_moves_by_itself_where_motion_is_not_wanted(browser, served):
    page, _ = opened(browser, served[0])
    page.wait_for_function("localStorage.getItem('bonesoup-seen')")
    page.wait_for_timeout(2500)
    assert shares(page) == [50, 50] and page.evaluate("localStorage.getItem('bonesoup-seen')") == "1"
    page.close()
