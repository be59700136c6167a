"""Memory that is full: who ends, who goes on, and that those write what they write alone."""

import time
from contextlib import contextmanager

import pytest
import torch

from backbones.engine import batch as batches
from backbones.engine.batch import Batch, TooLong, Unread
from backbones.engine.jobs import ServingError, Waiting
from backbones.engine.sampling import Sampler
from backbones.engine.scheduler import Scheduler
from backbones.store import footprint
from tests.engine.tiny import again, request, several, tiny_writer, tokens

ERRORS = [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("[enforce fail] DefaultCPUAllocator: no memory")]


@pytest.fixture(scope="module")
def writer(soup, adapters):
    """Two objectives on the four tiny adapters."""
    return tiny_writer(soup, adapters)


@contextmanager
def failing(owner, name, number, error, counted):
    """Call number `number` of a method raises `error`; those count whose arguments are `counted`."""
    real, calls = getattr(owner, name), []

    def fragile(*args, **kwargs):
        if counted(*args):
            calls.append(1)
            if len(calls) == number:
                raise error
        return real(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, fragile)
        yield calls


def failing_layer(soup, number, error):
    """The second of two layers has no memory when prompts are read for the `number`th time."""
    return failing(soup.model.model.layers[1].mlp, "forward", number, error, lambda x: x.shape[1] > 1)


def failing_cache(number):
    """There is no memory for the `number`th tensor of the cache."""
    return failing(torch.Tensor, "new_zeros", number, ERRORS[0], lambda _, *sizes: len(sizes) == 4)


def finished(batch):
    while batch.live:
        batch.step()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("at_once", [1024, 8])  # with 8 prompts are read one by one, in pieces
@pytest.mark.parametrize("place", ["layer", "sampler"])
def test_prompts_that_find_no_memory_are_dropped_and_all_others_go_on(soup, monkeypatch, late, at_once, place):
    monkeypatch.setattr(batches, "READ_AT_ONCE", at_once)
    rows, batch = [again(row, max_new_tokens=40 + i) for i, row in enumerate(several(10))], Batch(soup, 12, late)
    rows[1] = again(rows[1], coefficients=rows[1].coefficients * 2, weights=(0.5, 0.5))
    rows[4].prompt *= 5  # of 8 tokens at a time the layer fails at the second piece
    batch.add(rows[:4])
    while not all(row.tokens for row in rows[:4]):
        batch.step()
    batch.add(rows[4:7])
    full = {
        "layer": failing_layer(soup, 1 if at_once == 1024 else 2, ERRORS[0]),
        "sampler": failing(Sampler, "draw", 1, ERRORS[0], lambda _, scores, steps: not steps.any()),
    }
    before, steps = [len(row.tokens) for row in rows[:4]], 0
    with full[place], pytest.raises(Unread, match="CUDA out of memory") as raised:
        while steps < 20:
            steps += 1
            batch.step()
    gone = raised.value.rows
    assert gone == (rows[4:7] if at_once == 1024 else rows[4:5])
    assert set(batch.live) == set(rows[:7]) - set(gone)
    assert [len(row.tokens) - steps for row in rows[:4]] == before  # the step that failed gave them theirs
    batch.add(rows[7:])
    finished(batch)
    assert all(not row.tokens and not row.done for row in gone)
    others = [row for row in rows if row not in gone]
    assert [row.tokens for row in others] == tokens(soup, others)


def test_another_failure_while_prompts_are_read_is_raised_as_it_is(soup):
    batch = Batch(soup)
    batch.add(several(2))
    with failing_layer(soup, 1, RuntimeError("nonsense")), pytest.raises(RuntimeError, match="nonsense"):
        batch.step()


@pytest.mark.parametrize("number", [1, 2, 3, 4])  # of two layers
def test_a_cache_that_cannot_grow_is_as_it_was_and_its_rows_go_on(soup, number):
    rows, batch = several(4), Batch(soup, 8)
    rows[3] = again(rows[3], max_new_tokens=100)
    batch.add(rows[:3])
    for _ in range(3):
        batch.step()
    before, capacity = [*batch.cache.keys, *batch.cache.values], batch.cache.capacity
    with failing_cache(number), pytest.raises(torch.OutOfMemoryError):
        batch.add(rows[3:])
    assert batch.cache.capacity == capacity and batch.live == rows[:3]
    assert all(one is other for one, other in zip(before, (*batch.cache.keys, *batch.cache.values), strict=True))
    batch.step()
    batch.add(rows[3:])
    assert batch.cache.capacity > capacity
    finished(batch)
    assert [row.tokens for row in rows] == tokens(soup, rows)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_cache_that_cannot_be_made_leaves_memory_for_shorter_rows(soup, number):
    (row,), batch = several(1), Batch(soup, 8)
    long = again(row, max_new_tokens=200)
    for _ in range(2):  # for the first rows, and for those after the last have left
        batch.add([long])
        with failing_cache(number), pytest.raises(Unread):
            batch.step()
        assert batch.free == 8 and batch.cache.capacity == 0
        short = again(row)
        batch.add([short])
        finished(batch)
        assert [short.tokens] == tokens(soup, [row])


def held(batch):
    """Bytes of a batch's cache."""
    return sum(tensor.nbytes for tensor in (*batch.cache.keys, *batch.cache.values))


