"""How well the slot matcher finds what a text states: precision and recall per slot.

    python -m benchmarks.slot_matcher --data-dir DIR [--json FILE]

Measured twice. Against the facts of the references of dev and train, which are noisy truth: people leave
facts out (costs recall) and make some up (costs precision), so these figures are lower bounds. And against
`tests/data/matcher_sample.csv`, references whose statements were written down by hand after reading them.
The placeholders are left out: they match exactly.
"""

import argparse
import csv
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from backbones.store.files import write_json
from backbones.tasks.restaurants.facts import VALUES
from backbones.tasks.restaurants.slots import statements
from backbones.tasks.restaurants.task import Restaurants
from train import data

SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "matcher_sample.csv"
Stated = set[tuple[str, str]]  # of a slot and a value


def sample(path: Path = SAMPLE) -> list[tuple[str, Stated]]:
    """The texts checked by hand, each with what it states."""
    with path.open(encoding="utf-8") as file:
        return [
            (row["text"], set(re.findall(r"([A-Za-z ]+?)\[(.*?)\]", row["stated"].replace("; ", ""))))
            for row in csv.DictReader(file)
        ]


def references(split: str, data_dir: Path | None) -> list[tuple[str, Stated]]:
    """The references of a split with placeholders, each with its closed facts."""
    return [
        (pair.reference, {(slot, value) for slot, value in pair.given.items() if slot in VALUES})
        for pair in data.pairs(Restaurants(), split, data_dir)
        if pair.reference
    ]


def measure(pairs: Iterable[tuple[str, Stated]]) -> dict[str, dict[str, float]]:
    """Precision and recall of `slots.statements` per slot, each meaning counted once a text.

    "restaurant" counts only where it is true, as in `slots.match`: it is also the word for any place.
    """
    found, correct, true, recalled = Counter(), Counter(), Counter(), Counter()
    for text, stated in pairs:
        said = {(s.slot, s.value): s for s in statements(text) if s.slot in VALUES}.values()
        for s in said:
            right = any(slot == s.slot and s.agrees(value) for slot, value in stated)
            if right or (s.slot, s.value) != ("eatType", "restaurant"):
                found.update((s.slot, "all"))
                correct.update((s.slot, "all") if right else ())
        for slot, value in stated:
            true.update((slot, "all"))
            recalled.update((slot, "all") if any(s.slot == slot and s.agrees(value) for s in said) else ())
    return {
        slot: {
            "precision": round(correct[slot] / max(found[slot], 1), 4),
            "recall": round(recalled[slot] / max(true[slot], 1), 4),
            "stated": true[slot],
        }
        for slot in (*VALUES, "all")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder that holds e2e/; without it from the Hub")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    args = parser.parse_args()
    figures = {
        "facts of the dev references (noisy)": measure(references("dev", args.data_dir)),
        "facts of the train references (noisy)": measure(references("train", args.data_dir)),
        "sample checked by hand": measure(sample()),
    }
    for title, slots in figures.items():
        print(f"{title}\n{'':16} precision  recall  stated")
        for slot, row in slots.items():
            print(f"{slot:16} {row['precision']:9.3f} {row['recall']:7.3f} {row['stated']:7}")
        print()
    if args.json:
        write_json(args.json, figures)


if __name__ == "__main__":
    main()
