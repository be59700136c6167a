"""Adapters as training leaves them, brought into a set."""

import json
import shutil
from pathlib import Path

from backbones.store.adapters import read_adapter
from backbones.store.files import write_json
from backbones.store.importing import ADAPTER_FILES


def bring(source: Path, target: Path, base: str) -> None:
    """Copy the adapter in `source` to `target`, which names its base as `base`: no path of the machine that trained it.

    Checkpoints and what else lies in `source` stay there. Raises ValueError for an adapter that cannot be served.
    """
    read_adapter(source)
    target.mkdir(parents=True, exist_ok=True)
    for file in ADAPTER_FILES:
        if (source / file).is_file():  # one that was trained elsewhere has no hyperparameters
            shutil.copy(source / file, target)
    config = json.loads((target / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base
    if isinstance(config["target_modules"], list):  # PEFT's order differs from run to run
        config["target_modules"] = sorted(config["target_modules"])
    write_json(target / "adapter_config.json", dict(sorted(config.items())))
