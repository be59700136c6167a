"""Settings of whoever hosts the app: environment variables, all of them here."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import httpx
from huggingface_hub import constants

from backbones.merging.preference import FINE
from backbones.store.soup_set import shipped


@dataclass(frozen=True)
class Settings:
    """What to serve, where, and how much at one time."""

    sets: tuple[str, ...]
    device: str | None
    precision: str | None
    jobs: int
    rows: int
    engine: tuple[str, ...] = ()
    adapters: int = 16
    lattice: int = FINE
    folder: Path = Path(constants.HF_HOME) / "bone-soup" / "adapters"

    @classmethod
    def read(cls, environ=os.environ) -> "Settings":
        """The settings of the environment. Raises ValueError, naming the variable and the fix.

        BONESOUP_SETS: names, folders or repositories of the Hub, separated by commas; default: every shipped set.
        BONESOUP_DEVICE: cpu or cuda; default: CUDA where there is one.
        BONESOUP_PRECISION: float32 or bfloat16, to compute in; default: bfloat16 on CUDA and on processors that
        multiply in it, else float32.
        BONESOUP_QUEUE: requests served or waiting at one time, default 64; more are turned away.
        BONESOUP_ROWS: texts in one forward pass, default 64.
        BONESOUP_ENGINE: addresses of vLLM servers that write, separated by commas; default: this process writes. For
        these BONESOUP_ROWS holds of each server, and:
        BONESOUP_ENGINE_ADAPTERS: adapters that a server holds, its --max-cpu-loras; default 16.
        BONESOUP_ENGINE_FOLDER: where adapters are written, at the same path for all servers; default:
        bone-soup/adapters in Hugging Face's cache.
        BONESOUP_ENGINE_LATTICE: preferences are multiples of one part of so many, default 40.
        """
        names = environ.get("BONESOUP_SETS") or ",".join(shipped())
        return cls(
            sets=tuple(name.strip() for name in names.split(",") if name.strip()),
            device=_one_of(environ, "BONESOUP_DEVICE", ("cpu", "cuda")),
            precision=_one_of(environ, "BONESOUP_PRECISION", ("float32", "bfloat16")),
            jobs=_whole(environ, "BONESOUP_QUEUE", 64),
            rows=_whole(environ, "BONESOUP_ROWS", 64),
            engine=_addresses(environ, "BONESOUP_ENGINE"),
            adapters=_whole(environ, "BONESOUP_ENGINE_ADAPTERS", cls.adapters),
            lattice=_whole(environ, "BONESOUP_ENGINE_LATTICE", cls.lattice),
            folder=Path(environ.get("BONESOUP_ENGINE_FOLDER") or cls.folder),
        )


def _one_of(environ, name: str, values: tuple[str, ...]) -> str | None:
    value = environ.get(name) or None
    if value not in (None, *values):
        raise ValueError(f"{name} is {value!r}: use {' or '.join(values)}")
    return value


def _addresses(environ, name: str) -> tuple[str, ...]:
    found = [one.strip().rstrip("/") for one in (environ.get(name) or "").split(",") if one.strip()]
    for one in found:
        if not _address(one):
            raise ValueError(f"{name} holds {one!r}: write addresses as in http://host:8000,http://host:8001")
    return tuple(dict.fromkeys(found))


def _address(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"https?://[^/?#\s]+", text)) and bool(httpx.URL(text).host)
    except httpx.InvalidURL:
        return False


def _whole(environ, name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= 10_000:
        raise ValueError(f"{name} is {value!r}: use a whole number from 1 to 10000")
    return int(value)
