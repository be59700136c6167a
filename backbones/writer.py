"""A loaded set that writes: orders in, streamed and scored texts out."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from backbones import facts as f
from backbones import generation, sets
from backbones.scoring import Scorer
from backbones.soup import Soup


@dataclass(frozen=True)
class Order:
    """One text to write: facts, a preference over the objectives, a method, sampling settings."""

    facts: f.Facts
    preference: tuple[float, ...]
    method: str = "bone-soup"
    seed: int = 0
    temperature: float = 1.0
    top_p: float = 0.9
    max_new_tokens: int = 80


@dataclass(frozen=True)
class Text:
    """A text, finished or under way. `raw` holds placeholders where `text` holds names."""

    text: str
    raw: str
    tokens: int
    done: bool
    rewards: dict[str, float] | None  # None until done


class Writer:
    """A set, loaded: writes texts at any mix of preferences and methods in one batch."""

    def __init__(self, soup_set: sets.SoupSet, soup: Soup):
        self.set, self.soup, self.scorer = soup_set, soup, Scorer(soup_set.objectives)

    @classmethod
    def load(cls, name_or_path, device: str | None = None) -> "Writer":
        """Load a set by name or path onto `device` ("cpu", "cuda"; default: CUDA where there is one).

        Raises SetError, or ValueError for adapters that do not fit.
        """
        soup_set = sets.read(name_or_path)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        return cls(soup_set, Soup.load(soup_set.base, list(soup_set.adapters), device))

    @property
    def device(self) -> str:
        return str(self.soup.device)

    @property
    def precision(self) -> str:
        """Storage of the base's linear weights, for people: "NF4" or a dtype."""
        quantised = getattr(self.soup.model.config, "quantization_config", None)
        if quantised is None:
            return str(self.soup.dtype).removeprefix("torch.")
        return quantised.bnb_4bit_quant_type.upper()

    def stream(self, orders: list[Order]) -> Iterator[list[Text]]:
        """Yield all texts after every token, one per order; in the last yield all are done.

        Closing the generator stops the work. Raises ValueError for facts, a preference, a method or a
        setting that is out of range, before anything is generated.
        """
        if not orders:
            raise ValueError("no orders: give at least one")
        checked = [f.check(order.facts) for order in orders]
        requests = [self._request(order, facts) for order, facts in zip(orders, checked, strict=True)]
        finished: dict[int, Text] = {}
        for rows in generation.stream(self.soup, requests):
            news = [i for i, row in enumerate(rows) if row.done and i not in finished]
            raws = [self._raw(rows[i]) for i in news]
            scores = self.scorer.score(raws, [checked[i] for i in news])
            for i, raw, rewards in zip(news, raws, scores, strict=True):
                finished[i] = Text(f.fill(raw, checked[i]), raw, len(rows[i].tokens), True, rewards)
            yield [finished.get(i) or self._partial(row, facts) for i, (row, facts) in enumerate(zip(rows, checked))]

    def write(self, orders: list[Order]) -> list[Text]:
        """The finished texts of `stream`."""
        *_, texts = self.stream(orders)
        return texts

    def _request(self, order: Order, facts: f.Facts) -> generation.Request:
        if len(order.preference) != len(self.set.objectives):
            names = ", ".join(objective.name for objective in self.set.objectives)
            raise ValueError(f"preference {list(order.preference)} needs one number for each of {names}")
        weights, rows = self.set.members(order.method, order.preference)
        return generation.Request(
            prompt=f.prompt(facts),
            coefficients=tuple(map(tuple, rows.tolist())),
            weights=tuple(weights.tolist()),
            seed=order.seed,
            temperature=order.temperature,
            top_p=order.top_p,
            max_new_tokens=order.max_new_tokens,
        )

    def _partial(self, row: generation.Row, facts: f.Facts) -> Text:
        raw = self._raw(row)
        return Text(f.fill(raw, facts), raw, len(row.tokens), False, None)

    def _raw(self, row: generation.Row) -> str:
        raw = self.soup.tokenizer.decode(row.tokens, skip_special_tokens=True)
        return raw.rstrip("\N{REPLACEMENT CHARACTER}")  # half of a multi-byte character, so far
