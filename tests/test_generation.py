"""Sampling: seeds, neighbours, limits, nucleus."""

import dataclasses

import pytest
import torch

from backbones import facts
from backbones.generation import Request, Sampler, stream

PROMPTS = [
    facts.prompt(facts.parse("name[A], food[Italian]")),
    facts.prompt(facts.parse("name[B], eatType[pub], priceRange[cheap], area[riverside], near[C]")),
]


def tokens(soup, requests):
    *_, rows = stream(soup, requests)
    return [list(row.tokens) for row in rows]


def requests(n):
    mixes = [(1.0, 0.0, 0.0, 0.0), (1.75, -0.75, 0.0, 0.0), (0.0, 0.0, 0.3, 0.7), (0.0, 0.0, 0.0, 0.0)]
    return [
        Request(PROMPTS[i % 2], mixes[i % 4], seed=i, temperature=0.7 + i / 10, top_p=0.95, max_new_tokens=8 + i)
        for i in range(n)
    ]


def test_a_row_is_the_same_in_every_batch_and_on_every_call(soup):
    batch = requests(8)
    together = tokens(soup, batch)
    assert together == tokens(soup, batch)
    assert together == [tokens(soup, [request])[0] for request in batch]
    assert together[::-1] == tokens(soup, batch[::-1])


def test_rows_with_one_seed_and_one_mix_are_equal_and_other_seeds_differ(soup):
    one = requests(1)[0]
    same, again, other = tokens(soup, [one, one, dataclasses.replace(one, seed=99)])
    assert same == again != other


def test_every_row_has_its_own_length_limit_and_one_token_comes_per_step(soup):
    batch = requests(4)
    for step, rows in enumerate(stream(soup, batch), start=1):
        for row, request in zip(rows, batch):
            assert len(row.tokens) <= min(step, request.max_new_tokens)
            assert row.done or len(row.tokens) == step


def test_closing_the_stream_stops_the_work(soup):
    running = stream(soup, requests(2))
    next(running)
    running.close()
    assert list(running) == []
    assert not torch.is_inference_mode_enabled()


def test_temperature_zero_takes_the_likeliest_token_whatever_the_seed(soup):
    greedy = [dataclasses.replace(requests(1)[0], temperature=0.0, top_p=1.0, seed=seed) for seed in (1, 2)]
    first, second = tokens(soup, greedy)
    assert first == second


def test_draws_follow_the_distribution():
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    sampler = Sampler([Request("", (), seed=3)], torch.device("cpu"))
    draws = torch.cat([sampler.draw(logits) for _ in range(8000)])
    shares = torch.bincount(draws, minlength=4) / len(draws)
    torch.testing.assert_close(shares, logits[0].softmax(0), atol=0.02, rtol=0)


def test_the_nucleus_keeps_the_fewest_tokens_that_reach_top_p():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    sampler = Sampler([Request("", (), top_p=0.7)], torch.device("cpu"))
    assert torch.isfinite(sampler.scores(logits)).tolist() == [[True, True, False, False]]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("temperature", -1),
        ("temperature", float("nan")),
        ("top_p", 0),
        ("top_p", 1.5),
        ("max_new_tokens", 0),
        ("seed", -1),
    ],
)
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=f"{setting} is {value}"):
        Request("x", (1.0,), **{setting: value})


def test_a_request_longer_than_the_base_is_refused(soup):
    with pytest.raises(ValueError, match="256 positions"):
        next(stream(soup, [Request(PROMPTS[0], (0.0,) * 4, max_new_tokens=300)]))
