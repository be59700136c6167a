"""Stages 4 and 6: beta, then the strength of the extrapolation, chosen by hypervolume on pilot facts.

    python -m train.pilot beta SET --work runs/restaurants/pilot --prompts data/e2e/dev.csv
    python -m train.pilot extrapolation SET --work runs/restaurants/pilot --prompts data/e2e/dev.csv

Pilot facts are used neither for training nor for the reported front. `beta` wants backbones of every candidate,
trained for 20 % of the steps, in WORK/beta-0.6, WORK/beta-0.7 and so on (Xie et al., section 4.2). `extrapolation`
wants the finished backbones of the set. Both keep their fronts in SET/pilot.json and set the manifest.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from backbones import coefficients, front, sets
from backbones.soup import Soup
from backbones.writer import Writer
from train import data, processes, sampling
from train.backbones import mixes
from train.evaluate import PARTS
from train.quantise import write_manifest

BETAS = (0.6, 0.7, 0.8)
C = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)  # 1 + a = 1 / (1 - c), as the official code searches it


def measure(writer: Writer, method: str, prompts: list[data.Given], samples: int, log: Path) -> dict:
    """The front of one method on the preference lattice: points and hypervolume above 0."""
    n = len(writer.set.objectives)
    mus = [tuple(mu) for mu in coefficients.simplex_lattice(n, PARTS[n]).round(6).tolist()]
    records = sampling.sample(writer, prompts, samples, [(method, mu) for mu in mus], log)
    rewards = np.array([record["rewards"] for record in records]).reshape(-1, len(mus), n).mean(axis=0)
    return {
        "hypervolume": round(front.hypervolume(rewards, np.zeros(n)), 4),
        "points": [{"preference": list(mu), "rewards": r.round(4).tolist()} for mu, r in zip(mus, rewards)],
    }


def choose_beta(soup_set: sets.SoupSet, prompts: list[data.Given], samples: int, work: Path, device: str) -> dict:
    """The fronts of all candidates and the best beta."""
    fronts, n = {}, len(soup_set.objectives)
    for beta in BETAS:
        folder = work / f"beta-{beta}"
        names = [name for name in mixes(n, beta) if name.startswith("backbone")]
        backbones = tuple(folder / name for name in names)
        trial = replace(soup_set, beta=beta, backbones=backbones, specialists=(), oracles=())
        writer = Writer(trial, Soup.load(trial.base, list(backbones), device))
        steps = json.loads((backbones[0] / "hyperparameters.json").read_text())["steps"]
        fronts[str(beta)] = {"steps": steps} | measure(writer, "bone-soup", prompts, samples, folder / "texts")
    best = max(BETAS, key=lambda beta: fronts[str(beta)]["hypervolume"])
    return {"chosen": best, "fronts": fronts}


def choose_extrapolation(
    soup_set: sets.SoupSet, prompts: list[data.Given], samples: int, work: Path, device: str
) -> dict:
    """The fronts of all candidates and the best strength a."""
    soup, fronts = Soup.load(soup_set.base, list(soup_set.adapters), device), {}
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
    parser.add_argument("--prompts", type=Path, help="facts or messages; default: the task's data from the Hub")
    parser.add_argument("--count", type=int, default=100, help="pilot facts")
    parser.add_argument("--samples", type=int, default=1, help="texts per facts and preference")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    try:
        prompts = data.pilot(data.given(sets.read(args.set).task, args.prompts), args.count)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    choose = {"beta": choose_beta, "extrapolation": choose_extrapolation}[args.choice]
    result = choose(sets.read(args.set), prompts, args.samples, args.work, args.device)
    if not processes.state().is_main_process:
        return
    file, manifest_file = args.set / "pilot.json", args.set / "manifest.json"
    kept = json.loads(file.read_text()) if file.is_file() else {}
    kept |= {"prompts": len(prompts), "prompts_sha256": data.digest(prompts), "samples": args.samples}
    file.write_text(json.dumps(kept | {args.choice: result}, indent=1) + "\n")
    write_manifest(args.set, json.loads(manifest_file.read_text()) | {args.choice: result["chosen"]})
    print({candidate: trial["hypervolume"] for candidate, trial in result["fronts"].items()}, "->", result["chosen"])


if __name__ == "__main__":
    main()
