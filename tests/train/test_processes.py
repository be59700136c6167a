"""Two processes of `accelerate launch` against one, launched once for all stages."""

import csv
import json
import math

import pytest

from tests.train.conftest import REFERENCES
from tests.train.stages import launch, run
from train import evaluate, sft, tune


def test_two_processes_give_what_one_gives_within_noise(trained, small, tmp_path):
    """The same loss of SFT, the same mean reward of the first texts of RL, and the same texts for a front."""
    whole = tmp_path / "e2e"  # every step sees all of it, in whatever order
    whole.mkdir()
    others = [[text.replace("Ox", "Elm").replace("The Mill", "Fir") for text in pair] for pair in REFERENCES]
    for split, pairs in (("train", REFERENCES), ("dev", others)):
        with (whole / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("mr", "ref"), *(pairs * 22)[:64]])
    made, data = trained / "tiny", ("--data-dir", small)

    def stages(out):
        front = ("--out", out / "front.json", "--log", out / "texts", "--samples", 2, "--count", 3)
        short = ("--only", "backbone-1", "--steps", 2, "--max-new-tokens", 24)
        return {
            "sft": ("--data-dir", tmp_path, "--out", out / "sft", "--max-steps", 10),
            "tune": (made, *data, "--work", out, *short),
            "evaluate": (made, *data, *front, "--methods", "bone-soup", "rewarded-soup"),
        }

    one, two = tmp_path / "1", tmp_path / "2"
    for main, arguments in zip((sft.main, tune.main, evaluate.main), stages(one).values(), strict=True):
        run(main, *arguments)
    launch(2, [(name, *arguments) for name, arguments in stages(two).items()])

    losses = [json.loads((out / "sft" / "hyperparameters.json").read_text())["dev_loss"] for out in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=0.01)

    rewards = []
    for processes, out in enumerate((one, two), start=1):
        how = json.loads((out / "backbone-1" / "hyperparameters.json").read_text())
        assert how["processes"] == processes
        (row, *_) = json.loads((out / "backbone-1" / "log.json").read_text())
        rewards.append((row["reward"], row["reward_std"]))
    (alone, spread), (together, _) = rewards
    assert abs(alone - together) < 4 * math.sqrt(2) * max(spread, 0.05) / math.sqrt(64)

    fronts = [json.loads((out / "front.json").read_text())["methods"] for out in (one, two)]
    assert fronts[0] == fronts[1]
    assert len(list((two / "texts").glob("*.jsonl"))) == 2  # each wrote a share
