"""Sets: folders with a base, the adapters tuned on it, and the fronts measured with them.

manifest.json        task, objectives, beta, extrapolation, adapters, default sampling settings
base/                4-bit base and tokenizer, as transformers saves them
adapters/NAME/       PEFT LoRA folders: one backbone per row of B, one specialist per objective, oracles
reward-models/NAME/  sequence classifiers behind learned rewards, as transformers saves them
pilot.json           how beta and the extrapolation were chosen
front.json           measured fronts of the methods
README.md            model card

A base, an adapter or a reward model can also lie on the Hugging Face Hub: {"hub": "organisation/name", "revision": "the
40 digits of a commit", "folder": "where in the repository"} in the manifest. So can the whole set.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backbones import coefficients, hub, rewards
from backbones.tasks import Assistant, Restaurants, Task

SETS = Path(__file__).parent / "sets"
FORMAT = 2
MAX_FILE_BYTES = 10_000_000  # larger files need LFS where sets are hosted
RESTAURANTS = Restaurants()
PICKLED = {".bin", ".pt", ".pth", ".pkl", ".ckpt"}


class SetError(ValueError):
    """A set that cannot be used; the message names the file, what is wrong and the fix."""


@dataclass(frozen=True)
class Objective:
    """One reward. `mean` and `std` are those of the base's own texts; training normalises with them.

    `reward_model`: folder of the classifier behind a learned reward. `template`: how a message and its answer are put
    before it, with {prompt} and {text}; its logit number `output` is then the reward itself.
    """

    name: str
    label: str
    description: str
    mean: float
    std: float
    reward_model: Path | None = None
    template: str = ""
    output: int = 0


@dataclass(frozen=True)
class Oracle:
    """An adapter tuned for one preference [n] on sum_i mu_i r_i: multi-objective RL without merging (MORLHF)."""

    preference: tuple[float, ...]
    adapter: Path


@dataclass(frozen=True)
class Sampling:
    """Default sampling settings of a set."""

    temperature: float
    top_p: float
    max_new_tokens: int


@dataclass(frozen=True)
class SoupSet:
    """A set's manifest. `front` is None until it has been measured. `task`: what it writes."""

    path: Path
    name: str
    title: str
    objectives: tuple[Objective, ...]
    beta: float
    extrapolation: float
    base: Path
    backbones: tuple[Path, ...]
    specialists: tuple[Path, ...]
    oracles: tuple[Oracle, ...]
    sampling: Sampling
    front: dict | None
    task: Task = RESTAURANTS

    @property
    def adapters(self) -> tuple[Path, ...]:
        """All adapter folders in the order in which the soup stacks them, each once."""
        return tuple(dict.fromkeys((*self.backbones, *self.specialists, *(o.adapter for o in self.oracles))))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that this set's adapters allow: it can lack specialists, backbones or oracles."""
        lacking = () if self.backbones else ("bone-soup", "bone-soup-anchored", "bone-soup-extrapolated", "no-mapping")
        lacking += () if self.specialists else ("rewarded-soup", "bone-soup-anchored", "mod")
        lacking += () if self.oracles else ("morlhf",)
        return tuple(method for method in coefficients.METHODS if method not in lacking)

    def points(self, method: str) -> list[dict]:
        """The measured points of a method's front; none where it has not been measured."""
        return self.front["methods"].get(method, {"points": []})["points"] if self.front else []

    def nearest_oracle(self, preference) -> Oracle:
        """The oracle whose preference lies nearest to `preference` [n]; of equals the first."""
        mu = coefficients.preference(preference, len(self.objectives))
        return min(self.oracles, key=lambda oracle: float(np.linalg.norm(np.array(oracle.preference) - mu)))

    def members(self, method: str, preference) -> tuple[np.ndarray, np.ndarray]:
        """The merged models that write a text: weights [members], coefficients over `adapters` [members, adapters].

        One member with weight 1, except for "mod" (decoding-time mixing): there each specialist with a share of
        the preference [n] is a member.
        Raises ValueError for a method that the set does not have or a preference that is out of range.
        """
        if method not in self.methods:
            raise ValueError(f"unknown method {method!r}: the set {self.name} has {', '.join(self.methods)}")
        mu = coefficients.preference(preference, len(self.objectives))
        column = {folder: k for k, folder in enumerate(self.adapters)}
        if method == "mod":
            shares = mu.nonzero()[0]
            rows = np.zeros((len(shares), len(column)))
            rows[np.arange(len(shares)), [column[self.specialists[i]] for i in shares]] = 1
            return mu[shares], rows
        row = np.zeros((1, len(column)))
        if method == "morlhf":
            row[0, column[self.nearest_oracle(mu).adapter]] = 1
        elif method != "base":
            mixed = coefficients.merging_coefficients(method, mu, self.beta, self.extrapolation)
            for folders, values in zip((self.backbones, self.specialists), mixed, strict=True):
                if folders:  # a pilot has backbones alone
                    row[0, [column[folder] for folder in folders]] = values
        return np.ones(1), row


def shipped() -> list[str]:
    """Names of the sets that come with the package."""
    return sorted(path.parent.name for path in SETS.glob("*/manifest.json"))


