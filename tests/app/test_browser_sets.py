"""From one set to another in headless Chromium, where nothing is swept unasked: what belongs to the one stays there."""

from dataclasses import replace

import pytest

from app.choices import Choices
from app.page import build
from app.serve import launch
from backbones.merging.preference import Preference
from tests.browser import (
    choose,
    choose_set,
    needs_browser,
    open_fields,
    opened,
    press,
    reopen,
    shares,
    tab,
    three,
    wait_for_text,
    write,
)
from tests.fake import GIVEN, FakeStream, fake_set, with_sweep

pytestmark = needs_browser


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a page of three sets, in the place of that of conftest.py, and the stream behind it; the first set
    alone comes with texts."""
    stream = FakeStream(delay=0.1)
    first = with_sweep(fake_set(), tmp_path_factory.mktemp("set"))
    sets = [first, replace(fake_set(), name="other", title="Other"), fake_set(3)]
    page = build(sets, stream, background=False)
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url, stream
    page.close()


def note(page):
    return page.locator("#columns [data-note]").inner_text()


def test_a_link_to_a_set_of_more_objectives_shows_its_texts(browser, served):
    asked = Choices(fake_set(3), ("bone-soup", "mod"), Preference((0.2, 0.3, 0.5)), GIVEN, seed=3)
    page, problems = opened(browser, f"{served[0]}#{asked.query()}")
    wait_for_text(page, "#column-right", "mod pub with seed 3")
    wait_for_text(page, "#column-left", "bone-soup pub with seed 3")
    assert (shares(page), note(page)) == ([20, 30, 50], "")
    page.close()
    assert problems == []


def test_a_text_of_a_set_of_more_objectives_is_reopened_and_shown(page):
    three(page)
    write(page)
    choose_set(page, "Fake of 2")
    wait_for_text(page, "#column-left", "at 50 % / 50 %")
    reopen(page)
    wait_for_text(page, "#column-left", "Written before")
    assert "bone-soup pub with seed 0" in page.locator("#column-left").inner_text()
    assert (len(shares(page)), note(page)) == (3, "")


def test_a_text_that_is_under_way_does_not_come_up_in_another_set(page, served, monkeypatch):
    monkeypatch.setattr(served[1], "delay", 0.4)
    press(page, "Write")
    page.wait_for_selector("#column-left .caret")
    choose_set(page, "Other")
    wait_for_text(page, "#history", "is a bone-soup pub with seed 0")
    assert shares(page) == [50, 50] and note(page).startswith("Nothing has been written for this yet")
    open_fields(page)
    page.get_by_label("Name", exact=True).fill("Elm")
    page.wait_for_timeout(300)
    assert page.locator("#columns .answer").count() == 0
    page.get_by_label("Name", exact=True).fill("The Golden Lantern")
    choose_set(page, "Fake of 2")
    wait_for_text(page, "#column-left", "at 50 % / 50 %")


def test_a_reopened_text_leaves_what_was_swept(page):
    open_fields(page)
    page.get_by_label("Name", exact=True).fill("Elm")
    press(page, "Sweep")
    wait_for_text(page, "#column-left", "Elm is a bone-soup pub")
    write(page)
    reopen(page)
    wait_for_text(page, "#column-left", "Written before")
    press(page, "all complete")
    assert "Elm is a bone-soup pub" in page.locator("#column-left").inner_text() and note(page) == ""


def test_the_example_of_a_measured_point_stays_with_its_set(page):
    page.get_by_role("tab", name="Fronts as a table").click()
    page.locator("#points").get_by_role("button", name="go there").nth(2).press("Enter")
    page.wait_for_selector("#example .example")
    there = shares(page)
    assert there != [50, 50]
    choose_set(page, "Other")
    wait_for_text(page, "#preference", "50 %")
    page.evaluate("at => document.dispatchEvent(new CustomEvent('bonesoup:prefer', { detail: at }))", there)
    page.wait_for_timeout(500)
    assert shares(page) == there and page.locator("#example .example").count() == 0


def test_no_button_changes_the_sampling_without_the_page_hearing_of_it(page):
    page.get_by_text("Sampling", exact=True).click()
    page.get_by_label("Seed", exact=True).wait_for(state="visible")
    assert page.locator("#sampling button").all_inner_texts() == ["Sampling\n▼"]


def test_the_examples_of_code_have_the_address_of_the_page(browser, served):
    page, address = tab(browser), served[0].replace("127.0.0.1", "localhost").rstrip("/")
    page.goto(address)
    page.get_by_role("tab", name="Use it from code").click()
    wait_for_text(page, "#code", f'Client("{address}")')
    assert "127.0.0.1" not in page.locator("#code").inner_text()
    page.close()


def test_a_dropdown_that_is_left_as_it_was_changes_nothing_and_a_choice_is_one_event(page):
    open_fields(page)
    press(page, "all complete")
    page.evaluate(
        "window.heard = []; document.addEventListener('bonesoup:changed', (event) => heard.push(event.detail))"
    )
    for label in ("Set", "Left column", "Right column", "Price"):
        page.get_by_label(label, exact=True).focus()
        page.get_by_role("option").first.wait_for()
        page.keyboard.press("Tab")
        page.evaluate("document.activeElement.blur()")  # perhaps the next dropdown, whose list is open now
        page.get_by_role("option").first.wait_for(state="detached")
    page.wait_for_timeout(500)
    assert page.get_by_role("option").count() == 0
    assert page.evaluate("heard") == [] and shares(page) == [100, 0] and note(page) == ""
    choose_set(page, "Other")
    choose(page, "Right column", "MOD")
    page.wait_for_function("heard.length > 1")
    page.get_by_label("Price", exact=True).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("high")
    page.wait_for_timeout(500)
    assert page.evaluate("heard") == ["suited", None]  # what is typed into a dropdown only looks for an option
    page.keyboard.press("Enter")
    page.wait_for_function("heard.length > 2")
    page.wait_for_timeout(500)
    assert page.evaluate("heard") == ["suited", None, None]
