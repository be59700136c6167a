"""How much memory serving takes, told from the headers of files before anything is loaded.

Works for decoder models of the usual kind (keys and values of every layer in the cache). Torch is imported only to ask
a GPU what it has free.
"""

import json
import re
from collections.abc import Callable
from math import prod
from pathlib import Path

import psutil

from backbones.sets import SoupSet

PROMPT_TOKENS = 64  # of a restaurant prompt; the shipped ones take less
CHAT_TOKENS = 512  # of a message with its template; most are far shorter
NF4_BITS = 4 + 8 / 64 + 32 / (64 * 256)  # a weight, an 8-bit scale per 64 of them, a 32-bit one per 256 scales
BOOKS = 4 * (16 + 256 + 1)  # bytes beside every quantised matrix: two code books and an offset
FLOATS = {"F16", "BF16", "F32", "F64"}
SCALES = (".absmax", ".nested_absmax", ".quant_map", ".nested_quant_map")  # bitsandbytes keeps these as they are saved
WHOLE = re.compile(r"embed|lm_head|\bwte\b|\bwpe\b|norm")  # matrices that transformers does not quantise
NAMES = {  # in config.json, by architecture
    "layers": ("num_hidden_layers", "n_layer"),
    "heads": ("num_attention_heads", "n_head"),
    "hidden": ("hidden_size", "n_embd"),
    "positions": ("max_position_embeddings", "n_positions"),
}


def estimate(
    base: Path,
    adapters: list[Path],
    reward_models: list[Path],
    rows: int,
    new_tokens: int,
    dtype_bytes: int,
    quantise: bool = True,
    reward_bytes: int = 4,
    prompt_tokens: int = PROMPT_TOKENS,
) -> dict[str, int]:
    """Bytes by part, and their "total", of serving `rows` texts of `new_tokens` tokens in one batch.

    `dtype_bytes`: 4 to compute in fp32, 2 in bf16. `quantise`: a base that is not quantised on disk will be when it is
    loaded (NF4 with double quantisation), as on CUDA. `reward_models`: those that are loaded onto the same device, with
    `reward_bytes` a number. Working memory is an upper bound: what is held at one time depends on the kernels chosen.
    Raises ValueError, naming the file, for a folder without config.json or safetensors, or with others than expected.
    """
    config = _config(base)
    quantise &= "quantization_config" not in config
    parts = {
        "weights": _weights(base, config, dtype_bytes, quantise),
        "adapters": sum(_numbers(folder, "adapter_model") for folder in adapters) * dtype_bytes,
        "reward models": sum(_numbers(folder, "model") for folder in reward_models) * reward_bytes,
        "cache": _cache(config, rows, prompt_tokens + new_tokens, dtype_bytes),
    }
    copied = parts["cache"]  # whenever a job joins the batch or leaves it
    parts["working memory"] = copied + _working(config, rows, prompt_tokens, new_tokens, dtype_bytes)
    return parts | {"total": sum(parts.values())}


def of_set(soup_set: SoupSet, rows: int, device: str, dtype_bytes: int) -> dict[str, int]:
    """The estimate of a set that is served on `device` with at most `rows` texts at one time. Raises as `estimate`."""
    judges = [o.reward_model for o in soup_set.objectives if o.template]
    classifiers = [o.reward_model for o in soup_set.objectives if o.reward_model and not o.template]
    on_cuda = device.startswith("cuda")
    return estimate(
        soup_set.base,
        list(soup_set.adapters),
        judges if on_cuda else judges + classifiers,  # classifiers stay on the CPU
        rows,
        soup_set.sampling.max_new_tokens,
        dtype_bytes,
        reward_bytes=2 if on_cuda else 4,
        prompt_tokens=CHAT_TOKENS if soup_set.task.name == "assistant" else PROMPT_TOKENS,
    )


def available(device: str) -> int:
    """Bytes that this process can still have on "cuda" or "cpu"."""
    if device.startswith("cuda"):
        import torch

        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    free = psutil.virtual_memory().available
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and used.is_file() and limit.read_text().strip().isdecimal():  # a container's own, or "max"
        free = min(free, int(limit.read_text()) - int(used.read_text()))
    return max(free, 0)


def refuse_if_too_large(needs: dict[str, int], device: str, free: int | None = None) -> None:
    """Raise ValueError if `needs`, as `estimate` gives it, is more than `free` bytes; default: what is available."""
    free = available(device) if free is None else free
    if needs["total"] > free:
        parts = ", ".join(f"{part} {readable(size)}" for part, size in needs.items() if size and part != "total")
        needed, grows = readable(needs["total"]), readable(needs["cache"] + needs["working memory"])
        raise ValueError(
            f"the set needs {needed} ({parts}), {device} has {readable(free)} free: write fewer texts at one time "
            f"(BONESOUP_ROWS; cache and working memory, {grows}, shrink with it) or serve a smaller set"
        )


