"""A merged model as a PEFT LoRA folder, for use without this project.

sum_k c_k U_k D_k is one LoRA product: with A = the D_k stacked [sum of ranks, in] and B = the c_k U_k side by side
[out, sum of ranks], B A is that sum. So the export is exact, at the price of a rank that is the sum of ranks.
"""

import tempfile
import zipfile
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file

from backbones import coefficients
from backbones.adapters import PREFIX, Adapter, read_adapter
from backbones.sets import SoupSet

README = """# {title}

The set {set} merged by {method} at the preference {preference}: one LoRA adapter of rank {rank}.

| adapter | coefficient |
|---|---|
{rows}

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


def merged_adapter(soup_set: SoupSet, method: str, preference, folder: Path) -> Path:
    """Write the merge of `method` at `preference` [n] to `folder` as PEFT saves a LoRA adapter; return `folder`.

    The adapters in use are concatenated: r is the sum of their ranks, lora_alpha = r (scale 1), tensors in fp32.
    "morlhf" writes the nearest oracle's adapter.
    Raises ValueError for a method that is no single merge or that the set does not have, a preference that is out
    of range, adapters that cannot be read, and a folder that is not empty.
    """
    merged = _coefficients(soup_set, method, preference)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is no empty folder: name a new one")
    adapters = [read_adapter(path) for path in merged]
    deltas = concatenated(adapters, list(merged.values()))
    rank = len(next(iter(deltas.values()))[0])

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=rank,
        target_modules=list(deltas),
        inference_mode=True,
        base_model_name_or_path=_base_path(soup_set.base),
    )
    config.target_modules = sorted(deltas)  # LoraConfig makes a set of it, whose order changes from run to run
    config.save_pretrained(folder)
    tensors = {}
    for layer, (a, b) in deltas.items():
        tensors[f"{PREFIX}{layer}.lora_A.weight"], tensors[f"{PREFIX}{layer}.lora_B.weight"] = a, b
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    mu = coefficients.preference(preference, len(soup_set.objectives))
    named = zip(soup_set.objectives, mu, strict=True)
    readme = README.format(
        title=label(soup_set, method, preference),
        set=soup_set.name,
        method=method,
        preference=", ".join(f"{objective.name} {share:.6g}" for objective, share in named),
        rank=rank,
        rows="\n".join(f"| {path.name} | {c:.6g} |" for path, c in merged.items()),
        base=config.base_model_name_or_path,
        folder=folder.name,
    )
    (folder / "README.md").write_text(readme, encoding="utf-8")
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
