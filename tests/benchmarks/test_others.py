"""Examples of any task, the pieces of load, repeatability of a tiny set, and measurements that fail."""

import random
import threading
from types import SimpleNamespace

import pytest

from backbones.store import soup_set as sets
from backbones.tasks import TASKS
from benchmarks import examples, load, remote, repeatability, timing
from tests.fake import fake_set


@pytest.mark.parametrize("name", TASKS)
def test_examples_are_what_the_task_asks_for_and_the_same_for_the_same_seed(name):
    task, state = TASKS[name](), random.getstate()
    drawn = examples.examples(task, 5)
    assert drawn == examples.examples(task, 5) == [task.check(given) for given in drawn]
    assert task.check(examples.arrival(task)) == examples.arrival(task)
    assert random.getstate() == state


def test_other_seeds_draw_other_examples_where_a_task_draws_any():
    task = fake_set(2).task
    assert len({task.line(given) for seed in range(3) for given in examples.examples(task, 5, seed)}) > 10


def test_simultaneous_texts_of_a_tiny_set_are_those_written_alone(monkeypatch, capsys, chat):
    monkeypatch.setattr("sys.argv", ["repeatability", str(chat), "--rounds", "1", "--precision", "float32"])
    repeatability.main()
    assert "float32: 0 of 8 texts differ in a batch of 8, 0 of 8 as 8 jobs at once" in capsys.readouterr().out
    rounds = list(repeatability.rounds(sets.read(chat), 2))
    assert [len(requests) for requests in rounds] == [8, 8]
    assert len({request.seed for requests in rounds for request in requests}) == 16


def test_clients_share_all_calls_and_every_answer_is_kept_by_its_number():
    lock, threads = threading.Barrier(4, timeout=10), set()

    def work(connection, i):
        if i < 4:
            lock.wait()  # all clients call at one time
        threads.add(threading.get_ident())
        return connection.port, i * i

    ran = load.Load(SimpleNamespace(port=1234, cpu=1.5, memory=100.0), 4, 40, work, marks=(10, 40))
    assert ran.results == {i: (1234, i * i) for i in range(40)}
    assert ran.memory == {10: 100.0, 40: 100.0} and len(ran.seconds) == 40 and len(threads) == 4
    assert ran.row("fast")[:2] == ["fast", 40]
    assert f"\n| {' | '.join(['---'] * 7)} |\n| fast | 40 | " in timing.table(load.HEAD, [ran.row("fast")])


@pytest.mark.parametrize("n", [2, 3])
def test_calls_are_about_every_method_and_have_a_preference(n):
    calls, asked = load.Calls(fake_set(n)), []

    class Connection:
        def request(self, _, path, body="", headers=None):
            asked.append(body)

        def getresponse(self):
            return SimpleNamespace(read=lambda: b'{"event_id": "e"}')

    for i in range(202):
        with pytest.raises(RuntimeError):
            calls.texts(Connection(), i)
        assert len(calls.preference(i)) == n and sum(calls.preference(i)) > 0
    assert all(any(f'"{method}"' in body for body in asked) for method in calls.set.methods)
    assert len(set(asked)) == 202 + 1  # and the empty ones, which ask for the answers


def test_what_fails_is_told_in_a_cell():
    def failing():
        raise RuntimeError("no | room\nhere")

    words = timing.attempt(failing)
    assert words == "no / room here"
    assert timing.attempt(lambda: timing.made(words)) == words and timing.made([1]) == [1]
    assert timing.table("a | b", [["x", 1234.5], [words, 0.01234]]).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        "| x | 1,234 |",
        "| no / room here | 0.0123 |",
    ]


def test_times_are_medians_after_a_first_time_and_undone_outside_them():
    calls = []
    ms = timing.median_ms(lambda: calls.append("work"), "cpu", 3, lambda: calls.append("undo"))
    assert calls == ["work", "undo"] * 4 and 0 < ms < 100


@pytest.mark.parametrize(
    ("said", "end"),
    [("b", "0 agree; log-probabilities where they part: median 0.250, at most 0.250 apart"), ("a", "10 agree")],
)
def test_servers_that_agree_with_the_engine_part_nowhere(monkeypatch, capsys, said, end):
    def written(text):
        return lambda asked: [SimpleNamespace(raw=text) for _ in asked]

    engine = SimpleNamespace(write=written("a"))
    monkeypatch.setattr(remote, "Writer", SimpleNamespace(load=lambda *_: engine))
    monkeypatch.setattr(remote, "margin", lambda *_: 0.25)
    dispatcher = SimpleNamespace(stream=lambda name, asked: iter([written(said)(asked)]))
    remote.agreement(fake_set(), dispatcher, 2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"- servers and engine in bfloat16: {end}"
    assert lines[3] == "- engine in bfloat16 and engine in float32: 10 agree"


def test_any_number_of_rows_can_be_changed(soup):
    n = len(soup.adapter_names)
    for rows in (1, 200):
        timing.changing(soup, 200)([[1 / n] * n] * rows)
