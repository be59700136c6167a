"""A set and a stream without a model, for tests of the page."""

import time
from pathlib import Path

import numpy as np

from backbones import facts as f
from backbones import rewards
from backbones.sets import Objective, Sampling, SoupSet
from backbones.writer import Order, Text


def fake_set() -> SoupSet:
    """Two objectives with curved fronts."""

    def method(bend):
        points = []
        for mu in np.linspace(0, 1, 11):
            mean = [0.3 + 0.65 * mu**bend, 0.3 + 0.65 * (1 - mu) ** bend]
            points.append(
                {
                    "preference": [mu, 1 - mu],
                    "rewards": mean,
                    "low": [value - 0.02 for value in mean],
                    "high": [value + 0.02 for value in mean],
                    "words": 12.0,
                    "example": {"mr": "name[A], food[English]", "text": "A is a <b>pub</b>."},
                }
            )
        metric = {"value": 0.7, "low": 0.6, "high": 0.8}
        return {"points": points, "metrics": {"hypervolume": metric}}

    return SoupSet(
        path=Path("fake"),
        name="fake",
        title="Fake",
        objectives=(
            Objective("complete", "Complete", "States the facts", 0.8, 0.2),
            Objective("concise", "Concise", "Few words", 0.6, 0.2),
        ),
        beta=0.7,
        base=Path("fake/base"),
        backbones=(Path("backbone-1"), Path("backbone-2")),
        specialists=(Path("specialist-1"), Path("specialist-2")),
        sampling=Sampling(1.0, 0.9, 80),
        front={
            "objectives": ["complete", "concise"],
            "reference_point": [0.0, 0.0],
            "conditions": {"prompts": 10, "samples": 1},
            "methods": {"bone-soup": method(0.5), "rewarded-soup": method(1.0)},
            "bone_soup_minus_rewarded_soup": {"hypervolume": {"value": 0.1, "low": 0.05, "high": 0.15}},
        },
    )


class FakeStream:
    """Writes one word per yield. `delay`: seconds per word. Counts streams that were closed early."""

    def __init__(self, delay: float = 0.0):
        self.delay, self.orders, self.closed = delay, [], 0

    def __call__(self, orders: list[Order]):
        self.orders.append(orders)
        words = [f"{f.NAME} is a {order.method} pub with seed {order.seed} .".split() for order in orders]
        try:
            for step in range(1, 9):
                time.sleep(self.delay)
                yield [self._text(" ".join(w[:step]), o.facts, step == 8) for w, o in zip(words, orders)]
        except GeneratorExit:
            self.closed += 1
            raise

    def _text(self, raw: str, facts: f.Facts, done: bool) -> Text:
        return Text(f.fill(raw, facts), raw, len(raw.split()), done, rewards.score(raw, facts) if done else None)
