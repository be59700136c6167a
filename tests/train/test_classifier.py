"""The learned reward: a classifier trained on small files, and a set that is tuned on it."""

import json

import pytest

from backbones.store import soup_set as sets
from backbones.tasks.reward_models import Classifier
from tests.train.conftest import COMMENTS
from tests.train.stages import run, run_quickly
from train import classifier, goemotions, new_set, tune


@pytest.fixture(scope="module")
def upbeat(small, tmp_path_factory):
    """A reward model that has learnt the three comments by heart."""
    out = tmp_path_factory.mktemp("upbeat")
    run(classifier.main, "--data-dir", small, "--out", out, "--epochs", 60)
    return out


def test_the_reward_model_learns_positive_from_the_rest(upbeat):
    how = json.loads((upbeat / "hyperparameters.json").read_text())
    assert how["dev_accuracy"] == 1 and how["positive_share"] == pytest.approx(1 / 3, abs=1e-4)
    warm, cold = Classifier.load(upbeat).probabilities([COMMENTS[0][0], COMMENTS[1][0]])
    assert warm > 0.7 > 0.3 > cold


def test_a_set_with_a_learned_reward_trains_on_it(trained, small, upbeat, tmp_path):
    three, work = tmp_path / "three", tmp_path / "work"
    names = ("complete", "concise", f"upbeat={upbeat}")
    data = ("--data-dir", small)
    run(new_set.main, trained / "tiny" / "base", three, "--objectives", *names, *data, "--prompts", 3)
    assert not list(three.rglob("*.bin"))
    assert sets.read(three).title == "Restaurants: complete, concise and upbeat"
    run_quickly(tune.main, three, *data, "--work", work, "--steps", 1, "--only", "specialist-3")
    (row, *_) = json.loads((work / "specialist-3" / "log.json").read_text())
    assert row["reward"] == pytest.approx(row["rewards/upbeat/mean"])


def test_emotions_that_are_not_there_are_named(small, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"goemotions/train.tsv is missing: --data-dir must hold"):
        goemotions.load("train", tmp_path)
    rows, names = goemotions.load("dev", small)
    assert rows[0]["text"] == COMMENTS[0][0] and [names[i] for i in rows[0]["labels"]] == ["admiration", "joy"]
