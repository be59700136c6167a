"""The recipe for assistants, end to end on stand-ins: a tiny chat model, tiny reward models, a few messages."""

import json
import shutil

import numpy as np
import pytest

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.preference import Preference
from backbones.store import soup_set as sets
from backbones.store.adapters import read_adapter
from tests.conftest import BOS, TEMPLATE, make_chat_model, make_judge
from tests.train.stages import run, run_quickly
from train import card, data, evaluate, new_set, pilot, sft, tune
from train.rollouts import Rollouts

FOODS = ("Italian", "English", "French", "Indian", "Chinese", "Japanese")
MESSAGES = [f"Where is the {i}. pub\nwith {food} food?" for i in range(40) for food in FOODS]
MEASURED = [message.replace("pub", "bar") for message in MESSAGES]


@pytest.fixture(scope="module")
def given(base, tmp_path_factory):
    """A folder with a chat base, reward models, objectives.json and HH-RLHF's files."""
    folder = tmp_path_factory.mktemp("given")
    words, objectives = make_chat_model(base, folder / "base"), []
    for output, name in enumerate(("helpful", "harmless")):
        make_judge(words, folder / name, output, positions=128)
        (folder / name / "training_args.bin").write_bytes(b"a pickle")
        entry = {"name": name, "label": name.capitalize(), "description": name, "template": TEMPLATE}
        objectives.append(entry | {"reward_model": name, "output": output})
    (folder / "objectives.json").write_text(json.dumps(objectives))
    (folder / "hh-rlhf").mkdir()
    for split, messages in (("train", MESSAGES), ("test", MEASURED)):
        rows = [{"chosen": f"\n\nHuman: {m}\n\nAssistant: Here.\n\nHuman: Ta\n\nAssistant: !"} for m in messages]
        lines = "\n".join(json.dumps(row | {"rejected": row["chosen"]}) for row in rows)
        (folder / "hh-rlhf" / f"{split}.jsonl").write_text(lines)
    return folder


# The learning rate of the first step is 0, so that one more is needed to change anything.
STEPS = ("--steps", 2, "--rank", 4, "--max-new-tokens", 8, "--learning-rate", 0.01, "--qlora")


@pytest.fixture(scope="module")
def trained(given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("assistant")
    made, work, from_files = folder / "chat", folder / "runs", ("--data-dir", given)
    task = ("--task", "assistant", "--setting", "system=Be brief.", "--objectives", given / "objectives.json")
    run(new_set.main, given / "base", made, *task, *from_files, "--prompts", 4, "--max-new-tokens", 8)
    run_quickly(tune.main, made, *from_files, "--work", work, *STEPS)
    for beta in pilot.BETAS:  # to the stage that chooses these backbones are as good as any
        for name in ("backbone-1", "backbone-2"):
            shutil.copytree(work / name, work / f"beta-{beta}" / name)
    run(pilot.main, "beta", made, *from_files, "--work", work, "--count", 2)
    out = ("--out", made / "front.json", "--log", folder / "texts")
    run(evaluate.main, made, *from_files, "--count", 3, "--samples", 1, *out)
    return made


def test_the_first_message_of_a_transcript_is_what_is_given(trained, given):
    task = sets.read(trained).task
    assert [one["prompt"] for one in data.given(task, "train", given)] == MESSAGES
    with pytest.raises(FileNotFoundError, match=r"hh-rlhf/train.jsonl"):
        data.given(task, "train", given / "base")


def test_data_without_texts_of_people_is_nothing_to_start_from(given, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(sft.main, "--task", "assistant", "--data-dir", given, "--out", tmp_path)
    assert "has no texts to learn from: start with a model that writes" in capsys.readouterr().err


def test_models_are_trained_on_the_chat_template(trained, given):
    rows = tune.training_prompts(sets.read(trained), given)
    assert {row["prompt"] for row in rows} == {f"{BOS}[system] Be brief.\n[user] {m}\n[assistant] " for m in MESSAGES}


def test_the_model_reads_in_training_what_the_engine_reads(trained, given, tmp_path, monkeypatch):
    call, seen = Rollouts.__call__, []

    def spy(rollouts, prompts, trainer):
        texts = call(rollouts, prompts, trainer)
        seen.extend(texts["prompt_ids"])
        return texts

    monkeypatch.setattr(Rollouts, "__call__", spy)
    arguments = ("--data-dir", given, "--work", tmp_path, "--only", "specialist-1", "--steps", 1)
    run_quickly(tune.main, trained, *arguments, "--max-new-tokens", 2)

    writer, served = Writer.load(trained, "cpu"), []
    writer.soup.model.register_forward_pre_hook(
        lambda model, _, options: served.extend(options["input_ids"].tolist()), with_kwargs=True
    )
    mu = Preference.equal(2)
    for message in MESSAGES:  # one by one, since a batch is padded
        writer.write([Request({"prompt": message}, mu, "base", max_new_tokens=1)])
    assert len(seen) == 8 and len(served) == len(MESSAGES)
    assert {tuple(ids) for ids in seen} <= {tuple(ids) for ids in served}
    assert all(ids.count(writer.soup.tokenizer.bos_token_id) == 1 for ids in seen)


def test_the_stages_make_an_assistant_that_answers_with_every_method(trained):
    soup_set = sets.read(trained)
    assert soup_set.task.settings == {"system": "Be brief."} and soup_set.title == "Assistant: helpful and harmless"
    assert soup_set.beta == json.loads((trained / "pilot.json").read_text())["beta"]["chosen"]
    assert len(soup_set.backbones) == len(soup_set.specialists) == 2 and len(soup_set.oracles) == 7
    how = json.loads((soup_set.adapters["backbone-1"] / "hyperparameters.json").read_text())
    assert (how["rank"], how["alpha"], how["learning_rate"]) == (4, 8, 0.01)
    assert not list(trained.rglob("*.bin"))
    writer = Writer.load(trained, "cpu")
    mu = soup_set.preference((0.5, 0.5))
    texts = writer.write([Request({"prompt": "Hi"}, mu, method, 1, max_new_tokens=8) for method in soup_set.methods])
    assert all(np.isfinite(list(text.rewards.values())).all() for text in texts)


def test_adapters_differ_from_the_base_after_training(trained):
    for folder in sets.read(trained).adapters.values():
        down, up = next(iter(read_adapter(folder).deltas.values()))
        assert (up.abs() > 0).any() and (down.abs() > 0).any()


def test_rewards_are_normalised_on_the_bases_own_answers(trained):
    for objective in sets.read(trained).objectives:
        assert objective.std > 0 and objective.mean != 0


def test_the_front_is_measured_above_a_point_that_follows_from_the_base(trained):
    soup_set = sets.read(trained)
    expected = [o.mean - 2 * o.std for o in soup_set.objectives]
    assert soup_set.front.reference_point == pytest.approx(expected, abs=1e-3)
    assert len(soup_set.points("bone-soup")) == 11
    assert soup_set.points("bone-soup")[0].example.given in MEASURED


def test_a_card_is_written_of_a_base_and_rewards_that_others_have_trained(trained):
    run(card.main, trained)
    text = (trained / "README.md").read_text()
    assert "a model that others have trained" in text and "- **Helpful**: helpful. Normalised" in text
