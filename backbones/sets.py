"""Sets: folders with a base, the adapters tuned on it, and the fronts measured with them.

manifest.json        objectives, beta, adapters, default sampling settings
base/                4-bit base and tokenizer, as transformers saves them
adapters/NAME/       PEFT LoRA folders: one backbone per row of B, one specialist per objective
front.json           measured fronts of the methods
README.md            model card
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backbones import coefficients, rewards

SETS = Path(__file__).parent / "sets"
FORMAT = 1
MAX_FILE_BYTES = 10_000_000  # larger files need LFS where sets are hosted
PICKLED = {".bin", ".pt", ".pth", ".pkl", ".ckpt"}


class SetError(ValueError):
    """A set that cannot be used; the message names the file, what is wrong and the fix."""


@dataclass(frozen=True)
class Objective:
    """One reward. `mean` and `std` are those of the base's own texts; training normalises with them."""

    name: str
    label: str
    description: str
    mean: float
    std: float


@dataclass(frozen=True)
class Sampling:
    """Default sampling settings of a set."""

    temperature: float
    top_p: float
    max_new_tokens: int


@dataclass(frozen=True)
class SoupSet:
    """A set's manifest. `front` is None until it has been measured."""

    path: Path
    name: str
    title: str
    objectives: tuple[Objective, ...]
    beta: float
    base: Path
    backbones: tuple[Path, ...]
    specialists: tuple[Path, ...]
    sampling: Sampling
    front: dict | None

    @property
    def adapters(self) -> tuple[Path, ...]:
        """All adapter folders in the order in which the soup stacks them."""
        return self.backbones + self.specialists

    def row(self, method: str, preference) -> np.ndarray:
        """Coefficients over all `adapters`, [2 n], for a preference [n] and a method.

        Raises ValueError as `coefficients.merging_coefficients` does.
        """
        mixed = coefficients.merging_coefficients(method, preference, self.beta)
        rest = np.zeros_like(mixed)
        return np.concatenate([rest, mixed] if method == "rewarded-soup" else [mixed, rest])


def shipped() -> list[str]:
    """Names of the sets that come with the package."""
    return sorted(path.parent.name for path in SETS.glob("*/manifest.json"))


def read(name_or_path: str | Path) -> SoupSet:
    """Read and validate the manifest of a shipped set (by name) or of a folder (by path).

    Raises SetError.
    """
    path = SETS / name_or_path if str(name_or_path) in shipped() else Path(name_or_path)
    file = path / "manifest.json"
    if not file.is_file():
        raise SetError(
            f"no set {str(name_or_path)!r}: name a folder with a manifest.json or one of {', '.join(shipped())}"
        )
    return from_manifest(path, _json(file))


def from_manifest(path: Path, manifest: dict) -> SoupSet:
    """The set in the folder `path` with the contents of its manifest, validated. Raises SetError."""
    file = path / "manifest.json"
    try:
        if manifest["format"] != FORMAT:
            raise SetError(f"{file}: format is {manifest['format']!r}, this version reads format {FORMAT}")
        soup_set = SoupSet(
            path=path,
            name=manifest["name"],
            title=manifest["title"],
            objectives=tuple(Objective(**objective) for objective in manifest["objectives"]),
            beta=float(manifest["beta"]),
            base=_inside(path, manifest["base"]),
            backbones=tuple(_inside(path, folder) for folder in manifest["backbones"]),
            specialists=tuple(_inside(path, folder) for folder in manifest["specialists"]),
            sampling=Sampling(**manifest["sampling"]),
            front=_json(path / "front.json") if (path / "front.json").is_file() else None,
        )
        _validate(soup_set, file)
    except KeyError as error:
        raise SetError(f"{file}: the field {error} is missing: add it") from None
    except TypeError as error:
        raise SetError(f"{file}: a field has the wrong shape ({error}): compare it with a shipped set") from None
    return soup_set


def problems(soup_set: SoupSet) -> list[str]:
    """What keeps a set that can be read from being shipped, one line each; empty when nothing does."""
    found, n = [], len(soup_set.objectives)
    for kind in ("backbones", "specialists"):
        if len(getattr(soup_set, kind)) != n:
            found.append(f"{soup_set.path / 'manifest.json'}: {len(getattr(soup_set, kind))} {kind} for {n} objectives")
    for file in (soup_set.path / "README.md", soup_set.base / "hyperparameters.json"):
        if not file.is_file():
            found.append(f"{file} is missing: write it")
    for folder in soup_set.adapters:
        if not (folder / "hyperparameters.json").is_file():
            found.append(f"{folder / 'hyperparameters.json'} is missing: train with train.backbones")
    if soup_set.front is None:
        found.append(f"{soup_set.path / 'front.json'} is missing: measure it with train.evaluate")
    for file in sorted(soup_set.path.rglob("*")):
        if file.suffix in PICKLED:
            found.append(f"{file} is a pickle: save it as safetensors")
        elif file.is_file() and file.stat().st_size > MAX_FILE_BYTES:
            found.append(f"{file} has {file.stat().st_size:,} bytes: keep files below {MAX_FILE_BYTES:,}")
    return found


def _validate(soup_set: SoupSet, file: Path) -> None:
    try:
        coefficients.backbone_matrix(len(soup_set.objectives), soup_set.beta)
    except ValueError as error:
        raise SetError(f"{file}: {error}") from None
    for objective in soup_set.objectives:
        if objective.name not in rewards.OBJECTIVES:
            known = ", ".join(rewards.OBJECTIVES)
            raise SetError(f"{file}: the objective {objective.name!r} has no reward: use one of {known}")
        if not objective.std > 0:
            raise SetError(f"{file}: std of {objective.name!r} is {objective.std}: measure it with train.quantise")
    for folder in (soup_set.base, *soup_set.adapters):
        if not folder.is_dir():
            raise SetError(f"{file}: the folder {folder} is missing: restore it or correct the manifest")
    if soup_set.front is not None:
        names = [objective.name for objective in soup_set.objectives]
        if soup_set.front.get("objectives") != names:
            raise SetError(
                f"{soup_set.path / 'front.json'}: its objectives are {soup_set.front.get('objectives')}, the "
                f"manifest's are {names}: measure it again with train.evaluate"
            )


def _inside(path: Path, folder: str) -> Path:
    if not (path / folder).resolve().is_relative_to(path.resolve()):
        raise SetError(f"{path / 'manifest.json'}: {folder!r} lies outside the set: keep every folder inside it")
    return path / folder


def _json(file: Path) -> dict:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise SetError(f"{file} is no valid JSON ({error}): correct it") from None
