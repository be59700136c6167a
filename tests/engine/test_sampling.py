"""Sampling: the distribution that is drawn from, the nucleus, counted noise, and members of a text."""

import numpy as np
import pytest
import torch

from backbones.engine import sampling
from backbones.engine.sampling import Sampler, gumbel
from tests.engine.tiny import tiny_row

CPU = torch.device("cpu")


def sampler(rows):
    members = [(i, weight) for i, row in enumerate(rows) for weight in row.weights]
    return Sampler([row.request for row in rows], members, CPU)


def chance(observed, expected=None):
    """The p-value of Pearson's chi-square test of counts; default: all are as likely."""
    observed = torch.as_tensor(observed).double()
    expected = observed.mean().expand_as(observed) if expected is None else torch.as_tensor(expected).double()
    statistic = ((observed - expected) ** 2 / expected).sum()
    return torch.special.gammaincc(torch.tensor((len(observed) - 1) / 2).double(), statistic / 2).item()


def drawn(logits, count, first=0, **settings):
    """Tokens of `count` texts with seeds from `first` on, each drawn as a token of another number."""
    rows = [tiny_row(seed=first + k, **settings) for k in range(count)]
    one = sampler(rows)
    return one.draw(one.scores(logits.expand(count, -1)), torch.arange(count) % 97)[0]


def nucleus(probabilities, top_p):
    """The fewest likeliest tokens that reach top_p, normalised; what is drawn from."""
    order = np.argsort(-probabilities)
    before = np.cumsum(probabilities[order]) - probabilities[order]
    kept = np.zeros_like(probabilities)
    kept[order[before < top_p]] = probabilities[order[before < top_p]]
    return kept / kept.sum()


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_draws_follow_the_distribution(top_p, temperature):
    """Chi-square of 50,000 texts with seeds in a row, as people use them."""
    logits = torch.randn(40, generator=torch.Generator().manual_seed(1)) * 2
    exact = nucleus((logits.double() / temperature).softmax(0).numpy(), top_p)
    counts = np.bincount(drawn(logits, 50_000, top_p=top_p, temperature=temperature), minlength=40)
    assert counts[exact == 0].sum() == 0
    common = exact * counts.sum() >= 5  # the test is for these; the others count as one
    rest = [counts[~common].sum()], [exact[~common].sum() * counts.sum()]
    observed, expected = np.append(counts[common], rest[0]), np.append(exact[common] * counts.sum(), rest[1])
    used = expected > 0
    assert chance(observed[used], expected[used]) > 1e-4


def test_draws_of_one_text_follow_the_distribution_too():
    """The tokens of a long text: one seed, steps in a row."""
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    one = sampler([tiny_row(seed=3)])
    counts = np.bincount([one.draw(one.scores(logits), torch.tensor([k]))[0].item() for k in range(8000)], minlength=4)
    assert chance(counts, logits[0].double().softmax(0).numpy() * 8000) > 1e-4


def uniform(seeds, steps, tokens):
    """The noise back as uniform numbers (rows, k)."""
    return (-(-gumbel(torch.tensor(seeds), torch.tensor(steps), torch.as_tensor(tokens))).exp()).exp()


def test_noise_is_that_of_its_seed_step_and_token_wherever_it_is_made():
    tokens = torch.arange(1000).expand(2, -1)
    whole = uniform([5, 5], [7, 8], tokens)
    assert torch.equal(whole, uniform([5, 5], [7, 8], tokens))
    assert torch.equal(whole[1:, [999, 3]], uniform([5], [8], [[999, 3]]))
    assert whole.unique().numel() == 2000
    assert whole.min() > 0 and whole.max() < 1


@pytest.mark.parametrize(
    ("seeds", "steps"),
    [
        ([4, 5], [9, 9]),
        ([4, 4], [9, 10]),
        ([4, 5], [10, 9]),
        ([0, 1], [0, 0]),
        ([2**63 - 1, 2**62], [0, 0]),
        ([0, 2**32], [1, 1]),
    ],
)
def test_noise_of_neighbours_is_unrelated(seeds, steps):
    count = 100_000
    one, other = uniform(seeds, steps, torch.arange(count).expand(2, -1))
    tolerance = 4 / count**0.5  # four standard deviations
    for a, b in ((one, other), (one[1:], other[:-1]), (one[1:], one[:-1])):
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < tolerance
    for numbers in (one, other):
        assert chance(torch.histc(numbers, 100, 0, 1)) > 1e-4
    pairs = np.histogram2d(one.numpy(), other.numpy(), 10, [[0, 1], [0, 1]])[0].ravel()
    assert chance(pairs) > 1e-4


