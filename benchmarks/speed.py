"""Speed: what a live merge costs on a set, and what the same costs through PEFT, measured in one run.

    python -m benchmarks.speed SET [--device cpu] [--rows 2] [--steps 200]

Decoding steps (one token per row, cache of 32 to 96 tokens) of the bare base, of the soup, and of PEFT with the same
adapters; medians, taken in turns so that a busy machine disturbs all alike. Every row has a preference of its own, of
Bone Soup and Rewarded Soup in turn, as the page's columns have. PEFT's `set_scale` has one mix for all rows; with "cat"
it combines the adapters of every row's merge beforehand, and picks by `adapter_names` (see `peft_peer`). The bare base
runs on the soup's own weights, de-quantised once on CPUs, and once more on those of PEFT, in 4 bits.
"""

import argparse
import platform
import resource
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from itertools import cycle
from statistics import median

import peft
import psutil
import torch
from torch import nn
from transformers import DynamicCache

from backbones.engine.request import Request
from backbones.engine.soup import Soup, default_dense
from backbones.engine.writer import Writer
from backbones.merging.methods import BASELINE, BONE_SOUP
from backbones.merging.preference import Preference
from backbones.store import soup_set as sets
from backbones.store.soup_set import SoupSet
from benchmarks import peft_peer
from benchmarks.examples import arrival
from benchmarks.timing import changing, median_ms, synchronised, table

WARM_UP = 10  # first steps, not counted
SHORTEST, LONGEST = 32, 96  # tokens of the cache
METHODS = (BONE_SOUP, BASELINE)
PACKED = "4 bits, bitsandbytes' own path"

Around = Callable[[], AbstractContextManager]


def preferences(n: int, count: int) -> list[Preference]:
    """So many preferences over n objectives, no two alike, the first objective weighing more and more."""
    return [Preference.of([(k + 1) / (count + 1), *[1 - (k + 1) / (count + 1)] * (n - 1)], n) for k in range(count)]


def mixes(soup_set: SoupSet, names: Sequence[str], rows: int) -> list[list[float]]:
    """Merging coefficients [rows, adapters] of rows with preferences of their own, methods in turn."""
    asked = zip(preferences(len(soup_set.objectives), rows), cycle(METHODS))
    merges = [soup_set.merge(method, mu).coefficients for mu, method in asked]
    return [[merge.get(name, 0.0) for name in names] for merge in merges]


