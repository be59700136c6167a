"""Serving: jobs that share forward passes, wait, leave and fail, on tiny models."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from backbones.engine import batch, scheduler
from backbones.engine.batch import Batch
from backbones.engine.scheduler import Scheduler, ServingError, Waiting
from tests.engine.tiny import BAD, GIVEN, request, tiny_writer

MORE = {"name": "Elm", "eatType": "pub", "priceRange": "cheap", "area": "riverside", "near": "Ox"}
BROKEN = 666  # seed of the text that breaks the model


@pytest.fixture(scope="module")
def writer(soup, adapters):
    """Two objectives on the four tiny adapters."""
    return tiny_writer(soup, adapters)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(scheduler, "PATIENCE", 0.01)


@pytest.fixture
def added(monkeypatch):
    """The seeds of every job that was put into a batch."""
    seeds, add = [], Batch.add
    monkeypatch.setattr(
        Batch, "add", lambda self, new: seeds.append([row.request.seed for row in new]) or add(self, new)
    )
    return seeds


@pytest.fixture
def stalled(monkeypatch):
    """While the list holds anything, jobs get no further than their first token."""
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
    assert all(text.tokens > 1 for texts in alone for text in texts)
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


def test_a_job_that_waits_learns_how_many_are_before_it_and_overtakes_nobody(writer, stalled, added):
    serving = Scheduler({"tiny": writer}, max_rows=3)
    first = serving.stream("tiny", [request(1), request(2)])
    assert not next(first)[0].done
    large = serving.stream("tiny", [request(3), request(4)])
    small = serving.stream("tiny", [request(5)])
    assert [next(large), next(large)] == 2 * [Waiting(1)]
    assert [next(small), next(small)] == 2 * [Waiting(2)]
    assert added == [[1, 2]]
    stalled.clear()
    written = finish(first) + finish(large) + finish(small)
    assert added == [[1, 2], [3, 4], [5]]
    assert written == writer.write([request(seed) for seed in range(1, 6)])


def test_every_member_of_a_text_takes_a_batch_row(writer, stalled):
    serving = Scheduler({"tiny": writer}, max_rows=3)
    first, second = serving.stream("tiny", [request(method="mod")]), serving.stream("tiny", [request(method="mod")])
    assert not next(first)[0].done
    assert next(second) == Waiting(1)
    second.close()
    assert not next(serving.stream("tiny", [request(method="base")]))[0].done
    first.close()


def test_a_job_larger_than_the_scheduler_allows_runs_alone(writer, stalled, monkeypatch):
    serving, requests = Scheduler({"tiny": writer}, max_rows=1), [request(1), request(2), request(3)]
    large, small = serving.stream("tiny", requests), serving.stream("tiny", [request(4)])
    assert len(next(large)) == 3
    with monkeypatch.context() as patch:
        patch.setattr(serving, "_news", None)  # a job that cannot start says so before it waits for anything
        assert next(small) == Waiting(1)
    stalled.clear()
    assert finish(large) + finish(small) == writer.write([*requests, request(4)])


def test_closing_frees_the_place_in_the_queue(writer, stalled, added):
    serving = Scheduler({"tiny": writer}, max_rows=1)
    first, second, third = (serving.stream("tiny", [request(seed)]) for seed in (1, 2, 3))
    next(first)
    assert [next(second), next(third)] == [Waiting(1), Waiting(2)]
    second.close()
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
    stepped, step = [], batch.State.step
    monkeypatch.setattr(batch.State, "step", lambda self: stepped.append(len(self.rows)) or step(self))
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


def test_a_job_that_cannot_start_fails_alone(writer, stalled, monkeypatch):
    prepare = batch.Sampler

    def fragile(requests, *args):
        if any(request.seed == BROKEN for request in requests):
            raise MemoryError
        return prepare(requests, *args)

    monkeypatch.setattr(batch, "Sampler", fragile)
    serving = Scheduler({"tiny": writer})
    running = serving.stream("tiny", [request(1)])
    next(running)
    with pytest.raises(ServingError, match="out of memory"):
        finish(serving.stream("tiny", [request(BROKEN)]))
    with pytest.raises(ValueError, match="256 positions"):
        finish(serving.stream("tiny", [request(max_new_tokens=300)]))
    stalled.clear()
    written = finish(running) + finish(serving.stream("tiny", [request(2)]))
    assert written == writer.write([request(1), request(2)])


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
