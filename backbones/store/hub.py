"""Folders of the Hugging Face Hub: fetched once, at a fixed revision, without code and without pickles."""

import re
from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

REPOSITORY = r"[\w.-]+/[\w.-]+"
PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.jinja", "*.model", "*.md")  # models, adapters, tokenizers, cards


def is_repository(name: str) -> bool:
    """Whether it reads like a repository, `org/name`, or one at a revision, `org/name@revision`."""
    return bool(re.fullmatch(rf"{REPOSITORY}(@[\w.-]+)?", name)) and ".." not in name


def fetch(repository: str, revision: str, folder: str = "") -> Path:
    """The local copy of `folder` of a repository at `revision`; downloads what is not there yet.

    It is kept in Hugging Face's own cache (HF_HOME) and works without a network from then on. Raises ValueError, naming
    the repository and the fix, when it cannot be had.
    """
    if not is_repository(repository):
        raise ValueError(f"{repository!r} is no repository of the Hub: write it as organisation/name")
    inside = f"{folder.strip('/')}/" if folder else ""
    try:
        copy = Path(
            snapshot_download(
                repository, revision=revision, allow_patterns=[f"{inside}{pattern}" for pattern in PATTERNS]
            )
        )
    except Exception as error:  # the client's own, those of HTTP and of files: they differ between its versions
        raise ValueError(f"{repository} at {revision} cannot be had from the Hub: {_reason(error)}") from None
    if not (copy / inside).is_dir():
        raise ValueError(f"{repository} at {revision} has no folder {folder!r}: correct the name")
    return copy / inside


def file(repository: str, revision: str, name: str) -> Path:
    """The local copy of one file of a repository at a commit, kept as those of `fetch` are. Raises as `fetch` does."""
    try:
        return Path(hf_hub_download(repository, name, revision=revision))
    except Exception as error:
        raise ValueError(f"{repository} at {revision} cannot be had from the Hub: {_reason(error)}") from None


def cached(repository: str, revision: str, name: str) -> Path | None:
    """What `file` has kept; None where it is not there. Asks no network."""
    try:
        return Path(hf_hub_download(repository, name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
