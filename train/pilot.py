"""Stages 4 and 6: beta, then the strengths of the extrapolations, chosen on pilot prompts.

    python -m train.pilot beta SET --work runs/restaurants/pilot --data-dir data
    python -m train.pilot extrapolation SET --work runs/restaurants/pilot --data-dir data

Pilot prompts are used neither for training nor for the reported front. `beta` wants backbones of every candidate in
WORK/beta-0.6, WORK/beta-0.7 and so on, trained for 20 % of the steps (Xie et al., section 4.2) or for more, and takes
the one whose front has the largest hypervolume. `extrapolation` wants the finished adapters of the set: it chooses a
strength for each corner by that corner's own reward, for Bone Soup and in the same way for Rewarded Soup. Both keep the
figures of all candidates in SET/pilot.json and set the manifest.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from backbones.engine.soup import Soup
from backbones.engine.writer import Writer
from backbones.merging.methods import BONE_SOUP, EXTRAPOLATED
from backbones.merging.metrics import hypervolume
from backbones.merging.preference import corners, lattice
from backbones.store import soup_set as sets
from backbones.store.files import write_json
from backbones.store.manifest import Manifest
from backbones.store.soup_set import SoupSet
from backbones.tasks.task import Given
from train import data, processes, texts

BETAS = (0.6, 0.7, 0.8)
# From 1 on 1 / (1 - c), c up to 0.5, as the official code searches them; below 1 a corner that overshoots comes back.
STRENGTHS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.111, 1.25, 1.429, 1.667, 2.0)
FIELDS = dict(zip(EXTRAPOLATED, ("extrapolation", "specialist_extrapolation"), strict=True))  # of the manifest


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


def choose_beta(
    soup_set: SoupSet,
    prompts: Sequence[Given],
    samples: int,
    work: Path,
    device: str,
    betas: Sequence[float],
) -> dict[str, dict]:
    """By the field of the manifest: the best of `betas`, and the fronts of all of them."""
    fronts = {}
    for beta in betas:
        folder = work / f"beta-{beta}"
        backbones = tuple(f"backbone-{j + 1}" for j in range(len(soup_set.objectives)))
        folders = dict(soup_set.folders) | {name: folder / name for name in backbones}
        trial = replace(
            soup_set, beta=beta, folders=folders, backbones=backbones, specialists=(), oracles=(), front=None
        )
        writer = Writer(trial, Soup.load(trial.base, trial.adapters, device))
        steps = json.loads((folder / trial.backbones[0] / "hyperparameters.json").read_text())["steps"]
        fronts[str(beta)] = {"steps": steps} | measure(writer, BONE_SOUP, prompts, samples, folder / "texts")
    best = max(betas, key=lambda beta: fronts[str(beta)]["hypervolume"])
    return {"beta": {"chosen": best, "fronts": fronts}}


def choose_extrapolation(
    soup_set: SoupSet, prompts: Sequence[Given], samples: int, work: Path, device: str
) -> dict[str, dict]:
    """By the field of the manifest, of the methods that the set has the adapters for: the best strength for each
    corner, and the `figures` of all candidates by the corner's objective. Just the corners are written for."""
    n, soup = len(soup_set.objectives), Soup.load(soup_set.base, soup_set.adapters, device)
    methods = [method for method in EXTRAPOLATED if method in soup_set.methods]
    cells = [(method, corner) for method in methods for corner in corners(n)]
    written = []
    for k in STRENGTHS:
        trial = replace(soup_set, extrapolation=(k,) * n, specialist_extrapolation=(k,) * n)
        records = texts.write(Writer(trial, soup), prompts, samples, cells, work / f"strength-{k}")
        written.append([[record.rewards for record in here] for here in records])
    shape = (len(STRENGTHS), len(methods), n, len(prompts), samples, n)
    rewards = np.array(written).reshape(shape).mean(axis=4)  # [strengths, methods, corners, prompts, n]
    found = {}
    for m, method in enumerate(methods):
        figured = {one.name: figures(rewards[:, m, i], i) for i, one in enumerate(soup_set.objectives)}
        found[FIELDS[method]] = {"chosen": [strongest(one) for one in figured.values()], "corners": figured}
    return found


def figures(rewards: np.ndarray, own: int) -> dict[str, dict]:
    """What each of `STRENGTHS` is worth at the corner of the objective `own`, from `rewards` [strengths, prompts, n]:
    mean rewards [n], the `gain` of its own over strength 1, and the standard error of this difference, paired by
    prompt."""
    gains = rewards[:, :, own] - rewards[STRENGTHS.index(1.0), :, own]  # [strengths, prompts]
    errors = gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])
    return {
        str(k): {"rewards": mean.round(4).tolist(), "gain": round(gain, 4), "standard_error": round(error, 4)}
        for k, mean, gain, error in zip(STRENGTHS, rewards.mean(axis=1), gains.mean(axis=1).tolist(), errors.tolist())
    }


def strongest(corner: Mapping[str, Mapping]) -> float:
    """The strength with the largest gain among those whose gain is above twice its standard error; 1 where there is
    none.

    The best of ten candidates looks better than it is, so one that noise alone could have put ahead is not taken.
    """
    gains = {float(k): one["gain"] for k, one in corner.items() if one["gain"] > 2 * one["standard_error"]}
    return max(gains, key=lambda k: gains[k], default=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("choice", choices=("beta", "extrapolation"))
    parser.add_argument("set", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder of the pilot backbones and of all texts")
    parser.add_argument("--data-dir", type=Path, help="folder with the task's data; default: fetch from the Hub")
    parser.add_argument("--prompts", type=Path, help="file of prompts instead: the task's columns as CSV, TSV or JSONL")
    parser.add_argument("--count", type=int, default=100, help="pilot prompts")
    parser.add_argument(
        "--betas", type=float, nargs="+", default=BETAS, help="candidates for beta; default: 0.6 to 0.8"
    )
    parser.add_argument("--samples", type=int, default=1, help="texts per prompt and preference")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    try:
        soup_set = sets.read(args.set)
        prompts = data.pilot(data.given(soup_set.task, "dev", args.data_dir, args.prompts), args.count)
        prompts = data.usable(soup_set.task, prompts)
        if len(prompts) < 2:
            raise ValueError(f"{len(prompts)} pilot prompts have no standard error: give --count 2 or more")
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None
    choose = partial(choose_beta, betas=args.betas) if args.choice == "beta" else choose_extrapolation
    result = choose(soup_set, prompts, args.samples, args.work, args.device)
    if not processes.state().is_main_process:
        return
    file = args.set / "pilot.json"
    kept = json.loads(file.read_text()) if file.is_file() else {}
    kept |= {"prompts": len(prompts), "prompts_sha256": data.digest(soup_set.task, prompts), "samples": args.samples}
    write_json(file, kept | result)
    chosen = {field: one["chosen"] for field, one in result.items()}
    replace(Manifest.read(args.set), **chosen).write(args.set)
    print(f"{chosen}; all candidates are in {file}")


if __name__ == "__main__":
    main()
