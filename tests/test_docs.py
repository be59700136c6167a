"""README and docs: their commands and examples work, their links lead somewhere, their figures are those measured.

The examples of docs/api.md need a server and are run in `tests/app/test_api.py`; that docs/hosting.md has every
setting is tested in `tests/app/test_settings.py`.
"""

import argparse
import importlib
import json
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from backbones import __main__ as command_line
from backbones.merging.methods import LABELS
from backbones.store import fetching, soup_set
from backbones.store.fetching import Gguf
from backbones.tasks import TASKS
from backbones.tasks.restaurants import rewards

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = {"backbones", "train", "benchmarks"}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACEHOLDER = re.compile(r"\b(NAME|STAGE)\b")  # in the name of a file
INLINE = re.compile(r"`(python -m (?:backbones|train|benchmarks)[^`]*)`")


class Parsed(Exception):
    """A command's arguments have been taken."""


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def fenced(page: Path, *languages: str) -> list[str]:
    """The page's code in one of the languages; "" for code without one."""
    return [code for language, code in FENCED.findall(text(page)) if language in languages]


def lines(code: str) -> list[str]:
    """The commands of a block, one each; those joined by && are two."""
    return [part.strip() for line in code.replace("\\\n", " ").splitlines() for part in line.split("&&")]


def commands() -> list[tuple[str, str]]:
    """Every command of the pages, with the page's name."""
    found = []
    for page in PAGES:
        if page.name == "CHANGELOG.md":  # it names what is gone
            continue
        written = [line for code in fenced(page, "", "bash") for line in lines(code)]
        if page.name == "api.md":
            written = [line for line in written if line.startswith("python -m")]
        written += [command for command in INLINE.findall(text(page)) if not PLACEHOLDER.search(command)]
        found += [(page.name, line) for line in written if line]
    return list(dict.fromkeys(found))


def words_of(command: str) -> list[str]:
    """Without the environment variables before it."""
    words = shlex.split(command)
    while "=" in words[0]:
        words.pop(0)
    return words


@pytest.fixture
def parsing(monkeypatch):
    """Parses the arguments of a module's command, which goes no further."""
    parse = argparse.ArgumentParser.parse_args

    def stop(parser, *args, **kwargs):
        raise Parsed(parse(parser, *args, **kwargs))

    def run(module: str, arguments: list[str]) -> None:
        name = f"{module}.__main__" if module in PACKAGES else module
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
        with pytest.raises((Parsed, SystemExit)) as ended:
            importlib.import_module(name).main()
        assert getattr(ended.value, "code", 0) == 0  # of --help; an error's is 2

    return run


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_is_one(page, command, parsing):
    words = words_of(command)
    if words[:2] == ["accelerate", "launch"]:
        words = ["python", *words[words.index("-m") :]]
    match words:
        case ["python", "-m", "pytest", *files]:
            assert all((ROOT / file).is_file() for file in files)
        case ["python", "-m", module, *arguments] if module.split(".")[0] in PACKAGES:
            parsing(module, arguments)
        case ["python" | "bash", file]:
            assert (ROOT / file).is_file()
        case ["pip", "install", "-r", file]:
            assert (ROOT / file).is_file()
        case ["pip", "install", "-e", "."]:
            assert "bonesoup" in tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["scripts"]
        case ["rm", "-f", "app/*.pyi"]:
            assert "/app/*.pyi" in text(ROOT / ".gitignore").splitlines()
        case ["vllm", "serve", _, "--served-model-name", _, *options]:
            assert {"--enable-lora", "--max-lora-rank", "--max-loras", "--max-cpu-loras"} <= set(options)
        case ["tensorboard" | "ruff" | "mypy", *_]:
            assert words[0] in text(ROOT / "requirements-train.txt") + text(ROOT / "requirements-test.txt")
        case _:
            pytest.fail(f"{page} has a command that is not checked here: {command}")


def test_the_command_line_does_what_the_page_on_sets_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shown = next(code for code in fenced(ROOT / "docs" / "sets.md", "") if "backbones list" in code)
    for command in lines(shown):
        monkeypatch.setattr(sys, "argv", words_of(command)[2:])
        command_line.main()
    assert {folder.name for folder in tmp_path.iterdir()} == {"merged", "merged-16", "model"}
    assert "restaurants: ok" in capsys.readouterr().out


def test_the_python_of_the_page_on_sets_runs(capsys):
    (code,) = fenced(ROOT / "docs" / "sets.md", "python")
    exec(compile(code, "docs/sets.md", "exec"), {})
    assert capsys.readouterr().out.count("The Mill") >= 3


