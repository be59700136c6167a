"""Folders to be written, JSON for people, and files that turn out to be damaged."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

POINTER = b"version https://git-lfs"  # what stands in place of a large file where Git LFS has not fetched it


def require_new(folder: Path) -> None:
    """Raises ValueError where `folder` exists and is not an empty folder, or has no name, as "." and ".."."""
    if folder.name in ("", ".."):
        raise ValueError(f"{folder} has no name of its own: name a new folder")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is no empty folder: name a new one")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `folder` at the end; after an exception nothing is left of it.

    Raises ValueError as `require_new` does.
    """
    require_new(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, not in /tmp: a folder can be renamed in one step within its file system alone.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as temporary:
        made = Path(temporary) / folder.name
        made.mkdir()
        yield made
        if folder.exists():
            folder.rmdir()
        made.rename(folder)


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Within, JSON or safetensors of `file` are read, and fields of the JSON looked up.

    Raises ValueError, naming the file, what is wrong and the fix, where it is damaged or cut off, a pointer of Git LFS,
    or lacks a field. Other ValueErrors pass as they are.
    """
    try:
        yield
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error}): copy or save it again") from None
    except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError) as error:
        with file.open("rb") as opened:
            pointer = opened.read(len(POINTER)) == POINTER
        if pointer:
            raise ValueError(f"{file} is a pointer of Git LFS, not the file itself: run `git lfs pull`") from None
        raise ValueError(f"{file} is damaged or cut off ({error}): copy or save it again") from None
    except KeyError as error:
        raise ValueError(f"{file} lacks {error}: copy or save it again") from None
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{file} has the wrong shape ({error}): copy or save it again") from None


def read_json(file: Path) -> dict[str, Any]:
    """The fields of a JSON file. Raises ValueError as `reading` does."""
    with reading(file):
        fields = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(fields, dict):
            raise TypeError(f"{type(fields).__name__} in place of fields")
        return fields


def write_json(file: Path, fields: dict) -> None:
    """Write `fields` to `file` as JSON for people."""
    file.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
