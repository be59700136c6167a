"""Tiny random models: a two-layer Llama in NF4, LoRA folders made by PEFT, and a set of an assistant."""

import os

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import processors
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    GPT2ForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
)

from backbones.engine import soup as engine
from backbones.engine.soup import Soup
from backbones.store.conversion import NF4
from backbones.store.manifest import Manifest
from backbones.tasks import TASKS
from backbones.tasks.task import Sampling
from tests.browser import launched
from train.sft import tokenizer

torch.set_num_threads(1)  # several processes test beside each other
os.environ["OMP_NUM_THREADS"] = "1"
engine.FAST_BF16 = False  # texts are compared with one another, and in fp32 they depend on their requests alone


def pytest_collection_modifyitems(items):
    """Files with tests that need the set which all stages have worked on come first, since they take longest."""
    long = {item.path for item in items if "trained" in item.fixturenames}
    items.sort(key=lambda item: item.path not in long)


BOS = "<text>"  # an entry of the base's vocabulary, which chats do not use otherwise
CHAT = (
    "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
TEMPLATE = "\n\nHuman: {prompt}\n\nAssistant: {text}"
CORPUS = [
    "<name> is a cheap pub near <near>.",
    "In the city centre, <name> serves Italian food for £20-25.",
] * 20


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """Folder of a tiny base in NF4 with a tokenizer."""
    torch.manual_seed(0)
    words = tokenizer(CORPUS, TASKS["restaurants"])
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    folder = tmp_path_factory.mktemp("base")
    LlamaForCausalLM(config).save_pretrained(folder / "fp32")
    quantised = AutoModelForCausalLM.from_pretrained(
        folder / "fp32",
        dtype=torch.float32,
        quantization_config=NF4,
        device_map={"": "cpu"},
    )
    quantised.save_pretrained(folder / "nf4")
    for saved in (folder / "fp32", folder / "nf4"):
        words.save_pretrained(saved)
    return folder / "nf4"


def make_chat_model(base, folder):
    """Save an unquantised chat model, the base with a template; returns its tokenizer.

    As those of many chat models, it puts BOS before every text, and the template holds it too.
    """
    words = AutoTokenizer.from_pretrained(base)
    words.chat_template, words.bos_token = CHAT, BOS
    words.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, words.bos_token_id)]
    )
    AutoModelForCausalLM.from_pretrained(base.parent / "fp32").save_pretrained(folder)
    words.save_pretrained(folder)
    return words


def make_judge(words, folder, seed, labels=2, positions=64):
    """Save a random sequence classifier of messages with answers."""
    torch.manual_seed(seed)
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = GPT2Config(
        vocab_size=len(words), n_positions=positions, n_embd=32, n_layer=1, n_head=2, num_labels=labels, **ends
    )
    GPT2ForSequenceClassification(config).save_pretrained(folder)
    words.save_pretrained(folder)


def make_adapter(base, folder, seed, **settings):
    """Save a random LoRA adapter on the de-quantised base as PEFT does."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, device_map={"": "cpu"}).dequantize()
    torch.manual_seed(seed)
    lora = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "init_lora_weights": False} | settings
    get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **lora)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapters(base, tmp_path_factory):
    """Folders of four adapters of different rank, scale and layers, by name."""
    folder = tmp_path_factory.mktemp("adapters")
    settings = [
        {},
        {"r": 8, "use_rslora": True},
        {"target_modules": ["q_proj", "down_proj"]},
        {"lora_alpha": 3},
    ]
    return {f"adapter-{i}": make_adapter(base, folder / f"adapter-{i}", i, **s) for i, s in enumerate(settings)}


@pytest.fixture(scope="session")
def soup(base, adapters):
    """In fp32, where a text depends on its request alone."""
    return Soup.load(base, adapters, "cpu", torch.float32)


@pytest.fixture(scope="session")
def chat(base, tmp_path_factory):
    """Folder of a set: an unquantised chat base, two backbones, two specialists, two judges."""
    folder = tmp_path_factory.mktemp("sets") / "chat"
    words = make_chat_model(base, folder / "base")
    kinds = ("backbone-1", "backbone-2", "specialist-1", "specialist-2")
    for seed, name in enumerate(kinds):
        make_adapter(base, folder / "adapters" / name, seed)
    for seed, name in enumerate(("helpful", "harmless")):
        make_judge(words, folder / "judges" / name, seed, labels=1 + seed)
    Manifest(
        name="chat",
        title="Chat",
        task="assistant",
        settings={"system": "You are brief."},
        objectives=[
            {"name": name, "label": name.capitalize(), "description": name, "mean": 0.0, "std": 1.0}
            | {"reward_model": f"judges/{name}", "template": TEMPLATE, "output": output}
            for output, name in enumerate(("helpful", "harmless"))
        ],
        beta=0.7,
        backbones=[f"adapters/{name}" for name in kinds[:2]],
        specialists=[f"adapters/{name}" for name in kinds[2:]],
        sampling=Sampling(1.0, 0.9, 12),
    ).write(folder)
    return folder


@pytest.fixture(scope="module")  # while it runs, this thread has an event loop and can start no other
def browser():
    """A headless Chromium. Its tabs share its first context unless they need their own, and the process of an empty tab
    there that stays open."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launched(playwright)
        browser.new_context().new_page()
        yield browser
        browser.close()