def test_the_reward_of_the_page_on_training_is_one():
    (code,) = fenced(ROOT / "docs" / "training.md", "python")
    scope = dict(vars(rewards))
    exec(compile(code, "docs/training.md", "exec"), scope)
    long = "<name> provides exceptional Mediterranean delicacies."
    assert 0 <= scope["simple"](long, {}) < scope["simple"]("<name> is a pub by <near>.", {}) <= 1


def test_json_is_valid():
    for page in PAGES:
        for code in fenced(page, "json"):
            json.loads(code)


def test_objectives_are_ones_of_an_assistant():
    for name in ("sets", "training"):
        (code,) = (code for code in fenced(ROOT / "docs" / f"{name}.md", "json") if "template" in code)
        found = json.loads(code)
        for entry in found if isinstance(found, list) else [found]:
            TASKS["assistant"]().check_objective(soup_set.Objective(**{"mean": 0.0, "std": 1.0} | entry))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(FENCED.sub("", text(page))):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)", FENCED.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_files_that_are_named_exist(page):  # the changelog names what is gone
    for name in re.findall(r"`((?:app|backbones|train|benchmarks|tests|docs|assets)/[\w/.-]+\.\w+)`", text(page)):
        assert PLACEHOLDER.search(name) or (ROOT / name).exists(), name


def test_the_readme_is_short_and_its_tree_is_the_tree():
    readme = text(ROOT / "README.md")
    assert len(readme.encode()) <= 8000
    (tree,) = fenced(ROOT / "README.md", "text")
    named, folder = set(), ""
    for line in tree.splitlines():
        name = line.split()[0]
        folder = "" if not line.startswith(" ") else folder
        named.add(folder + name)
        folder = name if not line.startswith(" ") else folder
    assert all((ROOT / name).exists() for name in named)
    shown = {path.name + "/" for path in (ROOT / "backbones").iterdir() if path.is_dir() and path.name[0] != "_"}
    assert {f"backbones/{name}" for name in shown} <= named


def test_the_space_and_the_requirements_name_one_gradio():
    (space,) = re.findall(r'^sdk_version: "(.*)"', text(ROOT / "README.md"), re.MULTILINE)
    assert re.findall(r"^gradio.*==(.*)", text(ROOT / "requirements.txt"), re.MULTILINE) == [space]


def test_the_space_is_built_with_the_files_that_bases_are_made_of():
    front_matter = text(ROOT / "README.md").split("---")[1]
    _, _, preloaded = front_matter.partition("\npreload_from_hub:\n")
    bases = filter(None, (soup_set.read(name).gguf for name in soup_set.shipped()))
    needed = {f"{base.hub} {base.gguf} {base.revision}" for base in bases}
    assert set(re.findall(r"^  - (.*)", preloaded, re.MULTILINE)) == needed


def test_the_base_of_the_page_on_sets_is_one():
    (code,) = (code for code in fenced(ROOT / "docs" / "sets.md", "json") if "gguf" in code)
    assert Gguf(**json.loads(code)) == fetching.read(ROOT / "train" / "silver-lining-base.json")


def test_every_machine_runs_the_test_command_of_the_readme():
    command = "pip install -r requirements-test.txt && python -m pytest"
    assert f"\n{command}\n" in text(ROOT / "README.md")
    assert f"run: {command}\n" in text(ROOT / ".github" / "workflows" / "test.yml")


def test_the_page_on_methods_lists_every_method():
    table = text(ROOT / "docs" / "how-it-works.md").split("## The methods")[1].split("##")[0]
    named = [row.split("|")[1].split("(")[0].strip() for row in table.splitlines() if row.startswith("|")][2:]
    assert named == [label.split(" (")[0] for label in LABELS.values()]


def test_the_tables_of_results_are_those_of_the_fronts():
    from train import tables

    results = text(ROOT / "docs" / "results.md")
    assert tables.fill(results) == results


def test_the_table_of_the_readme_is_that_of_the_fronts():
    table = text(ROOT / "README.md").split("## Does it work?")[1].split("##")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines() if row.startswith("|")]
    fronts = [soup_set.read(name).front for name in soup_set.shipped()]
    by_label = {label: method for method, label in LABELS.items()}
    for label, *shown in rows[2:]:
        measured = [front.methods[by_label[label.split(" (")[0]]].metrics for front in fronts]
        values = [one[name].value for one in measured for name in ("hypervolume", "inner_product")]
        assert shown == [f"{value:.3f}" for value in values]