def test_rows_whose_cache_would_need_more_than_is_free_do_not_join(soup, monkeypatch):
    """Where the system ends a process that takes too much, torch would not say so."""
    rows, batch, free, asked = several(5), Batch(soup, 8), 2**40, []
    monkeypatch.setattr(footprint, "available", lambda device: asked.append(device) or free)
    rows[3], rows[4] = again(rows[3], max_new_tokens=100), again(rows[4], max_new_tokens=150)
    batch.add(rows[:2])
    batch.step()
    batch.add(rows[2:3])
    batch.step()
    assert asked == ["cpu"]  # the cache did not grow for the third
    size, capacity = held(batch) // (batch.cache.capacity + 1), batch.cache.capacity
    needed = size * (capacity + 64 + 1)
    free = needed - 1
    with pytest.raises(TooLong) as raised:
        batch.add(rows[3:4])
    longest = len(rows[3].ids) + 100
    assert str(raised.value) == (
        f"there is no memory for a text this long ({longest} tokens with its prompt): write a shorter one"
    )
    assert f"the cache of 8 texts at one time (BONESOUP_ROWS), of up to {longest} tokens" in raised.value.__notes__[0]
    assert batch.live == rows[:3] and batch.cache.capacity == capacity
    free = needed
    batch.add(rows[3:4])
    assert held(batch) == needed
    finished(batch)
    free = size * 64  # the cache that nobody uses any more is given up for the new one
    batch.add(rows[4:])
    finished(batch)
    assert held(batch) == needed + free
    free = needed + free
    assert [row.tokens for row in rows] == tokens(soup, rows)


def waiting_for(monkeypatch, alone, together):
    """With `alone` rows under way, whose texts have begun, no step is made until there are `together`.

    Returns a list of the seeds of the rows that went on at every failure.
    """
    step, joined, went_on = Batch.step, [], []

    def patient(self):
        if not joined and len(self.live) == alone and all(row.tokens for row in self.live):
            time.sleep(0.001)
            return
        joined.extend([True] * (len(self.live) == together))
        try:
            step(self)
        except Unread:
            went_on.append([row.request.seed for row in self.live])
            raise

    monkeypatch.setattr(Batch, "step", patient)
    return went_on


@pytest.mark.parametrize("error", ERRORS)
def test_jobs_whose_prompts_find_no_memory_end_and_the_others_write_what_they_write_alone(writer, monkeypatch, error):
    jobs = [[request(9), request(2)], [request(3), request(4, method="mod")], [request(5)], [request(6)]]
    alone = [writer.write(job) for job in jobs]
    went_on, serving = waiting_for(monkeypatch, 2, 4), Scheduler({"one": writer, "two": writer})
    with failing_layer(writer.soup, 2, error) as reads:
        first = serving.stream("one", jobs[0])
        next(first)
        with pytest.raises(ServingError, match="out of memory: write fewer texts at once"):
            list(serving.stream("one", jobs[1]))
        assert list(serving.stream("one", jobs[2]))[-1] == alone[2]
        assert list(first)[-1] == alone[0]
        assert list(serving.stream("two", jobs[3]))[-1] == alone[3]
    assert went_on == [[9, 2]] and len(reads) == 4
    assert list(serving.stream("one", jobs[1]))[-1] == alone[1]


def test_a_job_for_whose_text_the_cache_cannot_grow_ends_alone_and_is_told_that_it_is_too_long(
    writer, monkeypatch, caplog
):
    expected, serving = writer.write([request(9, max_new_tokens=40)]), Scheduler({"tiny": writer}, max_rows=4)
    first = serving.stream("tiny", [request(9, max_new_tokens=40)])
    with monkeypatch.context() as patch:
        patch.setattr(Batch, "step", lambda self: time.sleep(0.001))  # or the first might end before the second comes
        while isinstance(next(first), Waiting):
            pass
        patch.setattr(footprint, "available", lambda device: 0)
        with pytest.raises(ServingError, match=r"text this long \(2\d\d tokens .*: write a shorter one"):
            list(serving.stream("tiny", [request(1, max_new_tokens=200)]))
    assert "the cache of 4 texts at one time (BONESOUP_ROWS), " in caplog.text and "cpu has 0.0 MiB free" in caplog.text
    assert list(first)[-1] == expected
    assert list(serving.stream("tiny", [request(1, max_new_tokens=200)]))[-1][0].done


def test_a_job_ends_whole_when_one_of_its_rows_finds_no_memory(writer, monkeypatch):
    """Its other rows, which decode, free their slots."""
    large, small = [request(seed, max_new_tokens=6 * seed) for seed in (1, 2, 3)], [request(9, max_new_tokens=60)]
    expected, went_on = writer.write(small), waiting_for(monkeypatch, 1, 3)
    serving = Scheduler({"tiny": writer}, max_rows=3)
    first = serving.stream("tiny", small)
    with failing_layer(writer.soup, 3, ERRORS[0]), pytest.raises(ServingError, match="out of memory"):
        next(first)
        list(serving.stream("tiny", large))  # two are read at first, the third in the place of the first
    assert list(first)[-1] == expected
    assert sorted(went_on[0]) == [2, 9] and serving._batches["tiny"].slots == []
