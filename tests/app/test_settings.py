"""Settings of the host."""

import re
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).parents[2]


def settings(**environ):
    return Settings.read({f"BONESOUP_{name.upper()}": value for name, value in environ.items()})


def test_settings_have_defaults_and_are_checked():
    assert settings() == Settings(("restaurants", "restaurants-3"), None, None, 64, 64)
    assert settings(sets="a, ./b ,", device="cpu", queue="8", rows="2") == Settings(("a", "./b"), "cpu", None, 8, 2)
    for name, value in (("device", "tpu"), ("precision", "int8"), ("queue", "0"), ("rows", "many"), ("queue", "-1")):
        with pytest.raises(ValueError, match=f"BONESOUP_{name.upper()} is '{value}': use"):
            settings(**{name: value})


def test_the_page_on_hosting_lists_every_setting():
    listed = set(re.findall(r"`(BONESOUP_\w+)`", (ROOT / "docs" / "hosting.md").read_text()))
    assert listed == set(re.findall(r"BONESOUP_\w+", Settings.read.__doc__))
