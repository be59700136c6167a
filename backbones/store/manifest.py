"""manifest.json, the contents of a set: one reader and one writer. `store.soup_set` makes a set of it."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from backbones.store.files import write_json
from backbones.tasks.task import Sampling

FORMAT = 2
FILE = "manifest.json"
# Fields that a file can do without; of these only the task is written all the same.
OPTIONAL = ("task", "start", "extrapolation", "specialist_extrapolation")
# Inside the set, or of the Hub: {"hub", "revision", "folder"}. A base can also be {"set"}, or the fields of a `Gguf`.
Folder = str | dict[str, str]


class SetError(ValueError):
    """A set that cannot be used; the message names the file, what is wrong and the fix."""


@dataclass(frozen=True)
class Manifest:
    """The fields of the file. `objectives`: as `Objective`, with a folder for `reward_model`; `oracles`: "preference"
    and "adapter"; `extrapolation`: a strength for the corner of each objective, none for 1 everywhere, or one number a
    for 1 + a everywhere, as files from before have it; `specialist_extrapolation`: one for each specialist; `start`:
    the adapter that all others began at, None for the base; `settings`: those of the task, which the file holds beside
    the others."""

    name: str
    title: str
    objectives: list[dict[str, Any]]
    beta: float
    base: Folder = "base"
    backbones: list[Folder] = field(default_factory=list)
    specialists: list[Folder] = field(default_factory=list)
    oracles: list[dict[str, Any]] = field(default_factory=list)
    extrapolation: list[float] | float = field(default_factory=list)
    specialist_extrapolation: list[float] = field(default_factory=list)
    sampling: Sampling = field(default_factory=Sampling)
    task: str = "restaurants"
    settings: dict[str, str] = field(default_factory=dict)
    start: Folder | None = None

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest in the folder of a set. Raises SetError for one that cannot be read."""
        file = folder / FILE
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SetError(f"{file} is no valid JSON ({error}): correct it") from None
        if not isinstance(found, dict):
            raise SetError(f"{file} holds no fields: compare it with a shipped set")
        form = found.pop("format", None)
        if form != FORMAT:
            raise SetError(f"{file}: format is {form!r}, this version reads format {FORMAT}: make the set again")
        own = _names()
        missing = next((name for name in own if name not in (*found, *OPTIONAL)), None)
        if missing:
            raise SetError(f"{file}: the field {missing!r} is missing: add it")
        settings = {name: value for name, value in found.items() if name not in own and value}
        try:
            sampling = Sampling(**found["sampling"])
        except TypeError as error:
            raise SetError(f"{file}: sampling has the wrong shape ({error}): compare it with a shipped set") from None
        except ValueError as error:
            raise SetError(f"{file}: sampling: {error}") from None
        return cls(
            **{name: found[name] for name in own if name in found} | {"sampling": sampling, "settings": settings}
        )

    def write(self, folder: Path) -> None:
        """Write it into the folder of a set. Raises ValueError for a setting that is called as a field is."""
        clash = next((name for name in self.settings if name in ("format", *_names())), None)
        if clash:
            raise ValueError(f"{clash!r} is a field of every manifest and no setting of a task: leave it out")
        written = {"format": FORMAT} | asdict(self)
        for name in OPTIONAL:
            if written[name] in (None, []):
                del written[name]
        write_json(folder / FILE, written | written.pop("settings"))


def _names() -> list[str]:
    """The names in the file of all fields but the task's settings."""
    return [one.name for one in fields(Manifest) if one.name != "settings"]