def test_the_nucleus_keeps_the_fewest_tokens_that_reach_top_p():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    assert set(drawn(logits, 500, top_p=0.7).tolist()) == {0, 1}
    assert set(drawn(logits, 500, top_p=0.85).tolist()) == {0, 1, 2}
    assert set(drawn(logits, 500, top_p=0.01).tolist()) == {0}


@pytest.mark.parametrize("top_p", [0.5, 0.9])
def test_a_nucleus_wider_than_what_is_sorted_says_so_and_is_drawn_over_all(monkeypatch, top_p):
    logits = torch.randn(6, 1000, generator=torch.Generator().manual_seed(0)) * torch.tensor([[1.0], [9.0]]).repeat(
        3, 1
    )
    rows, steps = [tiny_row(top_p=top_p, seed=k) for k in range(6)], torch.arange(6)
    one = sampler(rows)
    scores = one.scores(logits)
    monkeypatch.setattr(sampling, "LIKELIEST", 1000)
    whole, none = one.draw(scores, steps)
    assert none.tolist() == [False] * 6
    monkeypatch.setattr(sampling, "LIKELIEST", 20)
    tokens, wide = one.draw(scores, steps)
    assert wide.tolist() == [True, False] * 3
    assert torch.equal(tokens[1::2], whole[1::2])
    assert torch.equal(one.redraw(scores, steps, [0, 2, 4]), whole[[0, 2, 4]])
    assert torch.equal(one.redraw(scores, steps, [2]), whole[[2]])


def test_rows_that_leave_nothing_out_are_drawn_over_all_without_the_others(monkeypatch):
    logits = torch.randn(4, 1000, generator=torch.Generator().manual_seed(0))
    rows = [tiny_row(top_p=top_p, seed=k) for k, top_p in enumerate((1.0, 0.2, 1.0, 0.9))]
    one, steps = sampler(rows), torch.arange(4)
    monkeypatch.setattr(sampling, "LIKELIEST", 1000)
    expected = sampler([tiny_row(top_p=0.999999, seed=k) for k in range(4)])
    whole, _ = expected.draw(expected.scores(logits), steps)
    monkeypatch.setattr(sampling, "LIKELIEST", 200)
    tokens, wide = one.draw(one.scores(logits), steps)
    assert torch.equal(tokens[::2], whole[::2])
    assert wide.tolist() == [False, False, False, True]


def test_the_likeliest_token_needs_no_nucleus_however_wide(monkeypatch):
    monkeypatch.setattr(sampling, "LIKELIEST", 2)
    logits = torch.randn(1, 50, generator=torch.Generator().manual_seed(0))
    for top_p in (0.9, 1.0):
        one = sampler([tiny_row(temperature=0.0, top_p=top_p)])
        tokens, wide = one.draw(one.scores(logits), torch.tensor([0]))
        assert tokens.tolist() == [logits.argmax()] and not wide.any()


def test_members_of_a_text_are_mixed_by_their_weights_before_the_temperature():
    logits = torch.tensor([[2.0, 0.0, 0.0], [5.0, 5.0, 0.0], [1.0, 1.0, 4.0]])
    two = sampler([tiny_row(coefficients=((0.0,), (1.0,)), weights=(0.25, 0.75), temperature=0.5), tiny_row()])
    mixed = 0.25 * logits[0].log_softmax(0) + 0.75 * logits[1].log_softmax(0)
    expected = torch.stack([(mixed / 0.5).log_softmax(0), logits[2].log_softmax(0)])
    torch.testing.assert_close(two.scores(logits), expected)


def test_members_of_a_text_need_not_be_neighbours():
    logits = torch.tensor([[2.0, 0.0, 0.0], [1.0, 1.0, 4.0], [5.0, 5.0, 0.0]])
    first, second = tiny_row(coefficients=((0.0,), (1.0,)), weights=(0.25, 0.75)), tiny_row()
    apart = Sampler([first.request, second.request], [(0, 0.25), (1, 1.0), (0, 0.75)], CPU)
    beside = sampler([first, second])
    torch.testing.assert_close(apart.scores(logits), beside.scores(logits[[0, 2, 1]]))


@pytest.mark.parametrize("temperature", [5e-324, 1e-50, 1e-40, 1e-30, 1e-9])
def test_a_temperature_that_fp32_cannot_hold_is_greedy_and_leaves_others_alone(temperature):
    logits = torch.randn(2, 400, generator=torch.Generator().manual_seed(0))
    cold, warm, alone = (tiny_row(seed=seed, temperature=t) for seed, t in ((1, temperature), (2, 0.8), (2, 0.8)))
    both, steps = sampler([cold, warm]), torch.tensor([3, 3])
    scores = both.scores(logits)
    tokens, wide = both.draw(scores, steps)
    expected = sampler([alone])
    assert scores.isfinite().all() and not wide.any()
    assert tokens.tolist() == [logits[0].argmax(), *expected.draw(expected.scores(logits[1:]), steps[1:])[0]]
