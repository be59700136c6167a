"""The task assistant: a chat model, reward models that read messages with answers; on tiny random models."""

import pytest
import torch
from transformers import GPT2ForSequenceClassification

from backbones.engine.batch import stream
from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.tasks.assistant import Assistant
from backbones.tasks.reward_models import Judge
from tests.conftest import BOS, TEMPLATE

MESSAGE = "Where can I eat\nin the city centre?"


@pytest.fixture(scope="module")
def writer(chat):
    return Writer.load(chat, "cpu")


def request(preference=(1.0, 0.0), method="bone-soup", seed=0, message=MESSAGE):
    return Request({"prompt": message}, preference, method, seed=seed, max_new_tokens=12)


def test_the_model_reads_the_chat_template_with_the_system_prompt(writer):
    (row,) = writer.rows([request()])
    assert row.prompt == f"{BOS}[system] You are brief.\n[user] {MESSAGE}\n[assistant] "
    assert Assistant().prompt({"prompt": "Hi"}, writer.soup.tokenizer) == f"{BOS}[user] Hi\n[assistant] "


def test_a_tokenizer_without_a_chat_template_is_refused(soup):
    with pytest.raises(ValueError, match="has no chat template: add one, or use a chat model"):
        Assistant().prompt({"prompt": "Hi"}, soup.tokenizer)


def test_answers_have_the_logits_of_the_judges_as_rewards(writer, chat):
    texts = writer.write([request(seed=1), request(seed=2, message="Hi"), request((0.5, 0.5), "mod", 3)])
    assert all(text.tokens > 1 and text.text == text.raw.strip() for text in texts)
    judge = GPT2ForSequenceClassification.from_pretrained(chat / "judges" / "harmless").eval()
    for text, message in zip(texts, (MESSAGE, "Hi", MESSAGE), strict=True):
        ids = writer.soup.tokenizer(TEMPLATE.format(prompt=message, text=text.text), return_tensors="pt").input_ids
        with torch.inference_mode():
            logits = judge(ids[:, -64:]).logits
        assert text.rewards["harmless"] == pytest.approx(float(logits[0, 1]), abs=1e-4)
    assert len({text.rewards["helpful"] for text in texts}) == 3


def test_what_is_too_long_for_a_judge_is_cut_at_its_beginning(chat):
    judge = Judge.load(chat / "judges" / "harmless", TEMPLATE, 1, "cpu")
    long, longer = (f"{'pub ' * n}near the centre" for n in (200, 300))
    assert judge.rewards(["Hi", "Hi"], [long, longer])[0] == pytest.approx(judge.rewards(["Hi"], [longer])[0], abs=1e-5)
    with pytest.raises(ValueError, match="has 2 outputs: 2 is none"):
        Judge.load(chat / "judges" / "harmless", TEMPLATE, 2, "cpu")


def test_a_chat_model_may_end_a_turn_with_another_token_than_a_document(chat):
    def row(*ends):
        writer = Writer.load(chat, "cpu", "float32")
        writer.soup.model.generation_config.eos_token_id = [writer.soup.tokenizer.eos_token_id, *ends]
        (row,) = writer.rows([request(seed=5)])
        assert list(stream(writer.soup, [row])) and row.done
        return row

    whole = row()
    cut = row(whole.tokens[4])
    assert cut.done and cut.tokens == whole.tokens[: whole.tokens.index(whole.tokens[4])]


@pytest.mark.parametrize(
    ("given", "message"),
    [({"prompt": " \n"}, "prompt is empty"), ({}, "prompt is empty"), ({"prompt": "x" * 4001}, "has 4001 characters")],
)
def test_bad_messages_are_refused(writer, given, message):
    with pytest.raises(ValueError, match=message):
        writer.rows([Request(given, (1.0, 0.0))])
    with pytest.raises(ValueError, match="'food' is not asked for here: give prompt"):
        writer.rows([Request({"prompt": "Hi", "food": "Thai"}, (1.0, 0.0))])