def stepper(model: nn.Module, rows: int, around: Around = nullcontext) -> Callable[[], float]:
    """A function that decodes one more token per row within `around()` and returns its seconds."""
    embedding = model.get_input_embeddings().weight
    cache = DynamicCache()
    ids = torch.randint(len(embedding) // 2, len(embedding), (rows, SHORTEST), device=embedding.device)
    with torch.inference_mode(), around():
        model(input_ids=ids, past_key_values=cache, use_cache=True)

    def step() -> float:
        if cache.get_seq_length() > LONGEST:
            cache.crop(SHORTEST - cache.get_seq_length())
        with torch.inference_mode(), around():
            start = synchronised(embedding.device)
            model(input_ids=ids[:, :1], past_key_values=cache, use_cache=True, logits_to_keep=1)
            return synchronised(embedding.device) - start

    return step


def taken_in_turns(steps: dict[str, Callable[[], float]], count: int) -> dict[str, float]:
    """Median milliseconds of so many steps of each."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(WARM_UP + count):
        for name, step in steps.items():
            taken[name].append(1e3 * step())
    return {name: median(one[WARM_UP:]) for name, one in taken.items()}


def writing(writer: Writer) -> tuple[float, float]:
    """Milliseconds to the first token of both columns, and tokens per second and column; medians of 20 texts."""
    mu, given = Preference.equal(len(writer.set.objectives)), arrival(writer.set.task)
    settings = asdict(writer.set.sampling)
    first, rate = [], []
    for seed in range(20):
        start = time.perf_counter()
        running = writer.stream([Request(given, mu, method, seed, **settings) for method in METHODS])
        next(running)
        first.append(1e3 * (time.perf_counter() - start))
        *_, texts = running
        rate.append(max(text.tokens for text in texts) / (time.perf_counter() - start))
    return median(first), median(rate)


def changes(writer: Writer, wrapped: peft.PeftModel, rows: list[list[float]], device: str) -> list[list]:
    """Ways to put new coefficients to use, with their milliseconds, and how many rows they are for."""
    soup_set, change = writer.set, changing(writer.soup, len(rows))
    moves = cycle(preferences(len(soup_set.objectives), 200))
    names = writer.soup.adapter_names

    def move() -> None:
        merge = soup_set.merge(BONE_SOUP, next(moves)).coefficients
        change([[merge.get(name, 0.0) for name in names]] * len(rows))

    combine = partial(peft_peer.combine_rows, wrapped, rows[:1])
    return [
        [f"soup: from a preference to coefficients of {len(rows)} rows", median_ms(move, device, 200)],
        ["PEFT set_scale, for all rows", median_ms(lambda: peft_peer.set_scales(wrapped, rows[0]), device, 200)],
        [
            'PEFT add_weighted_adapter "cat", for each row',
            median_ms(combine, device, 20, lambda: peft_peer.forget_rows(wrapped)),
        ],
    ]


def decoding(soup: Soup, packed: nn.Module, wrapped: peft.PeftModel, rows: list[list[float]], steps: int) -> list[list]:
    """Variants with the weights that they run on, milliseconds a step, and the ratio to the bare base."""
    n, count = len(soup.adapter_names), len(rows)
    mix, none = soup.mix(count), soup.mix(count)
    mix.write(0, rows)
    none.write(0, [[0.0] * n] * count)
    names = peft_peer.combine_rows(wrapped, rows)
    own = "de-quantised once" if default_dense(str(soup.device)) else PACKED
    variants = {
        "bare base": (own, stepper(soup.model, count, lambda: none.over(0, count))),
        f"soup: {n} adapters, a mix per row": (own, stepper(soup.model, count, lambda: mix.over(0, count))),
        f"PEFT set_scale: {n} adapters, one mix for all rows": (PACKED, stepper(wrapped, count)),
        'PEFT "cat" and adapter_names: an adapter combined for each row': (
            PACKED,
            stepper(wrapped, count, lambda: peft_peer.each_row(wrapped, names)),
        ),
        "bare base on PEFT's weights": (PACKED, stepper(packed, count)),
    }
    milliseconds = taken_in_turns({name: step for name, (_, step) in variants.items()}, steps)
    base = milliseconds["bare base"]
    return [[name, weights, milliseconds[name], milliseconds[name] / base] for name, (weights, _) in variants.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set; it needs backbones and specialists")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rows", type=int, default=2, help="rows of a batch")
    parser.add_argument("--steps", type=int, default=200, help="decoding steps per variant")
    args = parser.parse_args()

    print(f"torch {torch.__version__}, {args.device}, {torch.get_num_threads()} threads, {platform.machine()}")
    start = time.perf_counter()
    soup_set = replace(sets.read(args.set), oracles=())  # what people compare; oracles would lie idle beside it
    writer = Writer(soup_set, Soup.load(soup_set.base, soup_set.adapters, args.device))
    print(f"load set: {time.perf_counter() - start:.2f} s")
    print(f"memory of the process: {psutil.Process().memory_info().rss / 2**20:.0f} MiB resident")
    first, rate = writing(writer)
    print(f"first token of both columns: {first:.1f} ms, {rate:.0f} tokens/s per column")

    wrapped = peft_peer.loaded(Soup.load(soup_set.base, {}, args.device).model, soup_set.adapters)
    packed = Soup.load(soup_set.base, {}, args.device).model
    rows = mixes(soup_set, writer.soup.adapter_names, args.rows)
    print("", table("new merging coefficients in use | ms", changes(writer, wrapped, rows, args.device)), sep="\n")
    lines = decoding(writer.soup, packed, wrapped, rows, args.steps)
    print("", table(f"one decoding step, {args.rows} rows | weights | ms | × bare", lines), sep="\n")
    print(f"\npeak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB")


if __name__ == "__main__":
    main()
