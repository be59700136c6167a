"""Measured times, measurements that may fail, and Markdown tables of both."""

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median

import numpy as np
import torch

from backbones.engine.soup import Soup

PATIENCE = 20.0  # seconds after which nothing is repeated


def synchronised(device: str | torch.device) -> float:
    """The time in seconds once the device has done all its work."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def median_ms(work: Callable, device: str | torch.device, repeats: int, undo: Callable = lambda: None) -> float:
    """Median milliseconds of `work` after a first time, which counts if it took too long; `undo` is not timed."""
    taken: list[float] = []
    while len(taken) <= repeats and sum(taken) < PATIENCE:
        start = synchronised(device)
        work()
        taken.append(synchronised(device) - start)
        undo()
    return 1e3 * median(taken[1:] or taken)


def changing(soup: Soup, most: int) -> Callable[[Sequence[Sequence[float]] | np.ndarray], None]:
    """A function of merging coefficients [rows, adapters], of at most so many rows, that puts them to use."""
    mix = soup.mix(most)

    def change(mixes: Sequence[Sequence[float]] | np.ndarray) -> None:
        rows = np.asarray(mixes).tolist()
        mix.write(0, rows)
        with mix.over(0, len(rows)) as used:
            for number in range(len(soup.layouts)):
                used.runs(number)

    return change


def attempt(work: Callable):
    """What `work` returns, or what went wrong in a few words: the rest of a run is worth having."""
    try:
        return work()
    except (torch.OutOfMemoryError, MemoryError):
        problem = "out of memory"
    except Exception as error:
        words = f"{type(error).__name__}: {error}".removeprefix("RuntimeError: ")
        problem = words[:90].replace("\n", " ").replace("|", "/")  # fits a cell
    gc.collect()  # after the exception is gone, and with it what its frames held
    torch.cuda.empty_cache()
    return problem


def made(thing):
    """`thing`, unless it could not be made: then RuntimeError with the words of `attempt`, for a cell."""
    if isinstance(thing, str):
        raise RuntimeError(thing)
    return thing


def table(head: str, rows: Iterable[Sequence]) -> str:
    """A Markdown table; the columns of `head` are separated by |."""
    lines = [head, " | ".join(["---"] * (head.count("|") + 1)), *(" | ".join(map(cell, row)) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def cell(value) -> str:
    """A number with three digits that count, at least; words as they are."""
    return f"{value:{',.0f' if value >= 100 else '.3g'}}" if isinstance(value, float) else str(value)
