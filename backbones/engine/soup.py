"""The soup: one 4-bit base with every adapter of a set beside each of its linear layers.

For row i of a batch a linear layer computes W x + sum_k c_ik s_k U_k D_k x with the merging coefficients
c [rows, adapters] of that batch. The 4-bit weights W are never touched, so the merge is exact and costs
nothing to change, and rows of one forward pass can have different preferences and methods.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path

import bitsandbytes as bnb
import numpy as np
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from backbones.store.adapters import Adapter, read_adapter

NF4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)

_mix: ContextVar["Mix | None"] = ContextVar("mix", default=None)


class Mix:
    """Merging coefficients of one batch: tensor [rows, adapters]."""

    def __init__(self, coefficients: torch.Tensor):
        self.coefficients = coefficients
        self.used = (coefficients != 0).any(dim=0).tolist()
        self._pieces: dict[tuple[int, ...], list[tuple[slice, torch.Tensor]]] = {}

    def pieces(self, ranks: tuple[int, ...]) -> list[tuple[slice, torch.Tensor]]:
        """Runs of neighbouring adapters in use: a slice of the stacked ranks, coefficients [rows, 1, run].

        Slices are views, so adapters with coefficient zero in every row are skipped at no cost.
        """
        if ranks not in self._pieces:
            pieces, start, k = [], 0, 0
            while k < len(ranks):
                stop, first = start + ranks[k], k
                k += 1
                if self.used[first]:
                    while k < len(ranks) and self.used[k]:
                        stop += ranks[k]
                        k += 1
                    sizes = torch.tensor(ranks[first:k], device=self.coefficients.device)
                    scale = self.coefficients[:, first:k].repeat_interleave(sizes, dim=1)
                    if stop > start:
                        pieces.append((slice(start, stop), scale.unsqueeze(1)))
                start = stop
            self._pieces[ranks] = pieces
        return self._pieces[ranks]


class SoupLinear(nn.Module):
    """A frozen linear layer with low-rank adapters stacked beside it.

    `down` [sum of ranks, in] and `up` [sum of ranks, out]; the adapters' scales are folded into `up`.
    """

    def __init__(self, base: nn.Linear, deltas: list[tuple[torch.Tensor, torch.Tensor] | None]):
        super().__init__()
        self.base = base
        present = [delta for delta in deltas if delta is not None]
        self.ranks = tuple(0 if delta is None else len(delta[0]) for delta in deltas)
        self.register_buffer("down", torch.cat([down for down, _ in present]), persistent=False)
        self.register_buffer("up", torch.cat([up for _, up in present]), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # x: (rows, T, in)
        y = self.base(x)
        mix = _mix.get()
        if mix is not None:
            flat = y.view(-1, y.shape[-1])
            for piece, scale in mix.pieces(self.ranks):
                hidden = nn.functional.linear(x, self.down[piece]) * scale  # (rows, T, ranks in use)
                flat.addmm_(hidden.view(-1, hidden.shape[-1]), self.up[piece])
        return y


class Soup:
    """A base language model, its tokenizer and the adapters stacked on it."""

    def __init__(self, model: nn.Module, tokenizer, adapters: list[Adapter]):
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.adapter_names = [adapter.name for adapter in adapters]
        for name in sorted({layer for adapter in adapters for layer in adapter.deltas}):
            try:
                linear = model.get_submodule(name)
            except AttributeError:
                linear = None
            if not isinstance(linear, nn.Linear):
                raise ValueError(f"adapter layer {name!r} is no linear layer of the base: train it on this base")
            deltas = [adapter.deltas.get(name) for adapter in adapters]
            for adapter, delta in zip(adapters, deltas, strict=True):
                if delta and (delta[0].shape[1], delta[1].shape[1]) != (
                    linear.in_features,
                    linear.out_features,
                ):
                    raise ValueError(
                        f"adapter {adapter.name!r} maps {delta[0].shape[1]} to {delta[1].shape[1]} features at "
                        f"{name}, the base {linear.in_features} to {linear.out_features}: train it on this base"
                    )
            placed = [delta and tuple(t.to(self.device, self.dtype) for t in delta) for delta in deltas]
            model.set_submodule(name, SoupLinear(linear, placed))

    @classmethod
    def load(cls, base: Path, adapters: dict[str, Path], device: str, dtype: torch.dtype | None = None) -> "Soup":
        """Load a base saved by transformers and PEFT adapter folders by name; a base that is not in 4 bits becomes NF4.

        Computes in `dtype`; default: bf16 on CUDA, fp32 on the CPU. Raises ValueError, naming the adapter and what
        is wrong, for adapters that cannot be honoured or do not fit the base.
        """
        dtype = dtype or (torch.bfloat16 if torch.device(device).type == "cuda" else torch.float32)
        quantised = getattr(AutoConfig.from_pretrained(base, local_files_only=True), "quantization_config", None)
        model = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=dtype,
            device_map={"": device},
            use_safetensors=True,
            local_files_only=True,
            **({} if quantised else {"quantization_config": NF4}),
        )
        for parameter in model.parameters():
            if parameter.is_floating_point():  # a quantised base is loaded in the dtype it was saved in
                parameter.data = parameter.data.to(dtype)
        for module in model.modules():
            if isinstance(module, bnb.nn.Linear4bit):
                module.compute_dtype = dtype  # the saved one is that of the machine that quantised
                # bitsandbytes would repack the weights and compute in bf16 on CPUs that can: a seed
                # would then give other texts there, and a row's text could depend on its neighbours.
                module.support_avx512bf16_for_cpu = False
        tokenizer = AutoTokenizer.from_pretrained(base, padding_side="left", local_files_only=True)
        if tokenizer.pad_token is None:  # Llama's, for instance; padding is masked, so any token does
            tokenizer.pad_token = tokenizer.eos_token
        return cls(model, tokenizer, [read_adapter(folder, name) for name, folder in adapters.items()])

    @cached_property
    def ends(self) -> set[int]:
        """The tokens that end a text: chat models have one for a turn besides one for the document."""
        ids = self.model.generation_config.eos_token_id
        return {self.tokenizer.eos_token_id, *(ids if isinstance(ids, list) else [ids])} - {None}

    @cached_property
    def device(self) -> torch.device:
        return self.model.get_input_embeddings().weight.device

    @cached_property
    def dtype(self) -> torch.dtype:
        return self.model.get_input_embeddings().weight.dtype

    def mix(self, coefficients) -> Mix:
        """The mix of a batch from coefficients [rows, adapters]. Nothing is merged or written."""
        mixed = torch.as_tensor(np.asarray(coefficients), dtype=torch.float32)
        assert mixed.ndim == 2 and mixed.shape[1] == len(self.adapter_names), mixed.shape
        return Mix(mixed.to(self.device, self.dtype))

    @contextmanager
    def mixed(self, mix: Mix):
        """Within this block, in this thread alone, the model's forward passes use `mix`."""
        token = _mix.set(mix)
        try:
            yield self.model
        finally:
            _mix.reset(token)
