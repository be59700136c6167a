"""What programs and language models can call: API endpoints and MCP tools of the same names."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from app import choices as ch
from app import errors, gradio_patches, history
from app import sweep as sweeps
from app.choices import Choices
from app.handlers import Handlers
from backbones.engine.request import Request
from backbones.merging.methods import BASELINE, BONE_SOUP, LABELS, METHODS
from backbones.store.soup_set import SoupSet

MAX_SWEEP_METHODS = 2
LOCAL = "http://127.0.0.1:7860"  # where the examples have the page
PAGE = Path(__file__).parents[1] / "docs" / "api.md"


class Programs:
    """The endpoints; their docstrings are what a language model reads, so they say everything it needs.

    What they say of the sets served, of what is given and of methods is filled in by `described`. Endpoints raise
    ValueError or ServingError.
    """

    def __init__(self, handlers: Handlers):
        self.sets, self.handlers = handlers.sets, handlers

    def publish(self, page: gr.Blocks, jobs: int) -> None:
        """Add the endpoints to the page that is being laid out."""
        gradio_patches.fill_in_defaults(page)
        gradio_patches.hide_events(page)
        texts = {"concurrency_id": "texts", "concurrency_limit": jobs}
        gr.api(self.described(self.generate), api_name="generate", **texts)
        gr.api(self.described(self.sweep), api_name="sweep", **texts)
        gr.api(self.described(self.coefficients), api_name="coefficients", queue=False)
        gr.api(self.described(self.front), api_name="front", queue=False)

    def described(self, endpoint: Callable) -> Callable:
        """An endpoint whose docstring tells of the sets served, and whose errors reach the caller in words."""

        @wraps(endpoint)
        def call(*args, **kwargs):
            with errors.clear():
                return endpoint(*args, **kwargs)

        known = {method: METHODS[method] for one in self.sets.values() for method in one.methods}
        call.__doc__ = (endpoint.__doc__ or "").format(
            sets="; ".join(map(_about, self.sets.values())),
            given="; ".join({one.task.name: one.task.usage for one in self.sets.values()}.values()),
            methods=" ".join(f"{name} ({method.label}): {method.meaning}" for name, method in known.items()),
            names=" or ".join(self.sets),
        )
        return call

    def generate(
        self,
        given: dict[str, str],
        preference: list[float],
        method: str = BONE_SOUP,
        set_name: str = "",
        samples: int = 1,
        seed: int = 0,
        temperature: float | None = None,
        top_p: float | None = None,
    ) -> list[dict[str, Any]]:
        """Write short texts that weigh several objectives as you say.

        A merge of language models made for your preference writes. Returns one object per text with the text, its
        reward for every objective, and all that it was written from; the same seed gives the same text again, in
        bfloat16 mostly: rounding depends on what is written beside it.

        Sets, and the objectives of each in order: {sets}.

        What is given: {given}.

        Methods: {methods}

        Args:
            given: what to write about or to answer, by the names above
            preference: one number >= 0 per objective of the set, in order; only proportions count, as in [70, 30]
            method: who answers, one of those above
            set_name: {names}; empty: the first of them
            samples: number of texts, 1 to 4
            seed: of the random numbers, a whole number >= 0
            temperature: 0 (the likeliest words) to 2; empty: the set's own
            top_p: share of the likeliest words that is drawn from, 0.01 to 1; empty: the set's own
        """
        soup_set = self._set(set_name)
        temperature = soup_set.sampling.temperature if temperature is None else temperature
        top_p = soup_set.sampling.top_p if top_p is None else top_p
        choices = ch.check(soup_set, (method,), preference, given, samples, temperature, top_p, seed, True)
        return self._written(choices, choices.requests())

    def sweep(
        self, given: dict[str, str], methods: list[str] | None = None, set_name: str = "", seed: int = 0
    ) -> list[dict[str, Any]]:
        """Write about one thing at every preference of a grid, to see how texts change with what matters.

        Returns one object per method and preference, as `generate` does: 11 preferences for two objectives, 28 for
        three, all written in one batch with the same random numbers.

        Args:
            given: what to write about, as for generate
            methods: one or two methods, as for generate; empty: bone-soup and rewarded-soup
            set_name: {names}; empty: the first of them
            seed: of the random numbers, a whole number >= 0
        """
        soup_set = self._set(set_name)
        methods = [BONE_SOUP, BASELINE] if methods in (None, []) else methods
        if not isinstance(methods, list):
            raise ValueError(f"the methods are {str(methods)[:60]!r}: give a list of 1 or {MAX_SWEEP_METHODS}")
        if len(methods) > MAX_SWEEP_METHODS:
            raise ValueError(f"{len(methods)} methods are too many for a sweep: use 1 or {MAX_SWEEP_METHODS}")
        n, sampling = len(soup_set.objectives), soup_set.sampling
        choices = ch.check(soup_set, methods, [1] * n, given, 1, sampling.temperature, sampling.top_p, seed, True)
        return self._written(choices, choices.requests(sweeps.grid(n)))

    def coefficients(self, preference: list[float], set_name: str = "") -> dict[str, dict[str, float]]:
        """Merging coefficients that a preference gives, for every method that merges, by the name of the adapter.

        Bone Soup's are B^-1 times the preference (Xie et al., ACL 2025): they sum to 1 and can be negative. Rewarded
        Soup's are the preference itself.

        Args:
            preference: one number >= 0 per objective, as for generate
            set_name: {names}; empty: the first of them
        """
        soup_set = self._set(set_name)
        mu = ch.preferred(soup_set, preference)
        merges = {method: soup_set.merge(method, mu) for method in soup_set.methods if not METHODS[method].lone}
        return {method: merge.coefficients for method, merge in merges.items() if not merge.at_every_token}

    def front(self, method: str = BONE_SOUP, set_name: str = "") -> dict[str, Any]:
        """The measured Pareto front of a method: mean rewards on held-out prompts at a grid of preferences.

        Returns the objectives in order, points (preference, rewards, low and high end of their 95 % intervals, mean
        number of words, an example) and metrics of the whole front with intervals, such as its hypervolume.

        Args:
            method: as for generate
            set_name: {names}; empty: the first of them
        """
        soup_set = self._set(set_name)
        if soup_set.front is None:
            raise ValueError(f"the fronts of {soup_set.name} have not been measured: python -m train.evaluate does")
        measured = soup_set.front.methods
        if not isinstance(method, str) or method not in measured:
            raise ValueError(f"no front of {str(method)[:60]!r}: use one of {', '.join(measured)}")
        keys = ("preference", "rewards", "low", "high", "words", "example")
        points = [asdict(point) for point in measured[method].points]
        return {
            "objectives": list(soup_set.front.objectives),
            "label": LABELS[method],
            "points": [{key: point[key] for key in keys} for point in points],
            "metrics": {name: asdict(metric) for name, metric in measured[method].metrics.items()},
        }

    def _set(self, name: str) -> SoupSet:
        return ch.served(self.sets, next(iter(self.sets)) if name in ("", None) else name)

    def _written(self, choices: Choices, requests: Sequence[Request]) -> list[dict[str, Any]]:
        *_, texts = self.handlers.texts(choices, requests)
        assert isinstance(texts, list)  # whoever waited has been served in the end
        return [history.flat(one) for one in history.entries(choices.soup_set.name, texts, "api")]


def _about(soup_set: SoupSet) -> str:
    """A set and its objectives, for a docstring."""
    objectives = ", ".join(f"{one.name} ({one.description})" for one in soup_set.objectives)
    return " ".join(f"{soup_set.name}: {objectives}".split())


def examples() -> str:
    """The examples of docs/api.md, which the tests run."""
    return PAGE.read_text(encoding="utf-8").split("<!-- code -->")[1].split("<!-- /code -->")[0]
