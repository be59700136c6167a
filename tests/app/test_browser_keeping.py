"""Links and files in headless Chromium, on a stream without a model."""

import json
import zipfile

from backbones.store import exporting
from tests.browser import (
    choose,
    needs_browser,
    open_fields,
    opened,
    press,
    shares,
    still,
    three,
    told,
    wait_for_text,
    write,
)

pytestmark = needs_browser


def test_a_link_opened_in_another_browser_gives_the_same_texts(page, browser, served):
    three(page)
    press(page, "all upbeat")
    page.get_by_role("button", name="Sampling").click()
    page.get_by_label("Seed", exact=True).wait_for(state="visible")
    still(page)  # a field that has just come into view takes its value once more
    page.get_by_label("Seed", exact=True).fill("42")
    choose(page, "Right column", "MOD")
    write(page)
    wait_for_text(page, "#history", "mod pub with seed 42")
    page.wait_for_function("location.hash.includes('seed=42')")
    press(page, "Copy link")
    page.wait_for_selector("#link textarea, #link input", state="visible")
    page.wait_for_function("document.querySelector('#link textarea, #link input').value.includes('seed=42')")
    link = page.locator("#link textarea, #link input").input_value()
    other, problems = opened(browser, link, context=browser.new_context())
    wait_for_text(other, "#history", "mod pub with seed 42")
    for column in ("#column-left", "#column-right"):
        wait_for_text(other, column, "pub with seed 42")
        assert other.locator(column).inner_text() == page.locator(column).inner_text()
    assert shares(other) == [0, 0, 100] and served[1].requests[-1] == served[1].requests[-2]
    other.context.close()
    assert problems == []


def test_a_damaged_link_says_so(browser, served):
    page, problems = opened(browser, f"{served[0]}#set=fake-2&facts=%3Cscript%3E&preference=a")
    wait_for_text(page, "#problem", "The link cannot be opened")
    wait_for_text(page, "#column-left", "bone-soup pub")
    page.close()
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
            file.writestr("r", str(list(mu)))
        return folder / f"{method}.zip"

    monkeypatch.setattr(exporting, "zipped", made)
    with page.expect_download() as news:
        press(page, "Right merge as adapter")
    assert news.value.suggested_filename == "rewarded-soup.zip"
    with zipfile.ZipFile(news.value.path()) as file:
        assert file.read("r") == b"[0.5, 0.5]"


def test_nothing_to_take_away_and_nothing_to_link_to_are_told_in_words(page):
    """Where the server answered with a failure, the browser would log it, which fails the test."""
    for name in ("Texts as JSON", "Texts as CSV"):
        press(page, name)
        told(page, "nothing has been written yet: press Write first")
    open_fields(page)
    page.get_by_label("Name", exact=True).fill("")
    press(page, "Copy link")
    told(page, "the fact 'name' is missing: every text needs a name to write about")
    assert not page.locator("#link").is_visible()
    page.get_by_label("Name", exact=True).fill("Elm")
    press(page, "Copy link")
    page.wait_for_selector("#link textarea, #link input", state="visible")
    page.wait_for_function("document.querySelector('#link textarea, #link input').value.includes('Elm')")


def test_a_click_on_what_is_no_longer_kept_is_told_in_words(page):
    page.evaluate(
        """() => {
            const button = document.createElement("button");
            button.dataset.key = '["text", 99]';
            document.querySelector("#history").append(button);
            button.click();
        }"""
    )
    told(page, "what was clicked is no longer kept: write it again")


def test_an_error_shows_the_markup_that_was_pasted_as_text(page):
    pasted = "<b>x</b> & <img src=x onerror=alert(1)>"
    open_fields(page)
    page.get_by_label("Name", exact=True).fill(pasted)
    press(page, "Write")
    told(page, f"name is '{pasted}': leave out the characters")
    assert page.locator("[data-testid=toast-text] b, [data-testid=toast-text] img").count() == 0
