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
from tests.browser import needs_browser, opened, press, shares, tab, wait_for_text

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
    tags = Tags(httpx.get(link, timeout=60).text)
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
    page = tab(browser, width, height)
    page.add_init_script(SHIFTS)
    page.goto(f"{url}?view=compact&__theme={mode}#{query}")
    page.wait_for_selector("#columns .text", timeout=60_000)
    return page


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_compact_page_has_preference_verdict_and_texts_alone(browser, served, size):
    page = compact(browser, served[0], size)
    page.wait_for_timeout(1500)
    assert page.evaluate("shift") < 0.1, page.evaluate("shifted")
    assert seen(page) == list(ALONE)
    tops = [page.locator(where).bounding_box()["y"] for where in ("#preference", "#column-left", "#open a")]
    assert tops == sorted(tops)
    press(page, "all concise")
    wait_for_text(page, "#column-left", "at 0 % / 100 %")
    page.close()


def test_a_damaged_link_says_so_in_the_compact_page(browser, served):
    page = compact(browser, served[0], SIZES["desktop"], "set=fake-9&preference=50-50")
    wait_for_text(page, "#problem", "The link cannot be opened: no set 'fake-9'")
    assert page.locator("#problem").is_visible() and not page.locator("#write").is_visible()
    page.close()


def test_the_whole_page_is_opened_from_the_compact_one_at_the_preference_of_now(browser, served):
    page, _ = opened(browser, served[0])
    query = copied(page).partition("?")[2]
    assert not page.locator("#open").is_visible()
    page.close()
    for state, arrived in ((query, [0, 100]), ("", [50, 50])):
        page = compact(browser, served[0], SIZES["desktop"], state)
        press(page, "all concise")
        with page.context.expect_page() as news:
            page.get_by_role("link", name="Open in Bone Soup").click()
        whole = news.value
        whole.wait_for_selector("#front .scatterlayer .trace", timeout=60_000)
        whole.wait_for_function("share => document.querySelector('#slider-1').value === share", arg=str(arrived[0]))
        assert "view=compact" not in whole.url and shares(whole) == arrived
        whole.close()
        page.close()


def test_nothing_can_be_pressed_that_the_state_of_a_link_on_its_way_would_undo(browser, served):
    page, held = tab(browser), []
    page.route("**/gradio_api/run/predict*", lambda route: held.append(route), times=1)  # the first is the link's
    with page.expect_request("**/gradio_api/run/predict*"):
        page.goto(f"{served[0]}?view=compact#set=fake-2&preference=50-50")
    page.wait_for_selector("#columns .text", timeout=60_000)
    box = page.get_by_role("button", name="all concise").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert shares(page) == [50, 50]
    held[0].continue_()
    press(page, "all concise")
    page.wait_for_timeout(1000)
    assert shares(page) == [0, 100]
    page.close()


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
    page, failures = tab(browser, 900, 700), []
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
    news.value.close()
    page.close()
    assert failures == []
