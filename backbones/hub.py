"""Folders of the Hugging Face Hub: fetched once, at a fixed revision, without code and without pickles."""

import re
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

REPOSITORY = r"[\w.-]+/[\w.-]+"
PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.jinja", "*.model", "*.md")  # models, adapters, tokenizers, cards


def is_repository(name: str) -> bool:
    """Whether it reads like a repository, `org/name`, or one at a revision, `org/name@revision`."""
    return bool(re.fullmatch(rf"{REPOSITORY}(@[\w.-]+)?", name)) and ".." not in name


def fetch(repository: str, revision: str, folder: str = "") -> Path:
    """The local copy of `folder` of a repository at `revision`; downloads what is not there yet.

    It is kept in Hugging Face's cache (HF_HOME), in a folder named after the repository, and works without a network
    from then on. Raises ValueError, naming the repository and the fix, when it cannot be had.
    """
    if not is_repository(repository):
        raise ValueError(f"{repository!r} is no repository of the Hub: write it as organisation/name")
    organisation, name = repository.split("/")
    copy = Path(constants.HF_HOME) / "bone-soup" / organisation / revision / name
    inside = f"{folder.strip('/')}/" if folder else ""
    try:
        snapshot_download(
            repository,
            revision=revision,
            local_dir=copy,
            allow_patterns=[f"{inside}{pattern}" for pattern in PATTERNS],
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{repository} at {revision} cannot be had from the Hub: {reason}") from None
    if not (copy / inside).is_dir():
        raise ValueError(f"{repository} at {revision} has no folder {folder!r}: correct the name")
    return copy / inside
