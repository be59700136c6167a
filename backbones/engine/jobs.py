"""Jobs: texts that callers ask for, who waits, and how each learns what there is. Who writes them is another matter."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from backbones.engine.batch import Row, TooLong
from backbones.engine.device import out_of_memory
from backbones.engine.request import Request, Text
from backbones.engine.writer import Editor

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

    `background`: whether it gives way to those that are not. `news`: the newest that its caller has not been given yet.
    """

    def __init__(self, name: str, rows: list[Row], background: bool, lock: threading.Lock):
        self.name, self.rows, self.waiting = name, rows, [row for row in rows if not row.done]
        self.background = background
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
    def running(self) -> int:
        """How many of its texts are under way."""
        return len(self.rows) - len(self.waiting) - sum(row.done for row in self.rows)

    @property
    def written(self) -> bool:
        """Whether all that is left is to score it."""
        return len(self.scoring) == len(self.rows)


class Jobs(ABC):
    """Jobs of many callers: at most `max_jobs` run or wait; more are turned away.

    `editors`: those of the sets by name. `room`: the texts that can be under way at one time. Texts are scored in a
    thread of their own, while others are written; a scorer that fails leaves its text without rewards.
    """

    def __init__(self, editors: Mapping[str, Editor], room: int, max_jobs: int):
        self.editors, self.room, self.max_jobs = editors, room, max_jobs
        self._lock = threading.Lock()  # held to read or change the jobs, and their news
        self._jobs: list[Job] = []  # that wait or run, in the order in which they came
        self._scoring = ThreadPoolExecutor(1, thread_name_prefix="scores")
        self._worker: threading.Thread | None = None

    @abstractmethod
    def _work(self) -> None:
        """In a thread of its own, for ever: write what the jobs ask for."""

    @abstractmethod
    def _call(self) -> None:
        """Have that thread look at the jobs; the lock is held."""

    def stream(
        self, name: str, requests: Sequence[Request], background: bool = False
    ) -> Generator[list[Text] | Waiting]:
        """Yield the texts of the set `name` as they grow, one per request; in the last yield all are done.

        `background`: its rows are admitted after those of all jobs that are not, which do not wait for it either.
        Yields `Waiting` while the job waits for others; one of pointers alone waits for nobody. Closing the generator
        stops the work. Raises ValueError for requests that are out of range, before they are queued, or longer than the
        base allows; ServingError when too many wait or the model fails.
        """
        job = Job(name, self.editors[name].rows(requests), background, self._lock)
        if not job.waiting:
            yield self.editors[name].texts(job.rows)
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
            self._call()
            asked = sum(len(row.weights) for other in before for row in other.rows if not row.done)
            return Waiting(len(before)) if asked >= self.room else None

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
        """The jobs before `job`, which need not be among them yet; those of the background only where it is one too."""
        earlier = self._jobs[: self._jobs.index(job)] if job in self._jobs else self._jobs
        return [other for other in earlier if not other.closed and (job.background or not other.background)]

    def _tell(self, job: Job) -> None:
        """Have the texts scored that are done, and let the caller of a job see the others grow."""
        editor, now = self.editors[job.name], time.monotonic()
        done = [row for row in job.rows if row.done and row not in job.scoring]
        editor.decode(done)
        if now - job.published >= PERIOD and not job.written:
            job.published = now
            self._hand(job, editor.texts(job.rows))
        if done:  # last, as what the other thread hands over is the last news
            job.scoring.update(done)
            self._scoring.submit(self._score, job, done)

    def _score(self, job: Job, rows: list[Row]) -> None:
        """In the thread that scores: give texts their rewards; the last ends the job."""
        try:
            self.editors[job.name].score(rows)
        except Exception as error:  # scorers that fail are the writer's business
            self._over(job, ServingError(words_of(error)))
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
            if not isinstance(job.news, Exception):  # which stays the last news where texts of a job come after it
                job.news = news
            job.changed.notify()


def words_of(error: Exception) -> str:
    """Log an exception of the model; what to tell those whose texts it ended."""
    log.error("a set could not write", exc_info=error)
    if isinstance(error, TooLong):
        return str(error)
    if out_of_memory(error):
        return "out of memory: write fewer texts at once"
    return "the model failed while writing: try again"
