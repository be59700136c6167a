"""Sets and a stream without a model, for tests of the page."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.choices import Values
from backbones.engine import stored
from backbones.engine.request import Request, Text
from backbones.merging.front import Comparison, Example, Front, Measured, Metric, Point
from backbones.merging.methods import BASELINE, BONE_SOUP, METHODS, Oracle
from backbones.merging.metrics import KINDS
from backbones.merging.preference import Preference, lattice
from backbones.store.soup_set import SoupSet
from backbones.tasks.objectives import Objective
from backbones.tasks.restaurants.facts import NAME
from backbones.tasks.restaurants.task import Restaurants
from backbones.tasks.task import Sampling, Task

LABELS = {"complete": "Complete", "concise": "Concise", "upbeat": "Upbeat"}
HEAVY, POINTER = "Nobody", "Talk to <a person>: findahelpline.com knows one."


class Caring(Restaurants):
    """Restaurants, and a pointer in place of a text about one of them."""

    def pointer(self, given):
        return POINTER if given.get("name") == HEAVY else None


RESTAURANTS = Caring()
GIVEN = {
    "name": "Zoë's",
    "eatType": "pub",
    "food": "English",
    "priceRange": "cheap",
    "customer rating": "low",
    "area": "riverside",
    "familyFriendly": "no",
}


def fake_set(n: int = 2) -> SoupSet:
    """A set of two or three objectives with curved fronts; nothing of it exists on disk."""
    names = tuple(LABELS)[:n]
    backbones, specialists = (tuple(f"{kind}-{i + 1}" for i in range(n)) for kind in ("backbone", "specialist"))
    corners = [Preference(row) for row in np.eye(n).tolist()]
    return SoupSet(
        path=Path("fake"),
        name=f"fake-{n}",
        title=f"Fake of {n}",
        task=RESTAURANTS,
        objectives=tuple(Objective(name, LABELS[name], f"About {name}", 0.8, 0.2) for name in names),
        beta=0.7,
        extrapolation=(1.25,) * n,
        specialist_extrapolation=(1.1,) * n,
        base_folder=Path("fake/base"),
        folders={name: Path(name) for name in (*backbones, *specialists)},
        backbones=backbones,
        specialists=specialists,
        oracles=tuple(Oracle(mu, name) for mu, name in zip(corners, specialists, strict=True)),
        sampling=Sampling(1.0, 0.9, 80),
        front=fake_front(names, corners),
    )


def with_sweep(soup_set: SoupSet, folder: Path) -> SoupSet:
    """The set, in a folder with texts that it comes with: what the fake stream writes of the page's first example."""
    soup_set = replace(soup_set, path=folder)
    given = soup_set.task.check({field.name: field.default for field in soup_set.task.fields})
    requests = [
        Request(given, mu, method) for method in (BONE_SOUP, BASELINE) for mu in lattice(len(soup_set.objectives))
    ]
    texts = [text(one, f"{NAME} is a {one.method} pub at {one.preference} .", soup_set.task) for one in requests]
    names = [objective.name for objective in soup_set.objectives]
    stored.write(soup_set, [replace(one, rewards={name: one.rewards[name] for name in names}) for one in texts])
    return soup_set


def fake_front(names: tuple[str, ...], corners: list[Preference]) -> Front:
    """Bent for Bone Soup, straight for all others."""
    grid = [Preference(round(share, 6) for share in mu) for mu in lattice(len(names))]

    def method(name: str) -> Measured:
        bend = 0.5 if name.startswith("bone-soup") else 1.0
        points = {"morlhf": corners, "base": grid[-1:]}.get(name, grid)
        return Measured(
            tuple(point(mu, bend) for mu in points),
            dict.fromkeys(KINDS, Metric(0.7, 0.6, 0.8)),
            dict.fromkeys(KINDS, Metric(0.1, 0.05, 0.15)),
        )

    def point(mu: Preference, bend: float) -> Point:
        mean = 0.3 + 0.65 * np.array(mu) ** bend
        return Point(
            preference=mu,
            rewards=tuple(mean.tolist()),
            low=tuple((mean - 0.02).tolist()),
            high=tuple((mean + 0.02).tolist()),
            covariance=tuple(map(tuple, (1e-4 * np.eye(len(mu))).tolist())),
            words=12.0,
            log_probability=-2.0,
            repeated=0.0,
            example=Example("name[A], food[English]", "A is a <b>pub</b>."),
        )

    none = Comparison((), BASELINE, {}, {})
    return Front(
        objectives=names,
        reference_point=(0.0,) * len(names),
        normalisation="none",
        conditions={"prompts": 10, "samples": 1},
        methods={name: method(name) for name in METHODS},
        at_oracles=none,
        inside_b=none,
    )


class FakeStream:
    """Writes one word per yield. `delay`: seconds per word. Counts streams that were closed early. `swept`: what was
    written in the background, `requests`: the rest.

    `tasks`: those of sets by name; default: restaurants.
    """

    def __init__(self, delay: float = 0.0, tasks: Mapping[str, Task] | None = None):
        self.delay, self.tasks = delay, tasks or {}
        self.requests: list[Sequence[Request]] = []
        self.set_names: list[str] = []
        self.swept: list[Sequence[Request]] = []
        self.closed = 0

    def __call__(self, set_name: str, requests: Sequence[Request], background: bool = False) -> Iterator[list[Text]]:
        if background:
            self.swept.append(requests)
        else:
            self.requests.append(requests)
            self.set_names.append(set_name)
        task = self.tasks.get(set_name, RESTAURANTS)
        words = [f"{NAME} is a {one.method} pub with seed {one.seed} .".split() for one in requests]
        try:
            for step in range(1, 9):
                time.sleep(self.delay)
                yield [
                    text(one, " ".join(said[:step]), task, step == 8) for one, said in zip(requests, words, strict=True)
                ]
        except GeneratorExit:
            self.closed += 1
            raise


def text(request: Request, raw: str, task: Task = RESTAURANTS, done: bool = True) -> Text:
    """A text with the same rewards for everything, or the task's pointer."""
    pointer = task.pointer(request.given)
    if pointer is not None:
        return Text(request, pointer, pointer, 0, True, {}, pointer=True)
    rewards = dict.fromkeys(LABELS, 0.5) if done else None
    return Text(request, task.text(raw, request.given), raw, len(raw.split()), done, rewards)


def values(controls: Mapping[str, Any]) -> Values:
    """What the page's controls hold after news of them all."""
    held = {name: controls[name]["value"] for name in ("left", "right", "preference")}
    return Values(**{**controls, **held})


def chosen(
    name: str = "fake-2",
    methods: tuple[str, str] = ("bone-soup", "rewarded-soup"),
    preference: Sequence[float] = (70, 30),
    given: Mapping[str, str] = GIVEN,
    task: Task = RESTAURANTS,
    samples: float | None = 1,
    temperature: float = 1.0,
    top_p: float = 0.9,
    seed: float | None = 5,
    same_noise: bool = True,
) -> Values:
    """What the page's controls hold."""
    fields = {field.name: given.get(field.name, "") for field in task.fields}
    settings = samples, temperature, top_p, seed, same_noise
    return Values(name, *methods, list(preference), {task.name: fields}, *settings)
