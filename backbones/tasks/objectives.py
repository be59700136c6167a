"""Objectives of a set."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Objective:
    """One reward. `mean` and `std` are those of the base's own texts; training normalises with them.

    `reward_model`: folder of the model behind a learned reward. `template`: how what was given and the text are put
    before it, with {prompt} and {text}; its logit number `output` is then the reward itself.
    """

    name: str
    label: str
    description: str
    mean: float
    std: float
    reward_model: Path | None = None
    template: str = ""
    output: int = 0
