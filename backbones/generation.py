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


@dataclass(frozen=True)
class Request:
    """One text to generate. `coefficients`: one merging coefficient per adapter of the soup.

    Raises ValueError for a value that is out of range.
    """

    prompt: str
    coefficients: tuple[float, ...]
    seed: int = 0
    temperature: float = 1.0  # 0: the likeliest token at every step
    top_p: float = 1.0
    max_new_tokens: int = 80

    def __post_init__(self):
        if not (math.isfinite(self.temperature) and 0 <= self.temperature <= 5):
            raise ValueError(f"temperature is {self.temperature}: use a number from 0 to 5")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}: use a number above 0, up to 1")
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens is {self.max_new_tokens}: use at least 1")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}: use a whole number from 0 to 2^63 - 1")
        if not all(math.isfinite(c) for c in self.coefficients):
            raise ValueError(f"merging coefficients {self.coefficients} hold NaN or infinity")


@dataclass
class Row:
    """What a request has produced so far."""

    tokens: list[int]
    done: bool = False


def stream(soup: Soup, requests: list[Request]) -> Iterator[list[Row]]:
    """Yield the rows after every step, until all are done; closing the generator stops the work.

    Raises ValueError when a request needs more positions than the base has.
    """
    words = soup.tokenizer([request.prompt for request in requests], padding=True, return_tensors="pt").to(soup.device)
    ids, rows = words["input_ids"], [Row([]) for _ in requests]  # ids: (rows, T)
    longest = max(request.max_new_tokens for request in requests)
    positions = soup.model.config.max_position_embeddings
    if ids.shape[1] + longest > positions:
        raise ValueError(
            f"the prompt has {ids.shape[1]} tokens and max_new_tokens is {longest}, the base has {positions} positions"
        )
    mask = torch.cat([words["attention_mask"], ids.new_ones(len(rows), longest)], dim=1)
    place = (mask.cumsum(dim=1) - 1).clamp(min=0)
    mix = soup.mix([request.coefficients for request in requests])
    sampler, cache, seen = Sampler(requests, soup.device), DynamicCache(), 0
    while not all(row.done for row in rows):
        # inference_mode must not stay on across a yield: it belongs to the thread.
        with torch.inference_mode(), soup.mixed(mix) as model:
            stop = seen + ids.shape[1]
            logits = model(
                input_ids=ids,
                attention_mask=mask[:, :stop],
                position_ids=place[:, seen:stop],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]  # (rows, vocabulary)
            ids, seen = sampler.draw(logits).unsqueeze(1), stop
        for row, request, token in zip(rows, requests, ids.squeeze(1).tolist(), strict=True):
            if not row.done:
                ended = token == soup.tokenizer.eos_token_id
                if not ended:
                    row.tokens.append(token)
                row.done = ended or len(row.tokens) == request.max_new_tokens
        yield rows


class Sampler:
    """Draws one token per row and step with each request's own temperature, top-p and seed."""

    def __init__(self, requests: list[Request], device: torch.device):
        column = [[request.temperature or 1.0] for request in requests]
        self.temperature = torch.tensor(column, device=device)
        self.top_p = torch.tensor([[request.top_p] for request in requests], device=device)
        self.noisy = torch.tensor([[float(request.temperature > 0)] for request in requests], device=device)
        self.generators = [torch.Generator(device).manual_seed(request.seed) for request in requests]

    def scores(self, logits: torch.Tensor) -> torch.Tensor:
        """Log-probabilities within the nucleus plus Gumbel noise, (rows, vocabulary); the arg-max is drawn."""
        log_probabilities = (logits.float() / self.temperature).log_softmax(dim=-1)
        ordered, order = log_probabilities.sort(dim=-1, descending=True)
        mass_before = ordered.exp().cumsum(dim=-1) - ordered.exp()
        outside = torch.zeros_like(order, dtype=torch.bool).scatter(-1, order, mass_before >= self.top_p)
        noise = torch.stack(
            [torch.empty_like(row).exponential_(generator=g) for row, g in zip(log_probabilities, self.generators)]
        )
        return (log_probabilities - self.noisy * noise.log()).masked_fill(outside, -torch.inf)

    def draw(self, logits: torch.Tensor) -> torch.Tensor:
        """One token per row, (rows,)."""
        return self.scores(logits).argmax(dim=-1)
