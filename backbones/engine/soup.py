"""The soup: one base with every adapter of a set beside each of its linear layers."""

from functools import cached_property
from pathlib import Path

import bitsandbytes as bnb
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel

from backbones.engine.layers import Group, Mix, SoupLinear
from backbones.store.adapters import Adapter, read_adapter
from backbones.store.conversion import NF4

FAST_BF16 = torch.cpu._is_avx512_bf16_supported()  # whether this processor multiplies in it


def default_dtype(device: str) -> torch.dtype:
    """What is computed in: bf16 on CUDA and on processors that multiply in it; else fp32, where a text depends on its
    request alone."""
    return torch.bfloat16 if torch.device(device).type == "cuda" or FAST_BF16 else torch.float32


def default_dense(device: str) -> bool:
    """Whether 4-bit weights are kept de-quantised: on the CPU."""
    return torch.device(device).type != "cuda"


def windows(model: PreTrainedModel) -> dict[str, int | None]:
    """Of every kind of attention layer the number of positions that a token sees; None: all before it.

    Raises ValueError, naming them, for layers that keep something else than keys and values of all positions, or that
    choose among these in a way of their own.
    """
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or (["recurrent"] if model._is_stateful else []))
    if unknown := kinds - {"full_attention", "sliding_attention"}:
        raise ValueError(
            f"the base has layers of kind {', '.join(sorted(unknown))}, which cannot be served: use one all of whose "
            "layers are full_attention or sliding_attention, as those of Llama, Qwen 2 and 3, Mistral and Gemma 3 are"
        )
    return {kind: window if kind == "sliding_attention" else None for kind in kinds} or {"": window}


def ending(tokenizer, generation: GenerationConfig) -> set[int]:
    """The tokens that end a text: chat models have one for a turn besides one for the document."""
    ids = generation.eos_token_id
    return {tokenizer.eos_token_id, *(ids if isinstance(ids, list) else [ids])} - {None}


class Soup:
    """A base language model, its tokenizer and the adapters beside it.

    `dense`: whether the values of the 4-bit weights are kept de-quantised: faster on CPUs, at the price of memory.
    """

    def __init__(self, model: PreTrainedModel, tokenizer, adapters: list[Adapter], dense: bool = False):
        self.windows = windows(model)
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.adapter_names = [adapter.name for adapter in adapters]
        layers = {name: self._layer(name, adapters) for name in sorted({n for a in adapters for n in a.deltas})}
        for name, layer in layers.items():
            model.set_submodule(name, layer)
        # Of prompts the head reads the last tokens alone, which lie apart: torch would copy its weights for every row.
        model.get_output_embeddings().register_forward_pre_hook(lambda _, args: (args[0].contiguous(), *args[1:]))
        groups = self._groups(list(layers.values()))
        for name, layer in layers.items():
            if not any(layer in group for group in groups):
                raise ValueError(f"the base does not run {name} for every token: the soup cannot serve adapters of it")
        self.groups = [Group(group, dense) for group in groups]
        self.layouts = list(dict.fromkeys(group.layout for group in self.groups))
        for group in self.groups:
            group.number = self.layouts.index(group.layout)

    def _layer(self, name: str, adapters: list[Adapter]) -> SoupLinear:
        try:
            linear = self.model.get_submodule(name)
        except AttributeError:
            linear = None
        if not isinstance(linear, nn.Linear):
            raise ValueError(f"adapter layer {name!r} is no linear layer of the base: train it on this base")
        deltas = [adapter.deltas.get(name) for adapter in adapters]
        for adapter, delta in zip(adapters, deltas, strict=True):
            if delta and (delta[0].shape[1], delta[1].shape[1]) != (linear.in_features, linear.out_features):
                raise ValueError(
                    f"adapter {adapter.name!r} maps {delta[0].shape[1]} to {delta[1].shape[1]} features at "
                    f"{name}, the base {linear.in_features} to {linear.out_features}: train it on this base"
                )
        return SoupLinear(linear, [delta and tuple(t.to(self.device, self.dtype) for t in delta) for delta in deltas])

    def _groups(self, layers: list[SoupLinear]) -> list[list[SoupLinear]]:
        """Layers that read the same tensor, found by running the model on one token."""
        inputs: list[torch.Tensor] = []  # kept, so that no two have the same address
        groups: list[list[SoupLinear]] = []

        def seen(layer: SoupLinear, args: tuple) -> None:
            place = next((i for i in range(len(inputs)) if inputs[i] is args[0]), len(inputs))
            if place == len(inputs):
                inputs.append(args[0])
                groups.append([])
            groups[place].append(layer)

        hooks = [layer.register_forward_pre_hook(seen) for layer in layers]
        with torch.inference_mode():
            self.model(input_ids=torch.zeros(1, 1, dtype=torch.long, device=self.device), use_cache=False)
        for hook in hooks:
            hook.remove()
        return groups

    @classmethod
    def load(
        cls,
        base: Path,
        adapters: dict[str, Path],
        device: str,
        dtype: torch.dtype | None = None,
        dense: bool | None = None,
    ) -> "Soup":
        """Load a base saved by transformers and PEFT adapter folders by name; a base that is not in 4 bits becomes NF4.

        Computes in `dtype`; default: `default_dtype`. `dense`: default: `default_dense`.
        Raises ValueError, naming what is wrong, for adapters that cannot be honoured or do not fit, and for layers of
        the base that cannot be served.
        """
        dtype = dtype or default_dtype(device)
        dense = default_dense(device) if dense is None else dense
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
                module.support_avx512bf16_for_cpu = False
        tokenizer = AutoTokenizer.from_pretrained(base, padding_side="left", local_files_only=True)
        if tokenizer.pad_token is None:  # Llama's, for instance; padding is masked, so any token does
            tokenizer.pad_token = tokenizer.eos_token
        soup = cls(model, tokenizer, [read_adapter(folder, name) for name, folder in adapters.items()], dense)
        for module in model.modules():  # from now on: the packed weights cannot be de-quantised as they are
            if isinstance(module, bnb.nn.Linear4bit):
                # In fp32 a text depends on its request alone; the packed path computes in bf16 whatever was asked for.
                module.support_avx512bf16_for_cpu = dtype == torch.bfloat16 and FAST_BF16
        return soup

    @cached_property
    def ends(self) -> set[int]:
        """The tokens that end a text."""
        return ending(self.tokenizer, self.model.generation_config)

    @cached_property
    def device(self) -> torch.device:
        return self.model.get_input_embeddings().weight.device

    @cached_property
    def dtype(self) -> torch.dtype:
        return self.model.get_input_embeddings().weight.dtype

    def mix(self, slots: int) -> Mix:
        """A mix for batches of up to `slots` rows."""
        return Mix(self.layouts, slots, self.device, self.dtype)

    def masks(self, positions: torch.Tensor, longest: int) -> torch.Tensor | dict[str, torch.Tensor]:
        """What tokens at `positions` (rows, T) attend to among `longest` positions: (rows, 1, T, longest), 0 or -inf.

        Models with several kinds of attention layers get one for each kind.
        """
        there = positions.clamp(min=0)[:, None, :, None]  # padding attends to something, or it would be NaN
        places = torch.arange(longest, device=positions.device)
        found = {}
        for kind, window in self.windows.items():
            hidden = places > there
            if window:
                hidden = hidden | (places <= there - window)
            found[kind] = torch.zeros_like(hidden, dtype=self.dtype).masked_fill_(hidden, -torch.inf)
        return found if len(found) > 1 else next(iter(found.values()))
