"""What happens when a slider moves or Write is pressed. No layout here."""

import random
from collections.abc import Callable, Iterator
from html import escape

import gradio as gr

from app import figures, render
from backbones import coefficients as c
from backbones import facts as f
from backbones.sets import SoupSet
from backbones.writer import Order, Text

MAX_SAMPLES = 4
MAX_MARKS = 60  # markers kept per visitor; the oldest go first

NAMES = (
    "The Golden Lantern",
    "Bistro Aurora",
    "Café Juniper",
    "The Copper Kettle",
    "Nonna's Table",
    "Blue Heron",
)
NEIGHBOURS = ("", "the Old Mill", "Hotel Meridian", "Platform Nine", "the Botanic Garden")

Stream = Callable[[str, list[Order]], Iterator[list[Text]]]


class Handlers:
    """Handlers for the sets served; holds nothing that changes, so that visitors cannot see each other.

    `stream` gives the running texts of orders for a set by its name.
    """

    def __init__(self, sets: list[SoupSet], stream: Stream):
        self.sets, self.stream = {soup_set.name: soup_set for soup_set in sets}, stream
        self.most = max(len(soup_set.objectives) for soup_set in sets)  # sliders

    def look(self, name: str, left: str, right: str, axes: str, marks: list[dict], *sliders: float) -> tuple:
        """Preference, coefficients and expected positions, before anything is generated."""
        soup_set = self.sets[name]
        try:
            mu = self._preference(soup_set, sliders)
        except ValueError as error:
            return f'<div class="problem">{escape(str(error))}</div>', gr.skip(), gr.skip()
        return (
            render.preference(mu, soup_set.objectives),
            render.coefficients([(method, *mix(soup_set, method, mu)) for method in (left, right)]),
            self._figure(soup_set, left, right, axes, mu, marks),
        )

    def choose(self, name: str, left: str, right: str) -> tuple:
        """Sliders, methods, planes and results that suit another set; the facts typed and the markers stay."""
        soup_set, sliders = self.sets[name], []
        for i in range(self.most):
            shown = i < len(soup_set.objectives)
            objective = soup_set.objectives[i] if shown else None
            words = {"label": objective.label, "info": objective.description} if shown else {}
            sliders.append(gr.update(visible=shown, **words))
        choices = [(figures.LABELS[method], method) for method in soup_set.methods]
        columns = [
            gr.update(choices=choices, value=method if method in soup_set.methods else "base")
            for method in (left, right)
        ]
        pairs = planes(soup_set)
        axes = gr.update(choices=pairs, value=pairs[0][1], visible=len(pairs) > 1)
        return (*sliders, *columns, axes, render.results(soup_set.front))

    def write(
        self,
        set_name: str,
        left: str,
        right: str,
        axes: str,
        name: str,
        kind: str,
        food: str,
        price: str,
        rating: str,
        area: str,
        family: str,
        near: str,
        samples: int,
        temperature: float,
        top_p: float,
        seed: int,
        same_noise: bool,
        marks: list[dict],
        *sliders: float,
    ) -> Iterator[tuple]:
        """Write descriptions of a restaurant with two methods at one preference."""
        values = (name, kind, food, price, rating, area, family, near)
        methods = (left, right)
        try:
            soup_set = self._set(set_name)
            facts = f.check({slot: value or "" for slot, value in zip(f.SLOTS, values, strict=True)})
            mu = tuple(self._preference(soup_set, sliders).tolist())
            if not 1 <= samples <= MAX_SAMPLES:
                raise ValueError(f"samples is {samples}: use 1 to {MAX_SAMPLES}")
            if seed is None:
                raise ValueError("the seed is empty: give a whole number >= 0")
            orders = [
                Order(
                    facts,
                    mu,
                    method,
                    seed=int(seed) + sample + (0 if same_noise else 1000 * column),
                    temperature=temperature,
                    top_p=top_p,
                    max_new_tokens=soup_set.sampling.max_new_tokens,
                )
                for column, method in enumerate(methods)
                for sample in range(int(samples))
            ]
            running, texts = self.stream(set_name, orders), []
            try:
                for texts in running:
                    yield (*_columns(methods, texts, facts, soup_set), gr.skip(), gr.skip())
            finally:
                running.close()
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None
        names = [objective.name for objective in soup_set.objectives]
        written = [
            {
                "set": set_name,
                "method": method,
                "preference": mu,
                "texts": [(text.text, [text.rewards[n] for n in names]) for text in part],
            }
            for method, part in zip(methods, _halves(texts), strict=True)
        ]
        marks = (marks + written)[-MAX_MARKS:]
        figure = self._figure(soup_set, left, right, axes, mu, marks)
        yield (*_columns(methods, texts, facts, soup_set), figure, marks)

    def coefficients(self, set_name: str, preference: list[float]) -> dict[str, dict[str, float]]:
        """Merging coefficients of every method that merges, by adapter, for a preference.

        Args:
            set_name: name of the set
            preference: one number >= 0 per objective of the set; they are divided by their sum
        """
        try:
            soup_set = self._set(set_name)
            mu = c.preference(preference, len(soup_set.objectives))
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return {method: dict(mix(soup_set, method, mu)[0]) for method in c.SOUPS}

    def _set(self, name: str) -> SoupSet:
        if name not in self.sets:
            raise ValueError(f"no set {name!r} is served here: use one of {', '.join(self.sets)}")
        return self.sets[name]

    def _preference(self, soup_set: SoupSet, sliders: tuple[float, ...]):
        n = len(soup_set.objectives)
        return c.preference(sliders[:n], n)

    def _figure(self, soup_set: SoupSet, left: str, right: str, axes: str, mu, marks: list[dict]):
        labels = [objective.label for objective in soup_set.objectives]
        own = [mark for mark in marks if mark["set"] == soup_set.name]
        known = dict(planes(soup_set))
        plane = axes if axes in known.values() else next(iter(known.values()))
        x, y = (int(axis) for axis in plane.split("-"))
        return figures.front_figure(soup_set.front, labels, [left, right], mu, own, (x, y))


