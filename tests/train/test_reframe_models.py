"""The reward models of the task reframe, trained on a few rows, and what teaches them."""

import csv
import json
import random

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from backbones.store.conversion import NF4
from backbones.tasks.reframe.task import Bright, Kept, Reframe
from tests.train.stages import run
from train import data
from train.reframe import bright, gaming, threes, true
from train.reframe.negatives import added, falsified, half, negated, neighbours

THOUGHTS = ["my dog is sick and i can not sleep", "we lost the game again", "nobody came to my party on monday"]
THREE = ("We lost the day", "We lost the day but not the evening", "The evening is ours")
TEXTS = ["My dog will get well.", "We can win the next game!", "I am glad that a friend came later"]


@pytest.fixture(scope="module")
def frames(small, tmp_path_factory):
    """A data folder with thirty pairs to learn from, three other texts for each, more pairs in dev than a front is
    measured on, and GoEmotions."""
    folder = tmp_path_factory.mktemp("frames")
    (folder / "positive-frames").mkdir()
    (folder / "goemotions").symlink_to(small / "goemotions")
    for split, first, count in (("train", 0, 30), ("dev", 30, data.HELD_OUT + 20)):
        rows = [(f"{THOUGHTS[i % 3]} {i}", TEXTS[i % 3]) for i in range(first, first + count)]
        with (folder / "positive-frames" / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("original_text", "reframed_text"), *rows])
    pairs = data.pairs(Reframe(), "train", folder)
    lines = [f"{data.key(Reframe(), pair.given)}\t{text} {i}." for i, pair in enumerate(pairs) for text in THREE]
    (folder / "texts.tsv").write_text("\n".join(["given\treframed_text", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def minilm(tmp_path_factory):
    """A folder with a vocabulary and word vectors as MiniLM's."""
    folder = tmp_path_factory.mktemp("minilm")
    letters = [chr(letter) for letter in range(ord("a"), ord("z") + 1)] + list("0123456789")
    words = sorted({word for text in (*THOUGHTS, *gaming.TROUBLE) for word in text.split() if len(word) > 1})
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "!", *letters, *(f"##{letter}" for letter in letters), *words]
    pieces = models.WordPiece(vocab={piece: i for i, piece in enumerate(known)}, unk_token="[UNK]")
    Tokenizer(pieces).save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    save_file({"embeddings.word_embeddings.weight": torch.randn(len(known), 192)}, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def wide(base, tmp_path_factory):
    """A base in NF4 with word vectors as wide as the matcher needs."""
    folder = tmp_path_factory.mktemp("wide")
    words = AutoTokenizer.from_pretrained(base)
    sizes = {"hidden_size": 128, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=len(words), **sizes)).save_pretrained(folder / "fp32")
    quantised = AutoModelForCausalLM.from_pretrained(
        folder / "fp32", dtype=torch.float32, quantization_config=NF4, device_map={"": "cpu"}
    )
    quantised.save_pretrained(folder / "nf4")
    words.save_pretrained(folder / "nf4")
    return folder / "nf4"


def test_bright_is_trained_and_read_by_the_task(frames, minilm, tmp_path, monkeypatch):
    monkeypatch.setattr(bright, "EPOCHS", 1)
    monkeypatch.setattr(bright, "SHORT", 20)
    monkeypatch.setattr(bright, "BATCH", 512)
    folders = ("--data-dir", frames, "--texts", frames / "texts.tsv", "--minilm", minilm)
    arguments, figures = (*folders, "--out", tmp_path / "bright"), ("auc_frames", "auc_goemotions", "auc_texts")
    run(bright.main, *arguments)
    check(tmp_path / "bright", Bright, figures, lambda: run(bright.main, *arguments))
    assert json.loads((tmp_path / "bright" / "hyperparameters.json").read_text())["steps"] == 1
    config = json.loads((tmp_path / "bright" / "config.json").read_text())
    assert config["id2label"] == {"0": "positive"} and config["dtype"] == "float16"


def test_true_is_trained_and_read_by_the_task(frames, minilm, wide, tmp_path, monkeypatch):
    monkeypatch.setattr(true, "EPOCHS", 2)  # the schedule of a single step has no end
    monkeypatch.setattr(true, "BATCH", 30)
    folders = ("--base", wide, "--data-dir", frames, "--texts", frames / "texts.tsv", "--minilm", minilm)
    arguments = (*folders, "--out", tmp_path / "true")
    run(true.main, *arguments)
    check(tmp_path / "true", Kept, ("auc_random", "auc_similar", "auc_added"), lambda: run(true.main, *arguments))


def check(folder, reward, figures, again):
    """The folder holds a model for the task, says how good it is, and is left alone from then on."""
    given = [{"thought": thought} for thought in THOUGHTS]
    rewards = reward(folder)([*TEXTS[:2], THOUGHTS[2]], given)
    assert len(rewards) == 3 and all(0 <= value <= 1 for value in rewards)
    how = json.loads((folder / "hyperparameters.json").read_text())
    assert all(0 <= how[figure] <= 1 for figure in figures)
    assert json.loads((folder / "tokenizer_config.json").read_text())["model_max_length"] == 64
    before = (folder / "model.safetensors").stat().st_mtime_ns
    again()
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_a_folder_without_minilm_is_named(frames, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tokenizer.json is missing: --minilm must be the folder of"):
        options = ("--data-dir", frames, "--texts", frames / "texts.tsv", "--minilm", tmp_path)
        run(bright.main, *options, "--out", tmp_path / "bright")


def test_an_epoch_is_the_same_for_the_same_seed_and_in_bare_words():
    pairs, felt = list(zip(THOUGHTS, TEXTS)), [("I am HAPPY!", bright.POSITIVE), ("Bad, sad.", bright.NEGATIVE)]
    told = [threes.Three(THOUGHTS[1], *THREE)]
    drawn = bright.epoch(pairs, told, felt, 1)
    assert drawn == bright.epoch(pairs, told, felt, 1) != bright.epoch(pairs, told, felt, 2)
    assert drawn.count(("the evening is ours", bright.SURE)) == bright.REPEATS
    assert drawn.count(("we lost the day", bright.CALM)) == bright.REPEATS
    assert all(0 < score < 1 and set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ") for text, score in drawn)


def test_thoughts_without_three_texts_are_passed_over(frames, tmp_path):
    lines = (frames / "texts.tsv").read_text().splitlines()
    (tmp_path / "texts.tsv").write_text("\n".join(lines[:-1]) + "\n")
    learn, left_out = threes.load(tmp_path / "texts.tsv", frames)
    assert len(learn) + len(left_out) == 29 and left_out[0][1:] == tuple(f"{text} 0." for text in THREE)
    (tmp_path / "texts.tsv").write_text("\n".join(lines[:7]) + "\n")
    with pytest.raises(ValueError, match="2 thoughts have three texts: give three or more"):
        threes.load(tmp_path / "texts.tsv", frames)


def test_every_template_can_be_filled_and_dressed_thoughts_deserve_little():
    luck = random.Random(0)
    assert {score for _, score in (gaming.short(luck) for _ in range(5000))} == {score for _, score in gaming.TEMPLATES}
    for _ in range(200):
        text, score = gaming.dressed(THOUGHTS[0], luck)
        assert text != THOUGHTS[0] and score <= 0.3


def test_texts_are_falsified_negated_added_to_and_halved():
    luck = random.Random(0)
    assert falsified("The dog sleeps.", [], frozenset(), luck) == "the cat sleeps"
    assert falsified("I waited 3 hours", [], frozenset(), luck).split()[2] != "3"
    assert falsified("It rains.", [], frozenset(), luck) is None
    assert negated("It isn't over.", luck) == "it is over" and negated("It is over.", luck) == "it is not over"
    assert negated("Rain again", luck) is None
    ends = {added("It rains.", "We lost, but we can win again.", luck) for _ in range(400)}
    assert "it rains but we can win again" in ends
    assert len(ends) > len(gaming.EMPTY)
    assert half("one two three four", "five six seven eight") == "one two seven eight"


def test_neighbours_share_the_rarest_words_and_are_never_the_same_text():
    texts = [text.split() for text in ("a dog barks", "a dog sleeps", "a car", "a dog barks", "rain")]
    idf = {word: 1.0 for text in texts for word in text} | {"a": 0.1, "dog": 2.0}
    near = neighbours(texts, idf, 1)
    assert near == [[1], [0], [0], [1], [0]]  # the last shares nothing, and has the one that follows
