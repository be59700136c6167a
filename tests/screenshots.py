"""The README's screenshots, taken of the running app: `python -m tests.screenshots`. Needs Chromium."""

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import choose, launched, press, wait_for_text

ROOT = Path(__file__).parents[1]
PORT = "7877"


def ready(browser, mode: str, width: int, height: int):
    """The page, opened and drawn."""
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.5)
    page.goto(f"http://127.0.0.1:{PORT}/?__theme={mode}")
    page.wait_for_selector("#front .scatterlayer .trace", timeout=60_000)
    return page


def shoot(page, name: str, whole: bool = False) -> None:
    """Save what is seen as assets/NAME.png, when all is drawn."""
    page.mouse.move(2, 2)
    page.wait_for_timeout(1500)
    page.screenshot(path=ROOT / "assets" / f"{name}.png", full_page=whole)


def written(page) -> None:
    """Press Write and wait for the texts."""
    press(page, "Write")
    page.wait_for_selector("#column-right .chips", timeout=60_000)


def take(browser) -> None:
    """All screenshots: the page, a sweep of three objectives, the explanation, a phone."""
    page = ready(browser, "light", 1280, 1010)
    page.get_by_role("button", name="Sampling").click()
    page.get_by_label("number input for Texts per column").fill("4")
    page.get_by_role("button", name="Sampling").click()
    press(page, "backbone 1")
    for _ in range(12):
        page.locator("#slider-1").press("ArrowLeft")
    written(page)
    shoot(page, "screenshot")
    page.close()

    page = ready(browser, "dark", 1280, 1010)
    choose(page, "Set", "Restaurants: complete, concise and upbeat")
    page.wait_for_selector(".triangle")
    press(page, "Sweep")
    wait_for_text(page, "#column-left", "From the sweep")
    shoot(page, "sweep")
    page.close()

    page = ready(browser, "light", 1280, 900)
    page.get_by_role("tab", name="How it works").click()
    page.wait_for_selector("#picture-3 .scatterlayer .trace", state="attached")
    page.locator("#lesson-matrices").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('.lesson.opening').scrollIntoView()")
    shoot(page, "how-it-works")
    page.close()

    page = ready(browser, "dark", 390, 844)
    written(page)
    page.locator("#actions").scroll_into_view_if_needed()
    shoot(page, "phone")
    page.close()


def main() -> None:
    environ = os.environ | {"GRADIO_SERVER_PORT": PORT}
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        next(line for line in app.stdout if re.search("Running on", line))
        with sync_playwright() as playwright:
            browser = launched(playwright)
            take(browser)
            browser.close()
    finally:
        app.terminate()


if __name__ == "__main__":
    main()