def planes(soup_set: SoupSet) -> list[tuple[str, str]]:
    """The pairs of objectives a front can be looked at in: (label, value "i-j")."""
    labels = [objective.label for objective in soup_set.objectives]
    n = len(labels)
    return [(f"{labels[i]} × {labels[j]}", f"{i}-{j}") for i in range(n) for j in range(i + 1, n)]


def mix(soup_set: SoupSet, method: str, mu) -> tuple[list[tuple[str, float]], str]:
    """What a method makes of the preference mu [n]: (adapter, coefficient) pairs, and a remark where they need one."""
    if method == "base":
        return [], "no adapter"
    if method == "morlhf":
        oracle = soup_set.nearest_oracle(mu)
        shares = " / ".join(f"{100 * share:.0f} %" for share in oracle.preference)
        return [(oracle.adapter.name, 1.0)], f"tuned for {shares}"
    if method == "mod":
        names = [folder.name for folder in soup_set.specialists]
        return list(zip(names, mu.tolist(), strict=True)), "mixed at every token"
    pairs = []
    mixed = c.merging_coefficients(method, mu, soup_set.beta, soup_set.extrapolation)
    for folders, values in zip((soup_set.backbones, soup_set.specialists), mixed.tolist(), strict=True):
        if any(values):
            pairs += zip((folder.name for folder in folders), values, strict=True)
    return pairs, ""


def dice() -> list[str]:
    """Example facts, one value per slot in the order of `facts.SLOTS`."""
    draw = {slot: random.choice(("", *values, *values)) for slot, values in f.VALUES.items()}
    return [random.choice(NAMES), *draw.values(), random.choice(NEIGHBOURS)]


def _halves(texts: list[Text]) -> tuple[list[Text], list[Text]]:
    return texts[: len(texts) // 2], texts[len(texts) // 2 :]


def _columns(methods: tuple[str, str], texts: list[Text], facts: f.Facts, soup_set: SoupSet) -> tuple[str, str]:
    return tuple(
        render.texts(method, part, facts, soup_set.objectives)
        for method, part in zip(methods, _halves(texts), strict=True)
    )
