"""Sampling: seeds, neighbours, limits, nucleus."""

import dataclasses

import pytest
import torch

from backbones import facts, generation
from backbones.generation import Batch, Request, Sampler, outside_nucleus, stream

PROMPTS = [
    facts.prompt(facts.parse("name[A], food[Italian]")),
    facts.prompt(facts.parse("name[B], eatType[pub], priceRange[cheap], area[riverside], near[C]")),
]


def tokens(soup, requests):
    *_, rows = stream(soup, requests)
    return [list(row.tokens) for row in rows]


def sampler(requests):
    generators = [torch.Generator().manual_seed(request.seed) for request in requests]
    return Sampler(requests, generators, torch.device("cpu"))


def requests(n):
    mixes = [(1.0, 0.0, 0.0, 0.0), (1.75, -0.75, 0.0, 0.0), (0.0, 0.0, 0.3, 0.7), (0.0, 0.0, 0.0, 0.0)]
    return [
        Request(PROMPTS[i % 2], (mixes[i % 4],), seed=i, temperature=0.7 + i / 10, top_p=0.95, max_new_tokens=8 + i)
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
    drawn = sampler([Request("", ((),), seed=3)])
    draws = torch.cat([drawn.draw(logits) for _ in range(8000)])
    shares = torch.bincount(draws, minlength=4) / len(draws)
    torch.testing.assert_close(shares, logits[0].softmax(0), atol=0.02, rtol=0)


def test_the_nucleus_keeps_the_fewest_tokens_that_reach_top_p():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    assert torch.isfinite(sampler([Request("", ((),), top_p=0.7)]).scores(logits)).tolist() == [
        [True, True, False, False]
    ]


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
    requests = [
        Request("", ((0.0,), (1.0,)), weights=(0.25, 0.75), temperature=0.5),
        Request("", ((1.0,),)),
    ]
    mixed = 0.25 * logits[0].log_softmax(0) + 0.75 * logits[1].log_softmax(0)
    expected = torch.stack([(mixed / 0.5).log_softmax(0), logits[2].log_softmax(0)])
    noiseless = sampler([dataclasses.replace(r, top_p=1.0) for r in requests])
    noiseless.noisy *= 0
    torch.testing.assert_close(noiseless.scores(logits), expected)


def test_a_text_with_one_member_of_all_the_weight_is_that_members_text(soup):
    """Two members of one merge are that merge; members of other merges give another text."""
    alone = dataclasses.replace(requests(3)[2], max_new_tokens=20)
    (row,) = alone.coefficients
    same = dataclasses.replace(alone, coefficients=(row, row), weights=(0.5, 0.5))
    other = dataclasses.replace(alone, coefficients=(row, (0.0, 9.0, 0.0, 0.0)), weights=(0.2, 0.8))
    first, second, third = tokens(soup, [alone, same, other])
    assert first == second != third


def test_rows_that_end_early_leave_the_batch_and_change_nothing(soup, monkeypatch):
    batch = [dataclasses.replace(r, max_new_tokens=2 if i % 3 else 24) for i, r in enumerate(requests(9))]
    batch[3] = dataclasses.replace(batch[3], coefficients=(batch[3].coefficients[0],) * 2, weights=(0.5, 0.5))
    sizes = []
    step = Batch.step
    monkeypatch.setattr(Batch, "step", lambda self: sizes.append(len(self.state.ids)) or step(self))
    together = tokens(soup, batch)
    assert sizes[0] == 10 and sizes[-1] <= 4
    assert together == [tokens(soup, [request])[0] for request in batch]


def mixed(n):
    """Requests of different prompts, mixes and lengths, every third with two members."""
    batch = [dataclasses.replace(r, max_new_tokens=6 + 3 * i % 17) for i, r in enumerate(requests(n))]
    for i in range(0, n, 3):
        rows = (*batch[i].coefficients, (0.0, 0.5, 0.0, 0.5))
        batch[i] = dataclasses.replace(batch[i], coefficients=rows, weights=(0.3, 0.7))
    return batch


def test_rows_that_join_and_leave_midway_are_what_they_are_alone(soup):
    wanted, batch, rows, together = mixed(12), Batch(soup), [], []
    for i in range(0, 12, 2):
        rows += batch.add(wanted[i : i + 2])
        together.append(len(batch.live))
        batch.step()
        batch.step()
        if i == 6:
            gone = batch.live[1:3]
            batch.drop(gone)
            assert not set(gone) & set(batch.live) and len(batch.state.rows) == len(batch.live)
    while batch.live:
        batch.step()
    assert max(together) >= 6
    assert [row.request for row in rows] == wanted
    for row, alone in zip(rows, tokens(soup, wanted), strict=True):
        assert row.tokens == (alone[: len(row.tokens)] if row in gone else alone)
    assert all(not row.done and row.tokens for row in gone)


def test_a_batch_that_never_empties_does_not_grow(soup):
    batch, limit, widths, heights = Batch(soup), 6, [], []
    longest = max(len(soup.tokenizer(prompt)["input_ids"]) for prompt in PROMPTS)
    for i in range(60):
        batch.add([dataclasses.replace(requests(2)[i % 2], seed=i, max_new_tokens=limit)])
        batch.step()
        widths.append(batch.state.cache.get_seq_length())
        heights.append(len(batch.state.ids))
        assert batch.state.mask.shape == (heights[-1], widths[-1] + 1)
    assert max(widths) <= longest + limit
    assert max(heights) <= limit / generation.KEPT_SHARE
    assert min(heights[1:]) > 1


@pytest.mark.parametrize("failing", ["request", "forward", "join"])
def test_a_failed_join_leaves_the_running_rows_as_they_were(soup, monkeypatch, failing):
    first, second = mixed(8)[:4], mixed(8)[4:]
    batch = Batch(soup)
    rows = batch.add(first)
    batch.step()
    with monkeypatch.context() as patch:
        if failing == "request":
            second[1] = dataclasses.replace(second[1], max_new_tokens=300)
        elif failing == "forward":
            layer = soup.model.model.layers[1].mlp  # the first layer's keys and values are in the cache by then
            patch.setattr(layer, "forward", lambda *_: (_ for _ in ()).throw(RuntimeError("full")))
        else:
            calls, stacked = [], generation.stacked

            def full(*args):
                calls.append(args)
                if len(calls) == 4:  # in the middle of the cache
                    raise RuntimeError("full")
                return stacked(*args)

            patch.setattr(generation, "stacked", full)
        with pytest.raises((ValueError, RuntimeError), match=r"256 positions|full"):
            batch.add(second)
    assert batch.live == rows
    rows += batch.add(mixed(8)[4:])
    while batch.live:
        batch.step()
    assert [row.tokens for row in rows] == tokens(soup, mixed(8))


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
        Request("x", ((1.0,),), **{setting: value})


def test_a_request_longer_than_the_base_is_refused(soup):
    with pytest.raises(ValueError, match="256 positions"):
        next(stream(soup, [Request(PROMPTS[0], ((0.0,) * 4,), max_new_tokens=300)]))
