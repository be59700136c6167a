"""What happens when a slider moves or Write is pressed. No layout here."""

import random
from collections.abc import Callable, Iterator
from html import escape

import gradio as gr
import plotly.graph_objects as go

from app import figures, render
from backbones import coefficients as c
from backbones import facts as f
from backbones.sets import SoupSet
from backbones.writer import Order, Text

METHODS = tuple(figures.LABELS)  # left and right column
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


class Handlers:
    """Handlers for one set; holds nothing that changes, so that visitors cannot see each other.

    `stream` is `Writer.stream` or a wrapper of it that runs on another device.
    """

    def __init__(self, soup_set: SoupSet, stream: Callable[[list[Order]], Iterator[list[Text]]]):
        self.set, self.stream = soup_set, stream
        self.labels = [objective.label for objective in soup_set.objectives]

    def mix(self, mu) -> dict[str, list[tuple[str, float]]]:
        """Merging coefficients of both methods for a preference, with the adapters' names."""
        adapters = {"bone-soup": self.set.backbones, "rewarded-soup": self.set.specialists}
        return {
            method: list(
                zip(
                    (folder.name for folder in adapters[method]),
                    c.merging_coefficients(method, mu, self.set.beta).tolist(),
                    strict=True,
                )
            )
            for method in METHODS
        }

    def look(self, first: float, second: float, marks: list[dict]) -> tuple[str, str, go.Figure]:
        """Preference, coefficients and expected positions, before anything is generated."""
        try:
            mu = c.preference((first, second), len(self.set.objectives))
        except ValueError as error:
            return f'<div class="problem">{escape(str(error))}</div>', gr.skip(), gr.skip()
        return (
            render.preference(mu, self.set.objectives),
            render.coefficients(self.mix(mu)),
            figures.front_figure(self.set.front, self.labels, mu, marks),
        )

    def write(
        self,
        name: str,
        kind: str,
        food: str,
        price: str,
        rating: str,
        area: str,
        family: str,
        near: str,
        complete: float,
        concise: float,
        samples: int,
        temperature: float,
        top_p: float,
        seed: int,
        same_noise: bool,
        marks: list[dict],
    ) -> Iterator[tuple]:
        """Write descriptions of a restaurant with Bone Soup and Rewarded Soup at one preference."""
        values = (name, kind, food, price, rating, area, family, near)
        try:
            facts = f.check({slot: value or "" for slot, value in zip(f.SLOTS, values, strict=True)})
            mu = tuple(c.preference((complete, concise), len(self.set.objectives)).tolist())
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
                    max_new_tokens=self.set.sampling.max_new_tokens,
                )
                for column, method in enumerate(METHODS)
                for sample in range(int(samples))
            ]
            running, texts = self.stream(orders), []
            try:
                for texts in running:
                    yield (*self._columns(texts, facts), gr.skip(), gr.skip())
            finally:
                running.close()
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None
        names = [objective.name for objective in self.set.objectives]
        half = len(texts) // 2
        written = [
            {
                "method": method,
                "preference": mu,
                "texts": [(text.text, [text.rewards[n] for n in names]) for text in part],
            }
            for method, part in zip(METHODS, (texts[:half], texts[half:]), strict=True)
        ]
        marks = (marks + written)[-MAX_MARKS:]
        figure = figures.front_figure(self.set.front, self.labels, mu, marks)
        yield (*self._columns(texts, facts), figure, marks)

    def coefficients(self, complete: float, concise: float) -> dict[str, dict[str, float]]:
        """Merging coefficients of Bone Soup and Rewarded Soup for a preference.

        Args:
            complete: weight of stating every fact, 0 or more
            concise: weight of using few words, 0 or more
        """
        try:
            mu = c.preference((complete, concise), len(self.set.objectives))
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return {method: dict(row) for method, row in self.mix(mu).items()}

    def _columns(self, texts: list[Text], facts: f.Facts) -> tuple[str, str]:
        half = len(texts) // 2
        return tuple(
            render.texts(method, part, facts, self.set.objectives)
            for method, part in zip(METHODS, (texts[:half], texts[half:]), strict=True)
        )


def dice() -> list[str]:
    """Example facts, one value per slot in the order of `facts.SLOTS`."""
    draw = {slot: random.choice(("", *values, *values)) for slot, values in f.VALUES.items()}
    return [random.choice(NAMES), *draw.values(), random.choice(NEIGHBOURS)]
