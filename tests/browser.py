"""Chromium for tests and screenshots."""

import os
import shutil
from urllib.parse import urlparse

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--no-enable-lazy-source-positions",  # or scripts are parsed again for traces
    # One process for all tabs of a context, where scripts are compiled once: pages are ready in half the time.
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
    "--disable-features=IsolateOrigins,site-per-process",
]
FIRST_VISIT = "if (!sessionStorage.visited) { localStorage.clear(); sessionStorage.visited = 1; }"
needs_browser = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium found: install Debian's package chromium"
)


def launched(playwright):
    """A headless browser."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def press(page, name):
    """Press the button called `name`."""
    page.get_by_role("button", name=name, exact=True).click()


def choose(page, label, option):
    """Choose an option of the dropdown labelled `label`."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def choose_set(page, title):
    """Choose a set and wait until the controls and texts suit it."""
    page.evaluate(
        """() => {
            if (!("suited" in window))
                document.addEventListener("bonesoup:changed", (event) => { suited += event.detail === "suited"; });
            window.suited = 0;
        }"""
    )
    choose(page, "Set", title)
    page.wait_for_function("suited")


def wait_for_text(page, where, words):
    """Wait until the element `where` holds `words`."""
    page.wait_for_function("([w, t]) => document.querySelector(w)?.innerText.includes(t)", arg=[where, words])


def told(page, words):
    """Wait until an error says `words`, and put it away."""
    page.locator("[data-testid=toast-text]", has_text=words).first.wait_for()
    page.locator("[data-testid=toast-close]").first.click()
    page.locator("[data-testid=toast-text]").first.wait_for(state="detached")


def still(page):
    """Wait until twenty frames have been drawn in which the page has not scrolled."""
    page.evaluate(
        """async () => {
            for (let was = scrollY, n = 0; n < 20; n = scrollY === was ? n + 1 : 0, was = scrollY)
                await new Promise(requestAnimationFrame);
        }"""
    )


def tab(browser, width=1400, height=900, motion="reduce", context=None):
    """An empty tab, of the context that tabs share by default, without what visits before it have stored."""
    page = (context or browser.contexts[0]).new_page()
    page.set_default_timeout(60_000)
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(reduced_motion=motion)
    page.add_init_script(FIRST_VISIT)
    return page


def opened(browser, url, width=1400, height=900, mode="light", motion="reduce", script="", context=None):
    """A page that is ready, and the list of the errors and outside requests it will make. `script` runs before it."""
    page, problems = tab(browser, width, height, motion, context), []
    page.add_init_script(script)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("response", lambda r: r.status >= 400 and problems.append(f"{r.status} {r.url} {r.request.post_data}"))
    page.on("request", lambda r: urlparse(r.url).hostname not in ("127.0.0.1", None) and problems.append(r.url))
    address, _, query = url.partition("#")
    page.goto(f"{address}{'&' if '?' in address else '?'}__theme={mode}#{query}")
    page.wait_for_selector("#front .scatterlayer .trace")
    return page, problems


def markers(page, name):
    """Positions of the traces called `name` in the plot."""
    return page.evaluate(
        """name => document.querySelector('#front .js-plotly-plot')._fullData
            .filter(t => t.name === name).map(t => [t.x[0], t.y[0]])""",
        name,
    )


def wait_for_trace(page, name):
    """Wait until the plot holds a trace called `name`."""
    page.wait_for_function(
        "name => document.querySelector('#front .js-plotly-plot')._fullData.some(t => t.name === name)", arg=name
    )


def write(page):
    """Press Write and wait until two more texts are kept."""
    rows = "document.querySelectorAll('#history tbody tr').length"
    before = page.evaluate(rows)
    press(page, "Write")
    page.wait_for_function(f"n => {rows} > n", arg=before)


def reopen(page):
    """Press the button that brings back the oldest text of the history."""
    page.locator("#history").get_by_role("button", name="reopen").last.press("Enter")


def open_fields(page):
    """Open the fields behind the sentence."""
    page.locator(".sentence").click()
    page.get_by_label("Name", exact=True).wait_for(state="visible")


def drag(page, shares):
    """Drag the first slider's thumb over `shares` in percent, without letting go of it."""
    box = page.locator("#slider-1").bounding_box()
    for i, share in enumerate(shares):
        page.mouse.move(box["x"] + 10 + (box["width"] - 20) * share / 100, box["y"] + box["height"] / 2)
        if i == 0:
            page.mouse.down()


def shares(page):
    """What the sliders say."""
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


def three(page):
    """Choose the set of three objectives."""
    choose_set(page, "Fake of 3")
    page.wait_for_selector(".triangle", state="attached")
    wait_for_text(page, "#coefficients", "backbone-3")


def three_at_rest(page):
    """The same, and wait until its sweep and the plot of that are there, too: the page then asks for nothing more."""
    waiting, quiet = set(), 0
    page.on("request", lambda request: waiting.add(request))
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: waiting.discard(request))
    with page.expect_request("**/gradio_api/queue/data*"):  # the sweep, once typing would rest
        three(page)
    while quiet < 10:
        page.wait_for_timeout(100)
        quiet = 0 if waiting else quiet + 1
