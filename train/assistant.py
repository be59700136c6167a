"""Stage 3 for assistants: the set's folder from a chat model and reward models that others have trained.

    python -m train.assistant BASE SET --objectives objectives.json --data-dir data

BASE is a folder as transformers saves it, which is kept in NF4. `objectives.json` is a list of the manifest's entries:
name, label, description, reward_model (a folder, or {"hub", "revision"} of the Hub), template and output; their means
and standard deviations are measured here, on answers of the base to messages of HH-RLHF. The stages after it are those
of every set: `train.pilot`, `train.backbones`, `train.evaluate`.
"""

import argparse
import json
import random
import shutil
from pathlib import Path

from backbones import sets
from train import data
from train.quantise import BETA, measure, quantise


def installed(objective: dict, folder: Path) -> dict:
    """A manifest's entry; a reward model in a local folder is copied into the set, without pickles."""
    model = objective["reward_model"]
    if isinstance(model, str):
        pickles = shutil.ignore_patterns(*(f"*{suffix}" for suffix in sets.PICKLED))
        shutil.copytree(model, folder / "reward-models" / objective["name"], ignore=pickles)
        model = f"reward-models/{objective['name']}"
    return {"mean": 0.0, "std": 1.0} | objective | {"reward_model": model}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="folder of the chat model")
    parser.add_argument("set", type=Path, help="folder of the set to make")
    parser.add_argument("--objectives", type=Path, required=True, help="JSON file, see above")
    parser.add_argument("--system", default="", help="system prompt")
    parser.add_argument("--data-dir", type=Path, help="folder with hh-rlhf/train.jsonl; default: fetch from the Hub")
    parser.add_argument("--prompts", type=int, default=512, help="messages to answer, twice each")
    parser.add_argument("--max-new-tokens", type=int, default=128, help="of an answer")
    args = parser.parse_args()

    quantise(args.base, args.set / "base")
    objectives = [installed(objective, args.set) for objective in json.loads(args.objectives.read_text())]
    manifest = {
        "format": sets.FORMAT,
        "name": args.set.name,
        "title": f"Assistant: {', '.join(objective['label'].lower() for objective in objectives)}",
        "task": "assistant",
        "system": args.system,
        "objectives": objectives,
        "beta": BETA,
        "extrapolation": 0.0,
        "base": "base",
        "backbones": [],
        "specialists": [],
        "oracles": [],
        "sampling": {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": args.max_new_tokens},
    }
    messages = data.messages("train", args.data_dir)
    measure(args.set, manifest, random.Random(0).sample(messages, min(args.prompts, len(messages))))


if __name__ == "__main__":
    main()
