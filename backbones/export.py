"""A merged model as a PEFT LoRA folder or as a plain model, for use without this project.

sum_k c_k U_k D_k is one LoRA product: with A = the D_k stacked [sum of ranks, in] and B = the c_k U_k side by side
[out, sum of ranks], B A is that sum. So the adapter is exact, at the price of a rank that is the sum of ranks. Where
that is more than a server takes, every layer's sum is cut to a lower rank, and the error is stated.
"""

import json
import tempfile
import zipfile
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from backbones import coefficients
from backbones.adapters import PREFIX, Adapter, read_adapter
from backbones.sets import SoupSet

CARD = """# {title}

The set {set} merged by {method} at the preference {preference}: {what}.

| adapter | coefficient |
|---|---|
{rows}
"""

LOAD_ADAPTER = """
```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = {base!r}  # the set's
model = AutoModelForCausalLM.from_pretrained(base)
model = PeftModel.from_pretrained(model, {folder!r})  # this folder
tokenizer = AutoTokenizer.from_pretrained(base, padding_side="left")
```

On CPUs that can, bitsandbytes computes in bf16 on a packed path of its own, where logits differ slightly from those
of the set; `model.dequantize()` after the first `from_pretrained` avoids it.
"""

LOAD_MODEL = """
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained({folder!r})  # this folder
tokenizer = AutoTokenizer.from_pretrained({folder!r})
```
"""


def merged_adapter(soup_set: SoupSet, method: str, preference, folder: Path, rank: int | None = None) -> Path:
    """Write the merge of `method` at `preference` [n] to `folder` as PEFT saves a LoRA adapter; return `folder`.

    The adapters in use are concatenated: r is the sum of their ranks, lora_alpha = r (scale 1), tensors in fp32.
    Where that is above `rank`, every layer is cut to `rank` by SVD; the card then states the largest relative error,
    and hyperparameters.json those of all layers. "morlhf" writes the nearest oracle's adapter.
    Raises ValueError for a method that is no single merge or that the set does not have, a preference that is out
    of range, adapters that cannot be read, a rank below 1, and a folder that is not empty.
    """
    merged = _coefficients(soup_set, method, preference)
    require_new(folder)
    if rank is not None and rank < 1:
        raise ValueError(f"the rank {rank} holds nothing: use 1 or more")
    deltas = concatenated([read_adapter(path) for path in merged], list(merged.values()))
    full, errors = len(next(iter(deltas.values()))[0]), {}
    if rank is not None and rank < full:
        deltas, errors = truncated(deltas, rank)
    base = _base_path(soup_set.base)
    write_adapter(deltas, base, folder)
    what = f"one LoRA adapter of rank {min(full, rank or full)}"
    if errors:
        what += f", cut from {full} (largest relative error of a layer's change: {max(errors.values()):.3g})"
        settings = {"method": method, "preference": list(preference), "full_rank": full, "rank": rank}
        write_json(folder / "hyperparameters.json", settings | {"relative_errors": errors})
    code = LOAD_ADAPTER.format(base=base, folder=folder.name)
    (folder / "README.md").write_text(_card(soup_set, method, preference, merged, what) + code, encoding="utf-8")
    return folder


