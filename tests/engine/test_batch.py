"""Batches: seeds, neighbours, limits; rows that join and leave."""

import pytest
import torch

from backbones.engine import batch as batches
from backbones.engine import cache, sampling
from backbones.engine.batch import Batch, stream
from backbones.engine.soup import Soup
from tests.engine.tiny import GIVEN, PROMPTS, again, request, several, tiny_row, tiny_writer, tokens

MORE = {"name": "Elm", "eatType": "pub", "priceRange": "cheap", "area": "riverside", "near": "Ox"}


@pytest.fixture(scope="module")
def packed(base, adapters):
    """The tiny soup with its weights in 4 bits, also while it computes."""
    return Soup.load(base, adapters, "cpu", torch.float32, dense=False)


def mixed(n):
    """Rows of different prompts, mixes and lengths, every third with two members."""
    rows = [again(row, max_new_tokens=6 + 3 * i % 17) for i, row in enumerate(several(n))]
    for i in range(0, n, 3):
        members = (*rows[i].coefficients, (0.0, 0.5, 0.0, 0.5))
        rows[i] = again(rows[i], coefficients=members, weights=(0.3, 0.7))
    return rows


def test_a_row_is_the_same_in_every_batch_and_on_every_call(soup):
    rows = several(8)
    together = tokens(soup, rows)
    assert together == tokens(soup, rows)
    assert together == [tokens(soup, [row])[0] for row in rows]
    assert together[::-1] == tokens(soup, rows[::-1])


def test_rows_with_one_seed_and_one_mix_are_equal_and_other_seeds_differ(soup):
    (one,) = several(1)
    same, repeated, other = tokens(soup, [one, one, again(one, seed=99)])
    assert same == repeated != other


def test_every_row_has_its_own_length_limit_and_one_token_comes_per_step(soup):
    rows = several(4)
    for step, _ in enumerate(stream(soup, rows), start=1):
        for row in rows:
            assert len(row.tokens) <= min(step, row.request.max_new_tokens)
            assert row.done or len(row.tokens) == step


def test_closing_the_stream_stops_the_work(soup):
    running = stream(soup, several(2))
    next(running)
    running.close()
    assert list(running) == []
    assert not torch.is_inference_mode_enabled()


def test_temperature_zero_takes_the_likeliest_token_whatever_the_seed(soup):
    greedy = [again(several(1)[0], temperature=0.0, top_p=1.0, seed=seed) for seed in (1, 2)]
    first, second = tokens(soup, greedy)
    assert first == second


def test_a_text_with_one_member_of_all_the_weight_is_that_members_text(soup):
    """Two members of one merge are that merge; members of other merges give another text."""
    alone = again(several(3)[2], max_new_tokens=20)
    (mix,) = alone.coefficients
    same = again(alone, coefficients=(mix, mix), weights=(0.5, 0.5))
    other = again(alone, coefficients=(mix, (0.0, 9.0, 0.0, 0.0)), weights=(0.2, 0.8))
    first, second, third = tokens(soup, [alone, same, other])
    assert first == second != third


@pytest.mark.parametrize(("coefficients", "weights"), [((), ()), (((1.0,),), (0.5, 0.5)), (((float("nan"),),), (1.0,))])
def test_a_row_needs_a_weight_for_every_member_and_finite_coefficients(coefficients, weights):
    with pytest.raises(AssertionError):
        tiny_row("x", coefficients, weights)


def test_rows_that_end_early_leave_the_batch_and_change_nothing(soup, monkeypatch):
    rows = [again(row, max_new_tokens=2 if i % 3 else 24) for i, row in enumerate(several(9))]
    rows[3] = again(rows[3], coefficients=tuple(rows[3].coefficients) * 2, weights=(0.5, 0.5))
    sizes = []
    step = Batch.step
    monkeypatch.setattr(Batch, "step", lambda self: sizes.append(len(self.slots)) or step(self))
    together = tokens(soup, rows)
    assert sizes[0] == 10 and sizes[-1] <= 4
    assert together == [tokens(soup, [row])[0] for row in rows]


def test_rows_that_join_and_leave_midway_are_what_they_are_alone(soup):
    rows, batch, together = mixed(12), Batch(soup), []
    for i in range(0, 12, 2):
        batch.add(rows[i : i + 2])
        together.append(len(batch.live))
        batch.step()
        batch.step()
        if i == 6:
            gone = batch.live[1:3]
            batch.drop(gone)
            assert not set(gone) & set(batch.live)
            assert len(batch.slots) == sum(len(row.weights) for row in batch.live)
    while batch.live:
        batch.step()
    assert max(together) >= 6
    for row, alone in zip(rows, tokens(soup, rows), strict=True):
        assert row.tokens == (alone[: len(row.tokens)] if row in gone else alone)
    assert all(not row.done and row.tokens for row in gone)


def test_a_batch_that_never_empties_does_not_grow(soup):
    batch, limit, heights = Batch(soup, 8), 6, []
    for i in range(60):
        batch.add([again(several(2)[i % 2], seed=i, max_new_tokens=limit)])
        batch.step()
        heights.append(len(batch.slots))
    longest = max(len(soup.tokenizer(prompt)["input_ids"]) for prompt in PROMPTS) + limit
    assert longest <= batch.cache.capacity < longest + cache.CHUNK
    assert all(len(layer) == 8 for layer in batch.cache.keys)
    assert max(heights) < limit
    assert min(heights[1:]) > 1


