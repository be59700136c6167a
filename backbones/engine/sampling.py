"""Tokens drawn from logits: temperature, nucleus, and random numbers of each request's own.

A token is the arg-max of log-probability plus Gumbel noise from one generator per request. That is exact sampling; a
request depends on itself alone, and two with one seed share their noise.
"""

from collections.abc import Sequence

import torch

from backbones.engine.request import Request

LIKELIEST = 128  # tokens sorted at first; a nucleus is seldom larger, and sorting them all is slow


class Sampler:
    """Draws one token per request and step with each request's own temperature, top-p and generator.

    `weights`: of the members of every request, whose log-probabilities are mixed.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        weights: Sequence[Sequence[float]],
        generators: list[torch.Generator],
        device: torch.device,
    ):
        column = [[request.temperature or 1.0] for request in requests]
        self.temperature = torch.tensor(column, device=device)
        self.top_p = torch.tensor([[request.top_p] for request in requests], device=device)
        self.noisy = torch.tensor([[float(request.temperature > 0)] for request in requests], device=device)
        self.generators = generators
        members = [(slot, weight) for slot, those in enumerate(weights) for weight in those]
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
