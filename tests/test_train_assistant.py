"""The recipe for assistants, end to end on stand-ins: a tiny chat model, tiny reward models, a few messages."""

import json
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from backbones import sets
from backbones.writer import Order, Writer
from tests.conftest import make_chat_model, make_judge
from train import assistant, backbones, data, evaluate, pilot
from train.backbones import training_prompts

TEMPLATE = "\n\nHuman: {prompt}\n\nAssistant: {text}"
FOODS = ("Italian", "English", "French", "Indian", "Chinese", "Japanese")
MESSAGES = [f"Where is the {i}. pub\nwith {food} food?" for i in range(40) for food in FOODS]


@dataclass(frozen=True)
class Quick(backbones.Hyperparameters):
    prompts_per_step: int = 2
    samples_per_prompt: int = 4


def run(main, *arguments):
    sys.argv = ["stage", *map(str, arguments)]
    main()


@pytest.fixture(scope="module")
def given(base, tmp_path_factory):
    """A folder with a chat base, reward models, objectives.json and HH-RLHF's files."""
    folder = tmp_path_factory.mktemp("given")
    words, objectives = make_chat_model(base, folder / "base"), []
    for output, name in enumerate(("helpful", "harmless")):
        make_judge(words, folder / name, output, positions=128)
        (folder / name / "training_args.bin").write_bytes(b"a pickle")
        entry = {"name": name, "label": name.capitalize(), "description": name, "template": TEMPLATE}
        objectives.append(entry | {"reward_model": str(folder / name), "output": output})
    (folder / "objectives.json").write_text(json.dumps(objectives))
    (folder / "hh-rlhf").mkdir()
    for split in ("train", "test"):
        rows = [{"chosen": f"\n\nHuman: {m}\n\nAssistant: Here.\n\nHuman: Ta\n\nAssistant: !"} for m in MESSAGES]
        lines = "\n".join(json.dumps(row | {"rejected": row["chosen"]}) for row in rows)
        (folder / "hh-rlhf" / f"{split}.jsonl").write_text(lines)
    return folder


@pytest.fixture(scope="module")
def trained(given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("assistant")
    made, work, test = folder / "chat", folder / "runs", given / "hh-rlhf" / "test.jsonl"
    objectives = ("--objectives", given / "objectives.json", "--system", "Be brief.")
    argv = sys.argv
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones, "Hyperparameters", Quick)
        small = ("--data-dir", given, "--prompts", 4, "--max-new-tokens", 8)
        run(assistant.main, given / "base", made, *objectives, *small)
        # The learning rate of the first step is 0, so that one more is needed to change anything.
        steps = ("--data-dir", given, "--steps", 2, "--rank", 4, "--max-new-tokens", 8, "--learning-rate", 0.01)
        for beta in pilot.BETAS:
            where = ("--work", work / f"beta-{beta}", "--beta", beta, "--kinds", "backbone")
            for name in ("backbone-1", "backbone-2"):
                run(backbones.main, made, "--only", name, *where, *steps)
        run(pilot.main, "beta", made, "--work", work, "--prompts", test, "--count", 2)
        run(backbones.main, made, "--work", work, *steps, "--qlora")
        out = ("--out", made / "front.json", "--log", folder / "texts")
        run(evaluate.main, made, "--prompts", test, "--count", 3, "--samples", 1, *out)
    yield made
    sys.argv = argv


def test_the_first_message_of_a_transcript_is_what_is_given(given):
    messages = data.messages("train", given)
    assert [m["prompt"] for m in messages] == MESSAGES
    with pytest.raises(FileNotFoundError, match=r"hh-rlhf/train.jsonl"):
        data.messages("train", given / "base")


def test_models_are_trained_on_the_chat_template(trained, given):
    rows = training_prompts(sets.read(trained), given)
    assert {row["prompt"] for row in rows} == {f"[system] Be brief.\n[user] {m}\n[assistant] " for m in MESSAGES}


def test_the_stages_make_an_assistant_that_answers_with_every_method(trained):
    soup_set = sets.read(trained)
    assert soup_set.task.system == "Be brief." and soup_set.beta in pilot.BETAS
    assert len(soup_set.backbones) == len(soup_set.specialists) == 2 and len(soup_set.oracles) == 7
    how = json.loads((soup_set.backbones[0] / "hyperparameters.json").read_text())
    assert (how["rank"], how["alpha"], how["learning_rate"]) == (4, 8, 0.01)
    assert not list(trained.rglob("*.bin"))
    writer = Writer.load(trained, "cpu")
    texts = writer.write(
        [Order({"prompt": "Hi"}, (0.5, 0.5), method, 1, max_new_tokens=8) for method in soup_set.methods]
    )
    assert all(np.isfinite(list(text.rewards.values())).all() for text in texts)


def test_adapters_differ_from_the_base_after_training(trained):
    writer = Writer.load(trained, "cpu")
    for _, (down, up) in [next(iter(a.deltas.items())) for a in adapters(writer)]:
        assert (up.abs() > 0).any() and (down.abs() > 0).any()


def adapters(writer):
    from backbones.adapters import read_adapter

    return [read_adapter(folder) for folder in writer.set.adapters]


def test_rewards_are_normalised_on_the_bases_own_answers(trained):
    for objective in sets.read(trained).objectives:
        assert objective.std > 0 and objective.mean != 0


def test_the_front_is_measured_above_a_point_that_follows_from_the_base(trained):
    front, objectives = json.loads((trained / "front.json").read_text()), sets.read(trained).objectives
    expected = [o.mean - 2 * o.std for o in objectives]
    assert front["reference_point"] == pytest.approx(expected, abs=1e-3)
    assert len(front["methods"]["bone-soup"]["points"]) == 11
    assert front["methods"]["bone-soup"]["points"][0]["example"]["mr"] in MESSAGES
