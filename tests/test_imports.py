"""Imports go one way: app -> backbones <- train <- benchmarks; inside backbones remote -> engine -> store -> tasks ->
merging.

Modules that need no framework load none.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "app": {"train", "benchmarks", "trl"},
    "backbones": {"app", "train", "benchmarks", "gradio", "trl"},
    "train": {"app", "benchmarks", "gradio"},
    "benchmarks": {"app"},
}
ORDER = ("merging", "tasks", "store", "engine", "remote")  # each uses those before it
PURE = (
    "backbones.__main__",
    "backbones.merging.front",
    "backbones.merging.methods",
    "backbones.merging.metrics",
    "backbones.merging.theory",
    "backbones.tasks",
    "backbones.store.soup_set",
    "backbones.store.footprint",
    "backbones.engine.request",
    "app.figures",
    "app.canvas",
    "app.colours",
    "app.curves",
    "app.labels",
    "app.history",
    "app.sweep",
    "app.sheet",
    "app.card",
    "app.animation",
    "app.pictures",
    "app.choices",
)
FRAMEWORKS = {"torch", "gradio", "trl", "transformers", "peft", "bitsandbytes"}


def imported(file: Path) -> Iterator[str]:
    """Full names of all modules that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: import by full names"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(file: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(file)}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_packages_import_in_one_direction(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        assert not FORBIDDEN[package] & packages(file), file


@pytest.mark.parametrize("package", ORDER)
def test_imports_inside_backbones_go_one_way(package):
    later = {f"backbones.{name}" for name in ORDER[ORDER.index(package) + 1 :]} | {"backbones.__main__"}
    files = list((ROOT / "backbones" / package).rglob("*.py"))
    assert files
    for file in files:
        assert not later & {".".join(name.split(".")[:2]) for name in imported(file)}, file


def test_every_package_of_backbones_has_its_place_in_the_order():
    assert {path.parent.name for path in (ROOT / "backbones").glob("*/__init__.py")} == set(ORDER)
    assert {path.name for path in (ROOT / "backbones").glob("*.py")} == {"__init__.py", "__main__.py"}


def test_merging_is_numpy_and_moocore_alone():
    allowed = {*sys.stdlib_module_names, "numpy", "moocore", "backbones"}
    for file in (ROOT / "backbones" / "merging").rglob("*.py"):
        assert packages(file) <= allowed, file


def loads(code: str) -> list[str]:
    """Lines of a process of its own that says, in functions `code` may call, what it has loaded."""
    told = f"import sys\ndef loaded(): return sorted({FRAMEWORKS!r} & set(sys.modules))\n{code}"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_pure_modules_load_no_framework():
    code = f"import importlib\nfor name in {PURE!r}:\n    importlib.import_module(name)\n    print(name, *loaded())"
    assert loads(code) == list(PURE)


def test_sets_are_read_and_listed_and_facts_checked_without_a_framework():
    lines = loads(
        "from backbones.__main__ import main\n"
        "from backbones.store import soup_set\n"
        "for one in map(soup_set.read, soup_set.shipped()):\n"
        "    one.merge('bone-soup', one.preference([1] * len(one.objectives)))\n"
        "    given = one.task.read('name[The Mill], food[English]')\n"
        "    one.task.remarks('<name> is a pub.', given)\n"
        "    one.task.prompt(given, None)\n"
        "sys.argv = ['bonesoup', 'list']\n"
        "main()\n"
        "sys.argv = ['bonesoup', 'front', 'restaurants']\n"
        "main()\n"
        "print(loaded())"
    )
    assert lines[0].startswith("silver-lining: ") and lines[-1] == "[]"
