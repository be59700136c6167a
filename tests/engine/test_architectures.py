"""Greedy texts of several architectures are those of transformers' `generate` on a dense merge, token by token."""

import copy

import pytest
import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from backbones.engine.soup import Soup
from backbones.store.adapters import Adapter
from benchmarks.random_models import Numbers
from tests.engine.tiny import tiny_row, tokens

WINDOW = 6  # positions, less than prompts have
NEW = 16  # tokens of a text
MIXES = [(0.0, 0.0), (1.0, 0.0), (-0.75, 1.75), (0.4, 0.6)]
SHAPE = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 0,
}
MIXED = {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"], "sliding_window": WINDOW}
MODELS = {
    "Llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    "Qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE)),
    "Qwen2, sliding in some layers": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE, **MIXED, use_sliding_window=True)),
    "Qwen2, sliding in all": lambda: Qwen2ForCausalLM(
        Qwen2Config(**SHAPE, sliding_window=WINDOW, use_sliding_window=True, max_window_layers=0)
    ),
    "Mistral": lambda: MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=WINDOW)),
    "Gemma 3": lambda: Gemma3ForCausalLM(Gemma3TextConfig(**SHAPE, **MIXED, query_pre_attn_scalar=16)),
}


def layers_of(model):
    return {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear) and n != "lm_head"}


def adapters_of(model):
    """Two random adapters of different rank on all linear layers but the head."""
    draw = torch.Generator().manual_seed(5)

    def delta(layer, rank):
        return tuple(0.2 * torch.randn(rank, size, generator=draw) for size in (layer.in_features, layer.out_features))

    layers = layers_of(model)
    return [Adapter(f"rank-{rank}", {name: delta(layer, rank) for name, layer in layers.items()}) for rank in (4, 3)]


def merged(model, adapters, mix):
    """A copy with sum_k c_k U_k D_k added into its weights."""
    whole = copy.deepcopy(model)
    for adapter, c in zip(adapters, mix, strict=True):
        for name, (down, up) in adapter.deltas.items():
            whole.get_submodule(name).weight.data += (c * up.T @ down).to(whole.device)
    return whole


def rows_of(count):
    """Greedy rows with all mixes and prompts of 1 to 20 tokens, every length with every mix."""
    draw = torch.Generator().manual_seed(7)
    lengths = (1, 5, 9, 14, 20)
    prompts = [torch.randint(1, 300, (lengths[i % 5],), generator=draw).tolist() for i in range(count)]
    settings = {"temperature": 0.0, "top_p": 0.9, "max_new_tokens": NEW}
    return [tiny_row(" ".join(map(str, ids)), (MIXES[i % 4],), **settings) for i, ids in enumerate(prompts)]


def differing(rows, texts, references):
    """How many texts differ from `generate`'s, where the two best logits are within 1e-4; others fail."""
    ties = 0
    for row, text in zip(rows, texts, strict=True):
        ids, reference = [int(word) for word in row.prompt.split()], references[row.coefficients[0]]
        with torch.inference_mode():
            prompt = torch.tensor([ids], device=reference.device)
            expected = reference.generate(
                prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=NEW
            )[0, len(ids) :].tolist()
            if text != expected:
                same = next(i for i in range(NEW) if text[i] != expected[i])
                best = (
                    reference(torch.tensor([ids + expected[:same]], device=reference.device))
                    .logits[0, -1]
                    .topk(2)
                    .values
                )
                assert best[0] - best[1] < 1e-4, (row.coefficients, len(ids), same, text, expected)
                ties += 1
    return ties


def compared(soup, model, adapters, count):
    """How many of `count` texts differ from `generate`'s, all at ties."""
    rows = rows_of(count)
    references = {mix: merged(model, adapters, mix) for mix in MIXES}
    texts = tokens(soup, rows)
    assert len({tuple(text) for text in texts}) > count / 2 and all(len(text) == NEW for text in texts)
    return differing(rows, texts, references)


def test_greedy_texts_of_240_requests_are_those_of_generate_but_for_ties(record_property):
    ties = {}
    for name, made in MODELS.items():
        torch.manual_seed(3)
        model = made().eval()
        assert (getattr(model.config, "sliding_window", None) == WINDOW) == (name not in ("Llama", "Qwen2"))
        adapters = adapters_of(model)
        soup = Soup(copy.deepcopy(model), Numbers(), adapters, dense="Qwen" not in name)
        assert soup.dtype == torch.float32
        ties[name] = compared(soup, model, adapters, 40)
    record_property("texts of 240 that differ at a tie", sum(ties.values()))
    print(f"texts of 240 that differ at a tie: {ties}")
    assert sum(ties.values()) <= 2, ties


@pytest.mark.parametrize("dense", [False, True])
def test_greedy_texts_on_a_base_in_four_bits_are_those_of_generate(base, dense):
    model = Soup.load(base, {}, "cpu", torch.float32).model
    adapters = adapters_of(model)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, device_map={"": "cpu"}).dequantize()
    for one in (model, plain):
        one.generation_config.eos_token_id = None
    assert compared(Soup(model, Numbers(), adapters, dense), plain, adapters, 20) == 0
