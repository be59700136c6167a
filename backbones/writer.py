"""A loaded set that writes: orders in, streamed and scored texts out."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from backbones import generation, sets
from backbones.scoring import Scorer
from backbones.soup import Soup


@dataclass(frozen=True)
class Order:
    """One text to write: what is given, a preference over the objectives, a method, sampling settings.

    `facts`: those of a restaurant, or {"prompt": a message} for an assistant.
    """

    facts: dict[str, str]
    preference: tuple[float, ...]
    method: str = "bone-soup"
    seed: int = 0
    temperature: float = 1.0
    top_p: float = 0.9
    max_new_tokens: int = 80


@dataclass(frozen=True)
class Text:
    """A text, finished or under way. `raw`: as the model wrote it, with placeholders where `text` holds names."""

    text: str
    raw: str
    tokens: int
    done: bool
    rewards: dict[str, float] | None  # None until done


class Draft:
    """Checked orders of one writer: the `requests` they make, and the texts of the rows that these become."""

    def __init__(self, writer: "Writer", facts: list[dict[str, str]], requests: list[generation.Request]):
        self.writer, self.facts, self.requests = writer, facts, requests
        self._finished: dict[int, Text] = {}

    def texts(self, rows: list[generation.Row]) -> list[Text]:
        """One text per order from its row so far; a text is scored once, when its row is done."""
        raws = {i: self._raw(row) for i, row in enumerate(rows) if i not in self._finished}
        news = [i for i in raws if rows[i].done]
        scores = self.writer.scorer.score([raws[i] for i in news], [self.facts[i] for i in news])
        for i, rewards in zip(news, scores, strict=True):
            self._finished[i] = self._text(i, raws[i], rows[i], rewards)
        return [self._finished.get(i) or self._text(i, raws[i], row, None) for i, row in enumerate(rows)]

    def _text(self, i: int, raw: str, row: generation.Row, rewards: dict[str, float] | None) -> Text:
        return Text(self.writer.set.task.text(raw, self.facts[i]), raw, len(row.tokens), row.done, rewards)

    def _raw(self, row: generation.Row) -> str:
        raw = self.writer.soup.tokenizer.decode(row.tokens, skip_special_tokens=True)
        return raw.rstrip("\N{REPLACEMENT CHARACTER}")  # half of a multi-byte character, so far


class Writer:
    """A set, loaded: writes texts at any mix of preferences and methods in one batch."""

    def __init__(self, soup_set: sets.SoupSet, soup: Soup):
        self.set, self.soup, self.scorer = soup_set, soup, Scorer(soup_set.objectives, str(soup.device))

    @classmethod
    def load(cls, name_or_path, device: str | None = None, precision: str | None = None) -> "Writer":
        """Load a set by name or path onto `device` ("cpu", "cuda"; default: CUDA where there is one).

        `precision`: "float32" or "bfloat16", to compute in; default as in `Soup.load`.
        Raises SetError, or ValueError for adapters that do not fit.
        """
        soup_set = sets.read(name_or_path)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = precision and {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        return cls(soup_set, Soup.load(soup_set.base, list(soup_set.adapters), device, dtype))

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
        draft = self.draft(orders)
        for rows in generation.stream(self.soup, draft.requests):
            yield draft.texts(rows)

    def write(self, orders: list[Order]) -> list[Text]:
        """The finished texts of `stream`."""
        *_, texts = self.stream(orders)
        return texts

    def draft(self, orders: list[Order]) -> Draft:
        """Check orders without writing anything; no tokenizer and no tensors are involved.

        Raises ValueError for facts, a preference, a method or a setting that is out of range, or for no orders.
        """
        if not orders:
            raise ValueError("no orders: give at least one")
        facts = [self.set.task.check(order.facts) for order in orders]
        return Draft(self, facts, [self._request(*pair) for pair in zip(orders, facts, strict=True)])

    def _request(self, order: Order, facts: dict[str, str]) -> generation.Request:
        if len(order.preference) != len(self.set.objectives):
            names = ", ".join(objective.name for objective in self.set.objectives)
            raise ValueError(f"preference {list(order.preference)} needs one number for each of {names}")
        weights, rows = self.set.members(order.method, order.preference)
        return generation.Request(
            prompt=self.set.task.prompt(facts, self.soup.tokenizer),
            coefficients=tuple(map(tuple, rows.tolist())),
            weights=tuple(weights.tolist()),
            seed=order.seed,
            temperature=order.temperature,
            top_p=order.top_p,
            max_new_tokens=order.max_new_tokens,
        )
