"""A loaded set that writes: requests in, streamed and scored texts out."""

import logging
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

log = logging.getLogger(__name__)


class Editor:
    """What of writing needs no model: rows of requests, words of tokens, rewards of texts.

    `adapter_names`: those that coefficients are of, in order. `device`: where large reward models run.
    """

    def __init__(self, soup_set: SoupSet, tokenizer, adapter_names: Sequence[str], device: str):
        self.set, self.tokenizer, self.adapter_names = soup_set, tokenizer, adapter_names
        self.scorer = Scorer(soup_set.task, soup_set.objectives, device)

    def rows(self, requests: Sequence[Request]) -> list[Row]:
        """A row for every request, which is checked; no tensors are involved. Those that the task has a pointer for are
        done, with it as their text.

        Raises ValueError for what is given, a preference or a method that is out of range, or for no requests.
        """
        if not requests:
            raise ValueError("no requests: give at least one")
        return [self._row(request) for request in requests]

    def texts(self, rows: Sequence[Row]) -> list[Text]:
        """One text per row so far; it is done when it has been scored."""
        return [row.text or self._text(row, self._raw(row)) for row in rows]

    def decode(self, rows: Sequence[Row]) -> None:
        """Words of rows whose last token is there. Tokenizers are for one thread: the one that writes."""
        for row in rows:
            row.raw = self._raw(row)

    def score(self, rows: Sequence[Row], strict: bool = False) -> None:
        """Give rows whose last token is there their texts with rewards; those that have theirs keep it.

        Where a reward fails, each text is scored by itself, and those that cannot be have no rewards; with `strict` the
        failure is raised.
        """
        rows = [row for row in rows if row.text is None]
        self.decode([row for row in rows if row.raw is None])
        try:
            scores = self._scores(rows)
        except Exception as error:
            if strict:
                raise
            log.error("texts could not be scored", exc_info=error)
            scores = [self._scores_alone(row) for row in rows]
        for row, rewards in zip(rows, scores, strict=True):
            row.text = replace(self._text(row, row.raw or ""), done=True, rewards=rewards)

    def _scores(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        return self.scorer.score([row.raw or "" for row in rows], [row.request.given for row in rows])

    def _scores_alone(self, row: Row) -> dict[str, float]:
        try:
            return self._scores([row])[0]
        except Exception:
            return {}

    def _row(self, request: Request) -> Row:
        task, names = self.set.task, self.adapter_names
        request = replace(request, given=task.check(request.given))
        members = self.set.merge(request.method, request.preference).members
        row = Row(
            request,
            prompt=task.prompt(request.given, self.tokenizer),
            coefficients=[[merged.get(name, 0.0) for name in names] for _, merged in members],
            weights=[weight for weight, _ in members],
        )
        pointer = task.pointer(request.given)
        if pointer is not None:
            row.text, row.done = Text(request, pointer, pointer, 0, done=True, rewards={}, pointer=True), True
        return row

    def _text(self, row: Row, raw: str) -> Text:
        words = self.set.task.text(raw, row.request.given)
        return Text(row.request, words, raw, len(row.tokens), done=False, note=row.note)

    def _raw(self, row: Row) -> str:
        raw = self.tokenizer.decode(row.tokens, skip_special_tokens=True)
        return raw.rstrip("\N{REPLACEMENT CHARACTER}")  # half of a multi-byte character, so far


class Writer(Editor):
    """A set, loaded: writes texts at any mix of preferences and methods in one batch."""

    def __init__(self, soup_set: SoupSet, soup: Soup):
        super().__init__(soup_set, soup.tokenizer, soup.adapter_names, str(soup.device))
        self.soup = soup

    @classmethod
    def load(
        cls, name_or_path, device: str | None = None, precision: str | None = None, dense: bool | None = None
    ) -> "Writer":
        """Load a set by name or path onto `device` ("cpu", "cuda"; default: CUDA where there is one).

        `precision`: "float32" or "bfloat16", to compute in; `dense`: whether 4-bit weights are kept de-quantised;
        defaults as in `Soup.load`.
        Raises SetError, or ValueError for adapters that do not fit.
        """
        soup_set = sets.read(name_or_path)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = precision and {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        return cls(soup_set, Soup.load(soup_set.base, soup_set.adapters, device, dtype, dense))

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

        Closing the generator stops the work. Raises as `rows` does, before anything is generated, and ValueError for a
        request that needs more positions than the base has.
        """
        rows = self.rows(requests)
        for _ in self._steps(rows):
            self.score([row for row in rows if row.done])
            yield self.texts(rows)

    def write(self, requests: Sequence[Request]) -> list[Text]:
        """The finished texts of `stream`, decoded and scored at the end; raises what a reward raises."""
        rows = self.rows(requests)
        for _ in self._steps(rows):
            pass
        self.score(rows, strict=True)
        return self.texts(rows)

    def _steps(self, rows: Sequence[Row]) -> Iterator[None]:
        """Decode the rows that the model is to write; one step and no model where there are none."""
        unwritten = [row for row in rows if not row.done]
        return batch.stream(self.soup, unwritten) if unwritten else iter((None,))
