"""Every training stage in order, a few steps each, on small files; then again, resuming; then in two processes."""

import csv
import itertools
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from backbones import facts, sets
from backbones.adapters import read_adapter
from backbones.reward_model import RewardModel
from train import backbones, card, data, evaluate, pilot, quantise, reward_model, sft

REFERENCES = [
    ("name[The Mill], eatType[pub], food[English]", "The Mill is a pub with English food."),
    ("name[Ox], priceRange[cheap], near[Clare Hall]", "Near Clare Hall, Ox is cheap."),
    ("name[Ox], area[riverside], familyFriendly[no]", "Ox is at the riverside and not for children."),
]
COMMENTS = [("What a lovely day, I love it!", "0,17"), ("This is bad and sad.", "25"), ("It is on the table.", "27")]
LABELS = """admiration amusement anger annoyance approval caring confusion curiosity desire disappointment disapproval
disgust embarrassment excitement fear gratitude grief joy love nervousness optimism pride realization relief remorse
sadness surprise neutral"""


def run(main, *arguments):
    sys.argv = ["stage", *map(str, arguments)]
    main()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A data folder: enough facts for a step of RL, and more in dev than a front is measured on."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "e2e").mkdir()
    (folder / "goemotions").mkdir()
    values = itertools.product(*(facts.VALUES[slot] for slot in ("eatType", "food", "priceRange", "area")))
    many = [
        (f"name[Ox], eatType[{kind}], food[{food}], priceRange[{price}], area[{area}]", f"Ox is a {food} {kind}.")
        for kind, food, price, area in values
    ]
    for split, pairs in (("train", REFERENCES * 30 + many[206:230]), ("dev", many[:206])):
        with (folder / "e2e" / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("mr", "ref"), *pairs])
        lines = [f"{text}\t{labels}\tid" for text, labels in COMMENTS * 30]
        (folder / "goemotions" / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    (folder / "goemotions" / "labels.txt").write_text("\n".join(LABELS.split()))
    return folder


@dataclass(frozen=True)
class Quick(backbones.Hyperparameters):
    """Few and short texts a step."""

    prompts_per_step: int = 2
    samples_per_prompt: int = 4
    max_new_tokens: int = 8


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones, "Hyperparameters", Quick)
        yield


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    """All stages of a set with two objectives."""
    folder = tmp_path_factory.mktemp("train")
    work, made, prompts = folder / "runs", folder / "tiny", small / "e2e" / "dev.csv"
    argv = sys.argv
    run(sft.main, "--data-dir", small, "--out", work / "sft", "--max-steps", 2)
    run(quantise.main, work / "sft", made, "--data-dir", small, "--prompts", 3)
    for beta in pilot.BETAS:
        where = work / "pilot" / f"beta-{beta}"
        steps = ("--beta", beta, "--steps", 1, "--kinds", "backbone")
        for name in ("backbone-1", "backbone-2"):
            run(backbones.main, made, "--data-dir", small, "--work", where, "--only", name, *steps)
    run(pilot.main, "beta", made, "--work", work / "pilot", "--prompts", prompts, "--count", 2)
    run(backbones.main, made, "--data-dir", small, "--work", work, "--steps", 1)
    run(pilot.main, "extrapolation", made, "--work", work / "pilot", "--prompts", prompts, "--count", 2)
    run(evaluate.main, made, "--prompts", prompts, *evaluation(folder))
    run(card.main, made)
    yield folder
    sys.argv = argv


def evaluation(folder):
    return "--out", folder / "tiny" / "front.json", "--log", folder / "texts", "--samples", 1, "--count", 3


