"""Sets and a stream without a model, for tests of the page."""

import time
from pathlib import Path

import numpy as np

from backbones import coefficients as c
from backbones import facts as f
from backbones.front import METRICS
from backbones.sets import Objective, Oracle, Sampling, SoupSet
from backbones.writer import Order, Text

LABELS = {"complete": "Complete", "concise": "Concise", "upbeat": "Upbeat"}


def fake_set(n: int = 2) -> SoupSet:
    """A set of two or three objectives with curved fronts; nothing of it exists on disk."""
    names = list(LABELS)[:n]
    lattice = c.simplex_lattice(n, {2: 10, 3: 6}[n]).round(6)
    backbones, specialists = (tuple(Path(f"{kind}-{i + 1}") for i in range(n)) for kind in ("backbone", "specialist"))
    corners = [tuple(row) for row in np.eye(n).tolist()]

    def method(name: str, bend: float) -> dict:
        points = [point(mu, bend) for mu in {"morlhf": np.array(corners), "base": lattice[-1:]}.get(name, lattice)]
        metrics = {metric: {"value": 0.7, "low": 0.6, "high": 0.8} for metric in METRICS}
        difference = {metric: {"value": 0.1, "low": 0.05, "high": 0.15} for metric in METRICS}
        return {"points": points, "metrics": metrics, "minus_rewarded_soup": difference}

    def point(mu: np.ndarray, bend: float) -> dict:
        mean = 0.3 + 0.65 * mu**bend
        return {
            "preference": mu.tolist(),
            "rewards": mean.tolist(),
            "low": (mean - 0.02).tolist(),
            "high": (mean + 0.02).tolist(),
            "covariance": (1e-4 * np.eye(n)).tolist(),
            "words": 12.0,
            "example": {"mr": "name[A], food[English]", "text": "A is a <b>pub</b>."},
        }

    bends = {name: 0.5 if name.startswith("bone-soup") else 1.0 for name in c.METHODS}
    return SoupSet(
        path=Path("fake"),
        name=f"fake-{n}",
        title=f"Fake of {n}",
        objectives=tuple(Objective(name, LABELS[name], f"About {name}", 0.8, 0.2) for name in names),
        beta=0.7,
        extrapolation=0.25,
        base=Path("fake/base"),
        backbones=backbones,
        specialists=specialists,
        oracles=tuple(Oracle(mu, folder) for mu, folder in zip(corners, specialists)),
        sampling=Sampling(1.0, 0.9, 80),
        front={
            "objectives": names,
            "reference_point": [0.0] * n,
            "conditions": {"prompts": 10, "samples": 1},
            "methods": {name: method(name, bend) for name, bend in bends.items()},
        },
    )


class FakeStream:
    """Writes one word per yield. `delay`: seconds per word. Counts streams that were closed early."""

    def __init__(self, delay: float = 0.0):
        self.delay, self.orders, self.set_names, self.closed = delay, [], [], 0

    def __call__(self, set_name: str, orders: list[Order]):
        self.orders.append(orders)
        self.set_names.append(set_name)
        words = [f"{f.NAME} is a {order.method} pub with seed {order.seed} .".split() for order in orders]
        try:
            for step in range(1, 9):
                time.sleep(self.delay)
                yield [self._text(" ".join(w[:step]), o.facts, step == 8) for w, o in zip(words, orders)]
        except GeneratorExit:
            self.closed += 1
            raise

    def _text(self, raw: str, facts: f.Facts, done: bool) -> Text:
        return Text(f.fill(raw, facts), raw, len(raw.split()), done, dict.fromkeys(LABELS, 0.5) if done else None)
