"""Serving: requests of different visitors written together, as they come (continuous batching)."""

import threading
import time

import torch

from backbones.engine.batch import Batch, Row, Unread, tokenised
from backbones.engine.device import out_of_memory
from backbones.engine.jobs import Job, Jobs, ServingError, words_of
from backbones.engine.writer import Writer


class Scheduler(Jobs):
    """Writes for many callers at once: one thread does all tensor work for all sets, and jobs share forward passes.

    Rows are admitted, not jobs, each of the job that has the fewest in the batches, as long as those of all sets
    together have at most `max_rows` batch rows: a large job is written by and by. Rows of the background, which nobody
    asked for, come after all others, and leave half of the batch rows to them. That thread alone uses the tokenizers,
    which several threads must not share. See also `Jobs`.
    """

    def __init__(self, writers: dict[str, Writer], max_rows: int = 64, max_jobs: int = 64):
        super().__init__(writers, max_rows, max_jobs)
        self.writers, self.max_rows = writers, max_rows
        self._called = threading.Condition(self._lock)
        self._batches: dict[str, Batch] = {}  # the worker's alone

    def _call(self) -> None:
        self._called.notify()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._called.wait_for(lambda: any(job.closed or not job.written for job in self._jobs))
                jobs = list(self._jobs)
            try:
                self._round(jobs)
                continue
            except Exception as error:  # in what mends failures: whatever it is, this thread must go on
                words = words_of(error)
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
        """Let rows that wait join the batches while there is room, each of the job that has the fewest there.

        Those of the background are last, and have half of the room.
        """
        taken, new = sum(len(batch.slots) for batch in self._batches.values()), {job: [] for job in jobs}
        running = {job: job.running for job in jobs}
        while turns := [job for job in jobs if job.waiting]:
            job = min(turns, key=lambda job: (job.background, running[job], job.admitted))
            room = self.max_rows // 2 if job.background else self.max_rows
            if taken and taken + len(job.waiting[0].weights) > room:
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
            words, alone = words_of(error), out_of_memory(error)
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
            words = words_of(error)
        self._fail(name, words)

    def _step(self, name: str) -> None:
        """One more token for every row. Jobs whose prompts found no memory end, the others go on."""
        try:
            self._batch(name).step()
            return
        except Unread as error:
            words, unread = words_of(error), set(error.rows)
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

    def _batch(self, name: str) -> Batch:
        """That of a set, a new one where there is none."""
        if name not in self._batches:
            soup = self.writers[name].soup
            slots = max(self.max_rows, len(soup.adapter_names))  # at least for all members of a text
            self._batches[name] = Batch(soup, slots)
        return self._batches[name]
