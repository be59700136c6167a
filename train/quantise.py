"""Stage 2: the set's folder, with the model of stage 1 in NF4 and the reward statistics of its texts.

    python -m train.quantise runs/restaurants/sft SET --data-dir data

Every later stage trains and measures against this 4-bit base, the one that is served. The rewards' means
and standard deviations are measured once, on texts of the base, and stay fixed: only then is every
backbone reward a fixed linear mix of the same normalised rewards, which B^-1 assumes.
"""

import argparse
import json
import random
import shutil
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from backbones import sets
from backbones.soup import Soup
from backbones.writer import Order, Writer
from train import data

BETA = 0.7
LABELS = {
    "complete": ("Complete", "States the facts given, all of them and no others"),
    "concise": ("Concise", "Uses few words"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sft", type=Path, help="folder of stage 1")
    parser.add_argument("set", type=Path, help="folder of the set to make")
    parser.add_argument("--data-dir", type=Path, help="folder with e2e/train.csv; default: fetch from the Hub")
    parser.add_argument("--prompts", type=int, default=512, help="training facts to write about, 2 texts each")
    args = parser.parse_args()

    model = AutoModelForCausalLM.from_pretrained(
        args.sft,
        dtype=torch.float32,
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True
        ),
        device_map={"": "cuda" if torch.cuda.is_available() else "cpu"},
    )
    base = args.set / "base"
    model.save_pretrained(base)
    AutoTokenizer.from_pretrained(args.sft).save_pretrained(base)
    shutil.copy(args.sft / "hyperparameters.json", base)

    manifest = {
        "format": sets.FORMAT,
        "name": args.set.name,
        "title": "Restaurants: a description from facts",
        "objectives": [
            {"name": name, "label": label, "description": description, "mean": 0.0, "std": 1.0}
            for name, (label, description) in LABELS.items()
        ],
        "beta": BETA,
        "base": "base",
        "backbones": [],
        "specialists": [],
        "sampling": {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": 80},
    }

    facts = data.meaning_representations(data.load("train", args.data_dir))
    facts = random.Random(0).sample(facts, args.prompts)
    soup = Soup.load(base, [], "cuda" if torch.cuda.is_available() else "cpu")
    writer, n = Writer(sets.from_manifest(args.set, manifest), soup), len(manifest["objectives"])
    orders = [Order(f, (1 / n,) * n, "base", seed=2 * i + k, top_p=1.0) for i, f in enumerate(facts) for k in (0, 1)]
    texts = [text for start in tqdm(range(0, len(orders), 64)) for text in writer.write(orders[start : start + 64])]
    for objective in manifest["objectives"]:
        rewards = np.array([text.rewards[objective["name"]] for text in texts])
        objective["mean"], objective["std"] = round(rewards.mean(), 4), round(rewards.std(), 4)
    write_manifest(args.set, manifest)


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write `manifest.json` into the set's folder."""
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
