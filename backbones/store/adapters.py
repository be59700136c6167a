"""PEFT LoRA folders, read as they are and written: what cannot be honoured exactly is refused by name."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from backbones.store.files import read_json, reading

PREFIX = "base_model.model."
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

# In place of WEIGHTS, B alone: A is that of the adapter in the folder beside, which its metadata name. Nothing but this
# project reads it, so it has a name at which PEFT stops.
UPS, START = "up_projections.safetensors", "start"

# Settings of a LoRA config that change what the adapter computes, with the values that leave it plain.
PLAIN = {
    "peft_type": ("LORA",),
    "bias": ("none", None),
    "fan_in_fan_out": (False, None),
    "use_dora": (False, None),
    "lora_bias": (False, None),
    "modules_to_save": (None, []),
    "rank_pattern": (None, {}),
    "alpha_pattern": (None, {}),
    "layer_replication": (None, []),
    "trainable_token_indices": (None, [], {}),
    "target_parameters": (None, []),
    "alora_invocation_tokens": (None, []),
}

# Ways in which an adapter can have begun that leave the base as it is. In the others of PEFT (pissa, olora, corda,
# loftq, lora_ga) its weights were changed too, and an adapter without that change is another one.
BEGINNINGS = (True, False, None, "gaussian", "eva", "orthogonal", "mica")


@dataclass(frozen=True)
class Adapter:
    """One LoRA adapter: per layer name of the base, `down` [rank, in] and scaled `up` [rank, out]."""

    name: str
    deltas: dict[str, tuple[torch.Tensor, torch.Tensor]]


def fingerprint(folders: Iterable[Path]) -> str:
    """SHA-256 of the files of adapters, in order: another one when any of them was tuned anew."""
    found = hashlib.sha256()
    for folder in folders:
        for file in (folder / CONFIG, weights_of(folder)):
            with file.open("rb") as opened:
                found.update(hashlib.file_digest(opened, "sha256").digest())
    return found.hexdigest()


def read_adapter(folder: Path, name: str = "") -> Adapter:
    """Read `adapter_config.json`, and `adapter_model.safetensors` or what `write_ups` wrote.

    `up` holds B^T times the scale: alpha / r, or alpha / sqrt(r) with rsLoRA. `name`: default: the folder's.
    Raises ValueError naming the file, what is wrong and the fix.
    """
    config_file, weights_file = folder / CONFIG, weights_of(folder)
    for file in (config_file, weights_file):
        if not file.is_file():
            raise ValueError(f"{file} is missing: save the adapter with PEFT's save_pretrained")
    config = read_json(config_file)
    for key, plain in PLAIN.items():
        value = config.get(key, plain[-1])
        if value not in plain:
            raise ValueError(f"{config_file}: {key} is {value!r}, which the soup cannot serve: use {plain[0]!r}")
    beginning = config.get("init_lora_weights")
    if beginning not in BEGINNINGS:
        raise ValueError(
            f"{config_file}: init_lora_weights is {beginning!r}, with which PEFT changes the weights of the base, and "
            "the soup serves it as it is: save the adapter with PEFT's path_initial_model_for_weight_conversion, or "
            "train with the default initialisation"
        )
    with reading(config_file):
        rank = config["r"]
        scale = config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank)

    weights, deltas = _tensors(weights_file), {}
    for key in sorted(weights):
        layer, _, part = key.removeprefix(PREFIX).partition(".lora_")
        if part == "B.weight" and f"{PREFIX}{layer}.lora_A.weight" in weights:
            continue
        if part != "A.weight" or not key.startswith(PREFIX):
            raise ValueError(f"{weights_file}: the tensor {key!r} is no LoRA weight: save plain LoRA adapters")
        up = weights.get(f"{PREFIX}{layer}.lora_B.weight")
        if up is None:
            raise ValueError(f"{weights_file}: {layer} has lora_A but no lora_B: save the adapter again")
        if len(weights[key]) != rank or up.shape[1] != rank:
            raise ValueError(f"{weights_file}: {layer} has rank {len(weights[key])}, {config_file.name} says {rank}")
        deltas[layer] = (weights[key], (up.T * scale).contiguous())
    if not deltas:
        raise ValueError(f"{weights_file} holds no LoRA weights: save the adapter again")
    return Adapter(name or folder.name, deltas)


def weights_of(folder: Path) -> Path:
    """The file with an adapter's tensors: `WEIGHTS`, unless there is none but `UPS`."""
    weights, ups = folder / WEIGHTS, folder / UPS
    return ups if ups.is_file() and not weights.is_file() else weights


def down_projections(ups: Path) -> Path:
    """The file that has the A of a file `UPS`. Raises ValueError where it names no folder beside its own."""
    with reading(ups), safe_open(ups, "pt") as file:
        start = (file.metadata() or {}).get(START, "")
    weights = ups.parents[1] / start / WEIGHTS
    if not start or Path(start).name != start or not weights.is_file():
        raise ValueError(f"{ups}: the A are to be those of {start!r}, which is no adapter beside it: restore that one")
    return weights


def write_ups(tensors: dict[str, torch.Tensor], start: str, folder: Path) -> None:
    """Write the B of an adapter whose A are those in the folder `start` beside `folder`. `tensors`: as PEFT names
    them."""
    ups = {name: tensor for name, tensor in tensors.items() if ".lora_B." in name}
    save_file(ups, folder / UPS, metadata={"format": "pt", START: start})


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    """An adapter's tensors, as PEFT names them, from its `weights_of`."""
    with reading(file):
        tensors = load_file(file)
    if file.name == UPS:
        weights = down_projections(file)
        with reading(weights):
            downs = load_file(weights)
        tensors |= {name: tensor for name, tensor in downs.items() if ".lora_A." in name}
    return tensors


def write_adapter(deltas: dict[str, tuple[torch.Tensor, torch.Tensor]], base: str, folder: Path) -> None:
    """Write per layer A [rank, in] and B [out, rank], of one rank, as PEFT saves a LoRA adapter of `base`."""
    rank = len(next(iter(deltas.values()))[0])
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=rank,
        target_modules=list(deltas),
        inference_mode=True,
        base_model_name_or_path=base,
    )
    config.target_modules = sorted(deltas)  # LoraConfig makes a set of it, whose order changes from run to run
    config.save_pretrained(folder)
    tensors = {}
    for layer, (a, b) in deltas.items():
        tensors[f"{PREFIX}{layer}.lora_A.weight"], tensors[f"{PREFIX}{layer}.lora_B.weight"] = a, b
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
