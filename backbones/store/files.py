"""Folders to be written, and JSON for people."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def require_new(folder: Path) -> None:
    """Raises ValueError where `folder` exists and is not an empty folder."""
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


def write_json(file: Path, fields: dict) -> None:
    """Write `fields` to `file` as JSON for people."""
    file.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
