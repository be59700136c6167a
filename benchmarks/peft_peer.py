"""What else can mix adapters: PEFT. Two ways of its own, to be measured beside the soup.

`set_scale` scales the adapters that are active: one mix for all rows of a batch. `add_weighted_adapter("cat")` makes
an adapter of a mix, whose rank is the sum of ranks, and `adapter_names` picks one for every row. Mixes are [rows,
adapters], the adapters in the order in which they were loaded.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import peft
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import PreTrainedModel

from backbones.store.adapters import Adapter, read_adapter, write_adapter
from backbones.store.low_rank import concatenated

ROW = "row-"  # of the names of merged adapters, one for every row
QUICK = {"low_cpu_mem_usage": True, "autocast_adapter_dtype": False}  # no random start, and not always fp32


def loaded(model: PreTrainedModel, folders: dict[str, Path]) -> peft.PeftModel:
    """PEFT with the adapters of these folders, by name, all active on `model`, which it wraps in place."""
    with tempfile.TemporaryDirectory() as whole:  # an adapter of a set can hold B alone
        for name, folder in folders.items():
            write_adapter(concatenated([read_adapter(folder)], [1.0]), "", Path(whole) / name)
        first, *others = folders
        wrapped = peft.PeftModel.from_pretrained(model, f"{whole}/{first}", adapter_name=first, **QUICK)
        for name in others:
            wrapped.load_adapter(f"{whole}/{name}", adapter_name=name, **QUICK)
    for layer in _layers(wrapped):
        layer.lora_A.to(model.dtype)
        layer.lora_B.to(model.dtype)
    return _active(wrapped)


def made_of(model: PreTrainedModel, adapters: list[Adapter], layers: list[str]) -> peft.PeftModel:
    """PEFT with adapters of one rank, all active on some layers of `model`, which it wraps in place."""
    rank = len(adapters[0].deltas[layers[0]][0])
    config = peft.LoraConfig(r=rank, lora_alpha=rank, target_modules=layers)
    wrapped = peft.get_peft_model(model, config, adapter_name=adapters[0].name, **QUICK)
    for adapter in adapters[1:]:
        wrapped.add_adapter(adapter.name, config, **QUICK)
    for adapter in adapters:
        for layer in layers:
            down, up = adapter.deltas[layer]
            lora = model.get_submodule(layer)
            lora.lora_A[adapter.name].weight = nn.Parameter(down, requires_grad=False)
            lora.lora_B[adapter.name].weight = nn.Parameter(up.T.contiguous(), requires_grad=False)
    return _active(wrapped)


def set_scales(wrapped: peft.PeftModel, mix: Sequence[float]) -> None:
    """Scale the adapters by one mix [adapters] for all rows."""
    scales = dict(zip(_adapters(wrapped), map(float, mix), strict=True))
    for layer in _layers(wrapped):
        for name, scale in scales.items():
            layer.set_scale(name, scale)


def combine(wrapped: peft.PeftModel, mix: Sequence[float], name: str, kind: str = "cat") -> None:
    """Make an adapter `name` of the adapters that one mix [adapters] uses, by a combination of this kind.

    The scales of `set_scales` count too.
    """
    used = {adapter: float(c) for adapter, c in zip(_adapters(wrapped), mix, strict=True) if c}
    wrapped.add_weighted_adapter(list(used), list(used.values()), name, kind)
    for layer in _layers(wrapped):
        if name in layer.lora_A:
            layer.scaling[name] = 1.0  # with rsLoRA PEFT scales it once more
            for part in (layer.lora_A, layer.lora_B):
                part[name].to(next(iter(part.values())).weight.dtype)


def combine_rows(wrapped: peft.PeftModel, mixes: Sequence[Sequence[float]] | np.ndarray) -> list[str]:
    """An adapter for every row of `mixes`; their names, for `each_row`. Until `forget_rows`."""
    set_scales(wrapped, [1.0] * len(_adapters(wrapped)))
    names = []
    for mix in mixes:
        names.append(f"{ROW}{len(names)}" if any(mix) else "__base__")
        if any(mix):
            combine(wrapped, mix, names[-1])
    return names


def forget_rows(wrapped: peft.PeftModel) -> None:
    """Delete the adapters of `combine_rows`, also what it left behind when it failed."""
    for name in [name for name in wrapped.peft_config if name.startswith(ROW)]:
        wrapped.delete_adapter(name)


@contextmanager
def each_row(wrapped: peft.PeftModel, names: list[str]) -> Iterator[None]:
    """Within this block the row i of a batch is computed with the adapter `names[i]`.

    PEFT's `generate(adapter_names=...)` does the same: hooks once for a text, not for every token. Its own stay where
    they are after an exception.
    """

    def named(module, args, kwargs):
        return args, kwargs | {"adapter_names": names}

    handles = [layer.register_forward_pre_hook(named, with_kwargs=True) for layer in _layers(wrapped)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _active(wrapped: peft.PeftModel) -> peft.PeftModel:
    wrapped.base_model.set_adapter(list(wrapped.peft_config), inference_mode=True)
    return wrapped.eval()


def _adapters(wrapped: peft.PeftModel) -> list[str]:
    return [name for name in wrapped.peft_config if not name.startswith(ROW)]


def _layers(wrapped: peft.PeftModel) -> list[LoraLayer]:
    return [module for module in wrapped.modules() if isinstance(module, LoraLayer)]
