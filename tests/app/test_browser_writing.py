"""Writing and sweeping in headless Chromium, on a stream without a model."""

from tests.browser import (
    choose,
    click_marker,
    markers,
    needs_browser,
    opened,
    press,
    shares,
    three,
    wait_for_text,
    wait_for_trace,
    write,
)
from tests.fake import HEAVY, POINTER

pytestmark = needs_browser


def test_write_fills_both_columns_marks_the_plot_and_is_kept(page):
    assert markers(page, "Bone Soup, written") == []
    write(page)
    assert "bone-soup pub" in page.locator("#column-left").inner_text()
    assert "rewarded-soup pub" in page.locator("#column-right").inner_text()
    assert page.locator("#column-left mark.stated").inner_text() == "The Golden Lantern"
    wait_for_trace(page, "Rewarded Soup, written")
    assert len(markers(page, "Bone Soup, written")) == 1
    assert page.locator("#history tbody tr").count() == 2


def test_stop_ends_the_stream_at_once_and_keeps_what_is_there(page, served, monkeypatch):
    stream, closed = served[1], served[1].closed
    monkeypatch.setattr(stream, "delay", 1.0)  # so that a busy machine presses Stop before all is written
    press(page, "Write")
    page.wait_for_selector("#column-left .caret")
    press(page, "Stop")
    page.wait_for_selector("#column-left .stopped")
    page.wait_for_timeout(2000)
    assert stream.closed == closed + 1
    assert page.locator("#column-left .chips").count() == 0
    assert "The Golden Lantern" in page.locator("#column-left").inner_text()


def test_a_pointer_is_a_calm_note_with_one_link_to_help_in_a_new_tab(page):
    page.get_by_label("Name", exact=True).fill(HEAVY)
    press(page, "Write")
    wait_for_text(page, "#history", "findahelpline.com")
    for column in ("#column-left", "#column-right"):
        assert page.locator(column).inner_text().strip() == POINTER
        link = page.locator(f"{column} a")
        assert link.get_attribute("href") == "https://findahelpline.com" and link.get_attribute("target") == "_blank"
    assert markers(page, "Bone Soup, written") == []


def test_live_mode_writes_when_the_preference_rests(page, served):
    written = len(served[1].requests)
    page.locator("#slider-1").press("End")
    page.wait_for_timeout(900)
    assert len(served[1].requests) == written
    page.get_by_label("Live", exact=False).check()
    page.evaluate(  # at once: a busy machine can take so long between two keys that the preference rests
        """() => {
            const slider = document.querySelector("#slider-1");
            for (let i = 0; i < 4; i++) {
                slider.stepDown();
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }"""
    )
    page.wait_for_selector("#column-right .chips", timeout=20_000)
    assert len(served[1].requests) == written + 1
    assert served[1].requests[-1][0].preference == (0.96, 0.04)


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
    written = len(served[1].requests)
    page.locator("#slider-1").press("Home")
    wait_for_text(page, "#column-left", "at 0 % / 100 %")
    page.get_by_role("tab", name="Sweep").click()
    page.locator("#grid").get_by_role("button", name="go there").nth(3).click()
    wait_for_text(page, "#column-left", "at 70 % / 30 %")
    assert len(served[1].requests) == written and shares(page) == [70, 30]


def test_two_browsers_at_once_get_their_own_preference(page, browser, served):
    other, problems = opened(browser, served[0])
    press(page, "all complete")
    press(other, "all concise")
    for one in (page, other):
        wait_for_text(one, "#coefficients", "+1.75")
        press(one, "Write")
    for one in (page, other):
        one.wait_for_selector("#column-right .chips", timeout=20_000)
    assert {requests[0].preference for requests in served[1].requests[-2:]} == {(1.0, 0.0), (0.0, 1.0)}
    wait_for_text(page, "#history", "100 % / 0 %")
    wait_for_text(other, "#history", "0 % / 100 %")
    other.close()
    assert problems == []
