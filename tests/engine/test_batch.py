"""Batches: seeds, neighbours, limits; rows that join and leave."""

import pytest
import torch

from backbones.engine import batch as batches
from backbones.engine.batch import KEPT_SHARE, Batch, stream
from tests.engine.tiny import PROMPTS, again, several, tiny_row, tokens


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
    for step, rows in enumerate(stream(soup, several(4)), start=1):
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
    monkeypatch.setattr(Batch, "step", lambda self: sizes.append(len(self.state.ids)) or step(self))
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
            assert not set(gone) & set(batch.live) and len(batch.state.rows) == len(batch.live)
    while batch.live:
        batch.step()
    assert max(together) >= 6
    for row, alone in zip(rows, tokens(soup, rows), strict=True):
        assert row.tokens == (alone[: len(row.tokens)] if row in gone else alone)
    assert all(not row.done and row.tokens for row in gone)


def test_a_batch_that_never_empties_does_not_grow(soup):
    batch, limit, widths, heights = Batch(soup), 6, [], []
    longest = max(len(soup.tokenizer(prompt)["input_ids"]) for prompt in PROMPTS)
    for i in range(60):
        batch.add([again(several(2)[i % 2], seed=i, max_new_tokens=limit)])
        batch.step()
        widths.append(batch.state.cache.get_seq_length())
        heights.append(len(batch.state.ids))
        assert batch.state.mask.shape == (heights[-1], widths[-1] + 1)
    assert max(widths) <= longest + limit
    assert max(heights) <= limit / KEPT_SHARE
    assert min(heights[1:]) > 1


@pytest.mark.parametrize("failing", ["request", "forward", "join"])
def test_a_failed_join_leaves_the_running_rows_as_they_were(soup, monkeypatch, failing):
    first, second = mixed(8)[:4], mixed(8)[4:]
    batch = Batch(soup)
    batch.add(first)
    batch.step()
    with monkeypatch.context() as patch:
        if failing == "request":
            second[1] = again(second[1], max_new_tokens=300)
        elif failing == "forward":
            layer = soup.model.model.layers[1].mlp  # the first layer's keys and values are in the cache by then
            patch.setattr(layer, "forward", lambda *_: (_ for _ in ()).throw(RuntimeError("full")))
        else:
            calls, stacked = [], batches.stacked

            def full(*args):
                calls.append(args)
                if len(calls) == 4:  # in the middle of the cache
                    raise RuntimeError("full")
                return stacked(*args)

            patch.setattr(batches, "stacked", full)
        with pytest.raises((ValueError, RuntimeError), match=r"256 positions|full"):
            batch.add(second)
    assert batch.live == first
    second = mixed(8)[4:]
    batch.add(second)
    while batch.live:
        batch.step()
    assert [row.tokens for row in first + second] == tokens(soup, mixed(8))


def test_a_row_longer_than_the_base_is_refused(soup):
    with pytest.raises(ValueError, match="256 positions"):
        next(stream(soup, [tiny_row(PROMPTS[0], ((0.0,) * 4,), max_new_tokens=300)]))
