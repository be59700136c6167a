"""How much memory serving takes, told from the headers of files before anything is loaded.

Works for decoder models of the usual kind (keys and values of every layer in the cache).
"""

from collections.abc import Callable, Collection
from math import prod
from pathlib import Path

import psutil
from safetensors import safe_open

from backbones.store.files import read_json, reading
from backbones.store.soup_set import SoupSet

CHUNK = 64  # positions that a slot of the cache is made longer by
NF4_BITS = 4 + 8 / 64 + 32 / (64 * 256)  # a weight, an 8-bit scale per 64 of them, a 32-bit one per 256 scales
BOOKS = 4 * (16 + 256 + 1)  # bytes beside every quantised matrix: two code books and an offset
SIZES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
SIZES |= dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"), 1)  # bytes a number
FLOATS = {"F16", "BF16", "F32", "F64"}
SCALES = (".absmax", ".nested_absmax", ".quant_map", ".nested_quant_map")  # bitsandbytes keeps these as they are saved
Tensors = dict[str, tuple[str, list[int], int]]  # by name: type, shape and bytes
TOGETHER = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))  # layers that read the same input
BESIDE = {layer: [other for other in group if other != layer] for group in TOGETHER for layer in group}
CGROUP = Path("/sys/fs/cgroup")  # as a container sees its own
LIMITS = (  # of cgroups 2 and 1: limit, usage and its parts, and how those begin that count what runs below, too
    ("memory.max", "memory.current", "memory.stat", ""),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_"),
)
NAMES = {  # in config.json, by architecture
    "layers": ("num_hidden_layers", "n_layer", "num_layers"),
    "heads": ("num_attention_heads", "n_head", "num_heads"),
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
    dense: bool = False,
    reward_bytes: int = 4,
    prompt_tokens: int = 64,
) -> dict[str, int]:
    """Bytes by part, and their "total", of serving `rows` texts of `new_tokens` tokens in one batch.

    `dtype_bytes`: 4 to compute in fp32, 2 in bf16. `quantise`: a base that is not quantised on disk will be when it is
    loaded (NF4 with double quantisation). `dense`: the values of 4-bit weights are kept de-quantised.
    `reward_models`: those that are loaded onto the same device, with `reward_bytes` a number. Working memory is an
    upper bound: what is held at one time depends on the kernels chosen.
    Raises ValueError, naming the file, for a folder without config.json or safetensors, or with others than expected.
    """
    config, tensors = _config(base), _tensors(base, "model")
    cached = cache(config, rows, prompt_tokens + new_tokens, dtype_bytes)  # first, as it refuses what it does not know
    linear = _quantised(base, tensors) if quantise and "quantization_config" not in config else set()
    parts = {
        "weights": _weights(tensors, config, dtype_bytes, set() if dense else linear, dense),
        "adapters": sum(_adapter(folder, dense) for folder in adapters) * dtype_bytes,
        "reward models": sum(_numbers(folder, "model") for folder in reward_models) * reward_bytes,
        "cache": cached,
        "working memory": _working(config, rows, prompt_tokens, new_tokens, dtype_bytes),
    }
    return parts | {"total": sum(parts.values())}


def of_set(soup_set: SoupSet, rows: int, device: str, dtype_bytes: int, dense: bool = False) -> dict[str, int]:
    """The estimate of a set that is served on `device` with at most `rows` texts at one time. Raises as `estimate`."""
    judges = [o.reward_model for o in soup_set.objectives if o.reward_model and o.template]
    classifiers = [o.reward_model for o in soup_set.objectives if o.reward_model and not o.template]
    on_cuda = device.startswith("cuda")
    return estimate(
        soup_set.base,
        list(soup_set.adapters.values()),
        judges if on_cuda else judges + classifiers,  # classifiers stay on the CPU
        rows,
        soup_set.sampling.max_new_tokens,
        dtype_bytes,
        dense=dense,
        reward_bytes=2 if on_cuda else 4,
        prompt_tokens=soup_set.task.prompt_tokens,
    )