def read(name_or_path: str | Path) -> SoupSet:
    """Read and validate the manifest of a shipped set (by name), of a folder (by path), or of the Hub.

    A set of the Hub is named `organisation/name` or `organisation/name@revision`, and fetched where it is not yet.
    Raises SetError.
    """
    name = str(name_or_path)
    path = SETS / name if name in shipped() else Path(name)
    if not path.is_dir() and hub.is_repository(name):
        repository, _, revision = name.partition("@")
        path = _fetched(repository, revision or "main")
    file = path / "manifest.json"
    if not file.is_file():
        known = ", ".join(shipped())
        raise SetError(f"no set {name!r}: name a folder with a manifest.json, organisation/name of the Hub, or {known}")
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
            objectives=tuple(_objective(path, objective) for objective in manifest["objectives"]),
            beta=float(manifest["beta"]),
            extrapolation=float(manifest["extrapolation"]),
            base=_inside(path, manifest["base"]),
            backbones=tuple(_inside(path, folder) for folder in manifest["backbones"]),
            specialists=tuple(_inside(path, folder) for folder in manifest["specialists"]),
            oracles=tuple(
                Oracle(tuple(oracle["preference"]), _inside(path, oracle["adapter"])) for oracle in manifest["oracles"]
            ),
            sampling=Sampling(**manifest["sampling"]),
            front=_json(path / "front.json") if (path / "front.json").is_file() else None,
            task=_task(file, manifest),
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
    if not soup_set.oracles:
        found.append(f"{soup_set.path / 'manifest.json'}: no oracles: train them with train.backbones")
    for file, stage in (("pilot.json", "train.pilot"), ("front.json", "train.evaluate")):
        if not (soup_set.path / file).is_file():
            found.append(f"{soup_set.path / file} is missing: make it with {stage}")
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
    for oracle in soup_set.oracles:
        try:
            coefficients.preference(oracle.preference, len(soup_set.objectives))
        except ValueError as error:
            raise SetError(f"{file}: oracle {oracle.adapter.name}: {error}") from None
    for objective in soup_set.objectives:
        if objective.template:
            _validate_judged(objective, file)
        elif objective.name not in (*rewards.RULES, *rewards.LEARNED):
            known = ", ".join((*rewards.RULES, *rewards.LEARNED))
            raise SetError(f"{file}: the objective {objective.name!r} has no reward: use one of {known}")
        elif (objective.name in rewards.LEARNED) != (objective.reward_model is not None):
            raise SetError(f"{file}: the objective {objective.name!r}: name a reward_model just for learned rewards")
        if not objective.std > 0:
            raise SetError(f"{file}: std of {objective.name!r} is {objective.std}: measure it with train.quantise")
    models = [objective.reward_model for objective in soup_set.objectives if objective.reward_model]
    for folder in (soup_set.base, *soup_set.adapters, *models):
        if not folder.is_dir():
            raise SetError(f"{file}: the folder {folder} is missing: restore it or correct the manifest")
    if soup_set.front is not None:
        names = [objective.name for objective in soup_set.objectives]
        if soup_set.front.get("objectives") != names:
            raise SetError(
                f"{soup_set.path / 'front.json'}: its objectives are {soup_set.front.get('objectives')}, the "
                f"manifest's are {names}: measure it again with train.evaluate"
            )


def _validate_judged(objective: Objective, file: Path) -> None:
    """Of an objective whose reward model reads a message and its answer."""
    if objective.reward_model is None:
        raise SetError(f"{file}: the objective {objective.name!r} has a template but no reward_model: name one")
    try:
        read = objective.template.format(prompt="\0", text="\1")
    except (LookupError, ValueError):
        read = ""
    if not ("\0" in read and "\1" in read):
        raise SetError(
            f"{file}: the template of {objective.name!r} must hold {{prompt}} and {{text}} and no other braces"
        )


def _task(file: Path, manifest: dict) -> Task:
    name = manifest.get("task", "restaurants")
    if name == "assistant":
        return Assistant(manifest.get("system", ""))
    if name != "restaurants":
        raise SetError(f"{file}: the task is {name!r}: use restaurants or assistant")
    return RESTAURANTS


def _objective(path: Path, fields: dict) -> Objective:
    folder = fields.get("reward_model")
    return Objective(**fields | {"reward_model": folder and _inside(path, folder)})


def _inside(path: Path, folder: str | dict) -> Path:
    """A folder that the manifest in `path` names: inside the set, or of the Hub at a fixed commit."""
    manifest = path / "manifest.json"
    if isinstance(folder, dict):
        if not re.fullmatch("[0-9a-f]{40}", folder["revision"]):
            raise SetError(f"{manifest}: the revision of {folder['hub']} is no commit: give all of its 40 digits")
        return _fetched(folder["hub"], folder["revision"], folder.get("folder", ""))
    if not (path / folder).resolve().is_relative_to(path.resolve()):
        raise SetError(f"{manifest}: {folder!r} lies outside the set: keep every folder inside it")
    return path / folder


def _fetched(repository: str, revision: str, folder: str = "") -> Path:
    try:
        return hub.fetch(repository, revision, folder)
    except ValueError as error:
        raise SetError(str(error)) from None


def _json(file: Path) -> dict:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise SetError(f"{file} is no valid JSON ({error}): correct it") from None
