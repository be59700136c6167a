"""Averages of adapters that were trained alike with several seeds."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from backbones.store.adapters import CONFIG, UPS, WEIGHTS, read_adapter
from tests.train.stages import run
from train import average, card

HOW = {"steps": 2, "sense": 3.0}


def adapter(folder, seed, down=1.0, how=HOW, start=None):
    """An adapter of one layer whose B holds its seed."""
    folder.mkdir(parents=True)
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q"]}
    (folder / CONFIG).write_text(json.dumps(config))
    (folder / "hyperparameters.json").write_text(json.dumps(how if seed is None else how | {"seed": seed}))
    weights = {"base_model.model.q.lora_B.weight": torch.full((3, 2), float(seed or 0)).bfloat16()}
    if start is None:
        weights["base_model.model.q.lora_A.weight"] = torch.full((2, 3), down).bfloat16()
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    else:
        save_file(weights, folder / UPS, metadata={"format": "pt", "start": start})
    return folder


def test_an_average_keeps_a_and_what_seeds_have_in_common(tmp_path):
    ones = [adapter(tmp_path / str(seed), seed) for seed in (1, 2, 6)]
    run(average.main, tmp_path / "mean", *ones)
    ((down, up),) = read_adapter(tmp_path / "mean").deltas.values()
    assert down.float().unique().item() == 1.0 and up.float().unique().item() == 3.0
    how = json.loads((tmp_path / "mean" / "hyperparameters.json").read_text())
    assert how == HOW | {"seeds": [1, 2, 6]}


def test_of_adapters_with_the_a_of_a_start_it_is_one_too(tmp_path):
    ones = [adapter(tmp_path / str(seed), seed, start="start") for seed in (1, 2)]
    average.average(ones, tmp_path / "mean")
    shutil.rmtree(ones[0])
    with safe_open(tmp_path / "mean" / UPS, "pt") as opened:
        assert opened.metadata()["start"] == "start"
    (up,) = load_file(tmp_path / "mean" / UPS).values()
    assert up.dtype == torch.bfloat16 and up.float().unique().item() == 1.5


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"down": 2.0}, "has another A than"),
        ({"how": HOW | {"steps": 3}}, "has steps 3, .* 2: average what is alike"),
        ({"how": {"steps": 2}}, "has sense None, .* 3.0: average what is alike"),
        ({"seed": 1}, "have the seeds 1, 1: average one of each"),
        ({"seed": None}, "have the seeds 1, None"),
    ],
)
def test_adapters_that_differ_in_more_than_their_seed_are_refused(other, words, tmp_path):
    ones = [adapter(tmp_path / "1", 1), adapter(tmp_path / "2", **({"seed": 2} | other))]
    with pytest.raises(SystemExit, match=words):
        run(average.main, tmp_path / "mean", *ones)
    assert not (tmp_path / "mean").exists()


def test_one_has_no_average(tmp_path):
    with pytest.raises(SystemExit, match="1 adapters have no average"):
        run(average.main, tmp_path / "mean", adapter(tmp_path / "1", 1))


def test_a_card_says_which_seeds_every_average_has(tmp_path):
    named = {"backbone-1": (1, 2), "start": None, "backbone-2": (1, 2), "specialist-1": (2, 3), "oracle-1": None}
    for name, seeds in named.items():
        (tmp_path / name).mkdir()
        if name != "oracle-1":  # of somebody else
            (tmp_path / name / "hyperparameters.json").write_text(json.dumps({"seeds": seeds} if seeds else {}))
    soup_set = SimpleNamespace(adapters={name: tmp_path / name for name in named})
    said = card.alike(soup_set, {"sense": 3.0, "seeds": [1, 2]})
    assert said.startswith(", and sense as a further reward of weight 3")
    assert said.endswith("average of 2 training seeds (1, 2: backbone-1, backbone-2; 2, 3: specialist-1)")
    assert card.alike(soup_set, {"seed": 0}) == ""
