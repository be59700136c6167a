"""Sets: folders with a base, the adapters tuned on it, and the fronts measured with them.

manifest.json        task, objectives, beta, extrapolations, adapters, default sampling settings
base/                4-bit base and tokenizer, as transformers saves them, where the set has one of its own
adapters/NAME/       PEFT LoRA folders: one backbone per row of B, one specialist per objective, oracles, and the start,
                     where all of these began at one adapter instead of at the base; who has its A holds B alone
reward-models/NAME/  models behind learned rewards
pilot.json           how beta and the extrapolations were chosen
front.json           measured fronts of the methods
sweep.json           texts that the page opens with, see `engine.stored`; a set can do without
README.md            model card

A base, an adapter or a reward model can also lie on the Hugging Face Hub: {"hub": "organisation/name", "revision": "the
40 digits of a commit", "folder": "where in the repository"} in the manifest. So can the whole set. A base can also be
that of a set beside this one, {"set": "name"}, or be made of a GGUF file, which `store.fetching` describes.
"""

import math
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from backbones.merging import coefficients, methods
from backbones.merging import front as fronts
from backbones.merging.front import Front, Point
from backbones.merging.methods import Merge, Oracle
from backbones.merging.preference import Preference
from backbones.store import folders as places
from backbones.store import hub
from backbones.store.fetching import Gguf
from backbones.store.manifest import FILE, Manifest, SetError
from backbones.tasks import TASKS
from backbones.tasks.objectives import Objective
from backbones.tasks.task import Sampling, Task

SETS = Path(__file__).parents[1] / "sets"
FIRST = "silver-lining"  # comes first where it is among the shipped sets; the others follow by name
MAX_FILE_BYTES = 10_000_000  # larger files need LFS where sets are hosted
PICKLED = {".bin", ".pt", ".pth", ".pkl", ".ckpt"}


@dataclass(frozen=True)
class SoupSet:
    """A set. `base_folder`: where the base lies, or will lie once it is made of `gguf`. `base_on_hub`: where it comes
    from, if that is the Hub: {"hub", "revision", "folder"}. `folders`: of every adapter by its name, which says what it
    was tuned for: backbone-1, specialist-2, oracle-1. `front` is None until it has been measured. `withheld`: methods
    that are not offered where it is served."""

    path: Path
    name: str
    title: str
    task: Task
    objectives: tuple[Objective, ...]
    beta: float
    extrapolation: tuple[float, ...]
    specialist_extrapolation: tuple[float, ...]
    base_folder: Path
    folders: dict[str, Path]
    backbones: tuple[str, ...]
    specialists: tuple[str, ...]
    oracles: tuple[Oracle, ...]
    sampling: Sampling
    front: Front | None = None
    start: str | None = None
    gguf: Gguf | None = None
    base_on_hub: dict[str, str] | None = None
    withheld: frozenset[str] = frozenset()

    @property
    def base(self) -> Path:
        """The base's folder. Raises SetError, with the command that fetches it, where it is not there yet."""
        if self.to_fetch:
            raise SetError(self.to_fetch)
        return self.base_folder

    @property
    def to_fetch(self) -> str:
        """What to do so that the base is there, in words; empty where it is."""
        if self.gguf is None or self.base_folder.is_dir():
            return ""
        named = self.path.name if self.path.parent == SETS else str(self.path)
        return f"base not fetched: run `python -m backbones fetch {shlex.quote(named)}`"

    @property
    def adapters(self) -> dict[str, Path]:
        """All adapters' folders by name, in the order in which the soup stacks them."""
        start = () if self.start is None else (self.start,)
        names = (*start, *self.backbones, *self.specialists, *(oracle.adapter for oracle in self.oracles))
        return {name: self.folders[name] for name in names}

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that this set's adapters allow, as it can lack specialists, backbones or oracles, less those
        withheld."""
        return tuple(name for name in methods.available(self) if name not in self.withheld)

    def points(self, method: str) -> tuple[Point, ...]:
        """The measured points of a method's front; none where it has not been measured."""
        return self.front.points(method) if self.front else ()

    def preference(self, values) -> Preference:
        """A preference over this set's objectives. Raises ValueError, naming them, for values that are none."""
        self._require_one_each(values)
        return Preference.of(values, len(self.objectives))

    def merge(self, method: str, mu: Preference) -> Merge:
        """What `method` makes of mu: what the page shows and what the engine uses.

        Raises ValueError for a method that the set does not have, or a preference over other objectives.
        """
        self._require_one_each(mu)
        return methods.named(method, self, f"the set {self.name}").merge(mu, self).begun_at(self.start)

    def _require_one_each(self, values) -> None:
        if len(values) != len(self.objectives):
            names = ", ".join(objective.name for objective in self.objectives)
            raise ValueError(f"preference {list(values)} needs one number for each of {names}")


