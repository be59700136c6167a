"""The rewards of a set's objectives for whole batches of texts."""

from collections.abc import Sequence

from backbones.tasks.objectives import Objective
from backbones.tasks.reward_models import Judge
from backbones.tasks.task import Given, Rewards, Task


class Scorer:
    """Scores texts on objectives; loads the reward models that they name."""

    def __init__(self, task: Task, objectives: Sequence[Objective], device: str = "cpu"):
        self.rewards = {objective.name: loaded(task, objective, device) for objective in objectives}

    def score(self, texts: Sequence[str], given: Sequence[Given]) -> list[dict[str, float]]:
        """Every reward by name for every text as the model wrote it, and what it was given."""
        if not texts:
            return []
        columns = [rewards(texts, given) for rewards in self.rewards.values()]
        return [dict(zip(self.rewards, values, strict=True)) for values in zip(*columns, strict=True)]


def loaded(task: Task, objective: Objective, device: str) -> Rewards:
    """The reward of an objective, with its model. Judges run on `device`, smaller models on the CPU."""
    if objective.template and objective.reward_model:
        judge = Judge.load(objective.reward_model, objective.template, objective.output, device)
        return lambda texts, given: judge.rewards([task.line(g) for g in given], texts)
    if objective.reward_model:
        return task.learned[objective.name](objective.reward_model)
    rule = task.rules[objective.name]
    return lambda texts, given: [rule(text, g) for text, g in zip(texts, given, strict=True)]
