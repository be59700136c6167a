"""Writing in headless Chromium, on a stream without a model."""

import time

from backbones.engine.jobs import ServingError, Waiting
from tests.browser import (
    choose_set,
    click_marker,
    markers,
    needs_browser,
    open_fields,
    opened,
    press,
    reopen,
    shares,
    three,
    told,
    wait_for_text,
    wait_for_trace,
    write,
)
from tests.fake import HEAVY, POINTER, FakeStream, text
from tests.waiting import until

pytestmark = needs_browser


def test_write_fills_both_columns_marks_the_plot_and_is_kept(page):
    assert markers(page, "Bone Soup, written") == []
    write(page)
    assert "bone-soup pub" in page.locator("#column-left").inner_text()
    assert "rewarded-soup pub" in page.locator("#column-right").inner_text()
    assert page.locator("#column-left mark.stated").inner_text() == "The Golden Lantern"
    assert "seed 0" in page.locator("#column-left").inner_text()
    wait_for_trace(page, "Rewarded Soup, written")
    assert len(markers(page, "Bone Soup, written")) == 1
    assert page.locator("#history tbody tr").count() == 2


def test_stop_ends_the_stream_at_once_and_keeps_what_is_there(page, served, monkeypatch):
    stream, closed = served[1], served[1].closed
    monkeypatch.setattr(stream, "delay", 1.0)  # so that a busy machine presses Stop before all is written
    press(page, "Write")
    page.wait_for_selector("#column-left .caret")
    press(page, "Stop")
    page.wait_for_selector("#columns .halted")
    page.wait_for_timeout(2000)
    until(lambda: stream.closed == closed + 1)
    assert page.locator("#column-left .chips").count() == 0
    press(page, "all complete")
    press(page, "balanced")  # back, to what was stopped
    assert "The Golden Lantern" in page.locator("#column-left .writing").inner_text()
    assert not page.locator("#column-left .caret").is_visible()
    monkeypatch.setattr(stream, "delay", 0.0)
    write(page)
    assert page.locator("#columns .halted").count() == 0


def test_stop_ends_what_is_written_and_the_press_that_waits(page, served, monkeypatch):
    stream, closed = served[1], served[1].closed
    monkeypatch.setattr(stream, "delay", 1.0)  # as above
    press(page, "Write")
    press(page, "Write")  # twice for the same counts once
    page.wait_for_selector("#column-left .caret")
    page.locator("#slider-1").press("ArrowRight")
    before = len(stream.requests)
    press(page, "Write")  # to be written next
    press(page, "Stop")
    page.wait_for_timeout(2500)
    until(lambda: stream.closed == closed + 1)
    assert len(stream.requests) == before
    monkeypatch.setattr(stream, "delay", 0.0)
    write(page)
    assert [len(stream.requests), stream.requests[-1][0].preference] == [before + 1, (0.51, 0.49)]
    assert page.locator("#history tbody tr").count() == 2


def test_after_a_write_that_failed_the_next_press_counts(page, served, monkeypatch):
    stream, whole, failed = served[1], FakeStream.__call__, []

    def failing_twice(self, name, requests):
        if len(failed) < 2:
            failed.append(name)
            time.sleep(1.5)
            raise ServingError("no luck")
        yield from whole(self, name, requests)

    monkeypatch.setattr(FakeStream, "__call__", failing_twice)
    press(page, "Write")
    told(page, "no luck")
    before = len(stream.requests)
    press(page, "Write")
    page.locator("#slider-1").press("ArrowRight")
    press(page, "Write")  # while the second is about to fail
    told(page, "no luck")
    wait_for_text(page, "#history", "51 % / 49 %")
    page.locator("#slider-1").press("ArrowRight")
    write(page)
    assert len(failed) == 2 and len(stream.requests) == before + 2


