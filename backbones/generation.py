"""Sampling from a soup: a whole batch at once, one token per row per step. Rows join and leave while it runs.

Tokens are drawn as the arg-max of log-probability plus Gumbel noise from one generator per row. That is
exact sampling; a row depends on its own request alone, and two rows with one seed share their noise.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import nn
from transformers import DynamicCache

from backbones.soup import Soup

LIKELIEST = 128  # tokens sorted at first; a nucleus is seldom larger, and sorting them all is slow
KEPT_SHARE = 0.75  # finished rows are dropped when at most this share of a batch goes on


@dataclass(frozen=True)
class Request:
    """One text to generate.

    `coefficients` [members, adapters]: merging coefficients of every merged model that has a say in the text,
    usually one. With several, the log-probabilities are mixed by `weights` [members] at every token (decoding-time
    mixing; Shi et al., "MOD", NeurIPS 2024). Raises ValueError for a value that is out of range.
    """

    prompt: str
    coefficients: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...] = (1.0,)
    seed: int = 0
    temperature: float = 1.0  # 0: the likeliest token at every step
    top_p: float = 1.0
    max_new_tokens: int = 80

    def __post_init__(self):
        assert len(self.coefficients) == len(self.weights) > 0, (self.coefficients, self.weights)
        if not (math.isfinite(self.temperature) and 0 <= self.temperature <= 5):
            raise ValueError(f"temperature is {self.temperature}: use a number from 0 to 5")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}: use a number above 0, up to 1")
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens is {self.max_new_tokens}: use at least 1")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}: use a whole number from 0 to 2^63 - 1")
        if not all(math.isfinite(c) for row in self.coefficients for c in row):
            raise ValueError(f"merging coefficients {self.coefficients} hold NaN or infinity")


@dataclass(eq=False)
class Row:
    """What a request has produced so far."""

    request: Request
    tokens: list[int] = field(default_factory=list)
    done: bool = False


def stream(soup: Soup, requests: list[Request]) -> Iterator[list[Row]]:
    """Yield one row per request after every step, until all are done; closing the generator stops the work.

    Raises ValueError when a request needs more positions than the base has.
    """
    batch = Batch(soup)
    rows = batch.add(requests)
    yield rows
    while batch.live:
        batch.step()
        yield rows


class Batch:
    """Requests decoded together; they can join and leave while it runs."""

    def __init__(self, soup: Soup):
        self.soup, self.state = soup, None

    @property
    def live(self) -> list[Row]:
        """The rows that go on."""
        return self.state.live if self.state else []

    def add(self, requests: list[Request]) -> list[Row]:
        """Start requests and let them join those that run; returns their rows with a first token each.

        Raises ValueError when a request needs more positions than the base has, and whatever the model raises;
        the rows that run are then as they were.
        """
        # inference_mode must not stay on across a yield of the caller: it belongs to the thread.
        with torch.inference_mode():
            new = State.start(self.soup, requests)
            parts = [state.kept(state.live) for state in (self.state, new) if state and state.live]
            self.state = reduce(joined, parts) if parts else None
        return new.rows

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
        self.mix = self.soup.mix([members for row in self.rows for members in row.request.coefficients])
        self.sampler = Sampler([row.request for row in self.rows], self.generators, self.soup.device)

    @classmethod
    def start(cls, soup: Soup, requests: list[Request]) -> "State":
        """Read the prompts and draw a first token each. Raises ValueError for too few positions."""
        prompts = [request.prompt for request in requests for _ in request.weights]
        # A prompt holds its special tokens already.
        words = soup.tokenizer(prompts, padding=True, add_special_tokens=False, return_tensors="pt").to(soup.device)
        ids, mask = words["input_ids"], words["attention_mask"]
        longest = max(request.max_new_tokens for request in requests)
        positions = soup.model.config.max_position_embeddings
        if ids.shape[1] + longest > positions:
            raise ValueError(
                f"the prompt has {ids.shape[1]} tokens and max_new_tokens is {longest}, "
                f"the base has {positions} positions"
            )
        place = (mask.cumsum(dim=1) - 1).clamp(min=0)
        generators = [torch.Generator(soup.device).manual_seed(request.seed) for request in requests]
        state = cls(soup, [Row(request) for request in requests], generators, ids, place, mask, DynamicCache())
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


class Sampler:
    """Draws one token per request and step with each request's own temperature, top-p and generator."""

    def __init__(self, requests: list[Request], generators: list[torch.Generator], device: torch.device):
        column = [[request.temperature or 1.0] for request in requests]
        self.temperature = torch.tensor(column, device=device)
        self.top_p = torch.tensor([[request.top_p] for request in requests], device=device)
        self.noisy = torch.tensor([[float(request.temperature > 0)] for request in requests], device=device)
        self.generators = generators
        members = [(slot, weight) for slot, request in enumerate(requests) for weight in request.weights]
        self.owner = torch.tensor([slot for slot, _ in members], device=device)  # (batch rows,)
        self.weights = torch.tensor([[weight] for _, weight in members], device=device)

    def scores(self, logits: torch.Tensor) -> torch.Tensor:
        """Log-probabilities within the nucleus plus Gumbel noise; the arg-max is drawn.

        `logits` (batch rows, vocabulary) -> (requests, vocabulary).
        """
        logits = logits.float()
        if len(self.owner) > len(self.generators):
            mixed = logits.new_zeros(len(self.generators), logits.shape[1])
            logits = mixed.index_add_(0, self.owner, self.weights * logits.log_softmax(dim=-1))
        log_probabilities = (logits / self.temperature).log_softmax(dim=-1)
        noise = torch.stack(
            [torch.empty_like(row).exponential_(generator=g) for row, g in zip(log_probabilities, self.generators)]
        )
        scores = log_probabilities - self.noisy * noise.log()
        return scores.masked_fill(outside_nucleus(log_probabilities, self.top_p), -torch.inf)

    def draw(self, logits: torch.Tensor) -> torch.Tensor:
        """One token per request, (requests,)."""
        return self.scores(logits).argmax(dim=-1)


def outside_nucleus(log_probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Mask (rows, vocabulary) of all but the fewest likeliest tokens whose probabilities reach `top_p` (rows, 1)."""
    vocabulary = log_probabilities.shape[-1]
    for candidates in (min(LIKELIEST, vocabulary), vocabulary):
        ordered, order = log_probabilities.topk(candidates)
        mass = ordered.exp().cumsum(dim=-1)
        if (mass[:, -1:] >= top_p).all():
            break
    outside = torch.ones_like(log_probabilities, dtype=torch.bool)
    return outside.scatter_(-1, order, mass - ordered.exp() >= top_p)
