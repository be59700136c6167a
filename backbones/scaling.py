"""Scaling: what a live merge costs on models of real size, against what else can be done.

    python -m backbones.scaling [--sizes 0.5 1.5 8] [--adapters 6] [--rank 64] [--device cuda] [--json FILE]

Random Llamas in NF4 (`random_models`), so nothing is downloaded. Bare base, soup and PEFT share the 4-bit layers and go
through one decoding loop, sampling included. Every row of the soup has a preference of its own; PEFT has one mix for
all rows, as it can have no other. A measurement that fails is shown as what went wrong, and the others go on.
"""

import argparse
import gc
import json
import platform
import subprocess
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

import bitsandbytes
import numpy as np
import peft
import torch
import transformers

from backbones import random_models
from backbones.adapters import Adapter
from backbones.coefficients import bone_soup
from backbones.generation import Batch, Request
from backbones.memory import peak
from backbones.random_models import Numbers, held_bytes, layer_shapes, set_scales, twin
from backbones.soup import Soup, SoupLinear

BETA = 0.7
WARM_UP, PATIENCE = 3, 20.0  # first steps of a batch, not counted; seconds after which nothing is repeated
HEADS = {
    "slider": "from a preference to coefficients in use | ms",
    "decoding": "rows | variant | ms a step | tokens/s | × bare | floor, ms | × floor",
    "sweep": "a sweep of preferences | s",
    "memory": "memory | MiB",
}


@dataclass(frozen=True)
class Plan:
    """Conditions of a run."""

    device: str
    adapters: int
    rank: int
    batches: list[int]
    prompt: int  # tokens
    tokens: int  # new ones of a text
    sweep: int  # preferences
    repeats: int

    @property
    def dtype(self) -> torch.dtype:
        """As `Soup.load`."""
        return torch.bfloat16 if torch.device(self.device).type == "cuda" else torch.float32

    def mixes(self, rows: int, used: int) -> np.ndarray:
        """Coefficients [rows, adapters] of random preferences over `used` objectives; the last adapters get none."""
        preferences = np.random.default_rng(0).dirichlet(np.ones(used), rows)
        return np.array([[*bone_soup(mu, BETA), *[0.0] * (self.adapters - used)] for mu in preferences])

    def adapters_of(self, model) -> list[Adapter]:
        """The adapters of the plan for a bare model; made anew, so that they need not be kept."""
        return random_models.random_adapters(model, self.adapters, self.rank)

    def requests(self, mixes) -> list[Request]:
        """One request per row of `mixes` [rows, adapters]."""
        return random_models.random_requests(mixes, self.prompt, self.tokens)


def synchronised(device: str) -> float:
    """The time in seconds once the device has done all its work."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def median_ms(work: Callable, device: str, repeats: int, undo: Callable = lambda: None) -> float:
    """Median milliseconds of `work` after a first time, which counts if it took too long; `undo` is not timed."""
    taken = []
    while len(taken) <= repeats and sum(taken) < PATIENCE:
        start = synchronised(device)
        work()
        taken.append(synchronised(device) - start)
        undo()
    return 1e3 * median(taken[1:] or taken)


def attempt(work: Callable) -> float | str:
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


def given(thing):
    """`thing`, unless it could not be made: then RuntimeError with the words of `attempt`, for a cell."""
    if isinstance(thing, str):
        raise RuntimeError(thing)
    return thing


def bandwidth(device: str) -> float:
    """Bytes per second read and written by a large copy on the device."""
    size = 2**30 if torch.device(device).type == "cuda" else 2**27
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / (median_ms(lambda: target.copy_(source), device, 10) / 1e3)


def decode(soup: Soup, requests: list[Request]) -> list[float]:
    """Seconds of every step after the first few, from the prompts' first tokens to the last."""
    batch, taken = Batch(given(soup)), []
    batch.add(requests)
    while batch.live:
        start = synchronised(soup.device)
        batch.step()
        taken.append(synchronised(soup.device) - start)
    return taken[WARM_UP:]


