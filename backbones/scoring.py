"""The rewards of a set's objectives for whole batches of texts: the rules, and the learned ones with their models."""

from backbones import rewards
from backbones.facts import Facts
from backbones.reward_model import RewardModel
from backbones.sets import Objective


class Scorer:
    """Scores texts on objectives; loads the reward models that they name."""

    def __init__(self, objectives: tuple[Objective, ...]):
        self.names = [objective.name for objective in objectives]
        self.models = {o.name: RewardModel.load(o.reward_model) for o in objectives if o.reward_model}

    def score(self, texts: list[str], facts: list[Facts]) -> list[dict[str, float]]:
        """Every reward by name for every text (with placeholders) and the facts it was to state."""
        if not texts:
            return []
        columns = {}
        for name in self.names:
            if name in self.models:
                probabilities = self.models[name].probabilities(texts)
                columns[name] = [rewards.LEARNED[name](t, p) for t, p in zip(texts, probabilities, strict=True)]
            else:
                columns[name] = [rewards.RULES[name](t, f) for t, f in zip(texts, facts, strict=True)]
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
