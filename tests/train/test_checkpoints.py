"""What an interrupted run is compared with before it goes on."""

import json
import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from backbones.store import soup_set as sets
from backbones.store.adapters import WEIGHTS
from backbones.store.manifest import Manifest
from train import checkpoints


def trained_again(file):
    """Its tensors become others."""
    save_file({name: value + 1 for name, value in load_file(file).items()}, file, metadata={"format": "pt"})


@pytest.mark.parametrize("other", ["base", "start", "objectives", "reward model"])
def test_another_base_start_or_reward_has_another_digest(chat, tmp_path, other):
    one, two = (shutil.copytree(chat, tmp_path / name) for name in ("one", "two"))
    for folder in (one, two):
        shutil.copytree(folder / "adapters" / "backbone-1", folder / "adapters" / "start")
        replace(Manifest.read(folder), start="adapters/start").write(folder)
    assert checkpoints.made_for(sets.read(one)) == checkpoints.made_for(sets.read(two))
    three = shutil.copytree(one, tmp_path / "three")
    if other == "base":
        trained_again(three / "base" / "model.safetensors")
    elif other == "start":
        trained_again(three / "adapters" / "start" / WEIGHTS)
    elif other == "reward model":
        trained_again(three / "judges" / "harmless" / "model.safetensors")
    else:
        manifest = Manifest.read(three)
        replace(manifest, objectives=[one | {"std": 2.0} for one in manifest.objectives]).write(three)
    before, after = (checkpoints.made_for(sets.read(folder)) for folder in (one, three))
    what = "objectives" if other == "reward model" else other
    assert [name for name in before if before[name] != after[name]] == [f"{what} (SHA-256)"]


def test_what_files_of_before_do_not_hold_is_not_compared(tmp_path):
    file, later = tmp_path / "run.json", {"base": "1a"}
    assert checkpoints.differs(file, {"steps": 2}, later) is None
    file.write_text(json.dumps({"steps": 2}))
    assert checkpoints.differs(file, {"steps": 2}, later) is None
    assert checkpoints.differs(file, {"steps": 3}, later) == "steps 2, now it is 3"
    assert checkpoints.differs(file, {"steps": 2, "sense": 3.0}, later) == "sense None, now it is 3.0"
    checkpoints.keep(file, {"steps": 2} | later)
    assert checkpoints.differs(file, {"steps": 2}, {"base": "2b"}) == "base 1a, now it is 2b"
