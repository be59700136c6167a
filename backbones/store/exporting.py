"""A merged model as a PEFT LoRA folder or as a plain model, for use without this project.

sum_k c_k U_k D_k is one LoRA product: with A = the D_k stacked [sum of ranks, in] and B = the c_k U_k side by side
[out, sum of ranks], B A is that sum. So the adapter is exact, at the price of a rank that is the sum of ranks. Where
that is more than a server takes, every layer's sum is cut to a lower rank, and the error is stated.
"""

import tempfile
import zipfile
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from backbones.merging.methods import METHODS
from backbones.merging.preference import FINE, Preference, lattice
from backbones.store.adapters import read_adapter, write_adapter
from backbones.store.conversion import NF4
from backbones.store.files import new_folder, require_new, write_json
from backbones.store.low_rank import concatenated, truncated
from backbones.store.soup_set import SoupSet

ON_CPU = {"": "cpu"}  # else transformers loads a quantised base onto a GPU, where there is one

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
model = AutoModelForCausalLM.from_pretrained(base{where})
model = PeftModel.from_pretrained(model, {folder!r})  # this folder
tokenizer = AutoTokenizer.from_pretrained(base{where}, padding_side="left")
```

On CPUs that can, bitsandbytes computes in bf16 on a packed path of its own, where logits differ slightly from those
of the set; `model.dequantize()` after the first `from_pretrained` avoids it.
"""

LOAD_ADAPTER_OF_GGUF = """
```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base, file = {base!r}, {where!r}  # needs the package gguf
model = AutoModelForCausalLM.from_pretrained(base, **file)
model = PeftModel.from_pretrained(model, {folder!r})  # this folder
tokenizer = AutoTokenizer.from_pretrained(base, **file, padding_side="left")
```

The set serves this base in NF4, whose rounding the one above lacks, so that logits differ by it.
"""

LOAD_MODEL = """
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained({folder!r})  # this folder
tokenizer = AutoTokenizer.from_pretrained({folder!r})
```
"""


def merged_adapter(soup_set: SoupSet, method: str, mu: Preference, folder: Path, rank: int | None = None) -> Path:
    """Write the merge of `method` at the preference mu to `folder` as PEFT saves a LoRA adapter; return `folder`.

    The adapters in use are concatenated: r is the sum of their ranks, lora_alpha = r (scale 1), tensors in fp32.
    Where that is above `rank`, every layer is cut to `rank` by SVD; the card then states the largest relative error,
    and hyperparameters.json those of all layers. "morlhf" writes the nearest oracle's adapter.
    Raises ValueError for a method that is no single merge or that the set does not have, adapters that cannot be read,
    a rank below 1, and a folder that is not empty. After any exception nothing is left of it.
    """
    merged = _coefficients(soup_set, method, mu)
    require_new(folder)
    if rank is not None and rank < 1:
        raise ValueError(f"the rank {rank} holds nothing: use 1 or more")
    deltas = concatenated([read_adapter(soup_set.folders[name], name) for name in merged], list(merged.values()))
    full, errors = len(next(iter(deltas.values()))[0]), {}
    if rank is not None and rank < full:
        deltas, errors = truncated(deltas, rank)
    gguf, on_hub = soup_set.gguf, soup_set.base_on_hub
    base = gguf.hub if gguf else on_hub["hub"] if on_hub else _base_path(soup_set.base)
    what = f"one LoRA adapter of rank {min(full, rank or full)}"
    if errors:
        what += f", cut from {full} (largest relative error of a layer's change: {max(errors.values()):.3g})"
    if gguf:
        file = {"gguf_file": gguf.gguf, "revision": gguf.revision}
        code = LOAD_ADAPTER_OF_GGUF.format(base=base, where=file, folder=folder.name)
    else:
        place = {"revision": on_hub["revision"], "subfolder": on_hub.get("folder")} if on_hub else {}
        where = "".join(f", {name}={value!r}" for name, value in place.items() if value)
        code = LOAD_ADAPTER.format(base=base, where=where, folder=folder.name)
    with new_folder(folder) as made:
        write_adapter(deltas, base, made)
        if errors:
            settings = {"method": method, "preference": list(mu), "full_rank": full, "rank": rank}
            write_json(made / "hyperparameters.json", settings | {"relative_errors": errors})
        (made / "README.md").write_text(_card(soup_set, method, mu, merged, what) + code, encoding="utf-8")
    return folder


def merged_model(soup_set: SoupSet, method: str, mu: Preference, folder: Path, dtype=torch.bfloat16) -> Path:
    """Write the merge of `method` at mu to `folder` as a plain model with its tokenizer; return `folder`.

    The base is de-quantised, the changes are added in fp32, and the sum is saved in `dtype` as transformers does,
    without a quantization_config: it needs neither bitsandbytes nor PEFT. Takes the memory of the model in fp32.
    A base that is not quantised is taken as it is: its merge is served in NF4, whose rounding the model then lacks.
    Raises ValueError as `merged_adapter` does, and for adapters that do not fit the base.
    """
    merged = _coefficients(soup_set, method, mu)
    require_new(folder)
    deltas = concatenated([read_adapter(soup_set.folders[name], name) for name in merged], list(merged.values()))
    model = AutoModelForCausalLM.from_pretrained(
        soup_set.base, dtype=torch.float32, device_map=ON_CPU, use_safetensors=True, local_files_only=True
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
    what = f"one model in {str(dtype).removeprefix('torch.')}"
    code = LOAD_MODEL.format(folder=folder.name)
    with new_folder(folder) as made:
        # Saving would undo the steps of loading, and de-quantised weights have none to undo.
        model.to(dtype).save_pretrained(made, save_original_format=not quantised)
        AutoTokenizer.from_pretrained(soup_set.base, padding_side="left", local_files_only=True).save_pretrained(made)
        (made / "README.md").write_text(_card(soup_set, method, mu, merged, what) + code, encoding="utf-8")
    return folder


def plain_base(soup_set: SoupSet, folder: Path) -> Path:
    """Write the base, without an adapter, to `folder` as a plain model in bf16 with its tokenizer; return `folder`.

    Its linear layers have the 4-bit values that the set is served with, also where it is quantised only when it is
    loaded. Takes the memory of the model in fp32. Raises ValueError for a folder that is not empty.
    """
    require_new(folder)
    config = AutoConfig.from_pretrained(soup_set.base, local_files_only=True)
    quantise = {} if hasattr(config, "quantization_config") else {"quantization_config": NF4}
    model = AutoModelForCausalLM.from_pretrained(
        soup_set.base, dtype=torch.float32, device_map=ON_CPU, use_safetensors=True, local_files_only=True, **quantise
    )
    with new_folder(folder) as made:
        model.dequantize().to(torch.bfloat16).save_pretrained(made, save_original_format=False)
        AutoTokenizer.from_pretrained(soup_set.base, padding_side="left", local_files_only=True).save_pretrained(made)
    return folder


def greatest_rank(soup_set: SoupSet) -> int:
    """The greatest rank of a merge by any method of the set, exported exactly; 0 where none has an adapter.

    Raises ValueError for adapters that cannot be read.
    """
    merges = {
        frozenset(soup_set.merge(method, mu).used)
        for method in soup_set.methods
        if not METHODS[method].lone
        for mu in lattice(len(soup_set.objectives), FINE)
    }
    adapters = {name: read_adapter(soup_set.folders[name], name) for name in frozenset().union(*merges)}
    ranks = [0]
    for names in filter(None, merges):
        used = [adapters[name] for name in names]
        ranks.append(len(next(iter(concatenated(used, [1.0] * len(used)).values()))[0]))
    return max(ranks)


def zipped(soup_set: SoupSet, method: str, mu: Preference, folder: Path) -> Path:
    """Write `merged_adapter` as one file SET-METHOD-70-30.zip in `folder`; return its path.

    The zip holds a directory of the same name. A file of that name from before is replaced in one step, so that
    nobody reads a half-written one. Raises ValueError as `merged_adapter` does.
    """
    name = label(soup_set, method, mu)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.zip"
    # Beside the target, not in /tmp: a file can be renamed in one step within its file system alone.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as temporary:
        adapter = merged_adapter(soup_set, method, mu, Path(temporary) / name)
        partial = Path(temporary) / target.name
        with zipfile.ZipFile(partial, "w") as archive:
            for file in sorted(adapter.iterdir()):
                archive.write(file, f"{name}/{file.name}")
        partial.replace(target)
    return target


def label(soup_set: SoupSet, method: str, mu: Preference) -> str:
    """SET-METHOD-70-30: the preference in percent, with two decimals where there are any."""
    percents = (f"{round(100 * share, 2):g}" for share in mu)
    return "-".join((soup_set.name.replace("/", "-"), method, *percents))


def _card(soup_set: SoupSet, method: str, mu: Preference, merged: dict[str, float], what: str) -> str:
    named = zip(soup_set.objectives, mu, strict=True)
    return CARD.format(
        title=label(soup_set, method, mu),
        set=soup_set.name,
        method=method,
        preference=", ".join(f"{objective.name} {share:.6g}" for objective, share in named),
        what=what,
        rows="\n".join(f"| {name} | {c:.6g} |" for name, c in merged.items()),
    )


def _coefficients(soup_set: SoupSet, method: str, mu: Preference) -> dict[str, float]:
    """The adapters in use with their coefficients. Raises ValueError for a method that is no single merge."""
    merge = soup_set.merge(method, mu)
    if merge.at_every_token:
        raise ValueError(
            f"{method!r} mixes the specialists at every token: no single adapter does that; export a merge"
        )
    if not merge.used:
        raise ValueError(f"{method!r} is the base without an adapter: there is nothing to export")
    return merge.used


def _base_path(base: Path) -> str:
    """Relative to the working directory if the base lies below it, so that the folder works in every checkout."""
    base, here = base.resolve(), Path.cwd().resolve()
    return (base.relative_to(here) if base.is_relative_to(here) else base).as_posix()
