"""A link from the page to the page, the animation, and the page inside others, in headless Chromium."""

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.app.test_browser_layout import SHIFTS
from tests.app.test_share import Tags
from tests.browser import needs_browser, opened, press, shares, wait_for_text

pytestmark = needs_browser
SIZES = {"desktop": (1400, 900, "light"), "phone": (390, 844, "light"), "dark": (1400, 900, "dark")}
HOSTING = Path(__file__).parents[2] / "docs" / "hosting.md"
SPACE = "https://owner-space.hf.space"
ALONE = ("#preference", ".verdict-line", "#column-left", "#column-right", "#open a")
OTHERS = ("#head", "#sentence", "#actions", "#methods", "#picture", "#sampling", "#keep", "#tabs", "footer")


def copied(page):
    """The link that is copied."""
    press(page, "Copy link")
    page.wait_for_selector("#link textarea, #link input", state="visible")
    page.wait_for_function("document.querySelector('#link textarea, #link input').value.includes('/share?')")
    return page.locator("#link textarea, #link input").input_value()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_copied_link_has_a_card_and_arrives_at_the_app_with_its_state(browser, served, size):
    page, problems = opened(browser, served[0], *SIZES[size])
    press(page, "all concise")
    link = copied(page)
    assert link.startswith(f"{served[0]}share?set=fake-2&") and "preference=0-100" in link
    tags = Tags(httpx.get(link).text)
    assert "100 % concise" in tags.metas["og:description"]
    card = httpx.get(tags.metas["og:image"], timeout=60)
    assert Image.open(io.BytesIO(card.content)).size == (1200, 630)
    query = link.partition("?")[2]
    for address in (link, f"{served[0]}#{query}"):  # the second: as links were before
        other, more = opened(browser, address, *SIZES[size])
        other.wait_for_function("location.pathname === '/' && location.hash.startsWith('#set=fake-2')")
        wait_for_text(other, "#history", "bone-soup pub")
        assert shares(other) == [0, 100]
        other.close()
        assert more == []
    page.close()
    assert problems == []


def test_the_page_of_a_link_leads_on_without_a_script(browser, served):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served[0]}share?set=gone")
    page.wait_for_url(f"{served[0]}#set=gone")
    context.close()


def test_the_sweep_is_taken_away_as_an_animation(page):
    with page.expect_download() as news:
        press(page, "Animation")
    assert news.value.suggested_filename == "bone-soup.gif"
    assert Image.open(news.value.path()).n_frames == 20


def seen(inside):
    """What is seen of the parts of the page."""
    return [where for where in (*ALONE, *OTHERS) if inside.locator(where).first.is_visible()]


def compact(browser, url, size, query=""):
    """A tab with the compact page."""
    width, height, mode = size
    tab = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    tab.add_init_script(SHIFTS)
    tab.goto(f"{url}?view=compact&__theme={mode}#{query}")
    tab.wait_for_selector("#columns .text", timeout=60_000)
    return tab


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_compact_page_has_preference_verdict_and_texts_alone(browser, served, size):
    tab = compact(browser, served[0], size)
    tab.wait_for_timeout(1500)
    assert tab.evaluate("shift") < 0.1, tab.evaluate("shifted")
    assert seen(tab) == list(ALONE)
    tops = [tab.locator(where).bounding_box()["y"] for where in ("#preference", "#column-left", "#open a")]
    assert tops == sorted(tops)
    press(tab, "all concise")
    wait_for_text(tab, "#column-left", "at 0 % / 100 %")
    tab.close()


def test_the_whole_page_is_opened_from_the_compact_one_at_the_preference_of_now(browser, served):
    page, _ = opened(browser, served[0])
    query = copied(page).partition("?")[2]
    assert not page.locator("#open").is_visible()
    page.close()
    for state, arrived in ((query, [0, 100]), ("", [50, 50])):
        tab = compact(browser, served[0], SIZES["desktop"], state)
        press(tab, "all concise")
        with tab.context.expect_page() as news:
            tab.get_by_role("link", name="Open in Bone Soup").click()
        whole = news.value
        whole.wait_for_selector("#front .scatterlayer .trace", timeout=60_000)
        assert "view=compact" not in whole.url and shares(whole) == arrived
        tab.context.close()


def test_nothing_can_be_pressed_that_the_state_of_a_link_on_its_way_would_undo(browser, served):
    context = browser.new_context(reduced_motion="reduce")
    tab, held = context.new_page(), []
    tab.route("**/gradio_api/run/predict*", lambda route: held.append(route), times=1)  # the first is the link's
    tab.goto(f"{served[0]}?view=compact#set=fake-2&preference=50-50")
    tab.wait_for_selector("#columns .text", timeout=60_000)
    box = tab.get_by_role("button", name="all concise").bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert shares(tab) == [50, 50]
    held[0].continue_()
    press(tab, "all concise")
    tab.wait_for_timeout(1000)
    assert shares(tab) == [0, 100]
    context.close()


@pytest.fixture(scope="module")
def elsewhere(served):
    """The address of another server, whose pages are the examples of docs/hosting.md."""
    code = [block.split("```")[0] for block in HOSTING.read_text(encoding="utf-8").split("```html\n")[1:]]
    assert len(code) == 2

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = (
                f"<!doctype html><title>Another page</title>{code[int(self.path[1])]}" if self.path[1:] in "01" else ""
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body.replace(SPACE, served[0].rstrip("/")).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize("example", [0, 1], ids=["iframe", "web component"])
def test_other_pages_can_hold_this_one(browser, elsewhere, example):
    page, failures = browser.new_page(viewport={"width": 900, "height": 700}), []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{elsewhere}/{example}#offset=3")  # which is no link to this page
    inside = page.frame_locator("iframe") if example == 0 else page
    inside.locator("#columns .text").first.wait_for(timeout=60_000)
    assert seen(inside) == list(ALONE)
    inside.get_by_role("button", name="all concise", exact=True).click()
    inside.locator("#column-left", has_text="at 0 % / 100 %").wait_for()
    page.evaluate("window.same = true; location.hash = 'set=theirs'")
    page.wait_for_timeout(300)
    assert page.evaluate("window.same && location.hash") == "#set=theirs"
    assert not inside.locator("#problem .problem").count()
    with page.context.expect_page() as news:
        inside.get_by_role("link", name="Open in Bone Soup").click()
    news.value.wait_for_selector("#front .scatterlayer .trace", timeout=60_000)
    page.context.close()
    assert failures == []
