"""Stage 3: the set's folder, with the base in NF4, its reward models, and the reward statistics of its texts.

    python -m train.quantise runs/restaurants/sft SET --data-dir data
    python -m train.quantise SET/base SET-3 --objectives complete concise upbeat --upbeat runs/upbeat

The source is the model of stage 1, or the base of another set, which is taken as it is. Every later stage trains
and measures against this 4-bit base, the one that is served. The rewards' means and standard deviations are
measured once, on texts of the base, and stay fixed: only then is every backbone reward a fixed linear mix of the
same normalised rewards, which B^-1 assumes.
"""

import argparse
import json
import random
import shutil
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from backbones import sets
from backbones.soup import NF4, Soup
from backbones.writer import Order, Writer
from train import data

BETA = 0.7  # until train.pilot chooses
OBJECTIVES = {
    "complete": ("Complete", "States the facts given, all of them and no others"),
    "concise": ("Concise", "Uses few words"),
    "upbeat": ("Upbeat", "Sounds positive, as a learned model hears it"),
}


def quantise(source: Path, base: Path) -> None:
    """Write `source` to `base` in NF4 with double quantisation; what is quantised already is copied."""
    if getattr(AutoConfig.from_pretrained(source), "quantization_config", None):
        shutil.copytree(source, base)
        return
    model = AutoModelForCausalLM.from_pretrained(
        source,
        dtype=torch.float32,
        quantization_config=NF4,
        device_map={"": "cuda" if torch.cuda.is_available() else "cpu"},
    )
    model.save_pretrained(base)
    AutoTokenizer.from_pretrained(source).save_pretrained(base)
    if (source / "hyperparameters.json").is_file():
        shutil.copy(source / "hyperparameters.json", base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of stage 1, or the base of another set")
    parser.add_argument("set", type=Path, help="folder of the set to make")
    parser.add_argument("--data-dir", type=Path, help="folder with e2e/train.csv; default: fetch from the Hub")
    parser.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=["complete", "concise"])
    parser.add_argument("--upbeat", type=Path, help="folder of stage 2, for the objective upbeat")
    parser.add_argument("--prompts", type=int, default=512, help="training facts to write about, 2 texts each")
    args = parser.parse_args()
    if ("upbeat" in args.objectives) != (args.upbeat is not None):
        parser.error("the objective upbeat and --upbeat, the folder of its reward model, go together")

    quantise(args.source, args.set / "base")
    objectives = []
    for name in args.objectives:
        label, description = OBJECTIVES[name]
        objectives.append({"name": name, "label": label, "description": description, "mean": 0.0, "std": 1.0})
        if name == "upbeat":
            folder = args.set / "reward-models" / name
            shutil.copytree(args.upbeat, folder, ignore=shutil.ignore_patterns("checkpoints", "training_args.bin"))
            objectives[-1]["reward_model"] = f"reward-models/{name}"
    labels = [objective["label"].lower() for objective in objectives]
    manifest = {
        "format": sets.FORMAT,
        "name": args.set.name,
        "title": f"Restaurants: {', '.join(labels[:-1])} and {labels[-1]}",
        "objectives": objectives,
        "beta": BETA,
        "extrapolation": 0.0,
        "base": "base",
        "backbones": [],
        "specialists": [],
        "oracles": [],
        "sampling": {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": 80},
    }

    facts = data.meaning_representations(data.load("train", args.data_dir))
    measure(args.set, manifest, random.Random(0).sample(facts, args.prompts))


def measure(folder: Path, manifest: dict, given: list[data.Given]) -> None:
    """Measure means and deviations of the rewards of the base's texts, two for each of `given`; write the manifest."""
    soup_set = sets.from_manifest(folder, manifest)
    soup = Soup.load(soup_set.base, [], "cuda" if torch.cuda.is_available() else "cpu")
    writer, n, longest = Writer(soup_set, soup), len(soup_set.objectives), soup_set.sampling.max_new_tokens
    settings = {"top_p": 1.0, "max_new_tokens": longest}
    orders = [Order(g, (1 / n,) * n, "base", 2 * i + k, **settings) for i, g in enumerate(given) for k in (0, 1)]
    texts = [text for start in tqdm(range(0, len(orders), 64)) for text in writer.write(orders[start : start + 64])]
    for objective in manifest["objectives"]:
        rewards = np.array([text.rewards[objective["name"]] for text in texts])
        objective["mean"], objective["std"] = round(rewards.mean(), 4), round(rewards.std(), 4)
    write_manifest(folder, manifest)


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write `manifest.json` into the set's folder."""
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