def fitting(
    soup_set: SoupSet,
    rows: int,
    device: str,
    dtype_bytes: int,
    dense: bool,
    before: Collection[dict[str, int]] = (),
) -> tuple[dict[str, int], bool]:
    """The estimate of a set, and whether its 4-bit weights are kept de-quantised: as `dense` says, but not where there
    is memory for them in 4 bits alone.

    `before`: the estimates of the sets that were loaded already. Their caches are made when they write; working memory
    is that of one set at a time, as they take turns.
    Raises ValueError for a set that does not fit, and as `estimate`.
    """
    needs = of_set(soup_set, rows, device, dtype_bytes, dense)
    caches = sum(other["cache"] for other in before)
    turns = max([needs["working memory"], *(other["working memory"] for other in before)])
    free = max(available(device) - caches - (turns - needs["working memory"]), 0)
    if dense and needs["total"] > free:
        dense, needs = False, of_set(soup_set, rows, device, dtype_bytes, dense=False)
    refuse_if_too_large(needs, device, free, beside=bool(before))
    return needs, dense


def cache(config: dict, rows: int, tokens: int, dtype_bytes: int) -> int:
    """Bytes of keys and values of every layer, (rows, positions, heads, head size) each, in slots of whole chunks.

    `config`: the fields of config.json. Raises ValueError where they lack what such models have.
    """
    heads = config.get("num_key_value_heads") or _of(config, "heads")
    size = config.get("head_dim") or _of(config, "hidden") // _of(config, "heads")
    positions = min(-(-tokens // CHUNK) * CHUNK + 1, _of(config, "positions") + 1)
    return 2 * _of(config, "layers") * rows * heads * positions * size * dtype_bytes


def available(device: str) -> int:
    """Bytes that this process can still have on "cuda" or "cpu"."""
    if device.startswith("cuda"):
        import torch

        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    free = psutil.virtual_memory().available
    for limit, used, statistics, prefix in LIMITS:
        if (CGROUP / limit).is_file() and (CGROUP / limit).read_text().strip().isdecimal():  # or "max"
            left = int((CGROUP / limit).read_text()) - int((CGROUP / used).read_text())
            free = min(free, left + _page_cache(CGROUP / statistics, prefix))
    return max(free, 0)


def refuse_if_too_large(needs: dict[str, int], device: str, free: int | None = None, beside: bool = False) -> None:
    """Raise ValueError if `needs`, as `estimate` gives it, is more than `free` bytes; default: what is available.

    `beside`: whether that is less than is free now, since sets loaded before will need some of it.
    """
    free = available(device) if free is None else free
    if needs["total"] > free:
        parts = ", ".join(f"{part} {readable(size)}" for part, size in needs.items() if size and part != "total")
        needed, grows = readable(needs["total"]), readable(needs["cache"] + needs["working memory"])
        others = " beside what the sets before it will need" if beside else ""
        raise ValueError(
            f"the set needs {needed} ({parts}), {device} has {readable(free)} left{others}: write fewer texts at one "
            f"time (BONESOUP_ROWS; cache and working memory, {grows}, shrink with it) or serve a smaller set"
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


def _page_cache(statistics: Path, prefix: str) -> int:
    """Bytes of files that a container's usage counts, and that are given up where memory is needed."""
    held = dict(line.split() for line in statistics.read_text().splitlines()) if statistics.is_file() else {}
    return sum(int(held.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))


def _weights(tensors: Tensors, config: dict, dtype_bytes: int, quantised: set[str], dense: bool) -> int:
    """Bytes of the base's tensors, of which those named in `quantised` will be in NF4, or with `dense` none is."""
    total = 0.0
    for name, (kind, shape, size) in tensors.items():
        if ".quant_state." in name or (name == "lm_head.weight" and config.get("tie_word_embeddings")):
            continue  # unpacked into numbers; the embeddings once more
        if dense and (name.endswith(SCALES) or kind == "U8"):
            total += 0 if name.endswith(SCALES) else 2 * prod(shape) * dtype_bytes  # a byte holds two
        elif name in quantised:
            total += prod(shape) * NF4_BITS / 8 + BOOKS
        elif kind in FLOATS and not name.endswith(SCALES):
            total += prod(shape) * dtype_bytes
        else:
            total += size
    return round(total)


def _working(config: dict, rows: int, prompt_tokens: int, new_tokens: int, dtype_bytes: int) -> int:
    """What a prompt's forward pass and the sampler hold at one time, and the largest matrix, de-quantised.

    Attention repeats the keys and values of a layer for every head that shares them.
    """
    hidden, vocabulary = _of(config, "hidden"), config["vocab_size"]
    inner = config.get("intermediate_size") or 4 * hidden
    groups = _of(config, "heads") // (config.get("num_key_value_heads") or _of(config, "heads"))
    activations = rows * prompt_tokens * (6 * hidden + 3 * inner) * dtype_bytes
    logits = rows * vocabulary * (dtype_bytes + 6 * 4)  # in fp32: logits, probabilities, noise, scores, two orders
    spread = cache(config, rows, prompt_tokens + new_tokens, dtype_bytes) // _of(config, "layers") * groups
    return activations + logits + spread + hidden * inner * dtype_bytes


def _adapter(folder: Path, dense: bool) -> int:
    """Numbers of an adapter. Dense, what leads up to a layer lies beside zeros for those that read the same input.

    Of one that has the A of the set's start, B alone: the soup keeps those A once.
    """
    stem = "adapter_model"  # names as in `adapters`, which needs torch
    if not (folder / f"{stem}.safetensors").is_file() and (folder / "up_projections.safetensors").is_file():
        stem = "up_projections"
    tensors = _tensors(folder, stem)
    numbers = sum(prod(shape) for _, shape, _ in tensors.values())
    for name, (_, shape, _) in tensors.items() if dense else ():
        layer = next((layer for layer in BESIDE if f".{layer}.lora_B." in name), "")
        others = (tensors.get(name.replace(f".{layer}.", f".{other}.")) for other in BESIDE.get(layer, []))
        numbers += sum(other[1][0] for other in others if other) * shape[1]
    return numbers


def _numbers(folder: Path, stem: str) -> int:
    return sum(prod(shape) for _, shape, _ in _tensors(folder, stem).values())


def _tensors(folder: Path, stem: str) -> Tensors:
    """By name: type, shape and bytes of the tensors in `stem`.safetensors, or in the shards that its index names."""
    file, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    if not file.is_file() and not index.is_file():
        raise ValueError(f"{file} is missing: save the model as safetensors")
    files = [file]
    if not file.is_file():
        with reading(index):
            files = [folder / shard for shard in set(read_json(index)["weight_map"].values())]
    found = {}
    for file in files:
        with reading(file), safe_open(file, "numpy") as opened:  # whose headers alone are read, and torch not at all
            for name in opened.keys():  # noqa: SIM118
                tensor = opened.get_slice(name)
                kind, shape = tensor.get_dtype(), tensor.get_shape()
                if kind not in SIZES:
                    raise ValueError(f"{file} holds tensors of type {kind!r}: save it in a floating-point type")
                found[name] = (kind, shape, prod(shape) * SIZES[kind])
    return found


def _quantised(base: Path, tensors: Tensors) -> set[str]:
    """Names of the tensors that transformers quantises when it loads the base: weights of linear layers but the head's.

    Files can leave out the prefix that names have in a model with a head, as that of GPT-2 on the Hub does.
    """
    from torch import nn  # which bases in 4 bits do without here
    from transformers.pytorch_utils import Conv1D  # GPT-2's linear layers

    from backbones.store.layers import linear_layers, without_weights

    model = without_weights(base)
    prefix = f"{model.base_model_prefix}."
    layers = {name.removeprefix(prefix) for name in linear_layers(model, (nn.Linear, Conv1D))}
    return {
        name
        for name in tensors
        if name.endswith(".weight") and name.removeprefix(prefix).removesuffix(".weight") in layers
    }


def _config(folder: Path) -> dict:
    file = folder / "config.json"
    if not file.is_file():
        raise ValueError(f"{file} is missing: save the model with save_pretrained")
    return read_json(file)


def _of(config: dict, name: str) -> int:
    key = next((key for key in NAMES[name] if key in config), None)
    if key is None:
        raise ValueError(f"config.json has none of {', '.join(NAMES[name])}: this architecture cannot be estimated")
    return config[key]


def readable(size: int) -> str:
    """Bytes for people."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
