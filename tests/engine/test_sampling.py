"""Sampling: the distribution that is drawn from, the nucleus, and members of a text."""

import torch

from backbones.engine.sampling import Sampler, outside_nucleus
from tests.engine.tiny import tiny_row


def sampler(rows):
    generators = [torch.Generator().manual_seed(row.request.seed) for row in rows]
    return Sampler([row.request for row in rows], [row.weights for row in rows], generators, torch.device("cpu"))


def test_draws_follow_the_distribution():
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    drawn = sampler([tiny_row(seed=3)])
    draws = torch.cat([drawn.draw(logits) for _ in range(8000)])
    shares = torch.bincount(draws, minlength=4) / len(draws)
    torch.testing.assert_close(shares, logits[0].softmax(0), atol=0.02, rtol=0)


def test_the_nucleus_keeps_the_fewest_tokens_that_reach_top_p():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    assert torch.isfinite(sampler([tiny_row(top_p=0.7)]).scores(logits)).tolist() == [[True, True, False, False]]


def test_a_nucleus_of_any_size_is_that_of_a_full_sort():
    log = (torch.randn(6, 1000, generator=torch.Generator().manual_seed(0)) * 3).log_softmax(dim=-1)
    log[0] = -torch.log(torch.tensor(1000.0))  # uniform: a nucleus far larger than what is sorted at first
    for top_p in (0.01, 0.5, 0.9, 1.0):
        ordered, order = log.sort(dim=-1, descending=True, stable=True)
        before = ordered.exp().cumsum(dim=-1) - ordered.exp()
        expected = torch.zeros_like(log, dtype=torch.bool).scatter(-1, order, before >= top_p)
        outside = outside_nucleus(log, torch.full((6, 1), top_p))
        assert torch.equal(outside[1:], expected[1:])
        assert outside[0].sum() == expected[0].sum()  # of equals it does not matter which


def test_members_of_a_text_are_mixed_by_their_weights_before_the_temperature():
    logits = torch.tensor([[2.0, 0.0, 0.0], [5.0, 5.0, 0.0], [1.0, 1.0, 4.0]])
    noiseless = sampler([tiny_row(coefficients=((0.0,), (1.0,)), weights=(0.25, 0.75), temperature=0.5), tiny_row()])
    noiseless.noisy *= 0
    mixed = 0.25 * logits[0].log_softmax(0) + 0.75 * logits[1].log_softmax(0)
    expected = torch.stack([(mixed / 0.5).log_softmax(0), logits[2].log_softmax(0)])
    torch.testing.assert_close(noiseless.scores(logits), expected)
