"""Every training stage in order, a few steps each, on small files; then again, resuming."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from backbones.engine.writer import Writer
from backbones.store import soup_set as sets
from backbones.store.adapters import read_adapter
from backbones.store.manifest import Manifest
from backbones.tasks.objectives import Objective
from backbones.tasks.restaurants.task import Restaurants
from tests.train.conftest import evaluation
from tests.train.stages import run, run_quickly
from train import evaluate, new_set, pilot, sft, tune

ROOT = Path(__file__).parents[2]


def test_the_stages_make_a_set_that_can_be_shipped(trained):
    soup_set = sets.read(trained / "tiny")
    assert sets.problems(soup_set) == []
    b = round(1 - soup_set.beta, 6)
    weights = [hyperparameters(folder)["reward_weights"] for folder in soup_set.adapters.values()]
    assert weights[:4] == [[soup_set.beta, b], [b, soup_set.beta], [1.0, 0.0], [0.0, 1.0]]
    assert [tuple(row) for row in weights[4:]] == tune.ORACLES[2]
    assert str(trained) not in "".join(file.read_text() for file in soup_set.path.rglob("*.json"))


def hyperparameters(folder):
    return json.loads((folder / "hyperparameters.json").read_text())


def test_equal_budgets_and_settings_for_all_adapters(trained):
    folders = sets.read(trained / "tiny").adapters.values()
    settings = [hyperparameters(folder) | {"reward_weights": None} for folder in folders]
    assert all(s == settings[0] for s in settings)


def test_adapters_have_the_names_of_their_folders(trained):
    for soup_set in (sets.read(trained / "tiny"), *map(sets.read, sets.shipped())):
        assert all(name == folder.name for name, folder in soup_set.adapters.items())


@pytest.mark.parametrize("n", [2, 3])
def test_oracles_are_named_in_the_order_of_the_manifest(n):
    assert sorted(tune.ORACLES[n], reverse=True) == tune.ORACLES[n]
    named = tune.mixes(n, 0.7)
    assert list(named)[-len(tune.ORACLES[n]) :] == [f"oracle-{k}" for k in range(1, len(tune.ORACLES[n]) + 1)]


def test_training_logs_what_is_watched(trained):
    log = json.loads((trained / "runs" / "backbone-1" / "log.json").read_text())
    last = max(log, key=lambda row: row.get("num_tokens", 0))
    for key in ("rewards/complete/mean", "rewards/concise/mean", "kl", "completions/mean_length", "entropy"):
        assert math.isfinite(last[key])
    assert list((trained / "runs" / "backbone-1").rglob("events.out.tfevents.*"))


def test_finished_stages_do_nothing_when_run_again(trained, small):
    files = [f for f in Path(trained).rglob("*.safetensors") if "checkpoint" not in str(f)]
    before = {file: file.read_bytes() for file in files}
    run(sft.main, "--data-dir", small, "--out", trained / "runs" / "sft")
    run_quickly(tune.main, trained / "tiny", "--data-dir", small, "--work", trained / "runs", "--steps", 1)
    assert before == {file: file.read_bytes() for file in files}


def test_a_set_made_beside_another_from_its_base_shares_it(trained, small, tmp_path):
    shutil.copytree(trained / "tiny", tmp_path / "sets" / "tiny")
    base = tmp_path / "sets" / "tiny" / "base"
    options = ("--data-dir", small, "--prompts", 4, "--max-new-tokens", 8)
    for folder, named, written in (
        (tmp_path / "sets" / "other", {"set": "tiny"}, "../../../tiny/base"),
        (tmp_path / "elsewhere" / "other", "base", "../../base"),
    ):
        run(new_set.main, base, folder, *options)
        assert Manifest.read(folder).base == named and (folder / "base").exists() == (named == "base")
        tune.install(folder, trained / "runs", {"backbone-1": [0.7, 0.3], "backbone-2": [0.3, 0.7]})
        config = json.loads((folder / "adapters" / "backbone-1" / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == written
        assert list(Writer.load(folder, "cpu").set.adapters) == ["backbone-1", "backbone-2"]


def test_a_folder_that_holds_a_set_is_not_made_again(trained, small):
    with pytest.raises(SystemExit, match="name a new one"):
        run(new_set.main, trained / "runs" / "sft", trained / "tiny", "--data-dir", small)


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        (("complete", "witty"), "unknown objective 'witty': the task restaurants has complete, concise, upbeat"),
        (("complete", "upbeat"), "the objective 'upbeat': name the folder of its model"),
        (("complete=here", "concise"), "just for learned ones"),
        (("complete", "upbeat=nowhere"), "nowhere is no folder"),
        (("nothing.json",), "nothing.json cannot be read"),
    ],
)
def test_objectives_that_a_set_cannot_have_are_refused(trained, small, tmp_path, objectives, message):
    made = tmp_path / "made"
    with pytest.raises(SystemExit, match=message):
        run(new_set.main, trained / "tiny" / "base", made, "--data-dir", small, "--objectives", *objectives)
    assert not list(tmp_path.iterdir())


def test_evaluation_resumes_from_its_log_and_gives_the_same_front(trained, small):
    (log,) = (trained / "texts").glob("*.jsonl")
    lines, front = log.read_text().splitlines(keepends=True), (trained / "tiny" / "front.json").read_text()
    for kept in (len(lines) // 2, len(lines) // 3):  # cut off within a line: of a pair under way, and of its first
        log.write_text("".join(lines[:kept]) + lines[kept][:20])
        run(evaluate.main, trained / "tiny", "--prompts", small / "e2e" / "dev.csv", *evaluation(trained))
        assert (trained / "tiny" / "front.json").read_text() == front


def test_a_front_says_how_it_was_made(trained):
    front = sets.read(trained / "tiny").front
    conditions = front.conditions
    assert conditions["prompts"] == 3 and len(conditions["prompts_sha256"]) == 64
    assert conditions["hyperparameters"]["oracle-1"]["reward_weights"] == [0.9, 0.1]
    assert {"torch", "transformers", "bitsandbytes", "peft", "trl"} == set(conditions["versions"])
    for measured in front.methods.values():
        assert all(point.log_probability < 0 <= point.repeated for point in measured.points)


def test_the_pilot_chooses_what_its_fronts_say(trained):
    chosen = json.loads((trained / "tiny" / "pilot.json").read_text())
    soup_set = sets.read(trained / "tiny")
    assert chosen["beta"]["chosen"] == soup_set.beta
    assert chosen["extrapolation"]["chosen"] == soup_set.extrapolation
    assert set(chosen["beta"]["fronts"]) == set(map(str, pilot.BETAS)) and chosen["prompts"] == 2


def test_a_file_without_the_tasks_column_is_refused(trained, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    prompts = (trained / "tiny", "--prompts", bad)
    with pytest.raises(SystemExit, match=r"bad.csv has no column 'mr': it has a, b"):
        run(evaluate.main, *prompts, "--out", tmp_path / "x", "--log", tmp_path / "y")
    with pytest.raises(SystemExit, match=r"bad.csv has no column 'mr': it has a, b"):
        run(pilot.main, "beta", *prompts, "--work", tmp_path)


def test_qlora_trains_on_the_quantised_weights(trained, small, tmp_path):
    arguments = ("--data-dir", small, "--work", tmp_path, "--steps", 2, "--only", "specialist-1", "--qlora")
    run_quickly(tune.main, trained / "tiny", *arguments)
    adapter = read_adapter(tmp_path / "specialist-1")
    assert any(up.abs().max() > 0 for _, up in adapter.deltas.values())


def test_normalised_rewards_have_the_bases_mean_at_zero():
    objective = Objective("concise", "", "", mean=0.5, std=0.25)
    (reward,) = tune.normalised_rewards(Restaurants(), (objective,))
    assert reward(["<name> is a pub."], [{"name": "A", "food": None}]) == [(1.0 - 0.5) / 0.25]


def test_run_sh_is_valid_and_names_stages_that_exist():
    script = ROOT / "train" / "run.sh"
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    modules = set(re.findall(r"\btrain\.([\w.]+)", script.read_text()))
    of_silver_lining = {"start", "reframe.bright", "reframe.true"}
    assert {"sft", "classifier", "new_set", "pilot", "tune", "evaluate", "card", "tables"} | of_silver_lining == modules
    assert all((script.parent / f"{module.replace('.', '/')}.py").is_file() for module in modules)