def shipped() -> list[str]:
    """Names of the sets that come with the package, in the order in which they are shown."""
    return sorted((path.parent.name for path in SETS.glob(f"*/{FILE}")), key=lambda name: (name != FIRST, name))


def read(name_or_path: str | Path) -> SoupSet:
    """Read and validate a shipped set (by name), a folder (by path), or one of the Hub.

    A set of the Hub is named `organisation/name` or `organisation/name@revision`, and fetched where it is not yet. A
    base that is made of a GGUF file is not: `SoupSet.base` asks for that. Raises SetError.
    """
    name, repository = str(name_or_path), ""
    path = SETS / name if name in shipped() else Path(name)
    if not path.is_dir() and hub.is_repository(name):
        repository, _, revision = name.partition("@")
        try:
            path = places.of_hub(repository, revision or "main")
        except ValueError as error:
            raise SetError(f"{error}; nor is {name} a folder here") from None
    if not (path / FILE).is_file():
        known = ", ".join(shipped())
        raise SetError(f"no set {name!r}: name a folder with a {FILE}, organisation/name of the Hub, or {known}")
    found = made(path, Manifest.read(path))
    if repository and found.base_folder.is_relative_to(path):  # it has a base of its own, at the same commit
        inside = found.base_folder.relative_to(path).as_posix()
        found = replace(found, base_on_hub={"hub": repository, "revision": path.name, "folder": inside})
    return found


def made(path: Path, manifest: Manifest) -> SoupSet:
    """The set in the folder `path` with this manifest, validated. Raises SetError."""
    try:
        n = len(manifest.objectives)
        base, gguf = places.base(path, manifest.base)
        folders: dict[str, Path] = {}
        start = None if manifest.start is None else _name(folders, "start", places.inside(path, manifest.start))
        backbones, specialists = (
            tuple(_name(folders, f"{kind}-{i}", places.inside(path, folder)) for i, folder in enumerate(given, start=1))
            for kind, given in (("backbone", manifest.backbones), ("specialist", manifest.specialists))
        )
        oracles = []
        for one in manifest.oracles:
            number = 1 + sum(name.startswith("oracle") for name in folders)
            name = _name(folders, f"oracle-{number}", places.inside(path, one["adapter"]))
            try:
                oracles.append(Oracle(Preference.of(one["preference"], n), name))
            except ValueError as error:
                raise ValueError(f"oracle {name}: {error}") from None
        soup_set = SoupSet(
            path=path,
            name=manifest.name,
            title=manifest.title,
            task=_task(manifest),
            objectives=tuple(_objective(path, fields) for fields in manifest.objectives),
            beta=float(manifest.beta),
            extrapolation=_strengths("extrapolation", manifest.extrapolation, n),
            specialist_extrapolation=_strengths("specialist_extrapolation", manifest.specialist_extrapolation, n),
            base_folder=base,
            folders=folders,
            backbones=backbones,
            specialists=specialists,
            oracles=tuple(oracles),
            sampling=manifest.sampling,
            front=_front(path / "front.json"),
            start=start,
            gguf=gguf,
            base_on_hub=places.base_on_hub(path, manifest.base),
        )
        _validate(soup_set)
    except SetError:
        raise
    except KeyError as error:
        raise SetError(f"{path / FILE}: the field {error} is missing: add it") from None
    except TypeError as error:
        raise SetError(f"{path / FILE}: a field has the wrong shape ({error}): compare it with a shipped set") from None
    except ValueError as error:
        raise SetError(f"{path / FILE}: {error}") from None
    return soup_set