def merged_model(soup_set: SoupSet, method: str, preference, folder: Path, dtype=torch.bfloat16) -> Path:
    """Write the merge of `method` at `preference` [n] to `folder` as a plain model with its tokenizer; return `folder`.

    The base is de-quantised, the changes are added in fp32, and the sum is saved in `dtype` as transformers does,
    without a quantization_config: it needs neither bitsandbytes nor PEFT. Takes the memory of the model in fp32.
    A base that is not quantised is taken as it is: its merge is served in NF4, whose rounding the model then lacks.
    Raises ValueError as `merged_adapter` does, and for adapters that do not fit the base.
    """
    merged = _coefficients(soup_set, method, preference)
    require_new(folder)
    deltas = concatenated([read_adapter(path) for path in merged], list(merged.values()))
    model = AutoModelForCausalLM.from_pretrained(
        soup_set.base, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    quantised = hasattr(model.config, "quantization_config")
    if quantised:
        model = model.dequantize()
    weights = dict(model.named_parameters())
    for layer, (a, b) in deltas.items():
        weight = weights.get(f"{layer}.weight")
        if weight is None or weight.shape != (len(b), a.shape[1]):
            raise ValueError(f"the adapters' layer {layer!r} does not fit the base {soup_set.base}: train on this base")
        weight.data = weight.data.float() + b @ a
    # Saving would undo the steps of loading, and de-quantised weights have none to undo.
    model.to(dtype).save_pretrained(folder, save_original_format=not quantised)
    AutoTokenizer.from_pretrained(soup_set.base, padding_side="left", local_files_only=True).save_pretrained(folder)
    what = f"one model in {str(dtype).removeprefix('torch.')}"
    code = LOAD_MODEL.format(folder=folder.name)
    (folder / "README.md").write_text(_card(soup_set, method, preference, merged, what) + code, encoding="utf-8")
    return folder


def zipped(soup_set: SoupSet, method: str, preference, folder: Path) -> Path:
    """Write `merged_adapter` as one file SET-METHOD-70-30.zip in `folder`; return its path.

    The zip holds a directory of the same name. A file of that name from before is replaced in one step, so that
    nobody reads a half-written one. Raises ValueError as `merged_adapter` does.
    """
    name = label(soup_set, method, preference)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.zip"
    # Beside the target, not in /tmp: a file can be renamed in one step within its file system alone.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as temporary:
        adapter = merged_adapter(soup_set, method, preference, Path(temporary) / name)
        partial = Path(temporary) / target.name
        with zipfile.ZipFile(partial, "w") as archive:
            for file in sorted(adapter.iterdir()):
                archive.write(file, f"{name}/{file.name}")
        partial.replace(target)
    return target


def label(soup_set: SoupSet, method: str, preference) -> str:
    """SET-METHOD-70-30: the preference in percent, with two decimals where there are any.

    Raises ValueError for a preference that is out of range.
    """
    mu = coefficients.preference(preference, len(soup_set.objectives))
    percents = (f"{round(100 * share, 2):g}" for share in mu)
    return "-".join((soup_set.name.replace("/", "-"), method, *percents))


def concatenated(adapters: list[Adapter], values: list[float]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Per layer, A [sum of ranks, in] and B [out, sum of ranks] in fp32, with B A = sum_k values_k U_k D_k.

    A layer that some adapter lacks gets zeros in that adapter's ranks: one rank then holds for all layers.
    """
    ranks = [len(next(iter(adapter.deltas.values()))[0]) for adapter in adapters]  # one per adapter, by read_adapter
    merged = {}
    for layer in sorted({layer for adapter in adapters for layer in adapter.deltas}):
        down, up = next(adapter.deltas[layer] for adapter in adapters if layer in adapter.deltas)
        a, b, start = torch.zeros(sum(ranks), down.shape[1]), torch.zeros(up.shape[1], sum(ranks)), 0
        for adapter, value, rank in zip(adapters, values, ranks, strict=True):
            if layer in adapter.deltas:
                down, up = adapter.deltas[layer]
                a[start : start + rank], b[:, start : start + rank] = down, value * up.T
            start += rank
        merged[layer] = (a, b)
    return merged


def truncated(
    deltas: dict[str, tuple[torch.Tensor, torch.Tensor]], rank: int
) -> tuple[dict[str, tuple[torch.Tensor, torch.Tensor]], dict[str, float]]:
    """Every layer's B A cut to `rank` by SVD, and the relative error (Frobenius) of each.

    B A = Qb (Rb Ra^T) Qa^T with B = Qb Rb and A^T = Qa Ra: the SVD is that of a matrix [full rank, full rank], and
    the product [out, in] is never formed.
    """
    cut, errors = {}, {}
    for layer, (a, b) in deltas.items():
        qb, rb = torch.linalg.qr(b)  # [out, full rank], [full rank, full rank]
        qa, ra = torch.linalg.qr(a.T)  # [in, full rank], [full rank, full rank]
        u, s, vh = torch.linalg.svd(rb @ ra.T, full_matrices=False)
        cut[layer] = factors(qb @ u, s, vh @ qa.T, rank, rank)
        errors[layer] = residual(s, rank)
    return cut, errors


def factors(
    u: torch.Tensor, s: torch.Tensor, vh: torch.Tensor, keep: int, rank: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """A [rank, in] and B [out, rank] with B A = the first `keep` parts of U S V^T; zeros fill up to `rank`.

    Both get the square roots of the singular values, so that neither loses precision in bf16.
    """
    keep = min(keep, len(s))
    a, b = torch.zeros(rank, vh.shape[1]), torch.zeros(len(u), rank)
    root = s[:keep].sqrt()
    a[:keep], b[:, :keep] = root[:, None] * vh[:keep], u[:, :keep] * root
    return a, b


def residual(s: torch.Tensor, keep: int) -> float:
    """What the first `keep` of the singular values leave out, relative to all (Frobenius); 0 of nothing."""
    squares = s.double() ** 2
    return float((squares[keep:].sum() / squares.sum().clamp(min=1e-300)).sqrt())


def require_new(folder: Path) -> None:
    """Raises ValueError where `folder` exists and is not an empty folder."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is no empty folder: name a new one")


def write_adapter(deltas: dict[str, tuple[torch.Tensor, torch.Tensor]], base: str, folder: Path) -> None:
    """Write per layer A [rank, in] and B [out, rank], of one rank, as PEFT saves a LoRA adapter of `base`."""
    rank = len(next(iter(deltas.values()))[0])
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=rank,
        target_modules=list(deltas),
        inference_mode=True,
        base_model_name_or_path=base,
    )
    config.target_modules = sorted(deltas)  # LoraConfig makes a set of it, whose order changes from run to run
    config.save_pretrained(folder)
    tensors = {}
    for layer, (a, b) in deltas.items():
        tensors[f"{PREFIX}{layer}.lora_A.weight"], tensors[f"{PREFIX}{layer}.lora_B.weight"] = a, b
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def write_json(file: Path, fields: dict) -> None:
    """Write `fields` to `file` as JSON for people."""
    file.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _card(soup_set: SoupSet, method: str, preference, merged: dict[Path, float], what: str) -> str:
    mu = coefficients.preference(preference, len(soup_set.objectives))
    named = zip(soup_set.objectives, mu, strict=True)
    return CARD.format(
        title=label(soup_set, method, preference),
        set=soup_set.name,
        method=method,
        preference=", ".join(f"{objective.name} {share:.6g}" for objective, share in named),
        what=what,
        rows="\n".join(f"| {path.name} | {c:.6g} |" for path, c in merged.items()),
    )


def _coefficients(soup_set: SoupSet, method: str, preference) -> dict[Path, float]:
    """The adapters in use with their coefficients. Raises ValueError for a method that is no single merge."""
    if method == "mod":
        raise ValueError("'mod' mixes the specialists at every token: no single adapter does that; export a merge")
    if method == "base":
        raise ValueError("'base' is the base without an adapter: there is nothing to export")
    _, (row,) = soup_set.members(method, preference)
    return {path: float(c) for path, c in zip(soup_set.adapters, row, strict=True) if c}


def _base_path(base: Path) -> str:
    """Relative to the working directory if the base lies below it, so that the folder works in every checkout."""
    base, here = base.resolve(), Path.cwd().resolve()
    return (base.relative_to(here) if base.is_relative_to(here) else base).as_posix()
