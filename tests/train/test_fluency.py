"""Fluency of texts under the base."""

import numpy as np
import pytest
import torch

from backbones.engine.soup import Soup
from backbones.store import soup_set as sets
from tests.conftest import BOS
from train.fluency import log_probabilities, repeated_trigrams


def test_repeated_trigrams_are_counted():
    assert repeated_trigrams("<name> is a pub near <near>.") == 0
    assert repeated_trigrams("it is a pub it is a pub") == pytest.approx(2 / 6)
    assert repeated_trigrams("") == 0


def expected(soup, prompt, text):
    """Of a text alone, without padding, with no other special tokens than those of the prompt."""
    start, whole = (
        soup.tokenizer(t, add_special_tokens=False, return_tensors="pt")["input_ids"]
        for t in (prompt, prompt + text + "<eos>")
    )
    with torch.inference_mode():
        log = soup.model(whole).logits[0].log_softmax(dim=-1)
    return np.mean([log[t - 1, whole[0, t]].item() for t in range(start.shape[1], whole.shape[1])])


def test_log_probabilities_are_those_of_the_base_for_text_and_end_alone(soup):
    pairs = [
        ("<name>food[Italian]<text>", "<name> is a pub."),
        ("<name><text>", "<name> serves cheap food near <near>."),
    ]
    for pair, value in zip(pairs, log_probabilities(soup, pairs), strict=True):
        assert value == pytest.approx(expected(soup, *pair), abs=1e-4)


def test_a_chat_is_read_with_one_bos(chat):
    soup_set = sets.read(chat)
    soup = Soup.load(soup_set.base, {}, "cpu", torch.float32)
    pairs = [(soup_set.task.prompt({"prompt": m}, soup.tokenizer), "<name> is a pub.") for m in ("Hi", "Where to eat?")]
    assert all(prompt.startswith(BOS) for prompt, _ in pairs) and soup.tokenizer(BOS)["input_ids"] != [
        soup.tokenizer.bos_token_id
    ]
    for pair, value in zip(pairs, log_probabilities(soup, pairs), strict=True):
        assert value == pytest.approx(expected(soup, *pair), abs=1e-4)