def slider(plan: Plan, model, soup: Soup, whole) -> dict[str, float | str]:
    """Milliseconds from a preference to coefficients in use, per way to do it.

    Merging into the 4-bit weights changes those of `model` a little, so it comes last.
    """
    mixes, blocks = plan.mixes(max(plan.batches), plan.adapters), model.config.num_hidden_layers
    ranks = {module.ranks for module in soup.model.modules() if isinstance(module, SoupLinear)}

    def ms(work: Callable) -> float | str:
        return attempt(lambda: median_ms(work, plan.device, 100))

    return {
        "soup.mix, one row": ms(lambda: [soup.mix(mixes[:1]).pieces(r) for r in ranks]),
        f"soup.mix, {len(mixes)} rows": ms(lambda: [soup.mix(mixes).pieces(r) for r in ranks]),
        "PEFT set_scale": ms(lambda: set_scales(given(whole), mixes[0])),
        'PEFT add_weighted_adapter "cat"': attempt(lambda: combined_ms(plan, given(whole), mixes[0], "cat")),
        'PEFT add_weighted_adapter "svd" (one layer, scaled to all by m n min(m, n))': attempt(
            lambda: svd_ms(plan, model, mixes[0])
        ),
        f"{plan.adapters} dense fp32 state dicts averaged on the CPU and copied to the device "
        f"(one block × {blocks}; no files read)": attempt(lambda: blocks * averaging_ms(plan, model, mixes[0])),
        f"PEFT merge_adapter and unmerge_adapter, 4-bit weights (one block × {blocks})": attempt(
            lambda: blocks * merging_ms(plan, model, mixes[0])
        ),
    }


def combined_ms(plan: Plan, wrapped, mix, kind: str) -> float:
    """PEFT's adapters combined into a new one, which is then the active one."""

    def work() -> None:
        wrapped.add_weighted_adapter(list(wrapped.peft_config), mix.tolist(), "merged", kind)
        wrapped.base_model.set_adapter("merged", inference_mode=True)

    return median_ms(work, plan.device, plan.repeats, lambda: wrapped.delete_adapter("merged"))


def svd_ms(plan: Plan, model, mix) -> float:
    """One layer combined by SVD, scaled to all by the work of an SVD: all of them would take minutes to hours."""
    work = {name: m * n * min(m, n) for name, (m, n) in layer_shapes(model).items()}
    layer = next(iter(work))
    plain = [Adapter(a.name, {layer: tuple(t.float() for t in a.deltas[layer])}) for a in plan.adapters_of(model)]
    one = combined_ms(plan, random_models.peft_model(twin(model), plain, [layer]), mix, "svd")  # bf16 has no SVD
    return one * sum(work.values()) / work[layer]


def averaging_ms(plan: Plan, model, mix) -> float:
    """The weights of one block as the weighted sum of those of whole models, as the official code does."""
    shapes = [shape for name, shape in layer_shapes(model).items() if name.startswith("model.layers.0.")]
    states, shares = [[torch.ones(shape) for shape in shapes] for _ in mix], mix.tolist()

    def work() -> None:
        for tensors in zip(*states):
            sum(share * tensor for share, tensor in zip(shares, tensors)).to(plan.device, plan.dtype)

    return median_ms(work, plan.device, plan.repeats)


def merging_ms(plan: Plan, model, mix) -> float:
    """The adapters of one block merged into its 4-bit weights and taken out again, which every change needs."""
    block = [name for name in layer_shapes(model) if name.startswith("model.layers.0.")]
    wrapped = random_models.peft_model(twin(model), plan.adapters_of(model), block)
    set_scales(wrapped, mix)
    return median_ms(lambda: (wrapped.merge_adapter(), wrapped.unmerge_adapter()), plan.device, plan.repeats)


