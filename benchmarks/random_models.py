"""Randomly initialised Llamas in NF4 and adapters for them: real shapes without a download, for measurements.

Speed and memory do not depend on the values of weights, so these stand for trained models of their size.
"""

import bitsandbytes as bnb
import numpy as np
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from backbones.engine.batch import Row
from backbones.engine.request import Request
from backbones.merging.preference import Preference
from backbones.store.adapters import Adapter

SHAPES = {  # by billions of parameters
    "0.005": dict(hidden_size=256, intermediate_size=704, num_hidden_layers=6, num_attention_heads=4,
                  num_key_value_heads=2, vocab_size=2048, tie_word_embeddings=True),
    "0.5": dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=30, num_attention_heads=16,
                num_key_value_heads=4, vocab_size=32_000, tie_word_embeddings=True),
    "1.5": dict(hidden_size=2048, intermediate_size=8192, num_hidden_layers=22, num_attention_heads=32,
                num_key_value_heads=8, vocab_size=64_000, tie_word_embeddings=True),
    "8": dict(hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32, num_attention_heads=32,
              num_key_value_heads=8, vocab_size=128_256, tie_word_embeddings=False),
}  # fmt: skip
POSITIONS = 2048


class Numbers:
    """A tokenizer whose words are token ids: "5 17 3" is three tokens. No token ends a text."""

    eos_token_id = None

    def __call__(self, prompt: str, **_) -> dict[str, list[int]]:
        """The ids of a prompt, whatever else is asked."""
        return {"input_ids": [int(word) for word in prompt.split()]}


def random_model(size: str, device: str, dtype: torch.dtype, seed: int = 0) -> LlamaForCausalLM:
    """A random Llama of a size in `SHAPES`, its linear layers in NF4 with double quantisation, as a Soup loads one.

    The head stays in `dtype`, as in every model that transformers quantises. Layers are drawn and quantised one at a
    time on the device, so that there is never more than one of them unquantised.
    Raises ValueError for an unknown size.
    """
    if size not in SHAPES:
        raise ValueError(f"unknown size {size!r}: use one of {', '.join(SHAPES)}")
    model = _empty(LlamaConfig(**SHAPES[size], max_position_embeddings=POSITIONS, bos_token_id=None, eos_token_id=None))
    draw = _Normal(device, dtype, seed)
    for name, module in list(model.named_modules()):
        if name == "lm_head" and model.config.tie_word_embeddings:
            continue
        if isinstance(module, nn.Linear) and name != "lm_head":
            model.set_submodule(name, _four_bit(draw(module.weight.shape), dtype))
        elif isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight = nn.Parameter(draw(module.weight.shape), requires_grad=False)
        elif isinstance(module, LlamaRotaryEmbedding):
            model.set_submodule(name, LlamaRotaryEmbedding(model.config).to(device))
        elif name.endswith("norm"):
            module.weight = nn.Parameter(torch.ones(module.weight.shape, device=device, dtype=dtype), False)
    if model.config.tie_word_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    return model


def twin(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """Another model of the same layers: adapters beside its layers leave `model` as it is, and no weight is copied.

    `model` must not have been wrapped itself.
    """
    other = _empty(model.config)
    for name, module in model.named_modules():
        if not list(module.children()):
            other.set_submodule(name, module)
    return other


def random_adapters(model: LlamaForCausalLM, count: int, rank: int, seed: int = 1) -> list[Adapter]:
    """`count` adapters of rank `rank` on every 4-bit layer of a bare model, large enough to change its logits."""
    embedding = model.get_input_embeddings().weight
    draw = _Normal(embedding.device, embedding.dtype, seed)
    layers = layer_shapes(model)
    return [
        Adapter(f"adapter-{k}", {name: (draw((rank, i)), draw((rank, o))) for name, (o, i) in layers.items()})
        for k in range(count)
    ]


def random_rows(mixes, prompt: int, tokens: int) -> list[Row]:
    """One row per row of `mixes` [rows, adapters]: prompts of `prompt` random tokens, `tokens` new ones.

    The likeliest tokens of a random model are hardly likelier than others: at temperature 0.1 they are as likely as
    a trained model's, and the nucleus that the sampler sorts is as small.
    """
    ids = np.random.default_rng(0).integers(0, 1000, (len(mixes), prompt)).tolist()
    return [
        Row(
            Request({}, Preference.equal(2), seed=k, temperature=0.1, top_p=0.9, max_new_tokens=tokens),
            " ".join(map(str, row)),
            (tuple(mix),),
        )
        for k, (row, mix) in enumerate(zip(ids, mixes, strict=True))
    ]


def layer_shapes(model: LlamaForCausalLM) -> dict[str, tuple[int, int]]:
    """[out, in] of every 4-bit layer of a bare model, by name."""
    return {n: (m.out_features, m.in_features) for n, m in model.named_modules() if isinstance(m, bnb.nn.Linear4bit)}


def parameters(size: str) -> int:
    """How many parameters a model of this size has; tied embeddings count once."""
    return sum(parameter.numel() for parameter in _empty(LlamaConfig(**SHAPES[size])).parameters())


def held_bytes(model: nn.Module) -> int:
    """Bytes of all parameters and buffers, and of the scales that bitsandbytes keeps beside 4-bit weights."""
    tensors = [*model.parameters(), *model.buffers()]
    for module in model.modules():
        if isinstance(module, bnb.nn.Linear4bit):
            state = module.weight.quant_state
            tensors += [state.absmax, state.code, state.offset]
            if state.nested:  # the packed path has unpacked them
                tensors += [state.state2.absmax, state.state2.code]
    return sum({t.data_ptr(): t.nbytes for t in tensors if t is not None}.values())  # some code books are shared


def _empty(config: LlamaConfig) -> LlamaForCausalLM:
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model.is_loaded_in_4bit = True  # where PEFT looks before it wraps 4-bit layers as such
    return model.eval().requires_grad_(False)


def _four_bit(weight: torch.Tensor, dtype: torch.dtype) -> bnb.nn.Linear4bit:
    outputs, inputs = weight.shape
    linear = bnb.nn.Linear4bit(inputs, outputs, bias=False, compute_dtype=dtype, quant_type="nf4", device="meta")
    linear.weight = bnb.nn.Params4bit(weight, quant_type="nf4", module=linear).to(weight.device)
    linear.support_avx512bf16_for_cpu = False  # as Soup.load
    return linear


class _Normal:
    """Normal numbers with standard deviation 0.02, the usual one of initialised models."""

    def __init__(self, device, dtype: torch.dtype, seed: int):
        self.device, self.dtype, self.generator = device, dtype, torch.Generator(device).manual_seed(seed)

    def __call__(self, shape) -> torch.Tensor:
        return torch.empty(shape, device=self.device, dtype=self.dtype).normal_(0, 0.02, generator=self.generator)
