"""Serving: requests of different visitors written together, as they come (continuous batching)."""

import logging
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch

from backbones.engine.batch import Batch, Row, Unread, tokenised
from backbones.engine.device import out_of_memory
from backbones.engine.request import Request, Text
from backbones.engine.writer import Writer

PERIOD = 1 / 15  # seconds between two states of a running job; people see no more
PATIENCE = 0.5  # seconds between two announcements to a waiting job, so that a closed page is noticed

log = logging.getLogger(__name__)


class ServingError(RuntimeError):
    """Texts that could not be written; the message says what to do."""


@dataclass(frozen=True)
class Waiting:
    """A job has not been started. `ahead`: the jobs before it, running or waiting."""

    ahead: int


class Job:
    """The requests of one call to the set `name`. `waiting`: its rows that have to be admitted.

    `news`: the newest that its caller has not been given yet.
    """

    def __init__(self, name: str, rows: list[Row], lock: threading.Lock):
        self.name, self.rows, self.waiting = name, rows, [row for row in rows if not row.done]
        self.scoring: set[Row] = set()  # rows that are done, and scored or about to be
        self.news: list[Text] | Exception | None = None
        self.changed = threading.Condition(lock)
        self.admitted = time.monotonic()  # when its last row was, or, before its first, when it came
        self.published = 0.0  # when, on the same clock
        self.closed = False

    @property
    def started(self) -> bool:
        return len(self.waiting) < len(self.rows)

    @property
    def written(self) -> bool:
        """Whether all that is left is to score it."""
        return len(self.scoring) == len(self.rows)


