"""The average of adapters that were trained alike with several seeds, where all have the A of one start.

    python -m train.average runs/silver-lining/backbone-1 runs/silver-lining/seed-{1,2}/backbone-1

Most of what an adapter learns in a few steps is the noise of its seed (cosines of 0.1 to 0.2 between two of
`silver-lining`), which B^-1 amplifies wherever it extrapolates; averages keep what seeds have in common (Ramé et al.
2024, WARP, 2406.16768).
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from backbones.store.adapters import CONFIG, weights_of
from backbones.store.files import write_json

HOW = "hyperparameters.json"


def average(folders: Sequence[Path], out: Path) -> None:
    """Write the mean of the adapters in `folders` to `out`, as an adapter; its hyperparameters name all seeds.

    Raises ValueError for adapters that differ in more than their B and their seed, for a seed that comes twice, and for
    fewer than two.
    """
    if len(folders) < 2:
        raise ValueError(f"{len(folders)} adapters have no average: give two or more")
    first, *others = folders
    tensors = [load_file(weights_of(folder)) for folder in folders]
    hows = [json.loads((folder / HOW).read_text()) for folder in folders]
    for folder, weights, how in zip(others, tensors[1:], hows[1:], strict=True):
        if weights.keys() != tensors[0].keys() or any(
            not torch.equal(weight, tensors[0][name]) for name, weight in weights.items() if ".lora_B." not in name
        ):
            raise ValueError(f"{folder} has another A than {first}: average adapters that began at one start")
        if other := next(
            (name for name in hows[0] | how if name != "seed" and how.get(name) != hows[0].get(name)), None
        ):
            raise ValueError(
                f"{folder} has {other} {how.get(other)}, {first} {hows[0].get(other)}: average what is alike"
            )
    seeds = [how.get("seed") for how in hows]
    if None in seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"the adapters have the seeds {', '.join(map(str, seeds))}: average one of each seed")
    out.mkdir(parents=True, exist_ok=True)
    mean = {
        name: torch.stack([one[name].float() for one in tensors]).mean(0).to(weight.dtype)
        for name, weight in tensors[0].items()
    }
    file = weights_of(first)
    with safe_open(file, "pt") as opened:  # of which B alone is there, the metadata name the start
        save_file(mean, out / file.name, metadata=opened.metadata())
    shutil.copy(first / CONFIG, out)
    alike = {name: value for name, value in hows[0].items() if name != "seed"}
    write_json(out / HOW, alike | {"seeds": seeds})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the average")
    parser.add_argument("adapters", type=Path, nargs="+", help="folders of the adapters, as train.tune leaves them")
    args = parser.parse_args()
    try:
        average(args.adapters, args.out)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