def floor_ms(plan: Plan, model, adapters: float, rows: int, speed: float) -> float:
    """Milliseconds to read the weights, `adapters` bytes of adapters and the half-filled cache at `speed` bytes/s."""
    config, embedding = model.config, model.get_input_embeddings().weight
    token = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * plan.dtype.itemsize
    weights = held_bytes(model) - (0 if config.tie_word_embeddings else embedding.nbytes)  # a row of it per token
    return 1e3 * (weights + adapters + rows * token * (plan.prompt + plan.tokens / 2)) / speed


def decoding(plan: Plan, bare: Soup, soup: Soup, wrapped, speed: float) -> list[list]:
    """Rows, variant, ms a step, tokens/s, ratio to bare, floor and ratio to it; variants take turns."""
    each, half = (held_bytes(soup.model) - held_bytes(bare.model)) / plan.adapters, max(2, plan.adapters // 2)
    variants = {  # the model, how many adapters are in use, the mixes of so many rows
        "bare": (bare, 0, lambda rows: [()] * rows),
        f"soup, {half} of {plan.adapters} adapters in use": (soup, half, lambda rows: plan.mixes(rows, half)),
        f"soup, {plan.adapters} adapters": (soup, plan.adapters, lambda rows: plan.mixes(rows, plan.adapters)),
        f"PEFT, {plan.adapters} adapters": (wrapped, plan.adapters, lambda rows: [()] * rows),
    }
    lines = []
    for rows in plan.batches:
        runs = {name: [] for name in variants}
        for _ in range(plan.repeats + 1):
            for name, (model, _, mixes) in variants.items():
                runs[name].append(attempt(lambda: 1e3 * median(decode(model, plan.requests(mixes(rows))))))  # noqa: B023
        steps = {name: attempt(lambda: median(map(given, runs[name][1:]))) for name in variants}  # noqa: B023
        for name, (_, used, _) in variants.items():
            ms, least = steps[name], floor_ms(plan, bare.model, used * each, rows, speed)
            ratio = attempt(lambda: given(ms) / given(steps["bare"]))  # noqa: B023
            figures = ["", "", least, ""] if isinstance(ms, str) else [1e3 * rows / ms, ratio, least, ms / least]
            lines.append([rows, name, ms, *figures])
    return lines


def sweep(plan: Plan, soup: Soup, wrapped: Soup) -> dict[str, float | str]:
    """Seconds for texts at many preferences: in one batch, and one merge and one text after the other."""
    mixes = plan.mixes(plan.sweep, plan.adapters)
    requests = plan.requests(mixes)

    def alone() -> None:
        for request in requests:
            decode(soup, [request])

    def scaled() -> None:
        for mix, request in zip(mixes, plan.requests([()] * len(mixes))):
            set_scales(given(wrapped).model, mix)
            decode(wrapped, [request])

    def seconds(work: Callable) -> float | str:
        return attempt(lambda: median_ms(work, plan.device, plan.repeats) / 1e3)

    return {
        f"soup, {plan.sweep} in one batch": seconds(lambda: decode(soup, requests)),
        f"soup, {plan.sweep} merges one after the other": seconds(alone),
        f"PEFT, {plan.sweep} merges (set_scale) one after the other": seconds(scaled),
    }


def measure(plan: Plan, size: str, speed: float) -> dict:
    """All tables of one size; bare base, soup and PEFT are made in this order so that each peak is its own."""
    gc.collect()  # what another size left
    start = synchronised(plan.device)
    model = random_models.random_model(size, plan.device, plan.dtype)
    made, most = synchronised(plan.device) - start, max(plan.batches)
    bare = Soup(model, Numbers(), [])
    used = {"base": peak(plan.device)}
    used[f"base, {most} rows"] = attempt(lambda: peak(plan.device, lambda: decode(bare, plan.requests([()] * most))))
    soup = Soup(twin(model), Numbers(), plan.adapters_of(model))
    used[f"base and {plan.adapters} adapters"] = peak(plan.device)
    used[f"base and {plan.adapters} adapters, {most} rows"] = attempt(
        lambda: peak(plan.device, lambda: decode(soup, plan.requests(plan.mixes(most, plan.adapters))))
    )
    whole = attempt(lambda: random_models.peft_model(twin(model), plan.adapters_of(model), [*layer_shapes(model)]))
    wrapped = attempt(lambda: Soup(given(whole).base_model.model, Numbers(), []))
    attempt(lambda: set_scales(given(whole), plan.mixes(1, plan.adapters)[0]))
    return {
        "parameters": random_models.parameters(size),
        "seconds to make": made,
        "decoding": decoding(plan, bare, soup, wrapped, speed),
        "sweep": sweep(plan, soup, wrapped),
        "memory": {name: b if isinstance(b, str) else b / 2**20 for name, b in used.items()},
        "slider": slider(plan, model, soup, whole),
    }


def conditions(plan: Plan, speed: float) -> dict[str, str]:
    """What the figures depend on, in words."""
    device = f"{platform.processor() or platform.machine()} CPU, {torch.get_num_threads()} threads"
    if torch.device(plan.device).type == "cuda":
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        driver = attempt(lambda: subprocess.check_output(query, text=True).split()[0])
        device = f"{torch.cuda.get_device_name(plan.device)}, driver {driver}, CUDA {torch.version.cuda}"
    packages = (torch, bitsandbytes, transformers, peft)
    return {
        "device": device,
        "versions": ", ".join(f"{package.__name__} {package.__version__}" for package in packages),
        "weights": f"NF4 with double quantisation, computing in {str(plan.dtype).removeprefix('torch.')}, adapters too",
        "texts": f"prompts of {plan.prompt} tokens, {plan.tokens} new ones, temperature 0.1, top-p 0.9",
        "adapters": f"{plan.adapters} of rank {plan.rank} on every 4-bit layer, all in use",
        "batches": f"{', '.join(map(str, plan.batches))} rows",
        "figures": f"medians of {plan.repeats} runs after a first, of fewer once they took {PATIENCE:.0f} s",
        "bandwidth": f"{speed / 1e9:.1f} GB/s read and written by a large copy",
    }


def cell(value) -> str:
    """A number with three digits that count, at least; words as they are."""
    return f"{value:{',.0f' if value >= 100 else '.3g'}}" if isinstance(value, float) else str(value)


def table(head: str, rows) -> str:
    """A Markdown table; the columns of `head` are separated by |."""
    lines = [head, " | ".join(["---"] * (head.count("|") + 1)), *(" | ".join(map(cell, row)) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def report(size: str, result: dict | str) -> str:
    """The tables of one size, or why there are none."""
    if isinstance(result, str):
        return f"\n## {size} B\n\n{result}"
    title = f"## {size} B: {result['parameters']:,} parameters, made in {result['seconds to make']:.1f} s"
    parts = {key: result[key] if key == "decoding" else result[key].items() for key in HEADS}
    return "\n\n".join(["", title, *(table(HEADS[key], rows) for key, rows in parts.items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--sizes", nargs="+", choices=list(random_models.SHAPES), help="billions of parameters")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 8, 32], help="rows of a batch")
    for name, default in {"adapters": 6, "rank": 64, "prompt": 64, "tokens": 32, "sweep": 28, "repeats": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    args = parser.parse_args()
    if args.adapters < 2 or args.tokens < WARM_UP + 2:
        parser.error(f"use at least 2 adapters and {WARM_UP + 2} new tokens")
    warnings.simplefilter("ignore")  # PEFT warns of rounding at every layer that it merges
    plan = Plan(**{field.name: getattr(args, field.name) for field in fields(Plan)})
    speed = bandwidth(plan.device)
    results = {"conditions": conditions(plan, speed), "sizes": {}}
    print(table("condition | value", results["conditions"].items()), flush=True)
    for size in args.sizes or (["0.5", "1.5", "8"] if torch.device(plan.device).type == "cuda" else ["0.005"]):
        results["sizes"][size] = attempt(lambda: measure(plan, size, speed))  # noqa: B023
        print(report(size, results["sizes"][size]), flush=True)
        if args.json:  # after every size, so that a run that is cut off leaves what it has
            args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
