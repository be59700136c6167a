"""What programs and language models can call: API endpoints and MCP tools of the same names."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.context import Context
from gradio_client.utils import is_file_obj_with_meta, traverse

from app import choices as ch
from app import figures, history
from app import sweep as sweeps
from app.handlers import Handlers, clear_words, mix
from backbones import coefficients as c
from backbones.sets import SoupSet
from backbones.writer import Order

MAX_SWEEP_METHODS = 2
README = Path(__file__).parents[1] / "README.md"


class Programs:
    """The endpoints; their docstrings are what a language model reads, so they say everything it needs."""

    def __init__(self, handlers: Handlers):
        self.sets, self.handlers = handlers.sets, handlers

    def publish(self, jobs: int) -> None:
        """Add the endpoints to the page that is being laid out."""
        page = Context.root_block
        page.validate_inputs = complete
        for event in page.fns.values():
            event.api_name = None  # the page's own events need none, and one of them would take "sweep"
        texts = {"concurrency_id": "texts", "concurrency_limit": jobs}
        gr.api(self.generate, api_name="generate", **texts)
        gr.api(self.sweep, api_name="sweep", **texts)
        gr.api(self.coefficients, api_name="coefficients", queue=False)
        gr.api(self.front, api_name="front", queue=False)

    def generate(
        self,
        facts: dict[str, str],
        preference: list[float],
        method: str = "bone-soup",
        set_name: str = "",
        samples: int = 1,
        seed: int = 0,
        temperature: float = 1.0,
        top_p: float = 0.9,
    ) -> list[dict[str, Any]]:
        """Write short descriptions of a restaurant that weigh several objectives as you say.

        A merge of language models made for your preference writes: the objectives are how complete, how concise and (in
        the set restaurants-3) how upbeat the text is. Returns one object per text with the text, its reward in [0, 1]
        for every objective, and all that it was written from; the same seed gives the same text again.

        Facts: name (required) and near are free; eatType is coffee shop, pub or restaurant; food is Chinese, English,
        Fast food, French, Indian, Italian or Japanese; priceRange is cheap, moderate, high, less than £20, £20-25 or
        more than £30; customer rating is low, average, high, 1 out of 5, 3 out of 5 or 5 out of 5; area is city centre
        or riverside; familyFriendly is yes or no. Methods: bone-soup, bone-soup-anchored, bone-soup-extrapolated,
        rewarded-soup (the baseline), no-mapping, mod, morlhf and base. A set for chat takes {"prompt": a message} for
        facts and answers it.

        Args:
            facts: what to write about, by the names above; name is required
            preference: one number >= 0 per objective of the set, in order; only proportions count, as in [70, 30]
            method: who answers, one of those above
            set_name: restaurants (two objectives) or restaurants-3 (three); empty: the first set served
            samples: number of texts, 1 to 4
            seed: of the random numbers, a whole number >= 0
            temperature: 0 (the likeliest words) to 2
            top_p: share of the likeliest words that is drawn from, 0.01 to 1
        """
        with clear_words():
            soup_set = self._set(set_name)
            choices = ch.check(soup_set, (method,), preference, facts, samples, temperature, top_p, seed, True)
            return self._written(choices, choices.orders())

    def sweep(
        self, facts: dict[str, str], methods: list[str] | None = None, set_name: str = "", seed: int = 0
    ) -> list[dict[str, Any]]:
        """Write about one restaurant at every preference of a grid, to see how texts change with what matters.

        Returns one object per method and preference, as `generate` does: 11 preferences for two objectives, 28 for
        three, all written in one batch with the same random numbers.

        Args:
            facts: what to write about, as for generate
            methods: one or two methods, as for generate; empty: bone-soup and rewarded-soup
            set_name: as for generate
            seed: of the random numbers, a whole number >= 0
        """
        with clear_words():
            soup_set = self._set(set_name)
            methods = ["bone-soup", "rewarded-soup"] if methods in (None, []) else methods
            if not isinstance(methods, list):
                raise ValueError(f"the methods are {str(methods)[:60]!r}: give a list of 1 or {MAX_SWEEP_METHODS}")
            if len(methods) > MAX_SWEEP_METHODS:
                raise ValueError(f"{len(methods)} methods are too many for a sweep: use 1 or {MAX_SWEEP_METHODS}")
            n, sampling = len(soup_set.objectives), soup_set.sampling
            choices = ch.check(soup_set, methods, [1] * n, facts, 1, sampling.temperature, sampling.top_p, seed, True)
            return self._written(choices, choices.orders(sweeps.grid(n)))

    def coefficients(self, preference: list[float], set_name: str = "") -> dict[str, dict[str, float]]:
        """Merging coefficients that a preference gives, for every method that merges, by the name of the adapter.

        Bone Soup's are B^-1 times the preference (Xie et al., ACL 2025): they sum to 1 and can be negative. Rewarded
        Soup's are the preference itself.

        Args:
            preference: one number >= 0 per objective, as for generate
            set_name: as for generate
        """
        with clear_words():
            soup_set = self._set(set_name)
            mu = ch.normalised(preference, len(soup_set.objectives))
            return {method: dict(mix(soup_set, method, mu)[0]) for method in c.SOUPS if method in soup_set.methods}

    def front(self, method: str = "bone-soup", set_name: str = "") -> dict[str, Any]:
        """The measured Pareto front of a method: mean rewards on held-out restaurants at a grid of preferences.

        Returns the objectives in order, points (preference, rewards, low and high end of their 95 % intervals, mean
        number of words, an example) and metrics of the whole front with intervals, such as its hypervolume.

        Args:
            method: as for generate
            set_name: as for generate
        """
        with clear_words():
            soup_set = self._set(set_name)
            if soup_set.front is None:
                raise ValueError(f"the fronts of {soup_set.name} have not been measured: python -m train.evaluate does")
            measured = soup_set.front["methods"]
            if not isinstance(method, str) or method not in measured:
                raise ValueError(f"no front of {str(method)[:60]!r}: use one of {', '.join(measured)}")
            keys = ("preference", "rewards", "low", "high", "words", "example")
            points = [{key: point[key] for key in keys} for point in measured[method]["points"]]
            return {
                "objectives": soup_set.front["objectives"],
                "label": figures.LABELS[method],
                "points": points,
                "metrics": measured[method]["metrics"],
            }

    def _set(self, name: str) -> SoupSet:
        return ch.served(self.sets, next(iter(self.sets)) if name in ("", None) else name)

    def _written(self, choices: ch.Choices, orders: list[Order]) -> list[dict[str, Any]]:
        *_, texts = self.handlers.texts(choices, orders)
        name = choices.soup_set.name
        entries = [history.entry(name, *pair, "api") for pair in zip(orders, texts, strict=True)]
        return [history.flat(one) for one in entries]


def complete(event: BlockFunction, arguments: list) -> None:
    """Give what a program leaves out its default, in place; the page itself leaves nothing out.

    Takes the place of gradio's check, whose words do not reach the caller, and which knows no defaults: gradio's own
    client fills them in, others cannot. Raises gr.Error for too many arguments, and for a file, which gradio would
    fetch.
    """
    if len(arguments) > len(event.inputs):
        words = f"{len(arguments)} arguments are too many for {event.api_name}: it takes {len(event.inputs)}"
        raise gr.Error(words, print_exception=False)
    try:
        traverse(arguments, _refuse, is_file_obj_with_meta)
    except RecursionError:
        raise gr.Error("the arguments are nested too deeply", print_exception=False) from None
    arguments += [component.value for component in event.inputs[len(arguments) :]]


def _refuse(file: dict) -> None:
    raise gr.Error("files are not taken here: leave them out", print_exception=False)


def examples() -> str:
    """The examples of the README, which the tests run."""
    text = README.read_text(encoding="utf-8")
    return text.split("<!-- code -->")[1].split("<!-- /code -->")[0]
