"""Positive Psychology Frames, thoughts that people reframed (Ziems et al. 2022, CC BY-SA 4.0), for reward models."""

from pathlib import Path

from backbones.tasks.reframe.task import Reframe
from train import data

Frame = tuple[str, str]  # a thought and its reframing


def load(data_dir: Path | None = None) -> tuple[list[Frame], list[Frame]]:
    """What is learned from, and what choices are made on: nothing of the prompts that fronts are measured on.

    Raises as `data.to_learn` does.
    """
    learn, choice = (
        [(pair.given["thought"], pair.reference.strip()) for pair in find(Reframe(), data_dir)]
        for find in (data.to_learn, data.to_choose)
    )
    return learn, choice
