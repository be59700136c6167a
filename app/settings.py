"""Settings of whoever hosts the app: environment variables, all of them here."""

import os
from dataclasses import dataclass

from backbones.store.soup_set import shipped


@dataclass(frozen=True)
class Settings:
    """What to serve, where, and how much at one time."""

    sets: tuple[str, ...]
    device: str | None
    precision: str | None
    jobs: int
    rows: int

    @classmethod
    def read(cls, environ=os.environ) -> "Settings":
        """The settings of the environment. Raises ValueError, naming the variable and the fix.

        BONESOUP_SETS: names, folders or repositories of the Hub, separated by commas; default: every shipped set.
        BONESOUP_DEVICE: cpu or cuda; default: CUDA where there is one.
        BONESOUP_PRECISION: float32 or bfloat16, to compute in; default: bfloat16 on CUDA, float32 on the CPU.
        BONESOUP_QUEUE: requests served or waiting at one time, default 64; more are turned away.
        BONESOUP_ROWS: texts in one forward pass, default 64.
        """
        names = environ.get("BONESOUP_SETS") or ",".join(shipped())
        return cls(
            sets=tuple(name.strip() for name in names.split(",") if name.strip()),
            device=_one_of(environ, "BONESOUP_DEVICE", ("cpu", "cuda")),
            precision=_one_of(environ, "BONESOUP_PRECISION", ("float32", "bfloat16")),
            jobs=_whole(environ, "BONESOUP_QUEUE", 64),
            rows=_whole(environ, "BONESOUP_ROWS", 64),
        )


def _one_of(environ, name: str, values: tuple[str, ...]) -> str | None:
    value = environ.get(name) or None
    if value not in (None, *values):
        raise ValueError(f"{name} is {value!r}: use {' or '.join(values)}")
    return value


def _whole(environ, name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= 10_000:
        raise ValueError(f"{name} is {value!r}: use a whole number from 1 to 10000")
    return int(value)
