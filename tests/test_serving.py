"""Serving: jobs that share forward passes, wait, leave and fail, on tiny models."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from backbones import generation, serving
from backbones.generation import Batch
from backbones.serving import Kitchen, ServingError, Waiting
from backbones.writer import Order, Writer
from tests.fake import fake_set

FACTS = {"name": "Ox", "food": "Italian"}
MORE = {"name": "Elm", "eatType": "pub", "priceRange": "cheap", "area": "riverside", "near": "Ox"}
BROKEN = 666  # seed of the text that breaks the model


@pytest.fixture(scope="module")
def writer(soup, adapters):
    """Two objectives on the four tiny adapters."""
    soup_set = replace(fake_set(2), backbones=tuple(adapters[:2]), specialists=tuple(adapters[2:]), oracles=())
    return Writer(soup_set, soup)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(serving, "PATIENCE", 0.01)


@pytest.fixture
def added(monkeypatch):
    """The seeds of every job that was put into a batch."""
    seeds, add = [], Batch.add
    monkeypatch.setattr(Batch, "add", lambda self, rs: seeds.append([r.seed for r in rs]) or add(self, rs))
    return seeds


@pytest.fixture
def stalled(monkeypatch):
    """While the list holds anything, jobs get no further than their first token."""
    stall, step = ["stalled"], Batch.step
    monkeypatch.setattr(Batch, "step", lambda self: time.sleep(0.001) if stall else step(self))
    return stall


def order(seed=0, **settings):
    return Order(**{"facts": FACTS, "preference": (0.3, 0.7), "seed": seed, "max_new_tokens": 24, **settings})


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
            order(10 * i + k, facts=(FACTS, MORE)[i % 2], preference=(i / 8, 1 - i / 8), method=methods[(i + k) % 4])
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
    kitchen = Kitchen({"tiny": writer}, max_rows=8)
    with ThreadPoolExecutor(9) as pool:
        assert list(pool.map(lambda job: finish(kitchen.stream("tiny", job)), jobs)) == alone
    assert max(together) >= 3


def test_a_text_is_scored_once_when_it_is_done(writer, monkeypatch):
    scored, score = [], writer.scorer.score
    monkeypatch.setattr(writer.scorer, "score", lambda raws, facts: scored.extend(raws) or score(raws, facts))
    texts = writer.write([order(1, max_new_tokens=3), order(2)])
    assert scored == [text.raw for text in texts]


def test_sets_take_turns(writer, stalled):
    kitchen = Kitchen({"one": writer, "two": writer})
    first, second = kitchen.stream("one", [order(1)]), kitchen.stream("two", [order(2)])
    assert not next(first)[0].done and not next(second)[0].done
    stalled.clear()
    assert finish(first) + finish(second) == writer.write([order(1), order(2)])


def test_a_job_that_waits_learns_how_many_are_before_it_and_overtakes_nobody(writer, stalled, added):
    kitchen = Kitchen({"tiny": writer}, max_rows=3)
    first = kitchen.stream("tiny", [order(1), order(2)])
    assert not next(first)[0].done
    large = kitchen.stream("tiny", [order(3), order(4)])
    small = kitchen.stream("tiny", [order(5)])
    assert [next(large), next(large)] == 2 * [Waiting(1)]
    assert [next(small), next(small)] == 2 * [Waiting(2)]
    assert added == [[1, 2]]
    stalled.clear()
    written = finish(first) + finish(large) + finish(small)
    assert added == [[1, 2], [3, 4], [5]]
    assert written == writer.write([order(seed) for seed in range(1, 6)])


def test_every_member_of_a_text_takes_a_batch_row(writer, stalled):
    kitchen = Kitchen({"tiny": writer}, max_rows=3)
    first, second = kitchen.stream("tiny", [order(method="mod")]), kitchen.stream("tiny", [order(method="mod")])
    assert not next(first)[0].done
    assert next(second) == Waiting(1)
    second.close()
    assert not next(kitchen.stream("tiny", [order(method="base")]))[0].done
    first.close()


def test_a_job_larger_than_the_kitchen_runs_alone(writer, stalled, monkeypatch):
    kitchen, orders = Kitchen({"tiny": writer}, max_rows=1), [order(1), order(2), order(3)]
    large, small = kitchen.stream("tiny", orders), kitchen.stream("tiny", [order(4)])
    assert len(next(large)) == 3
    with monkeypatch.context() as patch:
        patch.setattr(kitchen, "_news", None)  # a job that cannot start says so before it waits for anything
        assert next(small) == Waiting(1)
    stalled.clear()
    assert finish(large) + finish(small) == writer.write([*orders, order(4)])


def test_closing_frees_the_place_in_the_queue(writer, stalled, added):
    kitchen = Kitchen({"tiny": writer}, max_rows=1)
    first, second, third = (kitchen.stream("tiny", [order(seed)]) for seed in (1, 2, 3))
    next(first)
    assert [next(second), next(third)] == [Waiting(1), Waiting(2)]
    second.close()
    assert next(third) == Waiting(1)
    stalled.clear()
    assert finish(third) == writer.write([order(3)])
    assert [2] not in added
    first.close()


def test_closing_frees_the_rows(writer, stalled, monkeypatch):
    kitchen = Kitchen({"tiny": writer}, max_rows=2)
    first, second = kitchen.stream("tiny", [order(1), order(2)]), kitchen.stream("tiny", [order(3)])
    next(first)
    assert next(second) == Waiting(1)
    first.close()
    texts = next(news for news in second if not isinstance(news, Waiting))  # started, though nothing has finished
    assert not texts[0].done
    stepped, step = [], generation.State.step
    monkeypatch.setattr(generation.State, "step", lambda self: stepped.append(len(self.rows)) or step(self))
    stalled.clear()
    assert finish(second) == writer.write([order(3)])
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
    alone, step = writer.write([order(1), order(2)]), Batch.step

    def fragile(self):
        seeds = {row.request.seed for row in self.live}
        if {1, BROKEN} <= seeds:
            raise error
        if not broken or not seeds & {1, BROKEN}:
            step(self)  # else wait for the other one

    monkeypatch.setattr(Batch, "step", fragile)
    kitchen, broken = Kitchen({"one": writer, "two": writer}), True
    with ThreadPoolExecutor(2) as pool:
        failed = [pool.submit(finish, kitchen.stream("one", [order(seed)])) for seed in (1, BROKEN)]
        assert finish(kitchen.stream("two", [order(2)])) == alone[1:]
        for future in failed:
            with pytest.raises(ServingError, match=words):
                future.result()
    assert "Traceback" in caplog.text
    broken = False
    assert finish(kitchen.stream("one", [order(1)])) == alone[:1]


def test_a_job_that_cannot_start_fails_alone(writer, stalled, monkeypatch):
    prepare = generation.Sampler

    def fragile(requests, *args):
        if any(request.seed == BROKEN for request in requests):
            raise MemoryError
        return prepare(requests, *args)

    monkeypatch.setattr(generation, "Sampler", fragile)
    kitchen = Kitchen({"tiny": writer})
    running = kitchen.stream("tiny", [order(1)])
    next(running)
    with pytest.raises(ServingError, match="out of memory"):
        finish(kitchen.stream("tiny", [order(BROKEN)]))
    with pytest.raises(ValueError, match="256 positions"):
        finish(kitchen.stream("tiny", [order(max_new_tokens=300)]))
    stalled.clear()
    written = finish(running) + finish(kitchen.stream("tiny", [order(2)]))
    assert written == writer.write([order(1), order(2)])


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ([], "no orders"),
        ([order(), order(method="stew")], "unknown method 'stew'"),
        ([order(preference=(1.0,))], "needs one number for each"),
        ([order(facts={"food": "Italian"})], "'name' is missing"),
        ([order(top_p=0)], "top_p is 0"),
    ],
)
def test_bad_orders_are_refused_before_they_are_queued(writer, stalled, added, orders, words):
    kitchen = Kitchen({"tiny": writer}, max_rows=1)
    running = kitchen.stream("tiny", [order(1)])
    next(running)
    with pytest.raises(ValueError, match=words):
        next(kitchen.stream("tiny", orders))
    assert next(kitchen.stream("tiny", [order(2)])) == Waiting(1)
    assert added == [[1]]
    running.close()


def test_more_jobs_than_allowed_are_turned_away(writer, stalled):
    kitchen = Kitchen({"fake-2": writer}, max_jobs=1)
    first = kitchen.stream("fake-2", [order()])
    next(first)
    with pytest.raises(ServingError, match="try again in a minute"):
        next(kitchen.stream("fake-2", [order(1)]))
    stalled.clear()
    finish(first)
    assert len(finish(kitchen.stream("fake-2", [order(1)]))) == 1
