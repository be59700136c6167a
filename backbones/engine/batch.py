"""Decoding with a soup: a whole batch at once, one token per row per step. Rows join and leave while it runs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import nn
from transformers import DynamicCache

from backbones.engine.request import Request, Text
from backbones.engine.sampling import Sampler
from backbones.engine.soup import Soup

KEPT_SHARE = 0.75  # finished rows are dropped when at most this share of a batch goes on


@dataclass(eq=False)
class Row:
    """A request under way: the prompt that the model reads, and the tokens so far.

    `coefficients` [members, adapters]: merging coefficients of every model that has a say in the text, usually one.
    With several, the log-probabilities are mixed by `weights` [members] at every token (decoding-time mixing; Shi et
    al., "MOD", NeurIPS 2024). `text`: once it is done and scored.
    """

    request: Request
    prompt: str
    coefficients: Sequence[Sequence[float]]
    weights: Sequence[float] = (1.0,)
    tokens: list[int] = field(default_factory=list)
    done: bool = False
    text: Text | None = None

    def __post_init__(self):
        assert len(self.coefficients) == len(self.weights) > 0, (self.coefficients, self.weights)
        assert all(math.isfinite(c) for row in self.coefficients for c in row), self.coefficients


def stream(soup: Soup, rows: list[Row]) -> Iterator[list[Row]]:
    """Yield the rows after every step, until all are done; closing the generator stops the work.

    Raises ValueError when a row needs more positions than the base has.
    """
    batch = Batch(soup)
    batch.add(rows)
    yield rows
    while batch.live:
        batch.step()
        yield rows


class Batch:
    """Rows decoded together; they can join and leave while it runs."""

    def __init__(self, soup: Soup):
        self.soup = soup
        self.state: State | None = None

    @property
    def live(self) -> list[Row]:
        """The rows that go on."""
        return self.state.live if self.state else []

    def add(self, rows: list[Row]) -> None:
        """Read the prompts of new rows, give each a first token, and let them join those that run.

        Raises ValueError when a row needs more positions than the base has, and whatever the model raises;
        the rows that run are then as they were.
        """
        # inference_mode must not stay on across a yield of the caller: it belongs to the thread.
        with torch.inference_mode():
            new = State.start(self.soup, rows)
            parts = [state.kept(state.live) for state in (self.state, new) if state and state.live]
            self.state = reduce(joined, parts) if parts else None

    def step(self) -> None:
        """One more token for every live row; there must be one. After an exception the batch is of no use."""
        with torch.inference_mode():
            self.state.step()
        if len(self.live) <= KEPT_SHARE * len(self.state.rows):
            self._keep(self.live)

    def drop(self, rows: list[Row]) -> None:
        """Go on without `rows`. After an exception the batch is of no use."""
        self._keep([row for row in self.live if row not in rows])

    def _keep(self, rows: list[Row]) -> None:
        with torch.inference_mode():
            self.state = self.state.kept(rows) if rows else None


@dataclass(eq=False)
class State:
    """Rows decoded together and their tensors: one batch row per member of each row.

    Batch rows are padded on the left; each counts its positions from its own first token.
    """

    soup: Soup
    rows: list[Row]
    generators: list[torch.Generator]
    ids: torch.Tensor  # (batch rows, T): tokens to read, the prompts at first, then the newest
    place: torch.Tensor  # (batch rows, T): positions of these
    mask: torch.Tensor  # (batch rows, S + T): 0 where `cache`, then `ids`, is padding
    cache: DynamicCache  # keys and values of S tokens

    def __post_init__(self):
        self.mix = self.soup.mix([members for row in self.rows for members in row.coefficients])
        self.sampler = Sampler(
            [row.request for row in self.rows], [row.weights for row in self.rows], self.generators, self.soup.device
        )

    @classmethod
    def start(cls, soup: Soup, rows: list[Row]) -> "State":
        """Read the prompts and draw a first token each. Raises ValueError for too few positions."""
        prompts = [row.prompt for row in rows for _ in row.weights]
        # A prompt holds its special tokens already.
        words = soup.tokenizer(prompts, padding=True, add_special_tokens=False, return_tensors="pt").to(soup.device)
        ids, mask = words["input_ids"], words["attention_mask"]
        longest = max(row.request.max_new_tokens for row in rows)
        positions = soup.model.config.max_position_embeddings
        if ids.shape[1] + longest > positions:
            raise ValueError(
                f"the prompt has {ids.shape[1]} tokens and max_new_tokens is {longest}, "
                f"the base has {positions} positions"
            )
        place = (mask.cumsum(dim=1) - 1).clamp(min=0)
        generators = [torch.Generator(soup.device).manual_seed(row.request.seed) for row in rows]
        state = cls(soup, rows, generators, ids, place, mask, DynamicCache())
        state.step()
        return state

    @property
    def live(self) -> list[Row]:
        return [row for row in self.rows if not row.done]

    def step(self) -> None:
        """One more token for every live row."""
        with self.soup.mixed(self.mix) as model:
            logits = model(
                input_ids=self.ids,
                attention_mask=self.mask,
                position_ids=self.place,
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]  # (batch rows, vocabulary)
        drawn = self.sampler.draw(logits)  # (rows,)
        self.ids, self.place = drawn[self.sampler.owner].unsqueeze(1), self.place[:, -1:] + 1
        self.mask = torch.cat([self.mask, torch.ones_like(self.ids)], dim=1)
        for row, token in zip(self.rows, drawn.tolist(), strict=True):
            if not row.done:
                ended = token in self.soup.ends
                if not ended:
                    row.tokens.append(token)
                row.done = ended or len(row.tokens) == row.request.max_new_tokens

    def kept(self, rows: list[Row]) -> "State":
        """The state of these of its rows alone, less the leading columns that are padding in all of them."""
        if rows == self.rows:
            return self
        slots = [slot for slot, row in enumerate(self.rows) if row in rows]
        owner = self.sampler.owner
        kept = torch.isin(owner, torch.tensor(slots, device=owner.device)).nonzero().squeeze(1)
        mask = self.mask[kept]
        first = int(mask.any(dim=0).nonzero()[0])
        return State(
            soup=self.soup,
            rows=[self.rows[slot] for slot in slots],
            generators=[self.generators[slot] for slot in slots],
            ids=self.ids[kept],
            place=self.place[kept],
            mask=mask[:, first:],
            cache=DynamicCache((k[kept, :, first:], v[kept, :, first:]) for k, v, _ in self.cache),
        )


def joined(upper: State, lower: State) -> State:
    """One state of the rows of both."""
    layers = zip(upper.cache, lower.cache, strict=True)
    return State(
        soup=upper.soup,
        rows=upper.rows + lower.rows,
        generators=upper.generators + lower.generators,
        ids=torch.cat([upper.ids, lower.ids]),
        place=torch.cat([upper.place, lower.place]),
        mask=stacked(upper.mask, lower.mask, -1),
        cache=DynamicCache((stacked(k, m, -2), stacked(v, w, -2)) for (k, v, _), (m, w, _) in layers),
    )


def stacked(upper: torch.Tensor, lower: torch.Tensor, columns: int) -> torch.Tensor:
    """One tensor on the other; the one with fewer columns (dimension `columns` < 0) gets zeros on its left."""
    gap = lower.shape[columns] - upper.shape[columns]
    inner = (0, 0) * (-1 - columns)
    return torch.cat([nn.functional.pad(t, (*inner, max(g, 0), 0)) for t, g in ((upper, gap), (lower, -gap))])
