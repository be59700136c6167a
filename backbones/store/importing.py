"""Sets from what others have trained: PEFT adapters as they are, full checkpoints as low-rank adapters.

A full checkpoint is theta = theta_0 + Delta. Per linear layer the SVD of Delta [out, in] gives its best approximation
of every rank (Eckart and Young), and its singular values say what that leaves out. What is no linear layer must be
that of the base, since a LoRA adapter cannot hold it.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from backbones.store import folders, hub, soup_set
from backbones.store.adapters import CONFIG, UPS, read_adapter, weights_of, write_adapter
from backbones.store.adapters import WEIGHTS as ADAPTER_WEIGHTS
from backbones.store.files import new_folder, read_json, reading, require_new, write_json
from backbones.store.layers import linear_layers, without_weights
from backbones.store.low_rank import factors, residual
from backbones.store.manifest import Manifest, SetError
from backbones.tasks import TASKS
from backbones.tasks.task import Sampling

WEIGHTS = "model.safetensors"
ADAPTER_FILES = (CONFIG, ADAPTER_WEIGHTS, "hyperparameters.json")


@dataclass(frozen=True)
class Report:
    """How well low rank holds a checkpoint: per changed layer the rank kept and the relative residual (Frobenius)."""

    ranks: dict[str, int]
    residuals: dict[str, float]

    @property
    def rank(self) -> int:
        """The adapter's: the largest of all layers."""
        return max(self.ranks.values())

    @property
    def worst(self) -> str:
        """The layer with the largest residual."""
        return max(self.residuals, key=self.residuals.__getitem__)


def low_rank(base: Path, checkpoint: Path, folder: Path, rank: int | None = None, tolerance: float = 1e-3) -> Report:
    """Write the difference of a full `checkpoint` to its `base` to `folder` as a PEFT LoRA adapter in fp32.

    `rank` None: per layer the smallest whose relative residual is below `tolerance`, filled with zeros to the largest
    of all layers. Otherwise every layer is cut to `rank`, or has its full rank where that is less. Layers that are as
    in the base are left out. Reads one layer at a time, so that memory holds one dense difference and the adapter.
    hyperparameters.json gets the report.
    Raises ValueError for a base or checkpoint that is not saved unquantised as safetensors, tensors that an adapter
    cannot hold and that are not the base's up to `tolerance` (relative), checkpoints of another model or without any
    difference, a rank or tolerance out of range, and a folder that is not empty.
    """
    require_new(folder)
    if (rank is not None and rank < 1) or not 0 < tolerance < 1:
        raise ValueError(f"rank {rank}, tolerance {tolerance}: use a rank of 1 or more and a tolerance between 0 and 1")
    files = {path: _tensor_files(path) for path in (base, checkpoint)}
    linears = _check_rest(base, checkpoint, files, tolerance)

    parts, ranks, residuals = {}, {}, {}
    for layer in linears:
        difference = _pair(base, checkpoint, files, f"{layer}.weight")[1]  # [out, in]
        if difference.any():
            u, s, vh = torch.linalg.svd(difference, full_matrices=False)
            keep = min(rank or _smallest_rank(s, tolerance), len(s))
            ranks[layer], residuals[layer] = keep, residual(s, keep)
            parts[layer] = (u[:, :keep].clone(), s[:keep].clone(), vh[:keep].clone())  # views would hold all of U and V
    if not parts:
        raise ValueError(f"{checkpoint} has the weights of its base {base}: there is nothing to import")

    report = Report(ranks, residuals)
    deltas = {layer: factors(*parts[layer], ranks[layer], report.rank) for layer in parts}
    write_adapter(deltas, str(base), folder)
    write_json(
        folder / "hyperparameters.json",
        {
            "base": base.resolve().name,
            "checkpoint": checkpoint.resolve().name,
            "rank": report.rank,
            "tolerance": tolerance,
            "largest_residual": residuals[report.worst],
            "layers": {layer: {"rank": ranks[layer], "residual": residuals[layer]} for layer in ranks},
        },
    )
    return report


