"""Serving: requests of different visitors written together, as they come (continuous batching)."""

import logging
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch

from backbones.engine.batch import Batch, Row
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
    """The requests of one call to the set `name`. `news`: the newest that its caller has not been given yet."""

    def __init__(self, name: str, rows: list[Row], lock: threading.Lock):
        self.name, self.rows = name, rows
        self.news: list[Text] | Exception | None = None
        self.changed = threading.Condition(lock)
        self.published = 0.0  # when, on the monotonic clock
        self.closed = False

    @property
    def size(self) -> int:
        """The batch rows that it takes, or would take."""
        return sum(len(row.weights) for row in self.rows if not row.done)

    @property
    def done(self) -> bool:
        return all(row.done for row in self.rows)


class Scheduler:
    """Writes for many callers at once: one thread does all tensor work for all sets, and jobs share forward passes.

    Jobs start in the order in which they come, as long as the batches of all sets together have at most `max_rows`
    batch rows; a larger job runs when nothing else does. At most `max_jobs` run or wait; more are turned away. That
    thread alone uses the tokenizers, which several threads must not share.
    """

    def __init__(self, writers: dict[str, Writer], max_rows: int = 64, max_jobs: int = 64):
        self.writers, self.max_rows, self.max_jobs = writers, max_rows, max_jobs
        self._lock = threading.Lock()  # held to read or change the queue, the jobs that run, and their news
        self._called = threading.Condition(self._lock)
        self._queue: list[Job] = []
        self._running: list[Job] = []
        self._batches = {name: Batch(writer.soup) for name, writer in writers.items()}  # the worker's alone
        self._worker: threading.Thread | None = None

    def stream(self, name: str, requests: Sequence[Request]) -> Generator[list[Text] | Waiting, None, None]:
        """Yield the texts of the set `name` as they grow, one per request; in the last yield all are done.

        Yields `Waiting` while the job waits for others. Closing the generator stops the work. Raises ValueError for
        requests that are out of range, before they are queued, or longer than the base allows; ServingError when too
        many wait or the model fails.
        """
        job = Job(name, self.writers[name].rows(requests), self._lock)
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
            self._queue.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="scheduler", daemon=True)
                self._worker.start()
            self._called.notify()
            crowded = before and sum(other.size for other in before) + job.size > self.max_rows
            return Waiting(len(before)) if crowded else None

    def _news(self, job: Job) -> list[Text] | Waiting:
        """What its caller is to see next."""
        with self._lock:
            while job.news is None:
                if not job.changed.wait(PATIENCE) and job in self._queue:
                    return Waiting(len(self._before(job)))
            news, job.news = job.news, None
        if isinstance(news, Exception):
            raise news
        return news

    def _before(self, job: Job) -> list[Job]:
        """The jobs that run, and those that wait before `job`, which need not be in the queue yet."""
        waiting = self._queue[: self._queue.index(job)] if job in self._queue else self._queue
        return [other for other in (*self._running, *waiting) if not other.closed]

    def _work(self) -> None:
        while True:
            with self._lock:
                self._called.wait_for(lambda: self._queue or self._running)
            while job := self._admitted():
                self._start(job)
            for name in {job.name for job in self._running}:  # sets take turns
                self._turn(name)

    def _admitted(self) -> Job | None:
        """The first job of the queue, moved to those that run, if there is room for it."""
        with self._lock:
            self._queue = [job for job in self._queue if not job.closed]
            if not self._queue:
                return None
            if self._running and sum(job.size for job in (*self._running, self._queue[0])) > self.max_rows:
                return None
            self._running.append(self._queue.pop(0))
            return self._running[-1]

    def _start(self, job: Job) -> None:
        try:
            self._batches[job.name].add(job.rows)
            return
        except ValueError as error:  # the prompt is too long
            problem: Exception = ValueError(str(error))
        except Exception as error:
            problem = ServingError(_words(error))
        self._free(job.name)
        self._tell(job, problem)

    def _turn(self, name: str) -> None:
        """One more token for every row of the jobs of a set."""
        try:
            self._drop_closed(name)
            if self._batches[name].live:
                self._batches[name].step()
            for job in self._jobs(name):
                if job.done or time.monotonic() - job.published >= PERIOD:
                    job.published = time.monotonic()
                    self._tell(job, self.writers[name].texts(job.rows))
            return
        except Exception as error:
            words = _words(error)
        # Not within the except clause: there the traceback keeps the tensors of the failed step alive.
        self._batches[name] = Batch(self.writers[name].soup)
        self._free(name)
        for job in self._jobs(name):
            self._tell(job, ServingError(words))

    def _drop_closed(self, name: str) -> None:
        closed = [job for job in self._jobs(name) if job.closed]
        if closed:
            self._batches[name].drop([row for job in closed for row in job.rows])
            with self._lock:
                self._running = [job for job in self._running if job not in closed]

    def _jobs(self, name: str) -> list[Job]:
        """The jobs of a set that run."""
        return [job for job in self._running if job.name == name]

    def _tell(self, job: Job, news: list[Text] | Exception) -> None:
        """Hand news to the caller of a job, which is over when they are the last."""
        with self._lock:
            job.news = news
            if job in self._running and (isinstance(news, Exception) or job.done):
                self._running.remove(job)
            job.changed.notify()

    def _free(self, name: str) -> None:
        if self.writers[name].soup.device.type == "cuda":
            torch.cuda.empty_cache()


def _words(error: Exception) -> str:
    """Log an exception of the model; what to tell those whose texts it ended."""
    log.error("a set could not write", exc_info=error)
    cpu = "DefaultCPUAllocator" in str(error)  # torch raises a plain RuntimeError where the CPU's memory is full
    if cpu or isinstance(error, torch.OutOfMemoryError | MemoryError):
        return "out of memory: write fewer texts at once"
    return "the model failed while writing: try again"
