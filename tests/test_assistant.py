"""The task assistant: a chat model, reward models that read messages with answers; on tiny random models."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2ForSequenceClassification

from app.choices import from_query
from app.handlers import FIELDS, Handlers
from app.page import build
from app.programs import Programs
from app.serve import launch
from backbones import sets
from backbones.generation import stream
from backbones.reward_model import Judge
from backbones.serving import Kitchen
from backbones.tasks import Assistant
from backbones.writer import Order, Writer
from tests.browser import needs_browser, press
from tests.conftest import make_adapter, make_chat_model, make_judge

ROOT = Path(__file__).parents[1]
TEMPLATE = "\n\nHuman: {prompt}\n\nAssistant: {text}"
MESSAGE = "Where can I eat\nin the city centre?"


@pytest.fixture(scope="module")
def chat(base, tmp_path_factory):
    """A set in a folder of its own: an unquantised chat base, two backbones, two specialists, two judges."""
    folder = tmp_path_factory.mktemp("sets") / "chat"
    words = make_chat_model(base, folder / "base")
    kinds = ("backbone-1", "backbone-2", "specialist-1", "specialist-2")
    for seed, name in enumerate(kinds):
        make_adapter(base, folder / "adapters" / name, seed)
    for seed, name in enumerate(("helpful", "harmless")):
        make_judge(words, folder / "judges" / name, seed, labels=1 + seed)
    manifest = {
        "format": sets.FORMAT,
        "name": "chat",
        "title": "Chat",
        "task": "assistant",
        "system": "You are brief.",
        "objectives": [
            {"name": name, "label": name.capitalize(), "description": name, "mean": 0.0, "std": 1.0}
            | {"reward_model": f"judges/{name}", "template": TEMPLATE, "output": output}
            for output, name in enumerate(("helpful", "harmless"))
        ],
        "beta": 0.7,
        "extrapolation": 0.0,
        "base": "base",
        "backbones": [f"adapters/{name}" for name in kinds[:2]],
        "specialists": [f"adapters/{name}" for name in kinds[2:]],
        "oracles": [],
        "sampling": {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": 12},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def writer(chat):
    return Writer.load(chat, "cpu")


def order(preference=(1.0, 0.0), method="bone-soup", seed=0, message=MESSAGE):
    return Order({"prompt": message}, preference, method, seed=seed, max_new_tokens=12)


def test_the_model_reads_the_chat_template_with_the_system_prompt(writer):
    (request,) = writer.draft([order()]).requests
    assert request.prompt == f"[system] You are brief.\n[user] {MESSAGE}\n[assistant] "
    assert Assistant().prompt({"prompt": "Hi"}, writer.soup.tokenizer) == "[user] Hi\n[assistant] "


def test_answers_have_the_logits_of_the_judges_as_rewards(writer, chat):
    texts = writer.write([order(seed=1), order(seed=2, message="Hi"), order((0.5, 0.5), "mod", 3)])
    assert all(text.tokens > 1 and text.text == text.raw.strip() for text in texts)
    judge = GPT2ForSequenceClassification.from_pretrained(chat / "judges" / "harmless").eval()
    for text, message in zip(texts, (MESSAGE, "Hi", MESSAGE)):
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
    writer = Writer.load(chat, "cpu")
    requests = writer.draft([order(seed=5)]).requests
    *_, (whole,) = stream(writer.soup, requests)
    writer = Writer.load(chat, "cpu")
    writer.soup.model.generation_config.eos_token_id = [writer.soup.tokenizer.eos_token_id, whole.tokens[4]]
    *_, (cut,) = stream(writer.soup, requests)
    assert cut.done and cut.tokens == whole.tokens[: whole.tokens.index(whole.tokens[4])]


@pytest.mark.parametrize(
    ("given", "message"),
    [({"prompt": " \n"}, "prompt is empty"), ({}, "prompt is empty"), ({"prompt": "x" * 4001}, "has 4001 characters")],
)
def test_bad_messages_are_refused(writer, given, message):
    with pytest.raises(ValueError, match=message):
        writer.draft([Order(given, (1.0, 0.0))])
    with pytest.raises(ValueError, match="give a prompt alone"):
        writer.draft([Order({"prompt": "Hi", "food": "Thai"}, (1.0, 0.0))])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "poetry"}, "use restaurants or assistant"),
        ({"template": "{prompt}"}, "must hold {prompt} and {text}"),
        ({"template": "{prompt}{text}{x}"}, "must hold {prompt} and {text}"),
        ({"reward_model": None}, "no reward_model"),
        ({"template": ""}, "has no reward"),
    ],
)
def test_manifests_of_assistants_are_checked(chat, change, message):
    manifest = json.loads((chat / "manifest.json").read_text())
    (manifest if "task" in change else manifest["objectives"][0]).update(change)
    with pytest.raises(sets.SetError, match=message):
        sets.from_manifest(chat, manifest)


def controls(message, preference=(50, 50)):
    return "chat", "bone-soup", "mod", list(preference), *[""] * (len(FIELDS) - 1), message, 1, 1.0, 0.9, 7, True


def test_the_page_writes_answers_keeps_them_and_links_to_them(writer):
    handlers = Handlers([writer.set], Kitchen({"chat": writer}).stream)
    *_, shown, last = handlers.write("0-1", [], None, *controls("Hi <b>\nthere"))
    assert 'class="answer"' in shown[0] and "chip" not in shown[0]
    assert last[3][0]["facts"] == {"prompt": "Hi <b>\nthere"}
    query = handlers.link(*controls("Hi <b>\nthere", (30, 70)))
    assert from_query(handlers.sets, query).facts == {"prompt": "Hi <b>\nthere"}
    values = handlers.point(SimpleNamespace(key=["text", 2]), last[3], None, *controls("other"))
    assert values[4 + FIELDS.index("prompt")] == "Hi <b>\nthere"
    (answer,) = Programs(handlers).generate({"prompt": "Hi"}, [1, 1], seed=3)
    assert answer["text"] == writer.write([Order({"prompt": "Hi"}, (0.5, 0.5), seed=3, max_new_tokens=12)])[0].text


def test_the_command_line_answers(chat):
    run = subprocess.run(
        [sys.executable, "-m", "backbones", "generate", chat, "--prompt", "Hi", "--preference", "1", "0", "--json"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    (result,) = json.loads(run.stdout)
    assert set(result["rewards"]) == {"helpful", "harmless"} and result["coefficients"]["backbone-1"] == 1.75


@needs_browser
def test_the_form_asks_for_a_message(browser, writer):
    restaurants = Writer.load("restaurants", "cpu")
    writers = {"chat": writer, "restaurants": restaurants}
    page = build([writer.set, restaurants.set], Kitchen(writers).stream)
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    tab.goto(url)
    tab.get_by_label("Message", exact=True).fill(MESSAGE)
    assert not tab.get_by_label("Name", exact=True).is_visible()
    press(tab, "Write")
    tab.wait_for_selector("#column-right .answer", timeout=30_000)
    assert "not measured" in tab.locator("#coefficients").inner_text()
    tab.get_by_label("Set", exact=True).click()
    tab.get_by_role("option", name=restaurants.set.title, exact=True).click()
    tab.get_by_label("Name", exact=True).wait_for(state="visible")
    assert not tab.get_by_label("Message", exact=True).is_visible()
    tab.close()
    page.close()