def import_set(
    base: str | Path,
    objectives: Path,
    beta: float,
    backbones: Sequence[Path],
    folder: Path,
    *,
    name: str,
    title: str,
    specialists: Sequence[Path] = (),
    oracles: Sequence[tuple[Sequence[float], Path]] = (),
    task: str = "restaurants",
    settings: dict[str, str] | None = None,
    extrapolation: Sequence[float] = (),
    specialist_extrapolation: Sequence[float] = (),
    sampling: Sampling | None = None,
    rank: int | None = None,
    tolerance: float = 1e-3,
) -> dict[str, Report]:
    """Make the set `folder`; return the reports of the adapters that were converted, by their names in the set.

    `base`: a folder, which is copied, or a commit on the Hub, organisation/name@COMMIT. Backbones (row j of B),
    specialists (none, or one per objective) and oracles (preference, folder) are PEFT adapters, copied, or full
    checkpoints, converted by `low_rank` with `rank` and `tolerance`. `objectives`: a JSON file with the list of the
    manifest's entries (name, label, description, mean, std); a `reward_model` is a folder, relative to that file.
    `task`, its `settings`, both extrapolations and `sampling` (default: the task's) are the manifest's fields.
    Raises SetError for a set that cannot be used, ValueError for what cannot be read, as `read_adapter` and
    `low_rank` do, a wrong number of adapters, and a folder that is not empty. Then nothing is left in `folder`.
    """
    require_new(folder)
    wanted = read_objectives(objectives)
    for kind, paths, numbers in (
        ("backbones", backbones, {len(wanted)}),
        ("specialists", specialists, {0, len(wanted)}),
    ):
        if len(paths) not in numbers:
            raise ValueError(f"{len(paths)} {kind} for {len(wanted)} objectives: give one for each, in their order")
    sources = {f"backbone-{j}": path for j, path in enumerate(backbones, start=1)}
    sources |= {f"specialist-{i}": path for i, path in enumerate(specialists, start=1)}
    known = {path.resolve(): adapter for adapter, path in sources.items()}
    for _, path in oracles:  # at the corners and the rows of B these can be oracles too
        if path.resolve() not in known:
            oracle = f"oracle-{1 + sum(adapter.startswith('oracle') for adapter in sources)}"
            known[path.resolve()], sources[oracle] = oracle, path

    with new_folder(folder) as made:
        named, local = _bring_base(base, made)
        Manifest(
            name=name,
            title=title,
            objectives=[bring_objective(entry, objectives.parent, made) for entry in wanted],
            beta=beta,
            base=named,
            backbones=[f"adapters/{adapter}" for adapter in sources if adapter.startswith("backbone")],
            specialists=[f"adapters/{adapter}" for adapter in sources if adapter.startswith("specialist")],
            oracles=[{"preference": list(mu), "adapter": f"adapters/{known[path.resolve()]}"} for mu, path in oracles],
            extrapolation=list(extrapolation),
            specialist_extrapolation=list(specialist_extrapolation),
            sampling=sampling or (TASKS[task].sampling if task in TASKS else Sampling()),
            task=task,
            settings=settings or {},
        ).write(made)
        for adapter in sources:
            (made / "adapters" / adapter).mkdir(parents=True)
        try:
            soup_set.read(made)  # before the adapters, which can take hours to convert
        except SetError as error:
            raise SetError(str(error).replace(str(made), str(folder))) from None
        reports = {
            adapter: _bring_adapter(
                path, local, made / "adapters" / adapter, folders.base_from_adapters(made, named), rank, tolerance
            )
            for adapter, path in sources.items()
        }
    return {adapter: report for adapter, report in reports.items() if report is not None}


def _tensor_files(folder: Path) -> dict[str, Path]:
    """The file of every tensor of a model in one or several safetensors files. Raises ValueError for anything else."""
    config, index = folder / "config.json", folder / f"{WEIGHTS}.index.json"
    if not config.is_file():
        raise ValueError(f"{config} is missing: give the folder of a model as transformers saves it")
    if read_json(config).get("quantization_config"):
        raise ValueError(f"{folder} is quantised, and differences to rounded weights mean nothing: give it unquantised")
    if index.is_file():
        with reading(index):
            files = {name: folder / file for name, file in read_json(index)["weight_map"].items()}
        for file in sorted(set(files.values())):
            if not file.is_file():
                raise ValueError(f"{file} is missing, which {index.name} names: copy it")
        return files
    if not (folder / WEIGHTS).is_file():
        pickled = [file.name for file in sorted(folder.iterdir()) if file.suffix in soup_set.PICKLED]
        found = f"has the pickle {pickled[0]}, which can run code" if pickled else f"has no {WEIGHTS}"
        raise ValueError(f"{folder} {found}: save the model with save_pretrained, as safetensors")
    with reading(folder / WEIGHTS), safe_open(folder / WEIGHTS, "pt") as file:
        return dict.fromkeys(file.keys(), folder / WEIGHTS)


