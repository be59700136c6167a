"""Benchmark: what a live merge costs, measured in one run.

    python -m backbones.benchmark SET [--device cpu] [--rows 2] [--steps 200]

Decoding steps (one token per row, cache of 32 to 96 tokens) of the bare 4-bit base, of the soup with every
adapter in use, and of PEFT with the same adapters active through `set_scale`; medians, taken in turns so that
a busy machine disturbs all alike. PEFT mixes one preference per batch, the soup one per row.
"""

import argparse
import platform
import resource
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, DynamicCache

from backbones import sets
from backbones.soup import Soup
from backbones.writer import Order, Writer

FACTS = {
    "name": "The Golden Lantern",
    "eatType": "coffee shop",
    "food": "Italian",
    "priceRange": "moderate",
    "customer rating": "high",
    "area": "riverside",
    "familyFriendly": "yes",
    "near": "the Old Mill",
}


def stepper(model, rows: int, vocabulary: int):
    """A function that decodes one more token per row and returns its seconds."""
    device = model.get_input_embeddings().weight.device
    cache = DynamicCache()
    ids = torch.randint(vocabulary // 2, vocabulary, (rows, 32), device=device)
    with torch.inference_mode():
        model(input_ids=ids, past_key_values=cache, use_cache=True)

    def step() -> float:
        if cache.get_seq_length() > 96:
            cache.crop(32 - cache.get_seq_length())
        start = time.perf_counter()
        with torch.inference_mode():
            model(input_ids=ids[:, :1], past_key_values=cache, use_cache=True, logits_to_keep=1)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return step


def peft_model(folders: list[Path], bare: Soup, coefficients: list[float]) -> torch.nn.Module:
    """PEFT with every adapter active, each scaled by its merging coefficient."""
    names = [folder.name for folder in folders]
    model = PeftModel.from_pretrained(bare.model, folders[0], adapter_name=names[0])
    for folder in folders[1:]:
        model.load_adapter(folder, adapter_name=folder.name)
    model.base_model.set_adapter(names, inference_mode=True)
    for module in model.modules():
        if hasattr(module, "set_scale"):
            for name, coefficient in zip(names, coefficients, strict=True):
                module.set_scale(name, coefficient)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rows", type=int, default=2, help="rows of a batch")
    parser.add_argument("--steps", type=int, default=200, help="decoding steps per variant")
    args = parser.parse_args()

    print(f"torch {torch.__version__}, {args.device}, {torch.get_num_threads()} threads, {platform.machine()}")
    start = time.perf_counter()
    soup_set = replace(sets.read(args.set), oracles=())  # what people compare; oracles would lie idle beside it
    folders = list(soup_set.adapters)
    writer = Writer(soup_set, Soup.load(soup_set.base, folders, args.device))
    print(f"load set: {time.perf_counter() - start:.2f} s")
    print(f"memory of the process: {psutil.Process().memory_info().rss / 2**20:.0f} MiB resident")

    objectives = len(soup_set.objectives)
    orders = [Order(FACTS, (1.0,) * objectives, method, seed=0) for method in ("bone-soup", "rewarded-soup")]
    first, rate = [], []
    for seed in range(20):
        start = time.perf_counter()
        running = writer.stream([Order(o.facts, o.preference, o.method, seed=seed) for o in orders])
        next(running)
        first.append(time.perf_counter() - start)
        *_, texts = running
        rate.append(max(text.tokens for text in texts) / (time.perf_counter() - start))
    print(f"first token of both columns: {1e3 * median(first):.1f} ms, {median(rate):.0f} tokens/s per column")

    n = len(folders)
    changes = []
    for k in range(200):
        start = time.perf_counter()
        _, rows = soup_set.members("bone-soup", (k / 200, *[1 - k / 200] * (objectives - 1)))
        writer.soup.mix([rows[0]] * args.rows).pieces((16,) * n)
        changes.append(time.perf_counter() - start)
    print(f"from a slider's move to coefficients in use: {1e3 * median(changes):.3f} ms")

    coefficients = [1.75, -0.75] + [0.5] * (n - 2)
    bare = Soup.load(soup_set.base, [], args.device)
    peft = peft_model(folders, Soup.load(soup_set.base, [], args.device), coefficients)
    default = AutoModelForCausalLM.from_pretrained(
        soup_set.base, dtype=bare.dtype, device_map={"": args.device}, local_files_only=True
    ).eval()
    mix = writer.soup.mix([coefficients] * args.rows)
    vocabulary = bare.model.config.vocab_size
    with writer.soup.mixed(mix):
        steps = {
            "bare 4-bit base": stepper(bare.model, args.rows, vocabulary),
            f"soup, {n} adapters mixed per row": stepper(writer.soup.model, args.rows, vocabulary),
            f"PEFT, {n} adapters active": stepper(peft, args.rows, vocabulary),
            "bare base, bitsandbytes' own path": stepper(default, args.rows, vocabulary),
        }
        seconds = {name: [] for name in steps}
        for k in range(args.steps + 10):
            for name, step in steps.items():
                taken = step()
                if k >= 10:
                    seconds[name].append(taken)
    base = median(seconds["bare 4-bit base"])
    for name, taken in seconds.items():
        print(f"{name:36} {1e3 * median(taken):7.2f} ms a step of {args.rows} rows, {median(taken) / base:.2f} x bare")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB")


if __name__ == "__main__":
    main()
