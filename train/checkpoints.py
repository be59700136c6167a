"""Runs that go on where they were interrupted."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from transformers import Trainer
from transformers.trainer_utils import get_last_checkpoint

from backbones.store.adapters import fingerprint
from backbones.store.files import write_json
from backbones.store.soup_set import SoupSet
from backbones.tasks.objectives import Objective


def finished(out: Path, weights: str = "model.safetensors") -> bool:
    """Whether `out` holds a trained model already, of which the file `weights` is written last; says so."""
    if (out / weights).is_file():
        print(f"{out} already holds a trained model: delete it to train again")
        return True
    return False


def made_for(soup_set: SoupSet) -> dict[str, Any]:
    """What adapters are trained for and texts written with, as digests: another base, start or reward has another."""
    return {
        "base (SHA-256)": _digest(soup_set.base, "*.safetensors"),
        "start (SHA-256)": soup_set.start and fingerprint([soup_set.folders[soup_set.start]])[:12],
        "objectives (SHA-256)": [f"{one.name} {_reward(one)}" for one in soup_set.objectives],
    }


def _reward(one: Objective) -> str:
    model = one.reward_model and _digest(one.reward_model, "*")
    fields = [one.mean, one.std, one.template, one.output, model]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:12]


@cache  # asked for at every adapter and every log, and no stage changes them under way
def _digest(folder: Path, pattern: str) -> str:
    """The first digits of the SHA-256 of all files of a pattern in a folder."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob(pattern)):
        if file.is_file():
            with file.open("rb") as opened:
                found.update(hashlib.file_digest(opened, "sha256").digest())
    return found.hexdigest()[:12]


def differs(file: Path, wanted: Mapping[str, Any], later: Mapping[str, Any]) -> str | None:
    """What is not `wanted` of that which `file` holds of the run it lies with, in words; None where nothing is.

    `later`: wanted too, but files of before do not hold it; there it is taken for what it is now.
    """
    now = {**wanted, **later}
    known = {**later, **json.loads(file.read_text())} if file.is_file() else now
    other = next((name for name in now if known.get(name) != now[name]), None)
    return other and f"{other} {known.get(other)}, now it is {now[other]}"


def keep(file: Path, wanted: Mapping[str, Any]) -> None:
    """Write for `differs` what a run is made with."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, dict(wanted))


def train(trainer: Trainer) -> None:
    """Train, from the last checkpoint in the trainer's output folder where there is one."""
    folder = Path(trainer.args.output_dir)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(folder) if folder.is_dir() else None)