def test_what_a_stopped_sweep_still_sends_is_not_taken(page, monkeypatch):
    def gradual(self, name, requests, background=False):
        for done in range(12):
            time.sleep(1.0)  # so that a busy machine sees each number
            yield [text(one, "It is a pub .", done=i // 2 < done) for i, one in enumerate(requests)]

    monkeypatch.setattr(FakeStream, "__call__", gradual)
    page.route(
        "**/gradio_api/cancel*", lambda route: page.wait_for_timeout(1500) or route.continue_()
    )  # a slow network
    press(page, "Another example")
    wait_for_text(page, "#columns", "Being written for you: 0 of 11")
    press(page, "all complete")  # what comes last
    wait_for_text(page, "#columns", "Being written for you: 3 of 11")
    press(page, "Stop")
    wait_for_text(page, "#columns", "Stopped: ")
    page.wait_for_timeout(1200)
    assert "Stopped: " in page.locator("#columns [data-note]").inner_text()
    page.unroute_all(behavior="wait")


def test_a_text_reopened_while_another_is_written_stays(page, served, monkeypatch):
    write(page)
    page.locator("#slider-1").press("ArrowRight")
    monkeypatch.setattr(served[1], "delay", 0.5)
    press(page, "Write")
    page.wait_for_selector("#column-left .caret")
    reopen(page)
    wait_for_text(page, "#column-left", "Written before, with seed 0.")
    wait_for_text(page, "#history", "51 % / 49 %")
    assert "Written before, with seed 0." in page.locator("#column-left").inner_text()


def test_a_text_written_after_a_sweep_was_stopped_leaves_that_stopped(page, served, monkeypatch):
    monkeypatch.setattr(served[1], "delay", 1.0)
    press(page, "Another example")
    wait_for_text(page, "#columns", "Being written for you: 0 of 11")
    press(page, "Stop")
    wait_for_text(page, "#columns", "Stopped: 0 of 11 preferences are there.")
    monkeypatch.setattr(served[1], "delay", 0.0)
    write(page)
    press(page, "all complete")
    assert "Stopped: 0 of 11 preferences are there." in page.locator("#columns").inner_text()


def test_stop_while_others_are_served_says_that_nothing_comes(page, served, monkeypatch):
    def busy(name, requests, background=False):
        while True:
            time.sleep(0.1)
            yield Waiting(3)

    monkeypatch.setattr(FakeStream, "__call__", lambda self, *asked, **how: busy(*asked, **how))
    press(page, "Write")
    page.get_by_text("3 requests are before yours. It starts by itself.").first.wait_for()
    press(page, "Stop")
    page.get_by_text("Stopped before it began: press Write for it.").first.wait_for()
    assert "starts by itself" not in page.locator("#columns").inner_text()


def test_a_change_while_it_writes_dims_the_old_text_and_write_takes_the_new(page, served, monkeypatch):
    stream = served[1]
    monkeypatch.setattr(stream, "delay", 0.5)
    open_fields(page)
    press(page, "Write")
    page.wait_for_selector("#column-left .caret")
    page.get_by_label("Name", exact=True).fill("Elm")
    wait_for_text(page, "#columns [data-note]", "Written before your change.")
    page.evaluate(
        """() => {
            window.undimmed = 0;
            const look = () => {
                const left = document.querySelector("#column-left").innerText;
                if (left.includes("Golden") && !document.querySelector("#columns .dimmed")) window.undimmed += 1;
            };
            window.looking = setInterval(look, 50);
        }"""
    )
    press(page, "Write")
    wait_for_text(page, "#history", "Elm is a bone-soup pub")
    page.evaluate("clearInterval(looking)")
    assert page.evaluate("undimmed") == 0
    assert [one[0].given["name"] for one in stream.requests[-2:]] == ["The Golden Lantern", "Elm"]
    assert "Elm is a bone-soup pub" in page.locator("#column-left").inner_text()
    assert "The Golden Lantern is a bone-soup pub" in page.locator("#history").inner_text()  # nothing is lost


def test_stop_ends_a_sweep_and_says_so(page, served, monkeypatch):
    closed = served[1].closed
    monkeypatch.setattr(served[1], "delay", 1.0)
    press(page, "Another example")
    wait_for_text(page, "#columns", "Being written for you: 0 of 11")
    press(page, "Stop")
    wait_for_text(page, "#columns", "Stopped: 0 of 11 preferences are there. This is from before.")
    until(lambda: served[1].closed == closed + 1)


def test_a_pointer_is_a_calm_note_with_one_link_to_help_in_a_new_tab(page):
    open_fields(page)
    page.get_by_label("Name", exact=True).fill(HEAVY)
    press(page, "Write")
    wait_for_text(page, "#history", "findahelpline.com")
    assert page.locator("#column-left").inner_text().strip() == POINTER  # the same in both: once
    assert not page.locator("#column-right").is_visible()
    link = page.locator("#column-left a")
    assert link.get_attribute("href") == "https://findahelpline.com" and link.get_attribute("target") == "_blank"
    assert markers(page, "Bone Soup, written") == []


def test_a_missing_name_says_so_and_loses_nothing(page):
    write(page)
    open_fields(page)
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_label("Near", exact=True).fill("the lighthouse")
    wait_for_text(page, "#problem", "the fact 'name' is missing")  # at rest, unasked
    press(page, "Write")
    told(page, "the fact 'name' is missing")
    assert page.get_by_label("Near", exact=True).input_value() == "the lighthouse"
    assert "bone-soup pub" in page.locator("#column-left").inner_text()


def test_markup_in_a_name_is_shown_and_never_run(page):
    open_fields(page)
    page.get_by_label("Name", exact=True).fill('Tom & "Jerry" onload=alert(1)')
    write(page)
    assert 'Tom & "Jerry" onload=alert(1) is a bone-soup' in page.locator("#column-left").inner_text()


def test_a_click_on_a_generation_brings_back_its_text_and_settings(page):
    press(page, "all complete")
    write(page)
    wait_for_trace(page, "Rewarded Soup, written")
    open_fields(page)
    page.get_by_label("Name", exact=True).fill("Elm")
    press(page, "balanced")
    click_marker(page, "Rewarded Soup, written", 0)
    wait_for_text(page, "#column-right", "Written before")
    assert "The Golden Lantern is a rewarded-soup" in page.locator("#column-right").inner_text()
    assert "The Golden Lantern is a bone-soup" in page.locator("#column-left").inner_text()  # written beside it
    assert shares(page) == [100, 0]
    assert page.get_by_label("Name", exact=True).input_value() == "The Golden Lantern"


def test_a_text_of_another_set_is_reopened_from_the_table(page):
    three(page)
    write(page)
    choose_set(page, "Fake of 2")
    wait_for_text(page, "#column-left", "50 % / 50 %")
    reopen(page)
    page.wait_for_selector(".triangle", state="visible")
    wait_for_text(page, "#column-left", "Written before")
    page.wait_for_selector("#view", state="visible")


def test_two_browsers_at_once_get_their_own_preference(page, browser, served):
    other, problems = opened(browser, served[0])
    press(page, "all complete")
    press(other, "all concise")
    for one in (page, other):
        wait_for_text(one, "#coefficients", "+1.75")
        press(one, "Write")
    for one in (page, other):
        one.wait_for_selector("#history tbody tr")
    assert {requests[0].preference for requests in served[1].requests[-2:]} == {(1.0, 0.0), (0.0, 1.0)}
    wait_for_text(page, "#history", "100 % / 0 %")
    wait_for_text(other, "#history", "0 % / 100 %")
    other.close()
    assert problems == []
