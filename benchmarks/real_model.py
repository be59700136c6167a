"""A real model: the soup, sampler and all, beside its bare base, PEFT and transformers, measured in one run.

    python -m benchmarks.real_model --base FOLDER [--adapters 2] [--rank 16] [--shared] [--rows 1 2 8 32] [--steps 32]

FOLDER: a base in NF4 with its tokenizer; no set is needed, as the adapters are random (small, so that texts stay
texts), with `--shared` all of one A. Prompts of 25 tokens. Milliseconds per decoding step, medians, taken in turns; all
but PEFT and transformers go through this engine's cache. Bare: the model without adapters and sampler, on the same
path. PEFT has `set_scale`, one mix for all rows, and an adapter per row, combined by "cat" beforehand; both have
transformers' cache, no sampler, and bitsandbytes' own path.
"""

import argparse
import copy
import platform
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

import torch
from torch import nn
from transformers import AutoModelForCausalLM

from backbones.engine.batch import Batch, Row
from backbones.engine.cache import SlotCache
from backbones.engine.request import Request
from backbones.engine.soup import Soup, default_dense, default_dtype
from backbones.merging.preference import Preference
from backbones.store.adapters import Adapter
from benchmarks import peft_peer
from benchmarks.speed import PACKED, stepper
from benchmarks.timing import attempt, made, synchronised, table

PROMPT, WARM_UP = 25, 4
SIZE = 0.02  # standard deviation of the adapters' weights


def random_adapters(model: nn.Module, number: int, rank: int, shared: bool) -> list[Adapter]:
    """Adapters on every linear layer but the head."""
    draw, dtype = torch.Generator().manual_seed(1), model.get_input_embeddings().weight.dtype
    shapes = {
        name: (layer.in_features, layer.out_features)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and name != "lm_head"
    }

    def normal(rows: int, columns: int) -> torch.Tensor:
        return SIZE * torch.randn(rows, columns, generator=draw).to(dtype)

    once = {name: normal(rank, inputs) for name, (inputs, _) in shapes.items()}
    return [
        Adapter(
            f"adapter-{k}",
            {
                name: (once[name] if shared else normal(rank, inputs), normal(rank, outputs))
                for name, (inputs, outputs) in shapes.items()
            },
        )
        for k in range(number)
    ]


def mixes(rows: int, adapters: int) -> list[list[float]]:
    """Coefficients [rows, adapters], another mix for every row."""
    first = [(k + 1) / (rows + 1) for k in range(rows)]
    return [[1.6 * c - 0.3, *[(1.3 - 1.6 * c) / max(adapters - 1, 1)] * (adapters - 1)] for c in first]


def batch_of(soup: Soup, rows: int, tokens: int) -> Batch:
    """Rows that have joined, none of whose prompts has been read."""
    draw = torch.Generator().manual_seed(2)
    prompts = torch.randint(1000, 20_000, (rows, PROMPT), generator=draw).tolist()
    batch = Batch(soup, rows)
    new = [
        Row(Request({}, Preference.equal(2), seed=k, temperature=0.8, max_new_tokens=tokens), "", [mix], ids=ids)
        for k, (mix, ids) in enumerate(zip(mixes(rows, len(soup.adapter_names)), prompts, strict=True))
    ]
    batch.add(new)
    return batch


def soup_stepper(soup: Soup, rows: int, tokens: int) -> Callable[[], float]:
    """Seconds of a step of the whole engine; a text that has ended is begun again."""
    batch = None

    def step() -> float:
        nonlocal batch
        if batch is None or len(batch.slots) < rows:
            batch = batch_of(soup, rows, tokens)
            batch.step()
        start = synchronised(soup.device)
        batch.step()
        return synchronised(soup.device) - start

    return step


def bare_stepper(soup: Soup, rows: int, tokens: int) -> Callable[[], float]:
    """Seconds of the model's pass alone, with this engine's cache and masks, no adapter in use."""
    cache, places, none = SlotCache(rows), count(), soup.mix(rows)
    none.write(0, [[0.0] * len(soup.adapter_names)] * rows)
    cache.reserve(PROMPT + tokens, used=0)
    ids = torch.randint(1000, 20_000, (rows, PROMPT), device=soup.device)

    def run(ids: torch.Tensor, positions: torch.Tensor, longest: int) -> None:
        with torch.inference_mode(), none.over(0, rows):
            cache.aim(0, positions, longest)
            soup.model(
                input_ids=ids,
                attention_mask=soup.masks(positions, longest),
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )

    run(ids, torch.arange(PROMPT, device=soup.device).expand(rows, -1), PROMPT)

    def step() -> float:
        place = PROMPT + next(places) % tokens
        start = synchronised(soup.device)
        run(ids[:, :1], torch.full((rows, 1), place, device=soup.device), place + 1)
        return synchronised(soup.device) - start

    return step


