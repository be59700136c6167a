"""Chromium for tests and screenshots."""

import os
import shutil

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
]
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


def wait_for_text(page, where, words):
    """Wait until the element `where` holds `words`."""
    page.wait_for_function("([w, t]) => document.querySelector(w)?.innerText.includes(t)", arg=[where, words])
