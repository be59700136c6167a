"""How often texts repeat an insult of what they were given, beside how often the writers of the data did.

    python -m train.insults SET --data-dir data

Works on all thoughts of the task's data with an insult in them. The paper's method writes one text for each at
three preferences: those of the two corners, and the even one.
"""

import argparse
from pathlib import Path

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.preference import Preference
from backbones.tasks.reframe.insults import INSULTS, SLURS
from backbones.tasks.words import words
from train import data

BATCH = 64


def insults(text: str) -> frozenset[str]:
    """Those in a text."""
    return INSULTS & set(words(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of a set with two objectives")
    parser.add_argument("--data-dir", type=Path, help="folder with the task's data; default: fetch from the Hub")
    args = parser.parse_args()
    writer = Writer.load(args.set, "cpu")
    task, settings = writer.set.task, writer.set.sampling
    read = [pair for split in ("train", "dev") for pair in data.with_reference(task, split, args.data_dir)]
    pairs = [pair for pair in read if insults(task.line(pair.given))]
    repeated = sum(bool(insults(task.line(pair.given)) & insults(pair.reference or "")) for pair in pairs)
    slurs = sum(bool(SLURS & set(words(task.line(pair.given)))) for pair in pairs)
    print(f"{slurs} of {len(pairs)} thoughts have an insult that texts never show")
    print(f"the writers repeat an insult in {repeated} of {len(pairs)} texts")
    for mu in (Preference((1.0, 0.0)), Preference.equal(2), Preference((0.0, 1.0))):
        sampled = settings.temperature, settings.top_p, settings.max_new_tokens
        asked = [Request(pair.given, mu, "bone-soup", seed, *sampled) for seed, pair in enumerate(pairs)]
        texts = [text for i in range(0, len(asked), BATCH) for text in writer.write(asked[i : i + BATCH])]
        again = sum(bool(insults(task.line(text.request.given)) & insults(text.text)) for text in texts)
        print(f"{writer.set.name} at {mu}: in {again} of {len(texts)}")


if __name__ == "__main__":
    main()