def generating(model: nn.Module, rows: int, tokens: int) -> float:
    """Milliseconds per token of transformers' `generate`, sampling, less the first token's."""
    ids = torch.randint(1000, 20_000, (rows, PROMPT), device=model.device)
    asked = {"do_sample": True, "temperature": 0.8, "top_p": 0.9, "top_k": 0, "pad_token_id": 0}

    def seconds(new: int) -> float:
        start = synchronised(model.device)
        model.generate(ids, attention_mask=torch.ones_like(ids), min_new_tokens=new, max_new_tokens=new, **asked)
        return synchronised(model.device) - start

    seconds(2)
    return 1e3 * (seconds(1 + tokens) - seconds(1)) / tokens


def prompt_ms(soup: Soup, rows: int, repeats: int) -> float:
    """Milliseconds of the step in which the prompts of so many rows are read."""
    taken = []
    for _ in range(repeats + 1):
        batch = batch_of(soup, rows, 8)
        start = synchronised(soup.device)
        batch.step()
        taken.append(1e3 * (synchronised(soup.device) - start))
    return median(taken[1:])


def in_turns(steps: dict[str, Callable[[], float] | str], tokens: int) -> dict[str, float | str]:
    """Median milliseconds of each, or what went wrong."""
    taken: dict[str, list] = {name: [] for name in steps}
    for _ in range(WARM_UP + tokens):
        for name, step in steps.items():
            taken[name].append(attempt(lambda: 1e3 * made(step)()))  # noqa: B023
    return {name: attempt(lambda: median(map(made, one[WARM_UP:]))) for name, one in taken.items()}  # noqa: B023


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of the base")
    parser.add_argument("--adapters", type=int, default=2)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--shared", action="store_true", help="all adapters have one A")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 2, 8, 32], help="rows of a batch")
    parser.add_argument("--steps", type=int, default=32, help="decoding steps per variant")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: as it is served")
    parser.add_argument("--packed", action="store_true", help="weights stay in 4 bits; default on CUDA")
    args = parser.parse_args()
    dtype = getattr(torch, args.precision) if args.precision else default_dtype(args.device)
    dense = not args.packed and default_dense(args.device)

    bare = Soup.load(args.base, {}, args.device, dtype)
    adapters = random_adapters(bare.model, args.adapters, args.rank, args.shared)
    soup = Soup(bare.model, bare.tokenizer, adapters, dense)
    plain = AutoModelForCausalLM.from_pretrained(args.base, dtype=dtype, device_map={"": args.device}).eval()
    layers = list(adapters[0].deltas)
    wrapped = peft_peer.made_of(copy.deepcopy(plain), adapters, layers)
    print(f"torch {torch.__version__}, {args.device}, {torch.get_num_threads()} threads, {platform.machine()}")
    print(f"{args.base}: {str(dtype).removeprefix('torch.')}, {'de-quantised once' if dense else '4 bits'}, ", end="")
    print(f"{args.adapters} adapters of rank {args.rank}{' with one A' if args.shared else ''}; ", end="")
    print(f"PEFT and transformers: {PACKED}")
    lines: dict[str, list] = {}
    for rows in args.rows:
        peft_peer.set_scales(wrapped, mixes(1, args.adapters)[0])
        names = peft_peer.combine_rows(wrapped, mixes(rows, args.adapters))
        steps: dict[str, Callable[[], float] | str] = {
            "soup, sampler and all": soup_stepper(soup, rows, args.steps + WARM_UP + 2),
            "bare base on the same path": bare_stepper(soup, rows, args.steps + WARM_UP + 2),
            "PEFT set_scale, one mix for all rows": stepper(wrapped, rows),
            'PEFT "cat" and adapter_names': stepper(wrapped, rows, lambda: peft_peer.each_row(wrapped, names)),  # noqa: B023
        }
        figures = in_turns(steps, args.steps)
        figures["transformers' generate, no adapters"] = attempt(lambda: generating(plain, rows, args.steps))  # noqa: B023
        for name, ms in figures.items():
            lines.setdefault(name, [name]).append(ms)
        peft_peer.forget_rows(wrapped)
    print("", table(" | ".join(["ms a step", *(f"{rows} rows" for rows in args.rows)]), lines.values()), sep="\n")
    print(f"\nprompts of 8 rows x {PROMPT} tokens: {prompt_ms(soup, 8, 5):.0f} ms")


if __name__ == "__main__":
    main()