class Scheduler:
    """Writes for many callers at once: one thread does all tensor work for all sets, and jobs share forward passes.

    Rows are admitted, not jobs, each of the job that has the fewest in the batches, as long as those of all sets
    together have at most `max_rows` batch rows: a large job is written by and by. At most `max_jobs` run or wait; more
    are turned away. That thread alone uses the tokenizers, which several threads must not share. Texts are scored in
    another, while others are written; a scorer that fails leaves its text without rewards.
    """

    def __init__(self, writers: dict[str, Writer], max_rows: int = 64, max_jobs: int = 64):
        self.writers, self.max_rows, self.max_jobs = writers, max_rows, max_jobs
        self._lock = threading.Lock()  # held to read or change the jobs, and their news
        self._called = threading.Condition(self._lock)
        self._jobs: list[Job] = []  # that wait or run, in the order in which they came
        self._batches: dict[str, Batch] = {}  # the worker's alone
        self._scoring = ThreadPoolExecutor(1, thread_name_prefix="scores")
        self._worker: threading.Thread | None = None

    def stream(self, name: str, requests: Sequence[Request]) -> Generator[list[Text] | Waiting]:
        """Yield the texts of the set `name` as they grow, one per request; in the last yield all are done.

        Yields `Waiting` while the job waits for others; one of pointers alone waits for nobody. Closing the generator
        stops the work. Raises ValueError for requests that are out of range, before they are queued, or longer than the
        base allows; ServingError when too many wait or the model fails.
        """
        job = Job(name, self.writers[name].rows(requests), self._lock)
        if not job.waiting:
            yield self.writers[name].texts(job.rows)
            return
        try:
            waiting = self._enqueue(job)
            if waiting:
                yield waiting
            done = False
            while not done:
                news = self._news(job)
                yield news
                done = isinstance(news, list) and all(text.done for text in news)
        finally:
            # All that need be done, and without the lock: the garbage collector may close a forgotten generator in
            # any thread at any time, also in one that holds it.
            job.closed = True

    def _enqueue(self, job: Job) -> Waiting | None:
        with self._lock:
            before = self._before(job)
            if len(before) >= self.max_jobs:
                raise ServingError(f"{len(before)} requests are being served or wait: try again in a minute")
            self._jobs.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="scheduler", daemon=True)
                self._worker.start()
            self._called.notify()
            asked = sum(len(row.weights) for other in before for row in other.rows if not row.done)
            return Waiting(len(before)) if asked >= self.max_rows else None

    def _news(self, job: Job) -> list[Text] | Waiting:
        """What its caller is to see next."""
        with self._lock:
            while job.news is None:
                if not job.changed.wait(PATIENCE) and not job.started and job in self._jobs:
                    return Waiting(len(self._before(job)))
            news, job.news = job.news, None
        if isinstance(news, Exception):
            raise news
        return news

    def _before(self, job: Job) -> list[Job]:
        """The jobs that came before `job`, which need not be among them yet."""
        earlier = self._jobs[: self._jobs.index(job)] if job in self._jobs else self._jobs
        return [other for other in earlier if not other.closed]

    def _work(self) -> None:
        while True:
            with self._lock:
                self._called.wait_for(lambda: any(job.closed or not job.written for job in self._jobs))
                jobs = list(self._jobs)
            try:
                self._round(jobs)
                continue
            except Exception as error:  # in what mends failures: whatever it is, this thread must go on
                words = _words(error)
            self._batches.clear()
            for job in jobs:
                self._over(job, ServingError(words))

    def _round(self, jobs: list[Job]) -> None:
        """Give up what nobody waits for, admit what there is room for, and one more token for every row."""
        self._drop([job for job in jobs if job.closed])
        self._admit([job for job in jobs if not job.closed])
        for name in {job.name for job in jobs}:  # sets take turns
            self._turn(name)

    def _drop(self, jobs: list[Job]) -> None:
        """Give up jobs whose callers have gone."""
        for job in jobs:
            self._batch(job.name).drop(job.rows)
            with self._lock:
                if job in self._jobs:  # or it was scored meanwhile
                    self._jobs.remove(job)

    def _admit(self, jobs: list[Job]) -> None:
        """Let rows that wait join the batches while there is room, each of the job that has the fewest there."""
        taken, new = sum(len(batch.slots) for batch in self._batches.values()), {job: [] for job in jobs}
        running = {job: len(job.rows) - len(job.waiting) - sum(row.done for row in job.rows) for job in jobs}
        while turns := [job for job in jobs if job.waiting]:
            job = min(turns, key=lambda job: (running[job], job.admitted))
            if taken and taken + len(job.waiting[0].weights) > self.max_rows:
                break
            row = job.waiting.pop(0)
            new[job].append(row)
            running[job] += 1
            job.admitted = time.monotonic()
            taken += len(row.weights)
        for job, rows in new.items():
            if rows and job in self._jobs:  # another's start may have failed the set
                self._start(job, rows)

    def _start(self, job: Job, rows: list[Row]) -> None:
        """New rows join the batch of their set. A prompt that is too long for the base, or for memory, ends its job
        alone."""
        try:
            if rows[0] is job.rows[0]:
                tokenised(self.writers[job.name].soup, job.rows)
            self._batch(job.name).add(rows)
            return
        except ValueError as error:
            self._over(job, ValueError(str(error)))
            return
        except Exception as error:
            words, alone = _words(error), out_of_memory(error)
        if alone:
            self._end([job], words)
        else:
            self._fail(job.name, words)

    def _turn(self, name: str) -> None:
        """One more token for every row of the jobs of a set, and news of them."""
        try:
            if self._batch(name).live:
                self._step(name)
            for job in self._of(name):
                self._tell(job)
            return
        except Exception as error:
            words = _words(error)
        self._fail(name, words)

    def _step(self, name: str) -> None:
        """One more token for every row. Jobs whose prompts found no memory end, the others go on."""
        try:
            self._batch(name).step()
            return
        except Unread as error:
            words, unread = _words(error), set(error.rows)
        self._end([job for job in self._of(name) if unread & set(job.rows)], words)

    def _end(self, jobs: list[Job], words: str) -> None:
        """End jobs, some of whose rows found no memory; as for `_fail`, not within an except clause."""
        for job in jobs:
            self._batch(job.name).drop(job.rows)
            self._over(job, ServingError(words))
        torch.cuda.empty_cache()

    def _fail(self, name: str, words: str) -> None:
        """End the jobs of a set whose batch is of no use any more.

        Not to be called within an except clause: there the traceback keeps the tensors of what failed alive.
        """
        self._batches.pop(name, None)
        torch.cuda.empty_cache()  # does nothing where CUDA has not been used
        for job in self._of(name):
            if not job.written:
                self._over(job, ServingError(words))

    def _of(self, name: str) -> list[Job]:
        """The jobs of a set that have started."""
        with self._lock:
            return [job for job in self._jobs if job.name == name and job.started]

    def _tell(self, job: Job) -> None:
        """Have the texts scored that are done, and let the caller of a job see the others grow."""
        writer, now = self.writers[job.name], time.monotonic()
        done = [row for row in job.rows if row.done and row not in job.scoring]
        writer.decode(done)
        if now - job.published >= PERIOD and not job.written:
            job.published = now
            self._hand(job, writer.texts(job.rows))
        if done:  # last, as what the other thread hands over is the last news
            job.scoring.update(done)
            self._scoring.submit(self._score, job, done)

    def _score(self, job: Job, rows: list[Row]) -> None:
        """In the thread that scores: give texts their rewards; the last ends the job."""
        try:
            self.writers[job.name].score(rows)
        except Exception as error:  # scorers that fail are the writer's business
            self._over(job, ServingError(_words(error)))
            return
        if all(row.text for row in job.rows):
            self._over(job, [row.text for row in job.rows if row.text])

    def _over(self, job: Job, news: list[Text] | Exception) -> None:
        """The last news of a job."""
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)
        self._hand(job, news)

    def _hand(self, job: Job, news: list[Text] | Exception) -> None:
        with self._lock:
            job.news = news
            job.changed.notify()

    def _batch(self, name: str) -> Batch:
        """That of a set, a new one where there is none."""
        if name not in self._batches:
            soup = self.writers[name].soup
            slots = max(self.max_rows, len(soup.adapter_names))  # at least for all members of a text
            self._batches[name] = Batch(soup, slots)
        return self._batches[name]


def _words(error: Exception) -> str:
    """Log an exception of the model; what to tell those whose texts it ended."""
    log.error("a set could not write", exc_info=error)
    if out_of_memory(error):
        return "out of memory: write fewer texts at once"
    return "the model failed while writing: try again"