def problems(soup_set: SoupSet) -> list[str]:
    """What keeps a set that can be read from being shipped, one line each; empty when nothing does."""
    found, n = [], len(soup_set.objectives)
    for kind, names in (("backbones", soup_set.backbones), ("specialists", soup_set.specialists)):
        if len(names) != n:
            found.append(f"{soup_set.path / FILE}: {len(names)} {kind} for {n} objectives")
    for file in (soup_set.path / "README.md", soup_set.base_folder / "hyperparameters.json"):
        if not file.is_file():
            found.append(f"{file} is missing: write it")
    for folder in soup_set.adapters.values():
        if not (folder / "hyperparameters.json").is_file():
            found.append(f"{folder / 'hyperparameters.json'} is missing: train with train.tune")
    if not soup_set.oracles:
        found.append(f"{soup_set.path / FILE}: no oracles: train them with train.tune")
    for name, stage in (("pilot.json", "train.pilot"), ("front.json", "train.evaluate")):
        if not (soup_set.path / name).is_file():
            found.append(f"{soup_set.path / name} is missing: make it with {stage}")
    for file in sorted(soup_set.path.rglob("*")):
        if file.suffix in PICKLED:
            found.append(f"{file} is a pickle: save it as safetensors")
        elif file.is_file() and file.stat().st_size > MAX_FILE_BYTES:
            found.append(f"{file} has {file.stat().st_size:,} bytes: keep files below {MAX_FILE_BYTES:,}")
    return found


def _validate(soup_set: SoupSet) -> None:
    """Raises ValueError for what does not fit together: SetError where another file than the manifest is at fault."""
    n = len(soup_set.objectives)
    coefficients.backbone_matrix(n, soup_set.beta)
    for kind, adapters in (("backbones", soup_set.backbones), ("specialists", soup_set.specialists)):
        if len(adapters) not in (0, n):
            raise ValueError(f"{len(adapters)} {kind} for {n} objectives: give one for each, or none")
    for objective in soup_set.objectives:
        soup_set.task.check_objective(objective)
        if not objective.std > 0:
            raise ValueError(f"std of {objective.name!r} is {objective.std}: measure it with train.new_set")
    models = [objective.reward_model for objective in soup_set.objectives if objective.reward_model]
    base = [] if soup_set.gguf else [soup_set.base_folder]
    for folder in (*base, *soup_set.folders.values(), *models):
        if not folder.is_dir():
            raise ValueError(f"the folder {folder} is missing: restore it or correct the manifest")
    names = tuple(objective.name for objective in soup_set.objectives)
    if soup_set.front is not None and soup_set.front.objectives != names:
        raise SetError(
            f"{soup_set.path / 'front.json'}: its objectives are {list(soup_set.front.objectives)}, the manifest's are "
            f"{list(names)}: measure it again with train.evaluate"
        )


def _name(folders: dict[str, Path], name: str, folder: Path) -> str:
    """The name of an adapter's folder: the one that it has already, or `name`, under which it is entered."""
    known = next((other for other, path in folders.items() if path == folder), None)
    if known is None:
        folders[name] = folder
    return known or name


def _strengths(field: str, given: list[float] | float, n: int) -> tuple[float, ...]:
    """A strength for the corner of each of n objectives, as a manifest gives them. Raises ValueError."""
    strengths = [1.0 + given] * n if isinstance(given, int | float) else given or [1.0] * n
    if len(strengths) != n or not all(isinstance(k, int | float) and 0 < k < math.inf for k in strengths):
        raise ValueError(f"{field} is {given!r}: give {n} numbers above 0, one for the corner of each objective")
    return tuple(map(float, strengths))


def _front(file: Path) -> Front | None:
    """The front in a file; None where there is none. Raises SetError."""
    if not file.is_file():
        return None
    try:
        return fronts.read(file)
    except ValueError as error:
        raise SetError(str(error)) from None


def _task(manifest: Manifest) -> Task:
    if manifest.task not in TASKS:
        raise ValueError(f"the task is {manifest.task!r}: use {' or '.join(TASKS)}")
    return TASKS[manifest.task](**manifest.settings)


def _objective(path: Path, fields: dict) -> Objective:
    folder = fields.get("reward_model")
    return Objective(**fields | {"reward_model": folder and places.inside(path, folder)})
