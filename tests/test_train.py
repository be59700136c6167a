"""Every training stage in order, a few steps each, on a small file; then each again, resuming."""

import csv
import json
import sys
from pathlib import Path

import pytest

from backbones import sets
from train import backbones, card, evaluate, quantise, sft

REFERENCES = [
    ("name[The Mill], eatType[pub], food[English]", "The Mill is a pub with English food."),
    ("name[Ox], priceRange[cheap], near[Clare Hall]", "Near Clare Hall, Ox is cheap."),
    ("name[Ox], area[riverside], familyFriendly[no]", "Ox is at the riverside and not for children."),
]


def run(main, *arguments):
    sys.argv = ["stage", *map(str, arguments)]
    main()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    data, work, made = folder / "data", folder / "runs", folder / "tiny"
    (data / "e2e").mkdir(parents=True)
    for split in ("train", "dev"):
        with (data / "e2e" / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("mr", "ref"), *REFERENCES * 30])
    argv = sys.argv
    run(sft.main, "--data-dir", data, "--out", work / "sft", "--max-steps", 2)
    run(quantise.main, work / "sft", made, "--data-dir", data, "--prompts", 3)
    run(backbones.main, made, "--data-dir", data, "--work", work, "--steps", 1)
    prompts = data / "e2e" / "dev.csv"
    arguments = (made, "--prompts", prompts, "--out", made / "front.json", "--log", work / "texts.jsonl")
    run(evaluate.main, *arguments, "--samples", 1)
    run(card.main, made)
    yield folder
    sys.argv = argv


def test_the_stages_make_a_set_that_can_be_shipped(trained):
    soup_set = sets.read(trained / "tiny")
    assert sets.problems(soup_set) == []
    weights = [json.loads((a / "hyperparameters.json").read_text())["reward_weights"] for a in soup_set.adapters]
    assert weights == [[0.7, 0.3], [0.3, 0.7], [1.0, 0.0], [0.0, 1.0]]
    assert str(trained) not in "".join(file.read_text() for file in soup_set.path.rglob("*.json"))


def test_equal_budgets_and_settings_for_all_adapters(trained):
    settings = [
        json.loads((a / "hyperparameters.json").read_text()) | {"reward_weights": None}
        for a in sets.read(trained / "tiny").adapters
    ]
    assert all(s == settings[0] for s in settings)


def test_finished_stages_do_nothing_when_run_again(trained):
    files = [f for f in Path(trained).rglob("*.safetensors") if "checkpoint" not in str(f)]
    before = {file: file.read_bytes() for file in files}
    run(sft.main, "--data-dir", trained / "data", "--out", trained / "runs" / "sft")
    run(backbones.main, trained / "tiny", "--data-dir", trained / "data", "--work", trained / "runs", "--steps", 1)
    assert before == {file: file.read_bytes() for file in files}


def test_evaluation_resumes_from_its_log(trained):
    log, out = trained / "runs" / "texts.jsonl", trained / "again.json"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[: 2 * 22]))
    arguments = (trained / "tiny", "--prompts", trained / "data" / "e2e" / "dev.csv", "--out", out, "--log", log)
    run(evaluate.main, *arguments, "--samples", 1)
    assert log.read_text() == "".join(lines)
    assert out.read_text() == (trained / "tiny" / "front.json").read_text()


def test_a_file_without_mr_column_is_refused(trained):
    bad = trained / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit, match="has no column 'mr'"):
        run(evaluate.main, trained / "tiny", "--prompts", bad, "--out", trained / "x", "--log", trained / "y")


def test_normalised_rewards_have_the_bases_mean_at_zero():
    objective = sets.Objective("concise", "", "", mean=0.5, std=0.25)
    (value,) = backbones.normalised_reward(objective)(["<name> is a pub."], ["name[A]"])
    assert value == (1.0 - 0.5) / 0.25
