"""What is asked of the engine, and what comes of it."""

import math
from dataclasses import dataclass

from backbones.merging.methods import BONE_SOUP
from backbones.merging.preference import Preference
from backbones.tasks.task import Given


@dataclass(frozen=True)
class Request:
    """One text to write: what is given, a preference over the objectives, a method, sampling settings.

    Raises ValueError for a preference or a setting that is out of range; the rest is checked by the writer of the set
    that it is for.
    """

    given: Given
    preference: Preference
    method: str = BONE_SOUP
    seed: int = 0
    temperature: float = 1.0  # 0: the likeliest token at every step
    top_p: float = 0.9
    max_new_tokens: int = 80

    def __post_init__(self):
        if not isinstance(self.preference, Preference):
            object.__setattr__(self, "preference", Preference.of(self.preference, len(self.preference)))
        if not (math.isfinite(self.temperature) and 0 <= self.temperature <= 5):
            raise ValueError(f"temperature is {self.temperature}: use a number from 0 to 5")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}: use a number above 0, up to 1")
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens is {self.max_new_tokens}: use at least 1")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}: use a whole number from 0 to 2^63 - 1")


@dataclass(frozen=True)
class Text:
    """A text, finished or under way, and the request that it is for.

    `raw`: as the model wrote it, with placeholders where `text` holds names. `rewards`: by objective; None until done,
    and empty for a text that could not be scored. `pointer`: whether the text is the task's pointer, which no model
    wrote and nothing rewards. `note`: what people are to know of how it was written.
    """

    request: Request
    text: str
    raw: str
    tokens: int
    done: bool
    rewards: dict[str, float] | None = None
    pointer: bool = False
    note: str = ""
