"""Repeatability: do simultaneous requests give the texts that the same requests give alone?

    python -m benchmarks.repeatability SET [--rounds 125] [--device cpu] [--precision float32]

Every round writes 8 texts at 8 preferences three times: in one batch, as 8 jobs at once of the scheduler that serves
visitors, where they join as they come, and one after the other. Prints how many texts differ from those written
alone. They can, where the scores of two candidate tokens lie closer together than the rounding of sums taken in
another order.
"""

import argparse
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from tqdm import tqdm

from backbones.engine.request import Request
from backbones.engine.scheduler import Scheduler
from backbones.engine.writer import Writer
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet
from benchmarks.examples import examples

TOGETHER = 8


def rounds(soup_set: SoupSet, count: int) -> Iterator[list[Request]]:
    """Every round's requests: examples of the task, preferences, methods and seeds, all random."""
    rng, n, settings = random.Random(0), len(soup_set.objectives), asdict(soup_set.sampling)
    for k in range(count):
        yield [
            Request(
                given,
                Preference.of([rng.random() for _ in range(n)], n),
                rng.choice(soup_set.methods),
                rng.getrandbits(32),
                **settings,
            )
            for given in examples(soup_set.task, TOGETHER, seed=k)
        ]


def served(scheduler: Scheduler, request: Request) -> str:
    """The text that a visitor gets for a request."""
    *_, texts = scheduler.stream("set", [request])
    assert isinstance(texts, list)  # whoever waited has been served in the end
    return texts[0].raw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set")
    parser.add_argument("--rounds", type=int, default=125)
    parser.add_argument("--device")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: as it is served")
    args = parser.parse_args()
    writer = Writer.load(args.set, args.device, args.precision)
    scheduler, batched, threaded = Scheduler({"set": writer}), 0, 0
    with ThreadPoolExecutor(TOGETHER) as pool:
        for asked in tqdm(rounds(writer.set, args.rounds), total=args.rounds):
            alone = [writer.write([request])[0].raw for request in asked]
            batched += sum(a != text.raw for a, text in zip(alone, writer.write(asked), strict=True))
            threads = pool.map(lambda request: served(scheduler, request), asked)
            threaded += sum(a != b for a, b in zip(alone, threads, strict=True))
    total = TOGETHER * args.rounds
    print(
        f"{str(writer.soup.dtype).removeprefix('torch.')}: "
        f"{batched} of {total} texts differ in a batch of {TOGETHER}, {threaded} of {total} as {TOGETHER} jobs at once"
    )


if __name__ == "__main__":
    main()
