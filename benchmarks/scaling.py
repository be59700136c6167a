"""Scaling: what a live merge costs on models of real size, against what else can be done.

    python -m benchmarks.scaling [--sizes 0.5 1.5 8] [--adapters 6] [--rank 64] [--device cuda] [--json FILE]

Random Llamas in NF4 (`random_models`), so nothing is downloaded. Bare base, soup and PEFT share the 4-bit layers and go
through one decoding loop, sampling included. Every row of the soup has a preference of its own; PEFT has one mix for
all rows through `set_scale`, or one per row through adapters combined by "cat" beforehand (`peft_peer`). A measurement
that fails is shown as what went wrong, and the others go on.
"""

import argparse
import gc
import json
import platform
import subprocess
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

from backbones.engine.batch import Batch, Row
from backbones.engine.soup import Soup, default_dtype
from backbones.merging.coefficients import bone_soup
from backbones.merging.preference import Preference
from backbones.store.adapters import Adapter
from backbones.store.footprint import peak
from benchmarks import peft_peer, random_models
from benchmarks.peft_peer import set_scales
from benchmarks.random_models import Numbers, held_bytes, layer_shapes, twin
from benchmarks.timing import PATIENCE, attempt, changing, made, median_ms, synchronised, table

BETA = 0.7
WARM_UP = 3  # first steps of a batch, not counted
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
        return default_dtype(self.device)

    def mixes(self, rows: int, used: int) -> np.ndarray:
        """Coefficients [rows, adapters] of random preferences over `used` objectives; the last adapters get none."""
        preferences = map(Preference, np.random.default_rng(0).dirichlet(np.ones(used), rows).tolist())
        return np.array([[*bone_soup(mu, BETA), *[0.0] * (self.adapters - used)] for mu in preferences])

    def adapters_of(self, model) -> list[Adapter]:
        """The adapters of the plan for a bare model; made anew, so that they need not be kept."""
        return random_models.random_adapters(model, self.adapters, self.rank)

    def rows(self, mixes) -> list[Row]:
        """One per row of `mixes` [rows, adapters], not begun."""
        return random_models.random_rows(mixes, self.prompt, self.tokens)


def bandwidth(device: str) -> float:
    """Bytes per second read and written by a large copy on the device."""
    size = 2**30 if torch.device(device).type == "cuda" else 2**27
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / (median_ms(lambda: target.copy_(source), device, 10) / 1e3)


def decode(soup: Soup, rows: list[Row]) -> list[float]:
    """Seconds of every step after the first few, from the prompts' first tokens to the last."""
    batch, taken = Batch(made(soup), len(rows)), []
    batch.add(rows)
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
    change = changing(soup, len(mixes))

    def ms(work: Callable) -> float | str:
        return attempt(lambda: median_ms(work, plan.device, 100))

    return {
        "soup.mix, one row": ms(lambda: change(mixes[:1])),
        f"soup.mix, {len(mixes)} rows": ms(lambda: change(mixes)),
        "PEFT set_scale": ms(lambda: set_scales(made(whole), mixes[0])),
        'PEFT add_weighted_adapter "cat"': attempt(lambda: combining_ms(plan, made(whole), mixes[0], "cat")),
        'PEFT add_weighted_adapter "svd" (one layer, scaled to all by m n min(m, n))': attempt(
            lambda: svd_ms(plan, model, mixes[0])
        ),
        f"{plan.adapters} dense fp32 state dicts averaged on the CPU and copied to the device "
        f"(one block × {blocks}; no files read)": attempt(lambda: blocks * averaging_ms(plan, model, mixes[0])),
        f"PEFT merge_adapter and unmerge_adapter, 4-bit weights (one block × {blocks})": attempt(
            lambda: blocks * merging_ms(plan, model, mixes[0])
        ),
    }


def combining_ms(plan: Plan, wrapped, mix, kind: str) -> float:
    """PEFT's adapters combined into a new one, which is then the active one."""
    name = f"{peft_peer.ROW}0"

    def work() -> None:
        peft_peer.combine(wrapped, mix, name, kind)
        wrapped.base_model.set_adapter(name, inference_mode=True)

    return median_ms(work, plan.device, plan.repeats, lambda: peft_peer.forget_rows(wrapped))


def svd_ms(plan: Plan, model, mix) -> float:
    """One layer combined by SVD, scaled to all by the work of an SVD: all of them would take minutes to hours."""
    work = {name: m * n * min(m, n) for name, (m, n) in layer_shapes(model).items()}
    layer = next(iter(work))
    plain = [Adapter(a.name, {layer: tuple(t.float() for t in a.deltas[layer])}) for a in plan.adapters_of(model)]
    one = combining_ms(plan, peft_peer.made_of(twin(model), plain, [layer]), mix, "svd")  # bf16 has no SVD
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
    wrapped = peft_peer.made_of(twin(model), plan.adapters_of(model), block)
    set_scales(wrapped, mix)
    return median_ms(lambda: (wrapped.merge_adapter(), wrapped.unmerge_adapter()), plan.device, plan.repeats)


def floor_ms(plan: Plan, model, adapters: float, rows: int, speed: float) -> float:
    """Milliseconds to read the weights, `adapters` bytes of adapters and the half-filled cache at `speed` bytes/s."""
    config, embedding = model.config, model.get_input_embeddings().weight
    token = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * plan.dtype.itemsize
    weights = held_bytes(model) - (0 if config.tie_word_embeddings else embedding.nbytes)  # a row of it per token
    return 1e3 * (weights + adapters + rows * token * (plan.prompt + plan.tokens / 2)) / speed


