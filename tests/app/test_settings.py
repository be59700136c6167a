"""Settings of the host."""

import re
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).parents[2]


def settings(**environ):
    return Settings.read({f"BONESOUP_{name.upper()}": value for name, value in environ.items()})


def test_settings_have_defaults_and_are_checked():
    assert settings() == Settings(("silver-lining", "restaurants", "restaurants-3"), None, None, 64, 64)
    assert settings(sets="a, ./b ,", device="cpu", queue="8", rows="2") == Settings(("a", "./b"), "cpu", None, 8, 2)
    served = settings(engine="http://a:8000/, https://b,http://a:8000", engine_adapters="3", engine_lattice="20")
    assert (served.engine, served.adapters, served.lattice) == (("http://a:8000", "https://b"), 3, 20)
    assert settings(engine_folder="shared").folder == Path("shared")
    with pytest.raises(ValueError, match="BONESOUP_ENGINE holds 'a:8000': write addresses as in http://host:8000,http"):
        settings(engine="a:8000")
    for odd in ("http://host:80a", "http://::1:8000", "http://[::1", "http://:8000"):
        with pytest.raises(ValueError, match=f"BONESOUP_ENGINE holds {re.escape(repr(odd))}"):
            settings(engine=odd)
    for name, value in (("device", "tpu"), ("precision", "int8"), ("queue", "0"), ("rows", "many"), ("queue", "-1")):
        with pytest.raises(ValueError, match=f"BONESOUP_{name.upper()} is '{value}': use"):
            settings(**{name: value})


def test_the_page_on_hosting_lists_every_setting():
    listed = set(re.findall(r"`(BONESOUP_\w+)`", (ROOT / "docs" / "hosting.md").read_text()))
    assert listed == set(re.findall(r"BONESOUP_\w+", Settings.read.__doc__))
