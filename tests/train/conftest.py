"""Small data, and a set of restaurants that every stage has worked on."""

import csv
import itertools
import json
import shutil

import pytest

from backbones.tasks import TASKS
from backbones.tasks.restaurants.facts import VALUES
from tests.toy import COLOURS, MEASURED, Colours
from tests.train.stages import run, run_quickly
from train import card, evaluate, new_set, pilot, sft, tune

REFERENCES = [
    ("name[The Mill], eatType[pub], food[English]", "The Mill is a pub with English food."),
    ("name[Ox], priceRange[cheap], near[Clare Hall]", "Near Clare Hall, Ox is cheap."),
    ("name[Ox], area[riverside], familyFriendly[no]", "Ox is at the riverside and not for children."),
]
COMMENTS = [("What a lovely day, I love it!", "0,17"), ("This is bad and sad.", "25"), ("It is on the table.", "27")]
LABELS = """admiration amusement anger annoyance approval caring confusion curiosity desire disappointment disapproval
disgust embarrassment excitement fear gratitude grief joy love nervousness optimism pride realization relief remorse
sadness surprise neutral"""


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A data folder: enough facts for a step of RL, and more in dev than a front is measured on."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "e2e").mkdir()
    (folder / "goemotions").mkdir()
    values = itertools.product(*(VALUES[slot] for slot in ("eatType", "food", "priceRange", "area")))
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


@pytest.fixture(scope="module")
def colours_data(tmp_path_factory):
    """The data folder of the task of `tests.toy`, whose rewards tell any two texts apart; it is known meanwhile."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "colours").mkdir()
    for split, colours in (("train", COLOURS), ("dev", MEASURED)):
        rows = [json.dumps({"colour": colour, "text": f"{colour} is {like}."}) for colour, like in colours.items()]
        (folder / "colours" / f"{split}.jsonl").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "colours", Colours)
        yield folder


@pytest.fixture(scope="session")
def trained(small, tmp_path_factory):
    """All stages of a set with two objectives: runs/, the set tiny/, and the texts of its front."""
    folder = tmp_path_factory.mktemp("train")
    work, made, data = folder / "runs", folder / "tiny", ("--data-dir", small)
    run(sft.main, *data, "--out", work / "sft", "--max-steps", 2)
    run(new_set.main, work / "sft", made, *data, "--prompts", 60, "--max-new-tokens", 24)
    first, *others = (work / "pilot" / f"beta-{beta}" for beta in pilot.BETAS)
    steps = ("--beta", pilot.BETAS[0], "--steps", 1, "--kinds", "backbone")
    for name in ("backbone-1", "backbone-2"):
        run_quickly(tune.main, made, *data, "--work", first, "--only", name, *steps)
    for other in others:  # to the stage that chooses they are as good as any
        shutil.copytree(first, other)
    run(pilot.main, "beta", made, *data, "--work", work / "pilot", "--count", 2)
    run_quickly(tune.main, made, *data, "--work", work, "--steps", 1)
    run(pilot.main, "extrapolation", made, *data, "--work", work / "pilot", "--count", 2)
    run(evaluate.main, made, *data, *evaluation(folder))
    run(card.main, made)
    return folder


def evaluation(folder):
    """Arguments of the front of the set in `folder`."""
    return "--out", folder / "tiny" / "front.json", "--log", folder / "texts", "--samples", 1, "--count", 3
