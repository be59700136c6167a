"""Imports go one way: app -> backbones <- train; pure modules import no torch, gradio or trl."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {"app": {"train", "trl"}, "backbones": {"app", "train", "gradio", "trl"}, "train": {"app", "gradio"}}
PURE = ("backbones/coefficients.py", "backbones/front.py", "backbones/theory.py", "backbones/facts.py",
        "backbones/slots.py", "backbones/rewards.py", "backbones/sets.py", "app/figures.py",
        "app/quadratics.py", "app/history.py", "app/sweep.py", "app/choices.py")  # fmt: skip


def imported(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_packages_import_in_one_direction(package):
    for file in (ROOT / package).rglob("*.py"):
        assert not FORBIDDEN[package] & set(imported(file)), file


@pytest.mark.parametrize("file", PURE)
def test_pure_modules_load_no_framework(file):
    assert not {"torch", "gradio", "trl", "transformers"} & set(imported(ROOT / file))
