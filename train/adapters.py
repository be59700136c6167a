"""Adapters as training leaves them, brought into a set."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from backbones.store.adapters import CONFIG, UPS, WEIGHTS, read_adapter, write_ups
from backbones.store.files import write_json


def bring(source: Path, target: Path, base: str, start: Path | None = None) -> None:
    """Write the adapter in `source` to `target` in bf16, naming its base as `base`: no path of the machine that trained
    it.

    Where it has the A of the set's `start`, and that lies beside `target`, B alone is written. Checkpoints and what
    else lies in `source` stay there. Raises ValueError for an adapter that cannot be served.
    """
    read_adapter(source)
    target.mkdir(parents=True, exist_ok=True)
    if (source / "hyperparameters.json").is_file():  # one that was trained elsewhere has none
        shutil.copy(source / "hyperparameters.json", target)
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(source / WEIGHTS).items()}
    for file in (WEIGHTS, UPS):  # one of before would be read in place of what is written now
        (target / file).unlink(missing_ok=True)
    if start and start.parent == target.parent and _same_downs(tensors, load_file(start / WEIGHTS)):
        write_ups(tensors, start.name, target)
    else:
        save_file(tensors, target / WEIGHTS, metadata={"format": "pt"})
    config = json.loads((source / CONFIG).read_text())
    config["base_model_name_or_path"] = base
    if isinstance(config["target_modules"], list):  # PEFT's order differs from run to run
        config["target_modules"] = sorted(config["target_modules"])
    write_json(target / CONFIG, dict(sorted(config.items())))


def _same_downs(tensors: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    downs, known = ({name: t for name, t in one.items() if ".lora_A." in name} for one in (tensors, others))
    return downs.keys() == known.keys() and all(torch.equal(downs[name], known[name]) for name in downs)
