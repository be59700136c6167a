"""A set whose every word is markup, in headless Chromium: it is shown, and never run."""

from dataclasses import replace

import pytest

from app.page import build
from app.serve import launch
from backbones.merging.front import Example
from tests.browser import choose_set, needs_browser, opened, press, wait_for_text, write
from tests.fake import FakeStream, fake_set

pytestmark = needs_browser
MARKUP = "<img src=x onerror='window.run=1'><b>{}</b><script>window.run=1</script>${{window.run=1}}"


@pytest.fixture(scope="module")
def address():
    """The address of a page with two such sets."""
    page = build([hostile(2), hostile(3)], FakeStream())
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url
    page.close()


def hostile(n):
    """A set as a stranger might publish it."""
    soup_set = fake_set(n)
    objectives = [
        replace(one, label=MARKUP.format(one.label), description=MARKUP.format(f"about {one.name}"))
        for one in soup_set.objectives
    ]
    methods = {
        name: replace(
            measured,
            points=tuple(
                replace(point, example=Example(MARKUP.format("given"), MARKUP.format("text")))
                for point in measured.points
            ),
        )
        for name, measured in soup_set.front.methods.items()
    }
    return replace(
        soup_set,
        name=MARKUP.format(f"name {n}"),
        title=MARKUP.format(f"title {n}"),
        objectives=tuple(objectives),
        front=replace(soup_set.front, methods=methods),
    )


def test_words_of_a_set_are_shown_and_never_run(browser, address):
    page, problems = opened(browser, address)
    write(page)
    wait_for_text(page, "#history", MARKUP.format("name 2"))
    press(page, "Another example")
    page.wait_for_selector(".pages.pair.dimmed")
    page.wait_for_selector(".pages.pair:not(.dimmed)")
    for name in ("Sweep", "Blind round", "Fronts as a table", "Results", "Use it from code"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(300)
    choose_set(page, MARKUP.format("title 3"))
    page.wait_for_selector(".triangle", state="visible")
    wait_for_text(page, "#coefficients", "backbone-3")  # and with it the story of this set
    page.get_by_role("tab", name="Fronts as a table").click()
    page.locator("#points").get_by_role("button", name="go there").first.click()
    wait_for_text(page, "#example", MARKUP.format("given"))
    press(page, "Take the tour (2 min)")
    for where in ("#preference", "#coefficients", "#points", "#story"):
        shown = page.locator(where).text_content().lower()
        assert MARKUP.format("complete").lower() in shown, where
    assert page.locator("#set input").input_value() == MARKUP.format("title 3")
    assert MARKUP.format("about complete") in page.locator("#preference").text_content()
    assert page.evaluate("window.run") is None
    assert page.locator("img[src=x]").count() == 0
    page.close()
    assert problems == []
