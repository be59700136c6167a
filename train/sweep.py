"""Stage 8: the texts that a set's page opens with, written by the engine that serves.

    python -m train.sweep SET [--given LINE]

Bone Soup and Rewarded Soup write the task's example at every preference of the lattice, with seed 0 and the set's
sampling, into SET/sweep.json. Without the file the page works too, and opens without texts. Run again it writes anew,
since a set that was tuned again writes other texts.
"""

import argparse

from backbones.engine import stored
from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.methods import BASELINE, BONE_SOUP
from backbones.merging.preference import lattice
from backbones.store import soup_set as sets
from backbones.store.soup_set import SoupSet
from backbones.tasks.task import Given


def requests(soup_set: SoupSet, given: Given) -> list[Request]:
    """Those of Bone Soup at every preference, then those of its baseline."""
    sampling = soup_set.sampling
    return [
        Request(
            given,
            mu,
            method,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_new_tokens=sampling.max_new_tokens,
        )
        for method in (BONE_SOUP, BASELINE)
        for mu in lattice(len(soup_set.objectives))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set")
    parser.add_argument("--given", help="what to write about, as one line; default: what the page holds on arrival")
    args = parser.parse_args()

    try:
        soup_set = sets.read(args.set)
        task = soup_set.task
        arrival = {field.name: field.default for field in task.fields}
        given = task.check(arrival) if args.given is None else task.read(args.given)
        # On the CPU in float32, where a text depends on its request alone.
        writer = Writer.load(args.set, "cpu", "float32")
        print(stored.write(soup_set, writer.write(requests(soup_set, given))))
    except ValueError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
