"""Runs that go on where they were interrupted."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import Trainer
from transformers.trainer_utils import get_last_checkpoint

from backbones.store.files import write_json


def finished(out: Path, weights: str = "model.safetensors") -> bool:
    """Whether `out` holds a trained model already, of which the file `weights` is written last; says so."""
    if (out / weights).is_file():
        print(f"{out} already holds a trained model: delete it to train again")
        return True
    return False


def differs(file: Path, wanted: Mapping[str, Any]) -> str | None:
    """What is not `wanted` of that which `file` holds of the run it lies with, in words; None where nothing is."""
    known = json.loads(file.read_text()) if file.is_file() else wanted
    other = next((name for name in wanted if known.get(name) != wanted[name]), None)
    return other and f"{other} {known.get(other)}, now it is {wanted[other]}"


def keep(file: Path, wanted: Mapping[str, Any]) -> None:
    """Write for `differs` what a run is made with."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, dict(wanted))


def train(trainer: Trainer) -> None:
    """Train, from the last checkpoint in the trainer's output folder where there is one."""
    folder = Path(trainer.args.output_dir)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(folder) if folder.is_dir() else None)