def test_rows_dropped_before_their_token_is_read_get_no_more(soup, adapters, monkeypatch):
    """Nor is that token drawn again where its nucleus is wider than what is sorted."""
    writer, redrawn, redraw = tiny_writer(soup, adapters), [], sampling.Sampler.redraw
    rows = [row for row in writer.rows(requests_of(writer)) if row.request.top_p < 1]
    expected = tokens(soup, rows)
    monkeypatch.setattr(sampling, "LIKELIEST", 3)
    monkeypatch.setattr(sampling.Sampler, "redraw", lambda *args: redrawn.append(args[-1]) or redraw(*args))
    batch, gone = Batch(soup, late=True), {}
    batch.add(rows)
    for _ in range(4):
        batch.step()
        new = batch.live[::4]
        assert set(new) <= {row for drawn in batch.unseen for row in drawn.rows}
        gone |= {row: list(row.tokens) for row in new}
        batch.drop(new)
    while batch.live:
        batch.step()
    assert redrawn and any(gone.values())
    assert all(row.tokens == before and not row.done for row, before in gone.items())
    assert all(row in gone or row.tokens == one for row, one in zip(rows, expected, strict=True))
    batch.add([again(rows[0], temperature=1.0)])
    batch.step()
    batch.drop(batch.live)
    redrawn.clear()
    batch.add([again(rows[0], temperature=0.0)])
    batch.step()
    assert redrawn == []


def test_members_take_their_slots_together_and_leave_together(soup):
    rows = mixed(6)
    list(stream(soup, rows, slots=3))
    assert all(row.done for row in rows)
    batch = Batch(soup, 3)
    batch.add([again(rows[0])])
    assert (batch.free, len(batch.slots), len(batch.live)) == (1, 2, 1)
    with pytest.raises(AssertionError):
        batch.add([again(rows[3])])
    assert len(batch.live) == 1
    batch.drop(batch.live)
    assert batch.free == 3


def test_a_row_too_long_does_not_join_and_nor_do_those_beside_it(soup):
    first, second, batch = mixed(8)[:4], mixed(8)[4:], Batch(soup)
    batch.add(first)
    batch.step()
    with pytest.raises(ValueError, match="256 positions"):
        batch.add([*second[:3], again(second[3], max_new_tokens=300)])
    assert batch.live == first
    batch.add(second)
    while batch.live:
        batch.step()
    assert [row.tokens for row in first + second] == tokens(soup, mixed(8))


def test_a_row_longer_than_the_base_is_refused(soup):
    with pytest.raises(ValueError, match="256 positions"):
        next(stream(soup, [tiny_row(PROMPTS[0], ((0.0,) * 4,), max_new_tokens=300)]))


def finished(batch, rows, each):
    """The tokens of rows that join `each` at a time, with three steps between."""
    rows = [again(row) for row in rows]
    waiting = list(rows)
    while waiting or batch.live:
        if waiting and sum(len(row.weights) for row in waiting[:each]) <= batch.free:
            batch.add(waiting[:each])
            del waiting[:each]
        for _ in range(3):
            if batch.live:
                batch.step()
    return [row.tokens for row in rows]


def requests_of(writer):
    """Requests of every method, at many preferences, settings and lengths."""
    return [
        request(
            i,
            given=(GIVEN, MORE)[i % 2],
            preference=(i / 17, 1 - i / 17),
            method=writer.set.methods[i % len(writer.set.methods)],
            temperature=(0.7, 1.0, 0.0)[i % 3],
            top_p=(0.9, 1.0, 0.8, 0.95)[i % 4],
            max_new_tokens=5 + 7 * i % 23,
        )
        for i in range(18)
    ]


@pytest.fixture(scope="module", params=["dense", "packed"])
def any_soup(request, soup, packed):
    return soup if request.param == "dense" else packed


def test_in_fp32_a_text_depends_on_its_request_alone(any_soup, adapters, monkeypatch):
    writer = tiny_writer(any_soup, adapters)
    rows = writer.rows(requests_of(writer))
    assert {"bone-soup", "mod", "base"} < {row.request.method for row in rows}
    alone = [tokens(any_soup, [row])[0] for row in rows]
    assert sum(map(len, alone)) > 150
    assert tokens(any_soup, rows) == alone
    assert finished(Batch(any_soup), rows, 2) == alone  # joining late
    assert finished(Batch(any_soup, late=True), rows, 18) == alone
    assert finished(Batch(any_soup, 5, late=True), rows, 2) == alone
    few = [again(row) for row in rows]
    list(stream(any_soup, few, slots=3))
    assert [row.tokens for row in few] == alone
    monkeypatch.setattr(batches, "READ_AT_ONCE", 8)
    assert tokens(any_soup, rows) == alone
    assert finished(Batch(any_soup, late=True), rows, 2) == alone


@pytest.mark.parametrize("late", [False, True])
def test_a_nucleus_wider_than_what_is_sorted_is_drawn_again_over_all(soup, adapters, monkeypatch, late):
    writer, wide = tiny_writer(soup, adapters), []
    rows = [row for row in writer.rows(requests_of(writer)) if row.request.top_p < 1]
    expected = tokens(soup, rows)
    redraw = sampling.Sampler.redraw
    monkeypatch.setattr(sampling, "LIKELIEST", 3)
    monkeypatch.setattr(sampling.Sampler, "redraw", lambda *args: wide.append(len(args[-1])) or redraw(*args))
    assert finished(Batch(soup, late=late), rows, 2) == expected
    assert 10 < sum(wide) < sum(map(len, expected))  # some rows of a batch, not all
