"""Scores that nothing was trained on."""

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from backbones.tasks.reframe.task import Reframe
from tests.toy import Colours
from tests.train.stages import run
from train import evaluate
from train.judges import judges
from train.reframe import vocabulary

THOUGHT = "I lost all of my notes in the library."


@pytest.fixture(scope="module")
def minilm(tmp_path_factory):
    """A folder with a tiny random model of MiniLM's kind."""
    folder, words = (
        tmp_path_factory.mktemp("minilm"),
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz."],
    )
    (folder / "vocab.txt").write_text("\n".join([*words, *(f"##{word}" for word in words[4:])]))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=64, **sizes)).save_pretrained(folder)
    return folder


def test_nearness_is_judged_by_a_model_of_the_hub(minilm, monkeypatch):
    asked = []
    monkeypatch.setattr(vocabulary.hub, "file", lambda *which: asked.append(which) or minilm / which[2])
    near = judges(Reframe())["minilm"]
    assert {which[:2] for which in asked} == {(vocabulary.MINILM, vocabulary.REVISION)}
    assert near([THOUGHT], [THOUGHT]) == pytest.approx(1.0) and near(["A friend lends me hers."], [THOUGHT]) < 0.999


def test_a_model_that_cannot_be_had_is_said_before_anything_is_written(tmp_path):
    into = ("--out", tmp_path / "front.json", "--log", tmp_path / "texts", "--prompts", tmp_path / "prompts.csv")
    (tmp_path / "prompts.csv").write_text("original_text,reframed_text\nIt rains.,Rain ends.\n")
    with pytest.raises(SystemExit, match=r"config.json is missing: --minilm must be the folder of all-MiniLM-L6-v2"):
        run(evaluate.main, "silver-lining", *into, "--minilm", tmp_path)
    assert not (tmp_path / "texts").exists()


def test_positive_texts_openings_and_copies_are_told_apart(minilm):
    found = judges(Reframe(), minilm)
    assert set(found) == {"vader", "openings", "copied", "minilm"}
    assert found["vader"](["I love this wonderful day."], [THOUGHT]) > 0.5
    assert found["vader"](["I hate this horrible day."], [THOUGHT]) < -0.5
    texts = ["I hope that it ends.", "I hope that I win.", "It will end.", "Notes can be made again."]
    assert found["openings"](texts, [THOUGHT] * 4) == 0.75
    assert found["copied"]([THOUGHT, "A friend lends me hers."], [THOUGHT] * 2) == pytest.approx(0.5)
    of_the_text = found["copied"](["I lost all of my keys."], [THOUGHT])  # and not of the thought
    assert of_the_text == pytest.approx(2 / 3)


def test_copies_are_of_what_is_a_text_alone():
    assert set(judges(Colours())) == {"vader", "openings"}
