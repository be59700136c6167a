"""Rewards of reinforcement learning as TRL calls them: the objectives', and two that every adapter has alike."""

from collections.abc import Callable, Sequence

from accelerate.utils import gather_object

from backbones.tasks.objectives import Objective
from backbones.tasks.scoring import Scorer
from backbones.tasks.task import Given, Task
from backbones.tasks.words import words
from train import processes
from train.sense import Sense

ENOUGH = 0.5  # of sense: what only says the same again makes the most, and must not pay for that


def normalised_rewards(task: Task, objectives: Sequence[Objective]) -> list[Callable[..., list[float]]]:
    """Every objective's reward as TRL calls it: (completions, given) -> [float], mean 0 and std 1 on the base.

    Reward models that read what was given run on the GPU where there is one.
    """

    def make(objective: Objective):
        scorer = Scorer(task, (objective,), str(processes.state().device))

        def normalised(completions: list[str], given: list[Given], **_) -> list[float]:
            scores = scorer.score(completions, list(map(_filled, given)))
            return [(score[objective.name] - objective.mean) / objective.std for score in scores]

        normalised.__name__ = objective.name
        return normalised

    return [make(objective) for objective in objectives]


def sensible(judge: Sense) -> Callable[..., list[float]]:
    """What a judge says, as TRL calls it: in [0, 1], 1 from `ENOUGH` on."""

    def sense(completions: list[str], given: list[Given], **_) -> list[float]:
        return [min(heard / ENOUGH, 1.0) for heard in judge(completions, list(map(_filled, given)))]

    return sense


def _filled(given: Given) -> Given:
    """Without the fields that datasets add where other prompts have them."""
    return {field: text for field, text in given.items() if text}


def variety(completions: list[str], given: list[Given], **_) -> list[float]:
    """Minus the share of the step's texts for other prompts that begin or end with the same three words, or have four
    words in a row of the text that its own prompt does not have: [-1, 0].

    One opening, ending or phrase for everything raises a learned reward; within the texts of one prompt it may well be
    right.
    """
    own = [_phrases(text, one) for text, one in zip(completions, given, strict=True)]
    everybodys, rewards = gather_object(own), []  # those of all processes
    for prompt, said in own:
        others = [other for name, other in everybodys if name != prompt]
        rewards.append(-sum(bool(said & other) for other in others) / max(1, len(others)))
    return rewards


def _phrases(text: str, one: Given) -> tuple[tuple[tuple[str, str], ...], set[tuple[str, ...]]]:
    """The prompt, and what `variety` compares of its text."""
    said, asked = words(text), words(" ".join(_filled(one).values()))
    runs = {tuple(said[i : i + 4]) for i in range(len(said) - 3)}
    runs -= {tuple(asked[i : i + 4]) for i in range(len(asked) - 3)}
    return tuple(one.items()), runs | {("", *said[:3]), (*said[-3:], "")}
