"""Serving: jobs that share forward passes, wait, leave and fail, on tiny models."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from backbones.engine.batch import Batch
from backbones.engine.jobs import ServingError, Waiting
from backbones.engine.scheduler import Scheduler
from tests.engine.tiny import BAD, GIVEN, request, tiny_writer
from tests.fake import HEAVY, POINTER

MORE = {"name": "Elm", "eatType": "pub", "priceRange": "cheap", "area": "riverside", "near": "Ox"}
BROKEN = 666  # seed of the text that breaks the model


@pytest.fixture(scope="module")
def writer(soup, adapters):
    """Two objectives on the four tiny adapters."""
    return tiny_writer(soup, adapters)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Nobody who can start is told to wait, however slow the scheduler's thread is."""
    monkeypatch.setattr("backbones.engine.jobs.PATIENCE", 60)


@contextmanager
def impatient():
    """Those who wait are told so again at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backbones.engine.jobs.PATIENCE", 0.01)
        yield


@pytest.fixture
def added(monkeypatch):
    """The seeds of the rows of one job that were put into a batch together."""
    seeds, add = [], Batch.add
    monkeypatch.setattr(
        Batch, "add", lambda self, new: seeds.append([row.request.seed for row in new]) or add(self, new)
    )
    return seeds


@pytest.fixture
def stalled(monkeypatch):
    """While the list holds anything, rows are admitted but get no token."""
    stall, step = ["stalled"], Batch.step
    monkeypatch.setattr(Batch, "step", lambda self: time.sleep(0.001) if stall else step(self))
    return stall


def finish(running):
    """The texts of the last yield; Waiting comes only before the first."""
    *news, texts = running
    kinds = [isinstance(n, Waiting) for n in news]
    assert kinds == sorted(kinds, reverse=True)
    assert all(text.done and text.rewards for text in texts)
    return texts


def test_many_threads_get_what_they_get_alone(writer, monkeypatch, added):
    methods = ("bone-soup", "mod", "rewarded-soup", "base")
    jobs = [
        [
            request(10 * i + k, given=(GIVEN, MORE)[i % 2], preference=(i / 8, 1 - i / 8), method=methods[(i + k) % 4])
            for k in range(1 + i % 2)
        ]
        for i in range(9)
    ]
    alone = [writer.write(job) for job in jobs]
    assert sum(text.tokens > 9 for texts in alone for text in texts) > 9
    added.clear()
    together, step = [], Batch.step

    def shared(self):
        if len(added) >= 3:  # else wait for others
            together.append(len(self.live))
            step(self)

    monkeypatch.setattr(Batch, "step", shared)
    serving = Scheduler({"tiny": writer}, max_rows=8)
    with ThreadPoolExecutor(9) as pool:
        assert list(pool.map(lambda job: finish(serving.stream("tiny", job)), jobs)) == alone
    assert max(together) >= 3


def test_sets_take_turns(writer, stalled):
    serving = Scheduler({"one": writer, "two": writer})
    first, second = serving.stream("one", [request(1)]), serving.stream("two", [request(2)])
    assert not next(first)[0].done and not next(second)[0].done
    stalled.clear()
    assert finish(first) + finish(second) == writer.write([request(1), request(2)])


def test_a_job_that_waits_learns_how_many_are_before_it(writer, stalled, added):
    serving = Scheduler({"tiny": writer}, max_rows=2)
    first = serving.stream("tiny", [request(1), request(2)])
    assert not next(first)[0].done
    second, third = serving.stream("tiny", [request(3), request(4)]), serving.stream("tiny", [request(5)])
    with impatient():
        assert [next(second), next(second)] == 2 * [Waiting(1)]
        assert [next(third), next(third)] == 2 * [Waiting(2)]
    assert added == [[1, 2]]
    stalled.clear()
    written = finish(first) + finish(second) + finish(third)
    assert written == writer.write([request(seed) for seed in range(1, 6)])


def test_pointers_wait_for_nobody_and_leave_other_texts_as_they_are(writer, stalled, added):
    serving = Scheduler({"tiny": writer}, max_rows=1, max_jobs=1)
    first = serving.stream("tiny", [request(1)])
    assert not next(first)[0].done
    heavy = request(2, given={"name": HEAVY})
    ((pointer,),) = serving.stream("tiny", [heavy])
    assert pointer.pointer and pointer.text == POINTER and added == [[1]]
    stalled.clear()
    finish(first)
    *_, texts = serving.stream("tiny", [heavy, request(3)])
    assert texts == [pointer, *writer.write([request(3)])] and added[:2] == [[1], [3]]


def test_a_job_starts_with_its_first_row(writer, stalled, added):
    serving = Scheduler({"tiny": writer}, max_rows=3)
    first, second = serving.stream("tiny", [request(1), request(2)]), serving.stream("tiny", [request(3), request(4)])
    assert len(next(first)) == 2
    texts = next(news for news in second if not isinstance(news, Waiting))
    assert [text.tokens for text in texts] == [0, 0] and added == [[1, 2], [3]]
    stalled.clear()
    assert finish(first) + finish(second) == writer.write([request(seed) for seed in range(1, 5)])


def test_room_goes_to_the_job_with_the_fewest_rows_in_the_batch(writer, stalled, added):
    """A large job that came first leaves every other slot that gets free to those that came later."""
    requests = [request(seed, max_new_tokens=2 + 2 * seed) for seed in range(8)]
    serving = Scheduler({"tiny": writer}, max_rows=4)
    large, small = serving.stream("tiny", requests), serving.stream("tiny", [request(10), request(11)])
    assert len(next(large)) == 8 and next(small) == Waiting(1)
    stalled.clear()
    with ThreadPoolExecutor(2) as pool:
        texts = list(pool.map(finish, (large, small)))
    assert texts == [writer.write(requests), writer.write([request(10), request(11)])]
    order = [seed for seeds in added for seed in seeds]
    assert order[:4] == [0, 1, 2, 3] and sorted(order[4:6]) == [10, 11]


def test_every_member_of_a_text_takes_a_batch_row(writer, stalled):
    serving = Scheduler({"tiny": writer}, max_rows=3)
    first, second = serving.stream("tiny", [request(method="mod")]), serving.stream("tiny", [request(method="mod")])
    assert not next(first)[0].done
    with impatient():
        assert next(second) == Waiting(1)
    second.close()
    assert not next(serving.stream("tiny", [request(method="base")]))[0].done
    first.close()


def test_a_job_larger_than_the_scheduler_allows_runs_by_and_by_and_blocks_nobody(writer, stalled, monkeypatch, added):
    serving, requests = Scheduler({"tiny": writer}, max_rows=1), [request(1), request(2), request(3)]
    large, small = serving.stream("tiny", requests), serving.stream("tiny", [request(4)])
    assert len(next(large)) == 3
    with monkeypatch.context() as patch:
        patch.setattr(serving, "_news", None)  # a job that cannot start says so before it waits for anything
        assert next(small) == Waiting(1)
    held, step = [], Batch.step
    monkeypatch.setattr(Batch, "step", lambda self: held.append(len(self.slots)) or step(self))
    stalled.clear()
    assert finish(large) + finish(small) == writer.write([*requests, request(4)])
    assert added[:4] == [[1], [2], [4], [3]]  # in turn, and then the writer's
    assert max(held[: held.index(4)]) == 1


def test_the_background_comes_after_all_others_and_leaves_half_of_the_rows_to_them(writer, stalled, added):
    serving = Scheduler({"tiny": writer}, max_rows=4)
    unasked = serving.stream("tiny", [request(seed) for seed in range(6)], background=True)
    assert len(next(unasked)) == 6 and added == [[0, 1]]
    asked = serving.stream("tiny", [request(10), request(11)])
    assert not next(asked)[0].done and added == [[0, 1], [10, 11]]  # at once, and not after what nobody asked for
    later, more = serving.stream("tiny", [request(12)], background=True), serving.stream("tiny", [request(20)])
    with impatient():
        assert next(later) == Waiting(2) and next(more) == Waiting(1)
    stalled.clear()
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(finish, (unasked, asked, later, more)))
    order = [seed for seeds in added for seed in seeds]
    assert order.index(20) < min(order.index(seed) for seed in (2, 3, 4, 5, 12))
    assert texts[0] == writer.write([request(seed) for seed in range(6)])
    assert texts[3] == writer.write([request(20)])


def test_the_background_turns_nobody_away(writer, stalled):
    serving = Scheduler({"tiny": writer}, max_jobs=1)
    unasked = serving.stream("tiny", [request(1)], background=True)
    next(unasked)
    asked = serving.stream("tiny", [request(2)])
    assert not next(asked)[0].done
    with pytest.raises(ServingError, match="try again in a minute"):
        next(serving.stream("tiny", [request(3)], background=True))
    stalled.clear()
    finish(unasked)
    finish(asked)


def test_closing_frees_the_place_in_the_queue(writer, stalled, added):
    serving = Scheduler({"tiny": writer}, max_rows=1)
    first, second, third = (serving.stream("tiny", [request(seed)]) for seed in (1, 2, 3))
    next(first)
    assert [next(second), next(third)] == [Waiting(1), Waiting(2)]
    second.close()
    with impatient():
        assert next(third) == Waiting(1)
    stalled.clear()
    assert finish(third) == writer.write([request(3)])
    assert [2] not in added
    first.close()


def test_closing_frees_the_rows(writer, stalled, monkeypatch):
    serving = Scheduler({"tiny": writer}, max_rows=2)
    first, second = serving.stream("tiny", [request(1), request(2)]), serving.stream("tiny", [request(3)])
    next(first)
    assert next(second) == Waiting(1)
    first.close()
    texts = next(news for news in second if not isinstance(news, Waiting))  # started, though nothing has finished
    assert not texts[0].done
    stepped, step = [], Batch.step
    monkeypatch.setattr(Batch, "step", lambda self: stepped.append(len(self.slots)) or step(self))
    stalled.clear()
    assert finish(second) == writer.write([request(3)])
    assert set(stepped) == {1}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory: write fewer"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "out of memory: write fewer"),
        (MemoryError(), "out of memory: write fewer"),
        (RuntimeError("nonsense"), "the model failed while writing: try again"),
    ],
)
def test_a_failing_step_ends_the_jobs_of_its_batch_alone(writer, monkeypatch, caplog, error, words):
    alone, step = writer.write([request(1), request(2)]), Batch.step

    def fragile(self):
        seeds = {row.request.seed for row in self.live}
        if {1, BROKEN} <= seeds:
            raise error
        if not broken or not seeds & {1, BROKEN}:
            step(self)  # else wait for the other one

    monkeypatch.setattr(Batch, "step", fragile)
    serving, broken = Scheduler({"one": writer, "two": writer}), True
    with ThreadPoolExecutor(2) as pool:
        failed = [pool.submit(finish, serving.stream("one", [request(seed)])) for seed in (1, BROKEN)]
        assert finish(serving.stream("two", [request(2)])) == alone[1:]
        for future in failed:
            with pytest.raises(ServingError, match=words):
                future.result()
    assert "Traceback" in caplog.text
    broken = False
    assert finish(serving.stream("one", [request(1)])) == alone[:1]


def test_a_prompt_that_is_too_long_fails_its_job_alone(writer, stalled, added):
    serving = Scheduler({"tiny": writer}, max_rows=2)
    running = serving.stream("tiny", [request(1)])
    next(running)
    with pytest.raises(ValueError, match="256 positions"):
        finish(serving.stream("tiny", [request(3), request(4), request(5, max_new_tokens=300)]))
    assert added == [[1]]
    stalled.clear()
    assert finish(running) + finish(serving.stream("tiny", [request(2)])) == writer.write([request(1), request(2)])


@pytest.mark.parametrize(
    ("error", "words", "ends_others"), [(MemoryError(), "out of memory", False), (RuntimeError("x"), "try again", True)]
)
def test_new_rows_that_find_no_memory_end_their_job_alone(writer, stalled, monkeypatch, error, words, ends_others):
    add = Batch.add

    def fragile(self, rows):
        if any(row.request.seed == BROKEN for row in rows):
            raise error
        add(self, rows)

    monkeypatch.setattr(Batch, "add", fragile)
    serving = Scheduler({"one": writer, "two": writer})
    running, other = serving.stream("one", [request(1)]), serving.stream("two", [request(2)])
    next(running), next(other)
    with pytest.raises(ServingError, match=words):
        finish(serving.stream("one", [request(BROKEN)]))
    stalled.clear()
    if ends_others:
        with pytest.raises(ServingError, match=words):
            finish(running)
    else:
        assert finish(running) == writer.write([request(1)])
    assert finish(other) + finish(serving.stream("one", [request(3)])) == writer.write([request(2), request(3)])


def test_a_scorer_that_fails_leaves_its_text_alone(writer, monkeypatch, caplog):
    whole, score = writer.write([request(1), request(2)]), writer.scorer.score

    def fragile(raws, given):
        if whole[0].raw in raws:
            raise RuntimeError("no score")
        return score(raws, given)

    monkeypatch.setattr(writer.scorer, "score", fragile)
    *_, texts = Scheduler({"tiny": writer}).stream("tiny", [request(1), request(2)])
    assert texts == [replace(whole[0], rewards={}), whole[1]]
    assert "no score" in caplog.text


def test_texts_are_written_while_others_are_scored(writer, monkeypatch):
    (whole,) = writer.write([request(2)])
    score, begun, free = writer.scorer.score, threading.Event(), threading.Event()

    def slow(raws, given):
        begun.set()
        assert free.wait(20)
        return score(raws, given)

    monkeypatch.setattr(writer.scorer, "score", slow)
    monkeypatch.setattr("backbones.engine.jobs.PERIOD", 0)
    serving = Scheduler({"tiny": writer})
    short, long = serving.stream("tiny", [request(1, max_new_tokens=1)]), serving.stream("tiny", [request(2)])
    assert next(short)[0].tokens == 1 and begun.wait(20)
    assert any(texts[0].tokens == whole.tokens > 1 for texts in long)
    free.set()
    assert finish(short)[0].tokens == 1 and finish(long)[0].done


@pytest.mark.parametrize(("requests", "words"), BAD)
def test_bad_requests_are_refused_before_they_are_queued(writer, stalled, added, requests, words):
    serving = Scheduler({"tiny": writer}, max_rows=1)
    running = serving.stream("tiny", [request(1)])
    next(running)
    with pytest.raises(ValueError, match=words):
        next(serving.stream("tiny", requests))
    assert next(serving.stream("tiny", [request(2)])) == Waiting(1)
    assert added == [[1]]
    running.close()


def test_more_jobs_than_allowed_are_turned_away(writer, stalled):
    serving = Scheduler({"fake-2": writer}, max_jobs=1)
    first = serving.stream("fake-2", [request()])
    next(first)
    with pytest.raises(ServingError, match="try again in a minute"):
        next(serving.stream("fake-2", [request(1)]))
    stalled.clear()
    finish(first)
    assert len(finish(serving.stream("fake-2", [request(1)]))) == 1


def test_a_failure_in_giving_up_a_job_ends_those_that_run_and_no_others(writer, stalled, monkeypatch, caplog):
    serving = Scheduler({"tiny": writer})
    first, second = serving.stream("tiny", [request(1)]), serving.stream("tiny", [request(2)])
    next(first)
    next(second)
    drop = Batch.drop
    monkeypatch.setattr(Batch, "drop", lambda *_: 1 / 0)
    first.close()
    with pytest.raises(ServingError, match="the model failed while writing"):
        finish(second)
    monkeypatch.setattr(Batch, "drop", drop)
    stalled.clear()
    assert finish(serving.stream("tiny", [request(3)])) == writer.write([request(3)])
