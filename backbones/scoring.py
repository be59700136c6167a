"""The rewards of a set's objectives for whole batches of texts: the rules, and the learned ones with their models."""

from backbones import rewards
from backbones.reward_model import Judge, RewardModel
from backbones.sets import Objective


class Scorer:
    """Scores texts on objectives; loads the reward models that they name."""

    def __init__(self, objectives: tuple[Objective, ...], device: str = "cpu"):
        self.names = [objective.name for objective in objectives]
        learned = [o for o in objectives if o.reward_model and not o.template]
        self.models = {o.name: RewardModel.load(o.reward_model) for o in learned}
        self.judges = {
            o.name: Judge.load(o.reward_model, o.template, o.output, device) for o in objectives if o.template
        }

    def score(self, texts: list[str], facts: list[dict[str, str]]) -> list[dict[str, float]]:
        """Every reward by name for every text as the model wrote it, and what it was given."""
        if not texts:
            return []
        columns = {}
        for name in self.names:
            if name in self.judges:
                columns[name] = self.judges[name].rewards([given["prompt"] for given in facts], texts)
            elif name in self.models:
                probabilities = self.models[name].probabilities(texts)
                columns[name] = [rewards.LEARNED[name](t, p) for t, p in zip(texts, probabilities, strict=True)]
            else:
                columns[name] = [rewards.RULES[name](t, f) for t, f in zip(texts, facts, strict=True)]
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
