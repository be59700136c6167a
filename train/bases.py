"""A set's base as it is trained: the values of its 4-bit weights, in which precision, and its tokenizer."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase


def training_dtype() -> torch.dtype:
    """bf16 where the hardware multiplies in it, else fp32. The adapters themselves are always fp32."""
    fast = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


def dequantised(base: Path, dtype: torch.dtype) -> torch.nn.Module:
    """The values of the 4-bit weights, which are what is served, in `dtype`: faster to train on the CPU.

    A plain model, since TRL would train the adapters of one that was ever quantised in bf16.
    """
    quantised = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).dequantize()
    config = AutoConfig.from_pretrained(base)
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(quantised.state_dict())
    model.generation_config = quantised.generation_config  # which names all tokens that end a text
    if not torch.cuda.is_available():  # texts are short there, and the fused kernel's backward takes a tenth longer
        model.set_attn_implementation("eager")
    return model.to(dtype)


def plain_tokenizer(base: Path) -> PreTrainedTokenizerBase:
    """The base's tokenizer, adding no special tokens: prompts hold theirs already, and the engine adds none either.

    Raises ValueError for a tokenizer that adds them all the same.
    """
    plain = AutoTokenizer.from_pretrained(base, padding_side="left", add_bos_token=False, add_eos_token=False)
    if plain("a")["input_ids"] != plain("a", add_special_tokens=False)["input_ids"]:
        raise ValueError(f"the tokenizer in {base} cannot do without special tokens: use a base of another kind")
    return plain
