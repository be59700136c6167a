"""Sampling from a soup: a whole batch at once, one token per row per step.

Tokens are drawn as the arg-max of log-probability plus Gumbel noise from one generator per row. That is
exact sampling; a row depends on its own request alone, and two rows with one seed share their noise.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
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


@dataclass
class Row:
    """What a request has produced so far."""

    tokens: list[int]
    done: bool = False


def stream(soup: Soup, requests: list[Request]) -> Iterator[list[Row]]:
    """Yield one row per request after every step, until all are done; closing the generator stops the work.

    Raises ValueError when a request needs more positions than the base has.
    """
    rows, batch = [Row([]) for _ in requests], Batch(soup, requests)
    while True:
        for i, token in zip(batch.live, batch.step(), strict=True):
            row = rows[i]
            if not row.done:
                ended = token == soup.tokenizer.eos_token_id
                if not ended:
                    row.tokens.append(token)
                row.done = ended or len(row.tokens) == requests[i].max_new_tokens
        yield rows
        going = [i for i in batch.live if not rows[i].done]
        if not going:
            return
        if len(going) <= KEPT_SHARE * len(batch.live):
            batch.keep(going)


class Batch:
    """The requests being decoded together. `live`: their indices; each has one batch row per member."""

    def __init__(self, soup: Soup, requests: list[Request]):
        self.soup, self.requests, self.live = soup, requests, list(range(len(requests)))
        prompts = [request.prompt for request in requests for _ in request.weights]
        words = soup.tokenizer(prompts, padding=True, return_tensors="pt").to(soup.device)
        self.ids, self.seen, self.cache = words["input_ids"], 0, DynamicCache()  # ids: (batch rows, T)
        longest = max(request.max_new_tokens for request in requests)
        positions = soup.model.config.max_position_embeddings
        if self.ids.shape[1] + longest > positions:
            raise ValueError(
                f"the prompt has {self.ids.shape[1]} tokens and max_new_tokens is {longest}, "
                f"the base has {positions} positions"
            )
        self.mask = torch.cat([words["attention_mask"], self.ids.new_ones(len(prompts), longest)], dim=1)
        self.place = (self.mask.cumsum(dim=1) - 1).clamp(min=0)
        generators = [torch.Generator(soup.device).manual_seed(request.seed) for request in requests]
        self._prepare(generators)

    def step(self) -> list[int]:
        """One more token for every live request."""
        # inference_mode must not stay on across a yield: it belongs to the thread.
        with torch.inference_mode(), self.soup.mixed(self.mix) as model:
            stop = self.seen + self.ids.shape[1]
            logits = model(
                input_ids=self.ids,
                attention_mask=self.mask[:, :stop],
                position_ids=self.place[:, self.seen : stop],
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]  # (batch rows, vocabulary)
            drawn = self.sampler.draw(logits)  # (live,)
            self.ids, self.seen = drawn[self.sampler.owner].unsqueeze(1), stop
        return drawn.tolist()

    def keep(self, going: list[int]) -> None:
        """Go on with the requests `going` alone, so that finished texts cost nothing."""
        slots = [slot for slot, i in enumerate(self.live) if i in set(going)]
        owner = self.sampler.owner
        kept = torch.isin(owner, torch.tensor(slots, device=owner.device)).nonzero().squeeze(1)
        with torch.inference_mode():
            self.cache.batch_select_indices(kept)
            self.ids, self.mask, self.place = self.ids[kept], self.mask[kept], self.place[kept]
        self.live = going
        self._prepare([self.sampler.generators[slot] for slot in slots])

    def _prepare(self, generators: list[torch.Generator]) -> None:
        live = [self.requests[i] for i in self.live]
        self.mix = self.soup.mix([row for request in live for row in request.coefficients])
        self.sampler = Sampler(live, generators, self.soup.device)


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