def test_the_stages_make_a_set_that_can_be_shipped(trained):
    soup_set = sets.read(trained / "tiny")
    assert sets.problems(soup_set) == []
    b = round(1 - soup_set.beta, 6)
    weights = [json.loads((a / "hyperparameters.json").read_text())["reward_weights"] for a in soup_set.adapters]
    assert weights[:4] == [[soup_set.beta, b], [b, soup_set.beta], [1.0, 0.0], [0.0, 1.0]]
    assert [tuple(row) for row in weights[4:]] == backbones.ORACLES[2]
    assert str(trained) not in "".join(file.read_text() for file in soup_set.path.rglob("*.json"))


def test_equal_budgets_and_settings_for_all_adapters(trained):
    settings = [
        json.loads((a / "hyperparameters.json").read_text()) | {"reward_weights": None}
        for a in sets.read(trained / "tiny").adapters
    ]
    assert all(s == settings[0] for s in settings)


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
    run(backbones.main, trained / "tiny", "--data-dir", small, "--work", trained / "runs", "--steps", 1)
    assert before == {file: file.read_bytes() for file in files}


def test_evaluation_resumes_from_its_log_and_gives_the_same_front(trained, small):
    (log,) = (trained / "texts").glob("*.jsonl")
    lines, front = log.read_text().splitlines(keepends=True), (trained / "tiny" / "front.json").read_text()
    for kept in (len(lines) // 2, len(lines) // 3):  # cut off within a line: of a pair under way, and of its first
        log.write_text("".join(lines[:kept]) + lines[kept][:20])
        run(evaluate.main, trained / "tiny", "--prompts", small / "e2e" / "dev.csv", *evaluation(trained))
        assert (trained / "tiny" / "front.json").read_text() == front


def test_a_front_says_how_it_was_made(trained):
    front = sets.read(trained / "tiny").front
    conditions = front["conditions"]
    assert conditions["prompts"] == 3 and len(conditions["prompts_sha256"]) == 64
    assert conditions["hyperparameters"]["oracle-1"]["reward_weights"] == [0.9, 0.1]
    assert {"torch", "transformers", "bitsandbytes", "peft", "trl"} == set(conditions["versions"])
    for result in front["methods"].values():
        assert all(point["log_probability"] < 0 <= point["repeated"] for point in result["points"])


def test_pilot_and_reported_fronts_share_no_facts():
    prompts = [{"name": f"Place {i}"} for i in range(300)]
    for count in (5, 200):
        held_out = data.held_out(prompts, count)
        assert len(held_out) == count and not any(p in held_out for p in data.pilot(prompts, 100))
    with pytest.raises(ValueError, match="all 150 facts"):
        data.pilot(prompts[:150], 100)


def test_a_file_without_mr_column_is_refused(trained):
    bad = trained / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit, match="has no column 'mr'"):
        run(evaluate.main, trained / "tiny", "--prompts", bad, "--out", trained / "x", "--log", trained / "y")


@pytest.fixture(scope="module")
def upbeat(small, tmp_path_factory):
    """A reward model that has learnt the three comments by heart."""
    out, argv = tmp_path_factory.mktemp("upbeat"), sys.argv
    run(reward_model.main, "--data-dir", small, "--out", out, "--epochs", 60)
    sys.argv = argv
    return out


def test_the_reward_model_learns_positive_from_the_rest(upbeat):
    how = json.loads((upbeat / "hyperparameters.json").read_text())
    assert how["dev_accuracy"] == 1 and how["positive_share"] == pytest.approx(1 / 3, abs=1e-4)
    warm, cold = RewardModel.load(upbeat).probabilities([COMMENTS[0][0], COMMENTS[1][0]])
    assert warm > 0.7 > 0.3 > cold


def test_a_set_with_a_learned_reward_trains_on_it(trained, small, upbeat, tmp_path):
    argv = sys.argv
    three = tmp_path / "three"
    names = ("complete", "concise", "upbeat")
    run(quantise.main, trained / "tiny" / "base", three, "--objectives", *names, "--upbeat", upbeat,
        "--data-dir", small, "--prompts", 3)  # fmt: skip
    assert not list(three.rglob("*.bin"))
    run(backbones.main, three, "--data-dir", small, "--work", tmp_path, "--steps", 1, "--only", "specialist-3")
    (row, *_) = json.loads((tmp_path / "specialist-3" / "log.json").read_text())
    assert row["reward"] == pytest.approx(row["rewards/upbeat/mean"])
    sys.argv = argv