def decoding(plan: Plan, bare: Soup, soup: Soup, whole, speed: float) -> list[list]:
    """Rows, variant, ms a step, tokens/s, ratio to bare, floor and ratio to it; variants take turns."""
    each = (held_bytes(soup.model) - held_bytes(bare.model)) / plan.adapters
    wrapped, lines = attempt(lambda: inside(whole)), []
    for rows in plan.batches:
        names = attempt(lambda: peft_peer.combine_rows(made(whole), plan.mixes(rows, plan.adapters)))  # noqa: B023
        runs = {name: (read, work, []) for name, read, work in variants(plan, rows, bare, soup, whole, wrapped, names)}
        for _ in range(plan.repeats + 1):
            for _, work, taken in runs.values():
                taken.append(attempt(lambda: 1e3 * median(work())))  # noqa: B023
        steps = {name: attempt(lambda: median(map(made, taken[1:]))) for name, (_, _, taken) in runs.items()}  # noqa: B023
        for name, (read, _, _) in runs.items():
            ms, least = steps[name], floor_ms(plan, bare.model, read * each, rows, speed)
            ratio = attempt(lambda: made(ms) / made(steps["bare"]))  # noqa: B023
            figures = ["", "", least, ""] if isinstance(ms, str) else [1e3 * rows / ms, ratio, least, ms / least]
            lines.append([rows, name, ms, *figures])
        attempt(lambda: peft_peer.forget_rows(made(whole)))
    return lines


def variants(plan: Plan, rows: int, bare: Soup, soup: Soup, whole, wrapped, names) -> list[tuple[str, int, Callable]]:
    """What decodes so many rows, bare base first: name, adapters read for a token of all rows, seconds of the steps."""
    n, half = plan.adapters, max(2, plan.adapters // 2)
    none = [()] * rows
    return [
        ("bare", 0, lambda: decode(bare, plan.rows(none))),
        (f"soup, {half} of {n} adapters in use", half, lambda: decode(soup, plan.rows(plan.mixes(rows, half)))),
        (f"soup, {n} adapters", n, lambda: decode(soup, plan.rows(plan.mixes(rows, n)))),
        (f"PEFT, {n} adapters, one mix for all rows", n, lambda: decode(wrapped, plan.rows(none))),
        (
            f'PEFT, {n} adapters combined by "cat" for each row',
            n * rows,
            lambda: decode_each(wrapped, whole, names, plan.rows(none)),
        ),
    ]


def inside(whole) -> Soup:
    """PEFT's model in the decoding loop that all go through."""
    return Soup(made(whole).base_model.model, Numbers(), [])


def decode_each(wrapped: Soup, whole, names: list[str], rows: list[Row]) -> list[float]:
    """`decode` with PEFT's adapters `names`, one for every row."""
    with peft_peer.each_row(made(whole), made(names)):
        return decode(wrapped, rows)


def sweep(plan: Plan, soup: Soup, whole) -> dict[str, float | str]:
    """Seconds for texts at many preferences: in one batch, and one merge and one text after the other."""
    mixes, none = plan.mixes(plan.sweep, plan.adapters), [()] * plan.sweep
    wrapped = attempt(lambda: inside(whole))

    def alone() -> None:
        for row in plan.rows(mixes):
            decode(soup, [row])

    def scaled() -> None:
        for mix, row in zip(mixes, plan.rows(none)):
            set_scales(made(whole), mix)
            decode(wrapped, [row])

    def combined() -> None:
        decode_each(wrapped, whole, peft_peer.combine_rows(made(whole), mixes), plan.rows(none))

    def seconds(work: Callable, undo: Callable = lambda: None) -> float | str:
        return attempt(lambda: median_ms(work, plan.device, plan.repeats, undo) / 1e3)

    figures = {
        f"soup, {plan.sweep} in one batch": seconds(lambda: decode(soup, plan.rows(mixes))),
        f"soup, {plan.sweep} merges one after the other": seconds(alone),
        f"PEFT, {plan.sweep} merges (set_scale) one after the other": seconds(scaled),
        f'PEFT, {plan.sweep} adapters combined by "cat", then one batch': seconds(
            combined, lambda: peft_peer.forget_rows(whole)
        ),
    }
    attempt(lambda: peft_peer.forget_rows(made(whole)))  # what a failure left
    return figures


def measure(plan: Plan, size: str, speed: float) -> dict:
    """All tables of one size; bare base, soup and PEFT are made in this order so that each peak is its own."""
    gc.collect()  # what another size left
    start = synchronised(plan.device)
    model = random_models.random_model(size, plan.device, plan.dtype)
    seconds, most = synchronised(plan.device) - start, max(plan.batches)
    bare = Soup(model, Numbers(), [])
    used = {"base": peak(plan.device)}
    used[f"base, {most} rows"] = attempt(lambda: peak(plan.device, lambda: decode(bare, plan.rows([()] * most))))
    soup = Soup(twin(model), Numbers(), plan.adapters_of(model))
    used[f"base and {plan.adapters} adapters"] = peak(plan.device)
    used[f"base and {plan.adapters} adapters, {most} rows"] = attempt(
        lambda: peak(plan.device, lambda: decode(soup, plan.rows(plan.mixes(most, plan.adapters))))
    )
    whole = attempt(lambda: peft_peer.made_of(twin(model), plan.adapters_of(model), [*layer_shapes(model)]))
    return {
        "parameters": random_models.parameters(size),
        "seconds to make": seconds,
        "decoding": decoding(plan, bare, soup, whole, speed),
        "sweep": sweep(plan, soup, whole),
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
