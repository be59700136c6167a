"""A set whose adapters begin at one: tuned on references, then on rewards with its A, and exported in its rank."""

import csv
import json
import random
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.methods import BASE
from backbones.store import soup_set as sets
from backbones.store.adapters import UPS, WEIGHTS, read_adapter, weights_of
from backbones.store.exporting import merged_adapter
from backbones.store.manifest import Manifest
from backbones.tasks import TASKS
from tests.toy import COLOURS
from tests.train.stages import run, run_quickly
from train import adapters, card, data, new_set, pilot, start, tune

ROWS = [(f"name[Ox], food[{food}]", f"Ox serves {food} food.") for food in ("English", "French", "Indian")] * 4


@pytest.fixture(scope="module")
def few(small, tmp_path_factory):
    """The small data with one batch to learn from: an epoch is a step."""
    folder = tmp_path_factory.mktemp("few")
    (folder / "e2e").mkdir()
    shutil.copy(small / "e2e" / "dev.csv", folder / "e2e")
    with (folder / "e2e" / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("mr", "ref"), *ROWS])
    return "--data-dir", folder


@pytest.fixture(scope="module")
def begun(base, few, tmp_path_factory):
    """Folder of what `train.start` wrote: an epoch of one step."""
    out = tmp_path_factory.mktemp("start") / "start"
    run(start.main, "--task", "restaurants", "--base", base, *few, "--out", out)
    return out


@pytest.fixture(scope="module")
def colours(colours_data):
    return "--data-dir", colours_data


@pytest.fixture(scope="module")
def made(base, colours, begun, tmp_path_factory):
    """Folder of a set that begins at it: new_set and tune have worked on it."""
    folder = tmp_path_factory.mktemp("set") / "begun"
    first = shutil.copytree(begun, folder.parent / "start")
    weights = load_file(first / WEIGHTS)
    torch.manual_seed(0)
    for name in sorted(weights):
        if "lora_B" in name:  # two steps of the warm-up would change no text
            weights[name] = 0.1 * torch.randn_like(weights[name])
    save_file(weights, first / WEIGHTS, metadata={"format": "pt"})
    run(new_set.main, base, folder, "--task", "colours", "--start", first, *colours, "--max-new-tokens", 12)
    steps = ("--steps", 2, "--kinds", "backbone")
    run_quickly(tune.main, folder, *colours, "--work", folder.parent / "work", *steps)
    return folder


def test_it_says_how_it_was_made_and_how_well_it_reads_other_texts(begun):
    how = json.loads((begun / "hyperparameters.json").read_text())
    assert how["steps"] == 1 and how["examples"] == len(ROWS) and how["choice_loss"] > 0
    assert how["choice_examples"] == 206 - data.HELD_OUT


def test_beta_is_chosen_among_backbones_that_begin_at_it(made, colours, tmp_path):
    betas = (0.6, 0.8)
    for beta in betas:
        shutil.copytree(made.parent / "work", tmp_path / f"beta-{beta}")
    soup_set = sets.read(made)
    prompts = data.given(soup_set.task, "dev", colours[1])[:2]
    found = pilot.choose_beta(soup_set, prompts, 1, tmp_path, "cpu", betas)["beta"]
    assert set(found["fronts"]) == {"0.6", "0.8"} and found["chosen"] in betas


def test_finished_it_does_nothing_when_run_again(begun, base, few):
    before = (begun / WEIGHTS).stat().st_mtime_ns
    run(start.main, "--task", "restaurants", "--base", base, *few, "--out", begun)
    assert (begun / WEIGHTS).stat().st_mtime_ns == before


def test_stopped_before_the_end_it_makes_the_same_one(begun, base, few, tmp_path):
    out = shutil.copytree(begun, tmp_path / "start")
    (out / WEIGHTS).unlink()
    (out / "hyperparameters.json").unlink()
    run(start.main, "--task", "restaurants", "--base", base, *few, "--out", out)
    for file in (WEIGHTS, "hyperparameters.json"):
        assert (out / file).read_bytes() == (begun / file).read_bytes()


def test_it_learns_other_texts(base, few, tmp_path):
    task, keyed, whole = TASKS["restaurants"](), tmp_path / "texts.tsv", tmp_path / "kinds.tsv"
    keys = [data.key(task, one) for one in data.given(task, "train", few[1])]
    keyed.write_text("given\tref\n" + "".join(f"{one}\tOx is here.\n" for one in 5 * keys))
    whole.write_text("mr\tref\n" + 3 * "name[Elm], food[French]\tElm is French.\n")
    run(start.main, "--task", "restaurants", "--base", base, *few, "--texts", keyed, whole, "--out", tmp_path / "out")
    how = json.loads((tmp_path / "out" / "hyperparameters.json").read_text())
    assert (how["examples"], how["choice_examples"], how["steps"]) == (17, 1, 2)
    assert how["texts"] == ["texts.tsv", "kinds.tsv"]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"examples": 6000}, "one adapter, tuned on 6,000 pairs of the data, and"),
        ({"examples": 1500, "texts": ["texts.tsv"]}, "tuned on 1,500 texts of texts.tsv, and"),
    ],
)
def test_the_card_says_what_the_start_learned_from(how, words, tmp_path):
    (tmp_path / "hyperparameters.json").write_text(json.dumps(how))
    assert words in card.begun(SimpleNamespace(start="start", folders={"start": tmp_path}))


