"""The page in headless Chromium on the shipped sets: real texts, links and adapters."""

import zipfile

import pytest
import torch
from peft import PeftModel

from app.page import build
from app.serve import launch
from backbones.engine.scheduler import Scheduler
from backbones.engine.writer import Writer
from backbones.tasks.restaurants import facts as f
from tests.browser import choose, choose_set, needs_browser, opened, press, tab, wait_for_text
from tests.store.models import plain, served

pytestmark = needs_browser
FACTS = {"name": "Elm", "food": "Italian", "area": "riverside"}


@pytest.fixture(scope="module")
def writers():
    loaded = [Writer.load(name, "cpu", "float32") for name in ("restaurants", "restaurants-3")]
    return {writer.set.name: writer for writer in loaded}


@pytest.fixture(scope="module")
def url(writers):
    page = build([writer.set for writer in writers.values()], Scheduler(writers).stream)
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url
    page.close()


@pytest.fixture
def page(browser, url):
    page, problems = opened(browser, url)
    yield page
    page.close()
    assert problems == []


def texts(page):
    page.wait_for_selector("#history tbody tr", timeout=120_000)
    return [page.locator(f"#column-{side} .text p").all_inner_texts() for side in ("left", "right")]


def test_a_link_opened_in_another_browser_gives_the_same_texts(page, browser):
    choose_set(page, "Restaurants: complete, concise and upbeat")
    page.wait_for_selector(".triangle")
    press(page, "all upbeat")
    choose(page, "Right column", "MOD")
    press(page, "Write")
    before = texts(page)
    page.wait_for_function("location.hash.includes('right=mod')")
    other = tab(browser, context=browser.new_context())
    other.goto(page.url)
    assert texts(other) == before and before[0] != before[1]
    other.context.close()


@pytest.mark.parametrize("title", ["complete and concise", "complete, concise and upbeat"])
def test_a_shipped_set_opens_with_texts_that_follow_the_preference_on_one_screen(browser, url, title):
    page, problems = opened(browser, url)
    if "upbeat" in title:
        choose_set(page, f"Restaurants: {title}")
        page.wait_for_selector(".triangle")
    wait_for_text(page, "#columns", "of 8 facts in")
    for where in ("#preference", "#column-left", "#column-right", "#front"):
        box = page.locator(where).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 900 and box["height"] > 80, (where, box)
    lengths = []
    for key in ("Home", "End"):
        page.locator("#slider-1").press(key)
        lengths.append([len(page.locator(f"#column-{side} .answer").text_content()) for side in ("left", "right")])
    assert lengths[0][0] < lengths[1][0] and lengths[0][1] < lengths[1][1]
    page.close()
    assert problems == []


def test_what_a_visitor_types_is_swept_by_the_engine(page):
    page.locator(".sentence").click()
    name = page.get_by_label("Name", exact=True)
    name.press("End")
    name.press_sequentially("s")
    page.wait_for_selector(".pages.pair.dimmed")
    for key in ("Home", "End"):
        page.locator("#slider-1").press(key)
        wait_for_text(page, "#column-left", "The Golden Lanterns")
        assert page.locator(".pages.pair:not(.dimmed)").count()


def test_the_downloaded_adapter_gives_the_served_logits_in_plain_peft(page, writers, tmp_path):
    page.locator("#slider-1").press("End")
    wait_for_text(page, "#coefficients", "-0.33")
    with page.expect_download() as news:
        press(page, "Left merge as adapter")
    with zipfile.ZipFile(news.value.path()) as file:
        file.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    writer = writers["restaurants"]
    ids = writer.soup.tokenizer(f.prompt(FACTS), return_tensors="pt").input_ids
    expected = served(writer.soup, writer.set, "bone-soup", (1.0, 0.0), ids)
    bare = plain(writer.set.base)
    with torch.inference_mode():
        base = bare(ids).logits
        merged = PeftModel.from_pretrained(bare, folder)(ids).logits
    torch.testing.assert_close(merged, expected, atol=1e-4, rtol=0)
    assert (base - expected).abs().max() > 0.1