def peak(device: str, work: Callable[[], object] = lambda: None) -> int:
    """The most bytes that torch had in use on CUDA during `work`; on the CPU the resident set after it."""
    if not device.startswith("cuda"):
        work()
        return psutil.Process().memory_info().rss
    import torch

    torch.cuda.reset_peak_memory_stats(device)
    work()
    return torch.cuda.max_memory_allocated(device)


def _weights(base: Path, config: dict, dtype_bytes: int, quantise: bool) -> int:
    total = 0.0
    for name, (kind, shape, size) in _tensors(base, "model").items():
        if ".quant_state." in name or (name == "lm_head.weight" and config.get("tie_word_embeddings")):
            continue  # unpacked into numbers; the embeddings once more
        if quantise and _is_linear(name, shape):
            total += prod(shape) * NF4_BITS / 8 + BOOKS
        elif kind in FLOATS and not name.endswith(SCALES):
            total += prod(shape) * dtype_bytes
        else:
            total += size
    return round(total)


def _is_linear(name: str, shape: list[int]) -> bool:
    return name.endswith(".weight") and len(shape) == 2 and not WHOLE.search(name)


def _cache(config: dict, rows: int, tokens: int, dtype_bytes: int) -> int:
    """Keys and values of every layer: (rows, heads, positions, head size) each."""
    heads = config.get("num_key_value_heads") or _of(config, "heads")
    size = config.get("head_dim") or _of(config, "hidden") // _of(config, "heads")
    positions = min(tokens, _of(config, "positions"))
    return 2 * _of(config, "layers") * rows * heads * positions * size * dtype_bytes


def _working(config: dict, rows: int, prompt_tokens: int, new_tokens: int, dtype_bytes: int) -> int:
    """What a prompt's forward pass and the sampler hold at one time, and the largest matrix, de-quantised.

    Attention repeats the keys and values of a layer for every head that shares them.
    """
    hidden, vocabulary = _of(config, "hidden"), config["vocab_size"]
    inner = config.get("intermediate_size") or 4 * hidden
    groups = _of(config, "heads") // (config.get("num_key_value_heads") or _of(config, "heads"))
    activations = rows * prompt_tokens * (6 * hidden + 3 * inner) * dtype_bytes
    logits = rows * vocabulary * (dtype_bytes + 6 * 4)  # in fp32: logits, probabilities, noise, scores, two orders
    spread = _cache(config, rows, prompt_tokens + new_tokens, dtype_bytes) // _of(config, "layers") * groups
    return activations + logits + spread + hidden * inner * dtype_bytes


def _numbers(folder: Path, stem: str) -> int:
    return sum(prod(shape) for _, shape, _ in _tensors(folder, stem).values())


def _tensors(folder: Path, stem: str) -> dict[str, tuple[str, list[int], int]]:
    """Name -> type, shape and bytes of the tensors in `stem`.safetensors, or in the shards that its index names."""
    file, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    if not file.is_file() and not index.is_file():
        raise ValueError(f"{file} is missing: save the model as safetensors")
    files = (
        [file] if file.is_file() else [folder / f for f in set(json.loads(index.read_text())["weight_map"].values())]
    )
    found = {}
    for file in files:
        for name, tensor in _header(file).items():
            start, end = tensor["data_offsets"]
            found[name] = (tensor["dtype"], tensor["shape"], end - start)
    return found


def _header(file: Path) -> dict[str, dict]:
    """The header of a safetensors file: its length in 8 bytes, then JSON."""
    try:
        with file.open("rb") as opened:
            header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
    except (OSError, ValueError, OverflowError, MemoryError) as error:
        raise ValueError(f"{file} is no safetensors file ({error}): save it again") from None
    return {name: tensor for name, tensor in header.items() if name != "__metadata__"}


def _config(folder: Path) -> dict:
    file = folder / "config.json"
    if not file.is_file():
        raise ValueError(f"{file} is missing: save the model with save_pretrained")
    return json.loads(file.read_text(encoding="utf-8"))


def _of(config: dict, name: str) -> int:
    key = next((key for key in NAMES[name] if key in config), None)
    if key is None:
        raise ValueError(f"config.json has none of {', '.join(NAMES[name])}: this architecture cannot be estimated")
    return config[key]


def readable(size: int) -> str:
    """Bytes for people."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
