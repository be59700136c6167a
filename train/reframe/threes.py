"""Texts written for the task reframe: three for a thought, from true to it to bright."""

from pathlib import Path
from typing import NamedTuple

from backbones.tasks.reframe.task import Reframe
from train import data

LEFT_OUT = 10  # one thought of so many is not learned from: how well its texts are told apart is measured


class Three(NamedTuple):
    """A thought, what says the same calmly, what keeps the trouble and adds something bright, what is mostly bright."""

    thought: str
    calm: str
    even: str
    bright: str


def load(file: Path, data_dir: Path | None) -> tuple[list[Three], list[Three]]:
    """The texts of `file` (see `data.other_texts`); what is learned from, and what is left out.

    Thoughts with another number of texts are passed over: a text that only copies its thought is none. Raises
    ValueError where too few remain, and as `data.other_texts` does.
    """
    found: dict[str, list[str]] = {}
    for pair in data.other_texts(Reframe(), [file], data_dir):
        found.setdefault(pair.given["thought"], []).append(pair.reference.strip())
    threes = [Three(thought, *texts) for thought, texts in found.items() if len(texts) == 3]
    if len(threes) < 3:  # with one to measure on, two remain to be told apart
        raise ValueError(
            f"{file}: {len(threes)} thoughts have three texts: give three or more, each true, even and bright"
        )
    return [three for i, three in enumerate(threes) if i % LEFT_OUT], threes[::LEFT_OUT]
