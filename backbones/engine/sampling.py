"""Tokens drawn from logits: temperature, nucleus, and noise that is counted, not generated.

A token is the arg-max of log-probability plus Gumbel noise, which is exact sampling. The noise of a token is a hash of
the text's seed, the token's place in the text, and the token: there is no state, so a text depends on its request
alone, two texts with one seed share their noise, and noise is made only for tokens that can be drawn.
"""

from collections.abc import Sequence
from typing import Any

import torch

from backbones.engine.device import sent
from backbones.engine.request import Request

COLDEST = 1e-6  # temperatures up to this are 0: such noise weighs less than rounding, and far less overflows fp32
LIKELIEST = 256  # tokens that are sorted at first; a nucleus is seldom larger, and sorting them all is slow
GOLDEN = -0x61C8864680B583EB  # 2^64 / golden ratio, as a signed number: far from every simple multiple
MULTIPLIERS = (-0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15)  # of splitmix64 (Steele, Lea and Flood 2014)


def mixed(bits: torch.Tensor) -> torch.Tensor:
    """splitmix64's finaliser: 64 bits (int64) that look random, for any 64 bits."""
    bits = (bits ^ (bits >> 30 & 0x3FFFFFFFF)) * MULTIPLIERS[0]  # & makes an arithmetic shift a logical one
    bits = (bits ^ (bits >> 27 & 0x1FFFFFFFFF)) * MULTIPLIERS[1]
    return bits ^ (bits >> 31 & 0x1FFFFFFFF)


def gumbel(seeds: torch.Tensor, steps: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Gumbel noise (rows, k), double, of `tokens` (rows, k) as number `steps` (rows,) of texts with `seeds` (rows,)."""
    keys = mixed(mixed(seeds) + steps * GOLDEN).unsqueeze(1)
    bits = mixed(keys ^ mixed(tokens * GOLDEN)) >> 11 & 0x1FFFFFFFFFFFFF  # 53 bits
    uniform = (bits.double() + 0.5) * 2.0**-53
    return -(-uniform.log()).log()


class Sampler:
    """Draws one token per request and step with each request's own temperature, top-p and seed.

    `members`: for every row of the batch the number of the request that it has a say in, and its weight there; the
    log-probabilities of the members of a request are mixed.
    """

    def __init__(self, requests: Sequence[Request], members: Sequence[tuple[int, float]], device: torch.device):
        def column(values) -> torch.Tensor:
            return sent(list(values), device).unsqueeze(1)

        hot = [request.temperature > COLDEST for request in requests]
        self.temperature = column(one.temperature if warm else 1.0 for one, warm in zip(requests, hot, strict=True))
        self.noisy = column(map(float, hot))
        self.top_p = column(request.top_p for request in requests).double()
        self.seeds = sent([request.seed for request in requests], device)
        self.owner = sent([owner for owner, _ in members], device)  # (batch rows,)
        self.weights = column(weight for _, weight in members)
        self.alone = len(members) == len(requests)
        self.everything = sent([i for i, one in enumerate(requests) if one.top_p == 1 and hot[i]], device)

    def scores(self, logits: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (requests, vocabulary) of `logits` (batch rows, vocabulary), members mixed, tempered."""
        logits = logits.float()
        if not self.alone:
            mixed = logits.new_zeros(len(self.seeds), logits.shape[1])
            logits = mixed.index_add_(0, self.owner, self.weights * logits.log_softmax(dim=-1))
        return (logits / self.temperature).log_softmax(dim=-1)

    def draw(self, scores: torch.Tensor, steps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A token per request (requests,), and whether its nucleus is larger than what was sorted: then `redraw` it.

        `scores`: as above. `steps` (requests,): the number of tokens that each has.
        """
        likeliest, tokens = scores.topk(min(LIKELIEST, scores.shape[-1]))
        kept, reached = _nucleus(likeliest, self.top_p)
        drawn = self._noisiest(likeliest.masked_fill(~kept, -torch.inf), tokens, steps)
        wide = ~reached & (self.noisy.squeeze(1) > 0)  # the likeliest needs no others
        if len(self.everything):  # nothing is left out, so nothing need be sorted
            whole = torch.arange(scores.shape[-1], device=scores.device).expand(len(self.everything), -1)
            drawn[self.everything] = self._noisiest(scores[self.everything], whole, steps, self.everything)
            wide[self.everything] = False
        return drawn, wide & (tokens.shape[-1] < scores.shape[-1])

    def redraw(self, scores: torch.Tensor, steps: torch.Tensor, requests: list[int]) -> torch.Tensor:
        """Tokens (k,) of the k `requests`, of nuclei however large; the others are left alone."""
        likeliest, tokens = scores[requests].sort(dim=-1, descending=True)
        kept, _ = _nucleus(likeliest, self.top_p[requests])
        width = int(kept.sum(dim=-1).max())
        likeliest = likeliest.masked_fill(~kept, -torch.inf)[:, :width]
        return self._noisiest(likeliest, tokens[:, :width], steps, requests)

    def _noisiest(
        self, scores: torch.Tensor, tokens: torch.Tensor, steps: torch.Tensor, requests: Any = slice(None)
    ) -> torch.Tensor:
        """Which of `tokens` (k, candidates) has the most of `scores` (k, candidates) plus noise: (k,)."""
        noise = self.noisy[requests] * gumbel(self.seeds[requests], steps[requests], tokens)
        return tokens.gather(-1, (scores + noise).argmax(dim=-1, keepdim=True)).squeeze(1)


def _nucleus(likeliest: torch.Tensor, top_p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Which of sorted log-probabilities (rows, k) are kept (rows, k), and whether they reach `top_p` (rows, 1)."""
    probabilities = likeliest.double().exp()
    until = probabilities.cumsum(dim=-1)
    return until - probabilities < top_p, until[:, -1] >= top_p.squeeze(1)
