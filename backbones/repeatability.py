"""Repeatability: do simultaneous requests give the texts that the same requests give alone?

    python -m backbones.repeatability SET [--rounds 125]

Every round writes 8 texts at 8 preferences three times: in one batch, as 8 jobs at once of the kitchen that serves
visitors, where they join as they come, and one after the other. Prints how many texts differ from those written
alone. They can, where the scores of two candidate tokens lie closer together than the rounding of sums taken in
another order.
"""

import argparse
import random
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from backbones import facts
from backbones.coefficients import METHODS
from backbones.serving import Kitchen
from backbones.writer import Order, Writer


def orders(rng: random.Random, n: int) -> list[Order]:
    """Eight random orders: facts, a preference over n objectives, method, seed."""
    drawn = []
    for _ in range(8):
        closed = {slot: rng.choice(("", *values)) for slot, values in facts.VALUES.items()}
        preference = tuple(rng.random() for _ in range(n))
        method = rng.choice(METHODS)
        drawn.append(
            Order({"name": "Ox", **closed, "near": rng.choice(("", "Elm"))}, preference, method, rng.getrandbits(32))
        )
    return drawn


def served(kitchen: Kitchen, order: Order) -> str:
    """The text that a visitor gets for an order."""
    *_, texts = kitchen.stream("set", [order])
    return texts[0].raw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set")
    parser.add_argument("--rounds", type=int, default=125)
    parser.add_argument("--device")
    args = parser.parse_args()
    writer, rng = Writer.load(args.set, args.device), random.Random(0)
    kitchen, batched, threaded = Kitchen({"set": writer}), 0, 0
    with ThreadPoolExecutor(8) as pool:
        for _ in tqdm(range(args.rounds)):
            asked = orders(rng, len(writer.set.objectives))
            alone = [writer.write([order])[0].raw for order in asked]
            batched += sum(a != text.raw for a, text in zip(alone, writer.write(asked), strict=True))
            threads = pool.map(lambda order: served(kitchen, order), asked)
            threaded += sum(a != b for a, b in zip(alone, threads, strict=True))
    total = 8 * args.rounds
    print(f"{batched} of {total} texts differ in a batch of 8, {threaded} of {total} as 8 jobs at once")


if __name__ == "__main__":
    main()
