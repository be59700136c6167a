"""A loaded set that writes: requests in, streamed and scored texts out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from backbones.engine import batch
from backbones.engine.batch import Row
from backbones.engine.request import Request, Text
from backbones.engine.soup import Soup
from backbones.store import soup_set as sets
from backbones.store.soup_set import SoupSet
from backbones.tasks.scoring import Scorer


class Writer:
    """A set, loaded: writes texts at any mix of preferences and methods in one batch."""

    def __init__(self, soup_set: SoupSet, soup: Soup):
        self.set, self.soup = soup_set, soup
        self.scorer = Scorer(soup_set.task, soup_set.objectives, str(soup.device))

    @classmethod
    def load(cls, name_or_path, device: str | None = None, precision: str | None = None) -> "Writer":
        """Load a set by name or path onto `device` ("cpu", "cuda"; default: CUDA where there is one).

        `precision`: "float32" or "bfloat16", to compute in; default as in `Soup.load`.
        Raises SetError, or ValueError for adapters that do not fit.
        """
        soup_set = sets.read(name_or_path)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = precision and {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        return cls(soup_set, Soup.load(soup_set.base, soup_set.adapters, device, dtype))

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

    def stream(self, requests: Sequence[Request]) -> Iterator[list[Text]]:
        """Yield all texts after every token, one per request; in the last yield all are done.

        Closing the generator stops the work. Raises as `rows` does, before anything is generated.
        """
        for rows in batch.stream(self.soup, self.rows(requests)):
            yield self.texts(rows)

    def write(self, requests: Sequence[Request]) -> list[Text]:
        """The finished texts of `stream`."""
        *_, texts = self.stream(requests)
        return texts

    def rows(self, requests: Sequence[Request]) -> list[Row]:
        """A row for every request, which is checked; no tensors are involved.

        Raises ValueError for what is given, a preference or a method that is out of range, or for no requests.
        """
        if not requests:
            raise ValueError("no requests: give at least one")
        return [self._row(request) for request in requests]

    def texts(self, rows: Sequence[Row]) -> list[Text]:
        """One text per row so far; a text is scored once, when its row is done."""
        raws = [self._raw(row) if row.text is None else row.text.raw for row in rows]
        news = [i for i, row in enumerate(rows) if row.done and row.text is None]
        scores = self.scorer.score([raws[i] for i in news], [rows[i].request.given for i in news])
        for i, rewards in zip(news, scores, strict=True):
            rows[i].text = self._text(rows[i], raws[i], rewards)
        return [row.text or self._text(row, raw, None) for row, raw in zip(rows, raws, strict=True)]

    def _row(self, request: Request) -> Row:
        task, names = self.set.task, self.soup.adapter_names
        request = replace(request, given=task.check(request.given))
        members = self.set.merge(request.method, request.preference).members
        return Row(
            request,
            prompt=task.prompt(request.given, self.soup.tokenizer),
            coefficients=[[merged.get(name, 0.0) for name in names] for _, merged in members],
            weights=[weight for weight, _ in members],
        )

    def _text(self, row: Row, raw: str, rewards: dict[str, float] | None) -> Text:
        text = self.set.task.text(raw, row.request.given)
        return Text(row.request, text, raw, len(row.tokens), row.done, rewards)

    def _raw(self, row: Row) -> str:
        raw = self.soup.tokenizer.decode(row.tokens, skip_special_tokens=True)
        return raw.rstrip("\N{REPLACEMENT CHARACTER}")  # half of a multi-byte character, so far