def test_a_task_without_references_has_no_start(base, tmp_path):
    (tmp_path / "hh-rlhf").mkdir()
    for split in ("train", "test"):
        row = {"chosen": "\n\nHuman: Hello?\n\nAssistant: Hi."}
        (tmp_path / "hh-rlhf" / f"{split}.jsonl").write_text(json.dumps(row))
    arguments = ("--task", "assistant", "--base", base, "--data-dir", tmp_path, "--out", tmp_path / "out")
    with pytest.raises(SystemExit, match="the training data of the task assistant has no texts to learn from"):
        run(start.main, *arguments)


def test_every_adapter_has_the_a_of_the_start_and_a_b_of_its_own(made):
    assert Manifest.read(made).start == "adapters/start"
    soup_set = sets.read(made)
    assert list(soup_set.adapters) == ["start", "backbone-1", "backbone-2"]
    first, *others = (read_adapter(folder).deltas for folder in soup_set.adapters.values())
    for other in others:
        assert other.keys() == first.keys()
        for name, (down, up) in other.items():
            assert down.equal(first[name][0]) and not up.equal(first[name][1]), name
            assert up.dtype == torch.bfloat16
    assert any(not others[0][name][1].equal(others[1][name][1]) for name in first)
    assert [weights_of(folder).name for folder in soup_set.adapters.values()] == [WEIGHTS, UPS, UPS]


def test_an_adapter_that_is_brought_again_leaves_nothing_of_before(made, begun, tmp_path):
    start = shutil.copytree(made / "adapters" / "start", tmp_path / "start")
    adapters.bring(begun, tmp_path / "one", "base")
    adapters.bring(start, tmp_path / "one", "base", start)
    assert weights_of(tmp_path / "one").name == UPS and not (tmp_path / "one" / WEIGHTS).exists()


def test_the_set_holds_what_the_start_needs_and_names_no_path_of_this_machine(made):
    files = {"adapter_config.json", WEIGHTS, "hyperparameters.json"}
    assert {file.name for file in (made / "adapters" / "start").iterdir()} == files
    config = json.loads((made / "adapters" / "start" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "../../base"


def test_rewards_are_normalised_by_texts_of_the_start_and_not_of_the_bare_base(made, colours):
    writer = Writer.load(made, "cpu")
    soup_set = writer.set
    prompts = random.Random(0).sample(data.given(soup_set.task, "train", colours[1]), len(COLOURS))
    options = {"top_p": 1.0, "max_new_tokens": 12}
    requests = [
        Request(given, soup_set.preference((1, 1)), BASE, 2 * i + k, **options)
        for i, given in enumerate(prompts)
        for k in (0, 1)
    ]
    begun, bare = (Writer(one, writer.soup).write(requests) for one in (soup_set, replace(soup_set, start=None)))
    assert [text.text for text in begun] != [text.text for text in bare]
    for objective in soup_set.objectives:
        rewards = np.array([text.rewards[objective.name] for text in begun])
        assert (objective.mean, objective.std) == pytest.approx((rewards.mean(), rewards.std()), abs=1e-4)


def test_of_a_base_that_was_fetched_the_manifest_names_the_file(base, colours, begun, tmp_path):
    source = shutil.copytree(base, tmp_path / "fetched")
    file = {"gguf": "tiny.gguf", "hub": "nobody/tiny", "revision": "0" * 40, "sha256": "1" * 64, "wheel": ""}
    (source / "hyperparameters.json").write_text(json.dumps(file | {"quantisation": "NF4"}))
    folder = tmp_path / "sets" / "made"
    options = ("--task", "colours", *colours, "--max-new-tokens", 12)
    run(new_set.main, source, folder, "--start", begun, *options)
    assert Manifest.read(folder).base == file and not (folder / "base").exists()
    config = json.loads((folder / "adapters" / "start" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "nobody/tiny"


def test_a_merge_is_exported_in_the_rank_of_the_start(made, tmp_path):
    soup_set = sets.read(made)
    folder = merged_adapter(soup_set, "bone-soup", soup_set.preference((0.6, 0.4)), tmp_path / "merged")
    assert json.loads((folder / "adapter_config.json").read_text())["r"] == 8
