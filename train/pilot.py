"""Stages 4 and 6: beta, then the strength of the extrapolation, chosen by hypervolume on pilot prompts.

    python -m train.pilot beta SET --work runs/restaurants/pilot --data-dir data
    python -m train.pilot extrapolation SET --work runs/restaurants/pilot --data-dir data

Pilot prompts are used neither for training nor for the reported front. `beta` wants backbones of every candidate,
trained for 20 % of the steps, in WORK/beta-0.6, WORK/beta-0.7 and so on (Xie et al., section 4.2). `extrapolation`
wants the finished backbones of the set. Both keep their fronts in SET/pilot.json and set the manifest.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from backbones.engine.soup import Soup
from backbones.engine.writer import Writer
from backbones.merging.methods import BONE_SOUP
from backbones.merging.metrics import hypervolume
from backbones.merging.preference import lattice
from backbones.store import soup_set as sets
from backbones.store.files import write_json
from backbones.store.manifest import Manifest
from backbones.store.soup_set import SoupSet
from backbones.tasks.task import Given
from train import data, processes, texts

BETAS = (0.6, 0.7, 0.8)
C = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)  # 1 + a = 1 / (1 - c), as the official code searches it


def measure(writer: Writer, method: str, prompts: Sequence[Given], samples: int, log: Path) -> dict:
    """The front of one method on the preference lattice: points, and hypervolume above the task's reference point."""
    soup_set = writer.set
    mus = lattice(len(soup_set.objectives))
    records = texts.write(writer, prompts, samples, [(method, mu) for mu in mus], log)
    rewards = np.array([np.mean([record.rewards for record in here], axis=0) for here in records])
    reference, _ = soup_set.task.reference_point(soup_set.objectives)
    return {
        "hypervolume": round(hypervolume(rewards, np.array(reference)), 4),
        "points": [{"preference": mu.rounded, "rewards": r.round(4).tolist()} for mu, r in zip(mus, rewards)],
    }


def choose_beta(soup_set: SoupSet, prompts: Sequence[Given], samples: int, work: Path, device: str) -> dict:
    """The fronts of all candidates and the best beta."""
    fronts = {}
    for beta in BETAS:
        folder = work / f"beta-{beta}"
        folders = {name: folder / name for name in (f"backbone-{j + 1}" for j in range(len(soup_set.objectives)))}
        trial = replace(
            soup_set, beta=beta, folders=folders, backbones=tuple(folders), specialists=(), oracles=(), front=None
        )
        writer = Writer(trial, Soup.load(trial.base, trial.adapters, device))
        steps = json.loads((folder / trial.backbones[0] / "hyperparameters.json").read_text())["steps"]
        fronts[str(beta)] = {"steps": steps} | measure(writer, BONE_SOUP, prompts, samples, folder / "texts")
    best = max(BETAS, key=lambda beta: fronts[str(beta)]["hypervolume"])
    return {"chosen": best, "fronts": fronts}


def choose_extrapolation(soup_set: SoupSet, prompts: Sequence[Given], samples: int, work: Path, device: str) -> dict:
    """The fronts of all candidates and the best strength a."""
    soup, fronts = Soup.load(soup_set.base, soup_set.adapters, device), {}
    for c in C:
        a = round(1 / (1 - c) - 1, 4)
        writer = Writer(replace(soup_set, extrapolation=a), soup)
        fronts[str(a)] = measure(writer, "bone-soup-extrapolated", prompts, samples, work / f"extrapolation-{a}")
    best = max(fronts, key=lambda a: fronts[a]["hypervolume"])
    return {"chosen": float(best), "fronts": fronts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("choice", choices=("beta", "extrapolation"))
    parser.add_argument("set", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder of the pilot backbones and of all texts")
    parser.add_argument("--data-dir", type=Path, help="folder with the task's data; default: fetch from the Hub")
    parser.add_argument("--prompts", type=Path, help="file of prompts instead: the task's columns as CSV, TSV or JSONL")
    parser.add_argument("--count", type=int, default=100, help="pilot prompts")
    parser.add_argument("--samples", type=int, default=1, help="texts per prompt and preference")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    try:
        soup_set = sets.read(args.set)
        prompts = data.pilot(data.given(soup_set.task, "dev", args.data_dir, args.prompts), args.count)
        prompts = data.usable(soup_set.task, prompts)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None
    choose = {"beta": choose_beta, "extrapolation": choose_extrapolation}[args.choice]
    result = choose(soup_set, prompts, args.samples, args.work, args.device)
    if not processes.state().is_main_process:
        return
    file = args.set / "pilot.json"
    kept = json.loads(file.read_text()) if file.is_file() else {}
    kept |= {"prompts": len(prompts), "prompts_sha256": data.digest(soup_set.task, prompts), "samples": args.samples}
    write_json(file, kept | {args.choice: result})
    replace(Manifest.read(args.set), **{args.choice: result["chosen"]}).write(args.set)
    print({candidate: trial["hypervolume"] for candidate, trial in result["fronts"].items()}, "->", result["chosen"])


if __name__ == "__main__":
    main()
