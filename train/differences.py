"""How often texts differ where a visitor would look: between neighbouring preferences, and between methods.

    python -m train.differences SET --log runs/restaurants/texts

Reads the texts that `train.evaluate` has written for a front: same prompts, same random numbers.
"""

import argparse
from itertools import pairwise
from pathlib import Path

from backbones.merging.methods import BASELINE, BONE_SOUP, LABELS
from backbones.merging.preference import lattice
from backbones.store import soup_set as sets
from train import texts


def differing(one: list[texts.Record], other: list[texts.Record]) -> float:
    """The share of prompts and samples whose texts differ."""
    return sum(a.text != b.text for a, b in zip(one, other, strict=True)) / len(one)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of a set with two objectives")
    parser.add_argument("--log", type=Path, required=True, help="folder of JSON lines of the texts")
    args = parser.parse_args()
    mus, methods = lattice(len(sets.read(args.set).objectives)), (BONE_SOUP, BASELINE)
    if len(mus[0]) != 2:
        parser.error(f"{args.set} has {len(mus[0])} objectives: use a set with two")
    cells = [(method, mu) for method in methods for mu in mus]
    records = dict(zip(cells, texts.read(args.log, cells), strict=True))
    for method in methods:
        steps = [differing(records[method, a], records[method, b]) for a, b in pairwise(mus)]
        shown = ", ".join(f"{share:.0%}" for share in steps)
        print(f"{LABELS[method]}: neighbours differ in {sum(steps) / len(steps):.0%} ({shown})")
    for mu in mus:
        share = differing(records[BONE_SOUP, mu], records[BASELINE, mu])
        print(f"{mu.rounded}: {LABELS[BONE_SOUP]} and {LABELS[BASELINE]} differ in {share:.0%}")


if __name__ == "__main__":
    main()
