"""The command line: what it says, writes and refuses."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from backbones.__main__ import main
from backbones.engine.soup import Soup
from backbones.merging.coefficients import bone_soup
from backbones.merging.preference import Preference
from backbones.store import soup_set as sets
from backbones.store.exporting import merged_adapter
from backbones.tasks.restaurants import facts
from backbones.tasks.restaurants.task import Restaurants
from backbones.tasks.task import Sampling
from tests.command import Done, command
from tests.store.models import FACTS, apart, dense, make_parts, served

ROOT = Path(__file__).parents[1]
GIVEN = "name[A B], eatType[pub], food[Indian], priceRange[cheap], customer rating[low], area[riverside], near[C D]"
GENERATE = ("generate", "restaurants", "--prompt", GIVEN, "--preference", "0.7", "0.3", "--samples", "2", "--seed", "4")


def test_sets_are_listed():
    done = command("list")
    listed = [line.split("; base not fetched")[0] for line in done.stdout.splitlines()]
    assert done.returncode == 0 and listed == [
        "silver-lining: Silver lining: bright and true (bright, true; beta 0.8)",
        "restaurants: Restaurants: complete and concise (complete, concise; beta 0.8)",
        "restaurants-3: Restaurants: complete, concise and upbeat (complete, concise, upbeat; beta 0.7)",
    ]


def test_checking_a_shipped_set_says_what_it_takes_and_that_it_loads():
    checked = command("check", "restaurants", "--device", "cpu").stdout
    assert "ok" in checked and "before it is shipped" not in checked and "weights " in checked and "total" in checked


def test_checking_a_set_that_works_says_what_it_lacks_to_be_shipped(tmp_path):
    shutil.copytree(sets.SETS / "restaurants", tmp_path / "mine")
    (tmp_path / "mine" / "front.json").unlink()
    done = command("check", tmp_path / "mine", "--device", "cpu")
    assert done.returncode == 0 and ": ok (backbone-1, " in done.stdout
    assert (
        "before it is shipped:" in done.stdout and "front.json is missing: make it with train.evaluate" in done.stdout
    )


def test_checking_a_set_whose_texts_to_open_with_do_not_fit_says_what_to_do(tmp_path):
    shutil.copytree(sets.SETS / "restaurants", tmp_path / "mine")
    file = tmp_path / "mine" / "sweep.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"concise"', '"brief"'), encoding="utf-8")
    done = command("check", tmp_path / "mine", "--device", "cpu")
    assert done.returncode == 1 and "ok" not in done.stdout
    assert done.stderr == f"error: {file} cannot be read ('concise'): make it again with train.sweep\n"


@pytest.mark.parametrize("name", ["check", "generate"])
def test_a_device_that_is_not_there_is_named_before_anything_is_loaded(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    arguments = GENERATE if name == "generate" else ("check", "restaurants")
    absent = command(*arguments, "--device", "cuda")
    assert absent.returncode == 1 and absent.stderr.startswith("error: --device cuda: there is no CUDA GPU here: ")
    unknown = command(*arguments, "--device", "gpu")
    assert unknown.returncode == 2 and "'gpu' (choose from" in unknown.stderr


def test_a_reader_that_goes_away_ends_a_command_without_words():
    for command_line in (("front", "restaurants-3"), ("list",)):  # with more than a buffer holds, and with less
        read, write = os.pipe()
        os.close(read)
        run = subprocess.run(
            [sys.executable, "-m", "backbones", *command_line], cwd=ROOT, stdout=write, stderr=subprocess.PIPE
        )
        os.close(write)
        assert (run.returncode, run.stderr) == (141, b"")


def test_what_the_system_refuses_is_one_line_and_a_stop_is_none(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    refused = command("export", "restaurants", "--preference", 1, 0, "--to", tmp_path / "file" / "merged")
    assert refused.returncode == 1 and refused.stderr.startswith("error: [Errno ")
    assert str(tmp_path / "file") in refused.stderr and refused.stderr.count("\n") == 1

    def stopped(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sets, "read", stopped)
    assert command("front", "restaurants") == Done(130, "", "")


def test_texts_are_the_same_in_another_process_and_come_with_their_coefficients():
    first = command(*GENERATE, "--device", "cpu", "--json")
    program = "import tests.conftest; from backbones.__main__ import main; main()"  # in fp32, as here
    arguments = [sys.executable, "-c", program, *GENERATE, "--device", "cpu", "--json"]
    again = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=1200)
    assert first.returncode == 0 and first.stdout == again.stdout
    one, two = json.loads(first.stdout)
    assert "A B" in one["text"] and one["text"] != two["text"] and two["seed"] == 5
    assert list(one) == ["text", "pointer", "rewards", "coefficients", "method", "preference", "seed"]
    soup_set = sets.read("restaurants")
    assert list(one["coefficients"]) == list(soup_set.adapters)
    expected = bone_soup(Preference((0.7, 0.3)), soup_set.beta)
    assert list(one["coefficients"].values())[:2] == pytest.approx(expected.tolist(), abs=1e-6)
    assert not any(list(one["coefficients"].values())[2:])
    told = command(*GENERATE, "--device", "cpu").stdout.splitlines()
    assert told == [f"{text['text']} {text['rewards']}" for text in (one, two)]


def test_a_pointer_is_said_in_place_of_a_text(monkeypatch):
    monkeypatch.setattr(Restaurants, "pointer", lambda self, given: "Talk to a person.")
    run = command(*GENERATE, "--device", "cpu")
    assert run.returncode == 0 and [line.strip() for line in run.stdout.splitlines()] == ["Talk to a person."] * 2
    for text in json.loads(command(*GENERATE, "--device", "cpu", "--json").stdout):
        assert (text["text"], text["pointer"], text["rewards"]) == ("Talk to a person.", True, {})


@pytest.mark.parametrize(
    ("method", "coefficients"), [("mod", {"specialist-1": 0.7, "specialist-2": 0.3}), ("base", {})]
)
def test_coefficients_of_methods_that_merge_nothing(method, coefficients):
    done = command(*GENERATE, "--method", method, "--max-new-tokens", 3, "--device", "cpu", "--json")
    told = json.loads(done.stdout)[0]["coefficients"]
    assert {name: value for name, value in told.items() if value} == coefficients and len(told) == 7


def test_an_assistant_answers(chat):
    run = command("generate", chat, "--prompt", "Hi", "--preference", 1, 0, "--json", "--device", "cpu")
    assert run.returncode == 0, run.stderr
    (result,) = json.loads(run.stdout)
    assert set(result["rewards"]) == {"helpful", "harmless"} and result["coefficients"]["backbone-1"] == 1.75


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--prompt", "food[Indian]", "--preference", 1, 0), "the fact 'name' is missing"),
        (("--prompt", "name[A]", "--preference", 1), "preference [1.0] needs one number for each of complete, concise"),
        (("--prompt", "name[A]", "--preference", 1, -1), "preference [1.0, -1.0] holds a negative number"),
        (("--prompt", "name[A]", "--preference", 1, 1, "--temperature", 9), "temperature is 9.0"),
        (("--prompt", "name[A]", "--preference", 1, 1, "--max-new-tokens", 0), "max_new_tokens is 0: use at least 1"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_line(arguments, message):
    wrong = command("generate", "restaurants", "--device", "cpu", *arguments)
    assert wrong.returncode == 1 and wrong.stderr.startswith(f"error: {message}") and wrong.stderr.count("\n") == 1


def test_a_front_is_shown_as_its_file_holds_it(tmp_path):
    file = sets.SETS / "restaurants-3" / "front.json"
    assert command("front", "restaurants-3", "--json").stdout == file.read_text(encoding="utf-8")
    lines = command("front", "restaurants-3").stdout.splitlines()
    measured = sets.read("restaurants-3").front.methods
    assert len(lines) == len(measured) * 6 + sum(len(one.points) for one in measured.values())
    assert "bone-soup      [0.666667, 0.166667, 0.166667] [0." in "\n".join(lines)
    shutil.copytree(sets.SETS / "restaurants", tmp_path / "mine")
    (tmp_path / "mine" / "front.json").unlink()
    done = command("front", tmp_path / "mine")
    assert done.returncode == 1 and done.stderr.endswith("has no front.json: measure it with train.evaluate\n")


def test_an_adapter_is_written_and_none_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    soup_set, folder = sets.read("restaurants"), tmp_path / "new" / "merged"
    done = command("export", "restaurants", "--preference", 0.7, 0.3, "--to", folder)
    assert done.returncode == 0 and done.stdout == f"{folder}: a PEFT adapter of rank 32\n"
    expected = merged_adapter(soup_set, "bone-soup", soup_set.preference((0.7, 0.3)), tmp_path / "merged")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert before == {file.name: file.read_bytes() for file in expected.iterdir()}
    again = command("export", "restaurants", "--preference", 0, 1, "--to", folder)
    assert again.returncode != 0 and again.stderr.strip() == (
        f"error: {folder} exists and is no empty folder: name a new one"
    )
    assert before == {file.name: file.read_bytes() for file in folder.iterdir()}
    refused = command("export", "restaurants", "--preference", 1, 0, "--method", "mod", "--to", tmp_path / "mod")
    assert refused.returncode != 0 and refused.stderr.startswith("error: 'mod' mixes")
    assert not (tmp_path / "mod").exists()


def test_the_rank_is_cut_and_the_error_stated(tmp_path):
    done = command("export", "restaurants", "--preference", 0.7, 0.3, "--rank", 8, "--to", tmp_path / "cut")
    assert done.returncode == 0, done.stderr
    stated = json.loads((tmp_path / "cut" / "hyperparameters.json").read_text())
    changes = dense(sets.read("restaurants"), "bone-soup", (0.7, 0.3))
    values = [torch.linalg.svdvals(change) for change in changes.values()]
    largest = max(float(v[8:].norm() / v.norm()) for v in values)
    assert max(stated["relative_errors"].values()) == pytest.approx(largest, abs=1e-4)
    assert done.stdout == (
        f"{tmp_path / 'cut'}: a PEFT adapter of rank 8, largest relative error "
        f"{max(stated['relative_errors'].values()):.3g}\n"
    )


def test_a_model_is_written(tmp_path):
    soup_set = sets.read("restaurants")
    soup = Soup.load(soup_set.base, soup_set.adapters, "cpu")
    where = ("export", "restaurants", "--preference", 0.7, 0.3, "--as", "model", "--to")
    done = command(*where, tmp_path / "model")
    assert done.returncode == 0 and done.stdout == f"{tmp_path / 'model'}: a model in bfloat16\n"
    ids = soup.tokenizer([facts.prompt(FACTS)], return_tensors="pt").input_ids
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(tmp_path / "model")(ids).logits
    expected = served(soup, soup_set, "bone-soup", (0.7, 0.3), ids)
    assert apart(logits, expected) < 0.01 < 0.02 < apart(served(soup, soup_set, "base", (1, 0), ids), expected)
    refused = command(*where, tmp_path / "other", "--rank", 8)
    assert refused.returncode == 1 and refused.stderr.startswith("error: --rank goes with --as adapter")


def test_the_base_is_written_for_servers_with_the_command_that_starts_one(tmp_path):
    done = command("export", "restaurants", "--as", "base", "--to", tmp_path / "base")
    assert done.returncode == 0, done.stderr
    said, started = done.stdout.splitlines()
    assert said == f"{tmp_path / 'base'}: the base of restaurants in bfloat16. Servers of it:"
    assert f"vllm serve {tmp_path / 'base'} --served-model-name restaurants --enable-lora" in started
    assert "--max-lora-rank 32 " in started  # no merge uses more than two adapters of rank 16
    for more in (("--preference", 0.7, 0.3), ("--rank", 8)):
        refused = command("export", "restaurants", "--as", "base", *more, "--to", tmp_path / "other")
        assert refused.returncode == 1 and refused.stderr.startswith("error: --preference and --rank go with merges")
    missing = command("export", "restaurants", "--to", tmp_path / "other")
    assert missing.returncode == 1 and missing.stderr.startswith("error: --preference is missing: give one number")


@pytest.fixture(scope="module")
def imports(base, tmp_path_factory):
    """Arguments of an import without its target, and the folder of what others have trained."""
    folder = tmp_path_factory.mktemp("parts")
    full = shutil.copytree(base.parent / "fp32", folder / "base")
    parts = make_parts(full, folder)
    arguments = ["import", "--base", full, "--objectives", parts / "objectives.json", "--beta", 0.7, "--name", "mine"]
    return [*arguments, "--title", "Mine", "--backbone", parts / "adapter", "--backbone", parts / "rank-5"], parts


def test_a_set_is_made_and_the_residuals_stated(imports, tmp_path):
    arguments, parts = imports
    arguments = [*arguments, "--rank", 3, "--specialist", parts / "rank-2", parts / "rank-3", "--to", tmp_path / "set"]
    strengths = ["--extrapolation", 1.25, 1, "--specialist-extrapolation", 0.9, 1.5]
    done = command(*arguments, "--oracle", f"0.5,0.5={parts / 'rank-5'}", "--max-new-tokens", 30, *strengths)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert last == f"{tmp_path / 'set'}: the set mine"
    assert [line.split(",")[0] for line in lines] == [
        "backbone-2: rank 3",
        "specialist-1: rank 3",
        "specialist-2: rank 3",
    ]
    stated = json.loads((tmp_path / "set" / "adapters" / "backbone-2" / "hyperparameters.json").read_text())
    residual = max(layer["residual"] for layer in stated["layers"].values())
    assert f"largest relative residual {residual:.3g} (model.layers." in lines[0] and residual > 0.1
    soup_set = sets.read(tmp_path / "set")
    assert soup_set.oracles[0].preference == (0.5, 0.5) and soup_set.oracles[0].adapter == "backbone-2"
    assert soup_set.sampling == Sampling(1.0, 0.9, 30)
    assert (soup_set.extrapolation, soup_set.specialist_extrapolation) == ((1.25, 1.0), (0.9, 1.5))
    again = command(*arguments)
    assert again.returncode == 1 and again.stderr.strip().endswith("exists and is no empty folder: name a new one")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--oracle", "half="), "error: --oracle 'half=': write a preference and a folder"),
        (("--setting", "system"), "error: --setting 'system': write a name and a value"),
        (("--setting", "system=Hi"), "the task restaurants has no setting 'system': leave it out"),
        (("--setting", "title=Hi"), "error: 'title' is a field of every manifest"),
        (("--extrapolation", 1.25), "extrapolation is [1.25]: give 2 numbers above 0"),
        (("--temperature", 9), "error: temperature is 9.0: use a number from 0 to 2"),
        (("--max-new-tokens", 0), "error: max_new_tokens is 0: use a whole number from 1"),
        (("--task", "poems"), "the task is 'poems': use restaurants or reframe or assistant"),
    ],
)
def test_an_import_that_cannot_be_is_refused(imports, tmp_path, more, message):
    wrong = command(*imports[0], "--to", tmp_path / "set", *more)
    assert wrong.returncode == 1 and message in wrong.stderr and not list(tmp_path.iterdir())


def test_settings_and_sampling_of_an_imported_assistant(imports, tmp_path):
    arguments, parts = imports
    judged = [
        entry | {"reward_model": "rank-2", "template": "{prompt} {text}"}
        for entry in json.loads((parts / "objectives.json").read_text())
    ]
    (parts / "judged.json").write_text(json.dumps(judged))
    arguments = [*arguments, "--objectives", parts / "judged.json", "--task", "assistant", "--top-p", 0.5]
    done = command(*arguments, "--setting", "system=1 + 1 = 2", "--to", tmp_path / "set")
    assert done.returncode == 0, done.stderr
    soup_set = sets.read(tmp_path / "set")
    assert soup_set.task.settings == {"system": "1 + 1 = 2"} and soup_set.sampling == Sampling(1.0, 0.5, 128)


def test_the_installed_command_is_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"bonesoup": f"{main.__module__}:{main.__name__}"}
