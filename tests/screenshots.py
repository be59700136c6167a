"""The pictures of README and docs: `python -m tests.screenshots`. Needs Chromium; `cards` does not."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from app import card, curves, figures, pictures, sweep
from app import choices as ch
from app.colours import colour
from backbones.merging.methods import ANCHORED, BASELINE, BONE_SOUP, LABELS, LONE
from backbones.merging.preference import Preference
from backbones.store import soup_set as sets
from tests.browser import launched, press

ROOT = Path(__file__).parents[1]
PORT = "7877"


def ready(browser, mode: str, width: int, height: int):
    """The page, opened and drawn."""
    size = {"width": width, "height": height}
    page = browser.new_page(viewport=size, device_scale_factor=1.5, reduced_motion="reduce")
    page.goto(f"http://127.0.0.1:{PORT}/?__theme={mode}")
    page.wait_for_selector("#front .scatterlayer .trace", timeout=60_000)
    return page


def shoot(page, name: str, whole: bool = False) -> None:
    """Save what is seen as assets/NAME.png, when all is drawn."""
    page.mouse.move(2, 2)
    page.wait_for_timeout(1500)
    file = ROOT / "assets" / f"{name}.png"
    page.screenshot(path=file, full_page=whole)
    few = Image.open(file).convert("RGB").quantize(96, Image.Quantize.MAXCOVERAGE)  # a quarter of the bytes
    few.save(file, optimize=True)


def take(browser) -> None:
    """All screenshots: the page on arrival, and the tour."""
    page = ready(browser, "light", 1400, 900)
    shoot(page, "screenshot")
    page.close()

    page = ready(browser, "light", 1400, 900)
    press(page, "Take the tour (2 min)")
    press(page, "Next")
    page.locator(".story .stops button").nth(1).click()
    shoot(page, "story")
    page.close()


def cards() -> None:
    """The picture of the app, and that of a link to an example of the restaurants: what chats show."""
    soup_set = sets.read("restaurants")
    swept = sweep.of_set(soup_set)
    choices = replace(swept.choices, preference=ch.first_preference(soup_set))
    left, right = (one.text for column in swept.at(choices.preference) for one in column)
    for name, picture in (("share", card.cover(soup_set)), ("card", card.drawn(choices, (left, right)))):
        (ROOT / "assets" / f"{name}.png").write_bytes(pictures.png(picture))


def fronts(browser) -> None:
    """Of every shipped set the fronts of all methods, as docs/results.md has them: those of the page, and thinly the
    others and those of other training seeds."""
    for name in sets.shipped():
        soup_set = sets.read(name)
        front, shown, mu = soup_set.front, (BONE_SOUP, BASELINE), Preference.equal(len(soup_set.objectives))
        view = figures.default_view(front, shown)
        figure = figures.front_figure(front, soup_set.objectives, shown, mu, view, tuned=soup_set)
        figure.data = [trace for trace in figure.data if "expected" not in trace.name]  # nobody prefers anything here
        figure.update_layout(height=600)
        plane = tuple(map(int, view.split("-")))
        others = [one for one in front.methods if one not in (*shown, *LONE, ANCHORED)]
        lines = [(LABELS[one], one, "solid", curves.curve(front.points(one), plane)) for one in others]
        for run in front.training_seeds:
            for one, rewards in run.rewards.items():
                lines.append((f"{LABELS[one]}, seed {run.seed}", one, "dot", np.array(rewards)[:, plane]))
        for label, one, dash, curve in lines:
            look = {"color": colour(one), "width": 1, "dash": dash}
            figure.add_scatter(x=curve[:, 0], y=curve[:, 1], mode="lines", line=look, name=label, showlegend=True)
        page = browser.new_page(viewport={"width": 900, "height": 620}, device_scale_factor=1.5)
        page.set_content(figure.to_html(include_plotlyjs=True), timeout=120_000)
        page.wait_for_selector(".scatterlayer .trace")
        shoot(page, f"front-{name}")
        page.close()


def main() -> None:
    cards()
    environ = os.environ | {"GRADIO_SERVER_PORT": PORT}
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        next(line for line in app.stdout if re.search("Running on", line))
        with sync_playwright() as playwright:
            browser = launched(playwright)
            take(browser)
            fronts(browser)
            browser.close()
    finally:
        app.terminate()


if __name__ == "__main__":
    main()
