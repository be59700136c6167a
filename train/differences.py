"""How often texts differ where a visitor would look: between neighbouring preferences, and between methods.

    python -m train.differences SET --log runs/restaurants/texts

Reads the texts that `train.evaluate` has written for a front: same prompts, same random numbers. A table compares Bone
Soup and Rewarded Soup, plain and extrapolated, text by text: how many are identical, and how often one of the two
dominates, which is to be no worse by any reward and better by one.
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from backbones.merging.methods import BASELINE, BONE_SOUP, EXTRAPOLATED, LABELS
from backbones.merging.preference import Preference, lattice
from backbones.store import soup_set as sets
from train import texts

PAIRS = ((BONE_SOUP, BASELINE), EXTRAPOLATED)
SHARES = (0.75, 0.5, 0.25)  # of the first objective, where methods are compared text by text
COLUMNS = ("methods", "preference", "pairs of texts", "identical", "the first dominates", "is dominated")


def differing(one: list[texts.Record], other: list[texts.Record]) -> float:
    """The share of prompts and samples whose texts differ."""
    return sum(a.text != b.text for a, b in zip(one, other, strict=True)) / len(one)


def dominating(one: list[texts.Record], other: list[texts.Record]) -> float:
    """The share of prompts and samples for which the text of `one` dominates that of `other`."""
    pairs = [list(zip(a.rewards, b.rewards, strict=True)) for a, b in zip(one, other, strict=True)]
    return sum(all(x >= y for x, y in pair) and any(x > y for x, y in pair) for pair in pairs) / len(pairs)


def nearest(mus: Sequence[Preference], share: float) -> Preference:
    """The preference whose first share is nearest to `share`; of equals the more even one."""
    return min(mus, key=lambda mu: (round(abs(mu[0] - share), 9), max(mu)))


def compared(log: Path, methods: tuple[str, str], mus: Sequence[Preference]) -> list[str]:
    """Rows of the table: both methods at each of mus, where the folder `log` has texts of both."""
    called, rows = " and ".join(LABELS[method] for method in methods), []
    for mu in mus:
        one, other = texts.read(log, [(method, mu) for method in methods])
        if one:
            shares = 1 - differing(one, other), dominating(one, other), dominating(other, one)
            rows.append(f"| {called} | {mu} | {len(one)} | {' | '.join(f'{share:.1%}' for share in shares)} |")
    return rows


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
    if not all(records.values()):
        parser.error(f"{args.log} has no texts of {BONE_SOUP} and {BASELINE}: write them with train.evaluate")
    rows = [row for pair in PAIRS for row in compared(args.log, pair, [nearest(mus, share) for share in SHARES])]
    print(f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *rows, "", sep="\n")
    for method in methods:
        steps = [differing(records[method, a], records[method, b]) for a, b in pairwise(mus)]
        shown = ", ".join(f"{share:.0%}" for share in steps)
        print(f"{LABELS[method]}: neighbours differ in {sum(steps) / len(steps):.0%} ({shown})")
    for mu in mus:
        share = differing(records[BONE_SOUP, mu], records[BASELINE, mu])
        print(f"{mu.rounded}: {LABELS[BONE_SOUP]} and {LABELS[BASELINE]} differ in {share:.0%}")


if __name__ == "__main__":
    main()
