"""Every training stage in order, a few steps each, on small files; then again, resuming."""

import json
import math
import re
import shutil
import subprocess
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from backbones import __main__ as command_line
from backbones.engine import soup as engine
from backbones.engine import stored
from backbones.engine.writer import Writer
from backbones.store import soup_set as sets
from backbones.store.adapters import WEIGHTS, read_adapter
from backbones.store.manifest import Manifest
from backbones.tasks.objectives import Objective
from backbones.tasks.restaurants.task import Restaurants
from tests.train.conftest import evaluation
from tests.train.stages import run, run_quickly
from train import data, evaluate, new_set, pilot, rewards, sft, sweep, tune

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
        tune.install(folder, trained / "runs", {"backbone-1": [0.8, 0.2], "backbone-2": [0.2, 0.8]}, 0.8)
        config = json.loads((folder / "adapters" / "backbone-1" / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == written
        soup_set = Writer.load(folder, "cpu").set
        assert list(soup_set.adapters) == ["backbone-1", "backbone-2"] and soup_set.beta == 0.8


def test_the_tokenizer_of_a_set_is_that_of_its_source_without_the_white_space(trained):
    before, after = (trained / where / "tokenizer.json" for where in ("runs/sft", "tiny/base"))
    assert json.loads(after.read_text()) == json.loads(before.read_text())
    assert after.stat().st_size < 0.8 * before.stat().st_size


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


@pytest.mark.parametrize("other", ["samples", "adapters", "base", "objectives", "dtype"])
def test_texts_of_another_run_are_not_taken_for_those_of_this_one(trained, small, tmp_path, monkeypatch, other):
    made = tmp_path / "tiny"
    shutil.copytree(trained / "tiny", made)
    if other == "adapters":  # tuned again
        weights = made / "adapters" / "backbone-1" / WEIGHTS
        save_file({name: value + 1 for name, value in load_file(weights).items()}, weights)
    if other == "base":
        weights = made / "base" / "model.safetensors"
        changed = {name: value + name.endswith("norm.weight") for name, value in load_file(weights).items()}
        save_file(changed, weights, metadata={"format": "pt"})
    if other == "objectives":
        changed_means(made)
    if other == "dtype":
        monkeypatch.setattr(engine, "FAST_BF16", True)
    samples = 2 if other == "samples" else 1
    into = ("--out", tmp_path / "front.json", "--log", trained / "texts", "--samples", samples, "--count", 3)
    with pytest.raises(SystemExit, match=rf"were written with {other} .*: use another folder for the new ones"):
        run(evaluate.main, made, "--prompts", small / "e2e" / "dev.csv", *into)
    assert not (tmp_path / "front.json").exists()


def changed_means(folder):
    """The rewards of the set in the folder are normalised in another way, as those of one that was made again."""
    manifest = Manifest.read(folder)
    replace(manifest, objectives=[one | {"mean": one["mean"] + 0.1} for one in manifest.objectives]).write(folder)


@pytest.fixture
def specialist(trained, small, tmp_path):
    """A set with its folder of work, where one adapter is finished, and the arguments that train it."""
    made, work = shutil.copytree(trained / "tiny", tmp_path / "tiny"), tmp_path / "runs"
    shutil.copytree(trained / "runs" / "specialist-1", work / "specialist-1")
    return made, "--data-dir", small, "--work", work, "--steps", 1, "--only", "specialist-1"


@pytest.mark.parametrize(("option", "words"), [((), "objectives .*"), (("--qlora",), "qlora False, now it is True")])
def test_an_adapter_for_other_rewards_is_not_taken_for_the_one_that_is_wanted(specialist, option, words):
    if not option:
        changed_means(specialist[0])
    with pytest.raises(SystemExit, match=rf"specialist-1 was trained with {words}: use another --work"):
        run_quickly(tune.main, *specialist, *option)


def test_a_run_of_before_goes_on_and_says_from_now_on_what_it_is_for(specialist):
    file = specialist[4] / "specialist-1" / "run.json"
    whole = json.loads(file.read_text())
    file.write_text(json.dumps({field.name: whole[field.name] for field in fields(tune.Hyperparameters)}))
    run_quickly(tune.main, *specialist)
    assert json.loads(file.read_text()) == whole and len(whole["base (SHA-256)"]) == 12


def test_a_front_is_not_measured_on_the_prompts_that_choices_were_made_on(trained, small, tmp_path):
    into = ("--out", tmp_path / "front.json", "--log", tmp_path / "texts", "--count", data.HELD_OUT + 1)
    with pytest.raises(
        SystemExit, match=r"--count is 201, .*pilot.json\): give --count 200 or less, or other --prompts"
    ):
        run(evaluate.main, trained / "tiny", "--data-dir", small, *into)
    assert not list(tmp_path.iterdir())


def test_data_that_is_not_there_is_said_in_one_line_before_anything_is_made(trained, tmp_path):
    for main, *arguments in (
        (sft.main, "--out", tmp_path / "sft"),
        (new_set.main, trained / "runs" / "sft", tmp_path / "made"),
        (tune.main, trained / "tiny", "--work", tmp_path / "work"),
    ):
        with pytest.raises(SystemExit, match=r"train.csv is missing: --data-dir must hold e2e/train.csv"):
            run(main, *arguments, "--data-dir", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_set_without_adapters_is_checked(trained, tmp_path, capsys):
    shutil.copytree(trained / "tiny", tmp_path / "tiny")
    replace(Manifest.read(tmp_path / "tiny"), backbones=[], specialists=[], oracles=[]).write(tmp_path / "tiny")
    run(command_line.main, "check", tmp_path / "tiny")
    assert "tiny: ok (no adapters on a base in NF4)" in capsys.readouterr().out


def test_a_front_says_how_it_was_made(trained):
    front = sets.read(trained / "tiny").front
    conditions = front.conditions
    assert conditions["prompts"] == 3 and len(conditions["prompts_sha256"]) == 64
    assert conditions["hyperparameters"]["oracle-1"]["reward_weights"] == [0.9, 0.1]
    assert {"torch", "transformers", "bitsandbytes", "peft", "trl"} == set(conditions["versions"])
    for measured in front.methods.values():
        assert all(point.log_probability < 0 <= point.repeated for point in measured.points)


def test_a_set_gets_the_texts_that_its_page_opens_with(trained, tmp_path, capsys):
    folder = tmp_path / "tiny"
    shutil.copytree(trained / "tiny", folder)
    run(sweep.main, folder, "--given", "name[Elm], food[Italian]")
    assert capsys.readouterr().out.strip() == str(folder / "sweep.json")
    texts = stored.read(sets.read(folder))
    assert {text.request.given["name"] for text in texts} == {"Elm"} and len(texts) == 22
    assert [text.request.method for text in texts] == ["bone-soup"] * 11 + ["rewarded-soup"] * 11
    with pytest.raises(SystemExit, match="'name' is missing"):
        run(sweep.main, folder, "--given", "food[Italian]")


def test_the_pilot_chooses_what_its_fronts_say(trained):
    chosen = json.loads((trained / "tiny" / "pilot.json").read_text())
    soup_set = sets.read(trained / "tiny")
    assert chosen["beta"]["chosen"] == soup_set.beta
    for field in ("extrapolation", "specialist_extrapolation"):
        corners = chosen[field]["corners"]
        assert list(corners) == ["complete", "concise"]
        for i, corner in enumerate(corners.values()):
            assert list(corner) == list(map(str, pilot.STRENGTHS)) and corner["1.0"]["gain"] == 0
            assert chosen[field]["chosen"][i] == pilot.strongest(corner) == getattr(soup_set, field)[i]
    assert set(chosen["beta"]["fronts"]) == set(map(str, pilot.BETAS)) and chosen["prompts"] == 2


def test_a_corner_takes_the_strength_that_its_own_reward_gains_most_by():
    rewards = np.full((len(pilot.STRENGTHS), 8, 2), 0.5)  # [strengths, prompts, n]
    rewards += np.linspace(0, 0.3, 8)[:, None]  # prompts differ, which pairing takes out
    for k, gain in ((0.7, 0.1), (1.25, 0.2), (2.0, -0.3)):
        rewards[pilot.STRENGTHS.index(k), :, 1] += gain
    rewards[pilot.STRENGTHS.index(1.667), :, 0] += 0.4  # the other objective's
    rewards[pilot.STRENGTHS.index(0.6), :2, 1] += 4 * 0.3  # the largest mean, of two prompts alone
    corner = pilot.figures(rewards, 1)
    assert corner["1.25"]["gain"] == pytest.approx(0.2) and corner["1.25"]["standard_error"] == pytest.approx(0)
    assert corner["0.6"]["gain"] == pytest.approx(0.3) and corner["0.6"]["standard_error"] == pytest.approx(0.196, 0.01)
    assert pilot.strongest(corner) == 1.25 and pilot.strongest(pilot.figures(rewards, 0)) == 1.667
    assert corner["1.667"]["rewards"] == [1.05, 0.65] and corner["1.667"]["gain"] == 0


def test_where_no_strength_gains_more_than_its_error_the_corner_stays_as_it_is():
    rewards = np.random.default_rng(0).normal(0.5, 0.1, (len(pilot.STRENGTHS), 1, 2)).repeat(4, axis=1)
    plain = pilot.STRENGTHS.index(1.0)
    rewards[plain, ::2] -= 1  # half of the prompts gain by every other strength, and the others lose nearly as much
    rewards[plain, 1::2] += 0.9
    corner = pilot.figures(rewards, 0)
    assert any(one["gain"] > 0.05 for one in corner.values()) and pilot.strongest(corner) == 1.0
    worse = np.full_like(rewards, 0.3)
    worse[plain] = 0.5
    assert pilot.strongest(pilot.figures(worse, 1)) == 1.0


def test_one_pilot_prompt_has_no_standard_error(trained, small, tmp_path):
    with pytest.raises(SystemExit, match="1 pilot prompts have no standard error: give --count 2 or more"):
        run(pilot.main, "extrapolation", trained / "tiny", "--data-dir", small, "--work", tmp_path, "--count", 1)


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
    (reward,) = rewards.normalised_rewards(Restaurants(), (objective,))
    assert reward(["<name> is a pub."], [{"name": "A", "food": None}]) == [(1.0 - 0.5) / 0.25]


def test_run_sh_is_valid_and_names_stages_that_exist():
    script = ROOT / "train" / "run.sh"
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    modules = set(re.findall(r"\btrain\.([\w.]+)", script.read_text()))
    of_silver_lining = {"start", "reframe.bright", "reframe.true", "sense", "average"}
    stages = {"sft", "classifier", "new_set", "pilot", "tune", "evaluate", "sweep", "card", "tables"}
    assert stages | of_silver_lining == modules
    assert all((script.parent / f"{module.replace('.', '/')}.py").is_file() for module in modules)


@pytest.mark.parametrize(
    ("jobs", "gpus", "launched"),
    [
        (1, 0, "--num_processes 1"),
        (2, 0, "--multi_gpu --num_processes 2"),
        (2, 1, "--num_processes 1"),
        (4, 2, "--multi_gpu --num_processes 2"),
        (2, 8, "--multi_gpu --num_processes 2"),
    ],
)
def test_run_sh_starts_no_more_processes_than_there_are_gpus(jobs, gpus, launched):
    spread = re.search(r"^spread\(\) \{\n.*?^\}\n", (ROOT / "train" / "run.sh").read_text(), re.M | re.S)[0]
    stubs = f'set -euo pipefail; python() {{ echo {gpus}; }}; stage() {{ echo "$@"; }}; jobs={jobs} threads=1\n'
    said = subprocess.run(["bash", "-c", f"{stubs}{spread}spread train.evaluate set"], capture_output=True, text=True)
    assert f"accelerate launch {launched} --num_machines 1 " in said.stdout, said.stderr
    assert said.stdout.endswith("-m train.evaluate set\n")
