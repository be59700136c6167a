"""What a manifest's folders stand for: inside the set, on the Hub, and for a base that of another set, or a GGUF."""

import os
import re
from pathlib import Path

from backbones.store import hub
from backbones.store.fetching import Gguf
from backbones.store.manifest import FILE, Folder, Manifest, SetError


def inside(path: Path, folder: Folder) -> Path:
    """A folder that the manifest in `path` names: inside the set, or of the Hub at a fixed commit. Raises SetError."""
    if isinstance(folder, dict):
        if not re.fullmatch("[0-9a-f]{40}", folder["revision"]):
            raise SetError(f"{path / FILE}: the revision of {folder['hub']} is no commit: give all of its 40 digits")
        return of_hub(folder["hub"], folder["revision"], folder.get("folder", ""))
    if not (path / folder).resolve().is_relative_to(path.resolve()):
        raise SetError(f"{path / FILE}: {folder!r} lies outside the set: keep every folder inside it")
    return path / folder


def of_hub(repository: str, revision: str, folder: str = "") -> Path:
    """As `hub.fetch`. Raises SetError."""
    try:
        return hub.fetch(repository, revision, folder)
    except ValueError as error:
        raise SetError(str(error)) from None


def base(path: Path, named: Folder) -> tuple[Path, Gguf | None]:
    """The folder of the base that the manifest in `path` names, and the GGUF file that it is made of, or None.

    Made of one, it is not there before it has been fetched. Raises SetError.
    """
    owner, named = _owner(path, named)
    if isinstance(named, dict) and "gguf" in named:
        gguf = Gguf.of(named, owner / FILE)
        return gguf.folder, gguf
    return inside(owner, named), None


def base_on_hub(path: Path, named: Folder) -> dict[str, str] | None:
    """Where on the Hub the base lies that the manifest in `path` names: {"hub", "revision", "folder"}, as it has it.

    None for one that lies here, or is made of a GGUF file. Raises SetError.
    """
    _, named = _owner(path, named)
    return named if isinstance(named, dict) and "gguf" not in named else None


def base_from_adapters(path: Path, named: Folder) -> str:
    """How adapters in adapters/NAME of the set in `path` name its base: by a path from there, or a repository."""
    owner, named = _owner(path, named)
    if isinstance(named, dict):
        return named["hub"]
    return Path(os.path.relpath(owner.resolve() / named, path.resolve() / "adapters" / "NAME")).as_posix()


def _owner(path: Path, named: Folder) -> tuple[Path, Folder]:
    """The set that has the base, which can be one beside that in `path`, and how its manifest names it."""
    if not isinstance(named, dict) or "set" not in named:
        return path, named
    name, where = named["set"], path.resolve().parent
    if not isinstance(name, str):
        raise SetError(f"{path / FILE}: its base is that of the set {name!r}: give the name of a folder beside it")
    other = where / name
    if name in ("", ".", "..") or other.parent != where or not (other / FILE).is_file():
        raise SetError(
            f"{path / FILE}: its base is that of the set {name!r}, which is not beside it: copy that set to {where}, "
            "or give this one a base of its own"
        )
    if other == path.resolve():
        raise SetError(f"{path / FILE}: its base is that of the set {name!r}, so it names itself: name another")
    theirs = Manifest.read(other).base
    if isinstance(theirs, dict) and "set" in theirs:
        raise SetError(f"{path / FILE}: {name!r} has the base of another set itself: name {theirs['set']!r} here")
    return other, theirs