def _check_rest(base: Path, checkpoint: Path, files: dict[Path, dict[str, Path]], tolerance: float) -> list[str]:
    """Names of the linear layers, head excepted. Raises ValueError where anything else differs from the base."""
    model = without_weights(base)
    linears = linear_layers(model)
    tied = model.all_tied_weights_keys  # copies, which are saved or not, and what they are copies of
    for name, _ in model.named_parameters(remove_duplicate=False):
        if name.removesuffix(".weight") in linears or (name in tied and name not in files[checkpoint]):
            continue
        weight, difference = _pair(base, checkpoint, files, name, tied.get(name))
        size = float(difference.norm() / weight.norm().clamp(min=1e-12))
        if size > tolerance:
            raise ValueError(
                f"{checkpoint}: {name} differs from the base by {size:.2g} (relative), and a LoRA adapter changes "
                f"linear layers alone: train with it frozen; if it is rounding, use a tolerance above {size:.2g}"
            )
    return linears


def _pair(
    base: Path, checkpoint: Path, files: dict[Path, dict[str, Path]], name: str, source: str | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The base's tensor `name` (or `source`, to which it is tied there) and its change, both in fp32."""
    before, after = _tensor(base, files[base], source or name), _tensor(checkpoint, files[checkpoint], name)
    if before.shape != after.shape:
        raise ValueError(
            f"{checkpoint}: {name} is {list(after.shape)}, that of the base {base} is {list(before.shape)}: "
            "use the base that it was tuned from, with a vocabulary of the same size"
        )
    difference = after - before
    if not difference.isfinite().all():
        raise ValueError(f"{checkpoint}: {name} is not finite, or the base's: training has diverged")
    return before, difference


def _tensor(folder: Path, files: dict[str, Path], name: str) -> torch.Tensor:
    if name not in files:
        raise ValueError(f"{folder} has no tensor {name!r}: use a base and a checkpoint of the same model")
    with reading(files[name]), safe_open(files[name], "pt") as file:
        return file.get_tensor(name).float()


def _smallest_rank(s: torch.Tensor, tolerance: float) -> int:
    return next(rank for rank in range(1, len(s) + 1) if residual(s, rank) < tolerance)  # of all parts it is 0


def read_objectives(objectives: Path) -> list[dict]:
    """The list in the file `objectives`. Raises ValueError."""
    try:
        entries = json.loads(objectives.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{objectives} cannot be read as JSON: {error}") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{objectives} is no list of objectives: compare it with the manifest of a shipped set")
    return entries


def bring_objective(entry: dict, where: Path, made: Path) -> dict:
    """The manifest's entry; its reward model, if it has one, is copied into the set `made`.

    `where`: the folder that a relative path of it starts from. Raises ValueError for a reward model that is no folder.
    """
    model = entry.get("reward_model")
    if not isinstance(model, str):  # none, or one of the Hub, which stays there
        return entry
    name = entry.get("name")
    if not (where / model).is_dir():
        raise ValueError(f"{where / model} is no folder: correct the path of the reward model of {name!r}")
    _copy(where / model, made / "reward-models" / str(name))
    return entry | {"reward_model": f"reward-models/{name}"}


def _bring_base(base: str | Path, made: Path) -> tuple[str | dict, Path]:
    """The base as the manifest names it, and its folder. Raises ValueError for a base that cannot be had."""
    if Path(base).is_dir():
        if not any(Path(base).glob("*.safetensors")) or not any(Path(base).glob("tokenizer*")):
            raise ValueError(f"{base} lacks safetensors or a tokenizer: save both there with save_pretrained")
        _copy(Path(base), made / "base")
        return "base", Path(base)
    repository, _, revision = str(base).partition("@")
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise ValueError(f"the base {base} is no folder: name one, or a commit on the Hub: organisation/name@COMMIT")
    return {"hub": repository, "revision": revision}, hub.fetch(repository, revision)


def _bring_adapter(
    source: Path, base: Path, target: Path, named: str, rank: int | None, tolerance: float
) -> Report | None:
    """Copy an adapter (None), or convert a checkpoint (its report). Raises ValueError for neither.

    As its base the adapter then names `named`, which is no path of this machine.
    """
    report = None
    if (source / CONFIG).is_file():
        read_adapter(source)  # before it is copied, so that an error names the file that is wrong
        if weights_of(source).name == UPS:
            raise ValueError(f"{source / UPS} holds B alone: take the adapter out of its set with the command export")
        for file in ADAPTER_FILES:
            if (source / file).is_file():
                shutil.copy(source / file, target)
    elif source.is_dir():
        report = low_rank(base, source, target, rank, tolerance)
        read_adapter(target)
    else:
        raise ValueError(f"{source} is no folder: name a PEFT adapter or a checkpoint")
    write_json(target / CONFIG, read_json(target / CONFIG) | {"base_model_name_or_path": named})
    return report


def _copy(source: Path, target: Path) -> None:
    """Copy a model's folder without pickles and without the checkpoints of its training."""
    pickles = [f"*{suffix}" for suffix in sorted(soup_set.PICKLED)]
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*pickles, "checkpoint*", ".*"))