def test_qlora_trains_on_the_quantised_weights(trained, small, tmp_path):
    argv = sys.argv
    arguments = ("--data-dir", small, "--work", tmp_path, "--steps", 2, "--only", "specialist-1", "--qlora")
    run(backbones.main, trained / "tiny", *arguments)
    adapter = read_adapter(tmp_path / "specialist-1")
    assert any(up.abs().max() > 0 for _, up in adapter.deltas.values())
    sys.argv = argv


def test_normalised_rewards_have_the_bases_mean_at_zero():
    objective = sets.Objective("concise", "", "", mean=0.5, std=0.25)
    (reward,) = backbones.normalised_rewards((objective,))
    assert reward(["<name> is a pub."], [{"name": "A", "food": None}]) == [(1.0 - 0.5) / 0.25]


def launch(processes, module, *arguments):
    """A stage under `accelerate launch`, one thread per process."""
    accelerate = ["-m", "accelerate.commands.launch", "--num_processes", processes, "--num_machines", 1]
    accelerate += ["--multi_gpu"] if processes > 1 else []
    accelerate += ["--mixed_precision", "no", "--dynamo_backend", "no", "--num_cpu_threads_per_process", 1]
    command = [sys.executable, *accelerate, "-m", module, *arguments]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_two_processes_give_what_one_gives_within_noise(trained, small, tmp_path):
    """The same loss of SFT, the same mean reward of the first texts of RL, and the same texts for a front."""
    whole = tmp_path / "e2e"  # every step sees all of it, in whatever order
    whole.mkdir()
    for split in ("train", "dev"):
        with (whole / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("mr", "ref"), *(REFERENCES * 22)[:64]])
    losses = []
    for processes in (1, 2):
        out = tmp_path / f"sft-{processes}"
        launch(processes, "train.sft", "--data-dir", tmp_path, "--out", out, "--max-steps", 10)
        losses.append(json.loads((out / "hyperparameters.json").read_text())["dev_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.01)

    rewards = []
    for processes in (1, 2):
        work = tmp_path / f"rl-{processes}"
        arguments = (trained / "tiny", "--data-dir", small, "--work", work, "--only", "backbone-1", "--steps", 2)
        launch(processes, "train.backbones", *arguments)
        assert json.loads((work / "backbone-1" / "hyperparameters.json").read_text())["processes"] == processes
        (row, *_) = json.loads((work / "backbone-1" / "log.json").read_text())
        rewards.append((row["reward"], row["reward_std"]))
    (one, spread), (two, _) = rewards
    assert abs(one - two) < 4 * math.sqrt(2) * max(spread, 0.05) / math.sqrt(64)

    fronts = []
    for processes in (1, 2):
        out = tmp_path / f"front-{processes}.json"
        arguments = ("--out", out, "--log", tmp_path / f"texts-{processes}", "--samples", 2, "--count", 3)
        methods = ("--methods", "bone-soup", "rewarded-soup")
        prompts = ("--prompts", small / "e2e" / "dev.csv")
        launch(processes, "train.evaluate", trained / "tiny", *prompts, *arguments, *methods)
        fronts.append(json.loads(out.read_text())["methods"])
    assert fronts[0] == fronts[1]


def test_run_sh_is_valid_and_names_stages_that_exist():
    script = Path(__file__).parents[1] / "train" / "run.sh"
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    modules = set(re.findall(r"train\.(\w+)", script.read_text()))
    assert {"sft", "reward_model", "quantise", "pilot", "backbones", "evaluate", "card", "tables"} == modules
    assert all((script.parent / f"{module}.py").is_file() for module in modules)
