"""Serving through vLLM servers: each adapter on the server that its name hashes to, texts of many callers together.

One thread has an event loop in which every text under way is a task; it alone uses the tokenizers. A server that does
not answer is left out until it does: its adapters are then loaded by others, and its texts written again.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from weakref import WeakKeyDictionary

import httpx

from backbones.engine.batch import Row
from backbones.engine.jobs import Job, Jobs, ServingError, words_of
from backbones.remote.merges import Merged, Merges
from backbones.remote.servers import Down, Held, Refused, Server

TICK = 0.1  # seconds after which callers that have gone, and servers that are back, are noticed
RETRY = 2.0  # seconds between two questions to a server that is down
AGAIN = " A server failed, so this was written anew."
HINT = "Has it that folder at the same path, --max-lora-rank high enough, and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True?"

log = logging.getLogger(__name__)


class Dispatcher(Jobs):
    """Has servers write for many callers at once.

    A set is written by the servers that serve a model of its name, at most `max_texts` by each at one time. An adapter
    that is not in use can give way to another, so a large job is written by and by, as many adapters at a time as the
    servers may hold: `capacity` each, the `max_cpu_loras` that they were started with. Texts are admitted as by
    `Scheduler`. See also `Jobs`.
    """

    def __init__(
        self,
        merges: Mapping[str, Merges],
        urls: Sequence[str],
        capacity: int,
        max_texts: int = 64,
        max_jobs: int = 64,
    ):
        super().__init__(merges, max_texts * len(urls), max_jobs)
        self.merges, self.urls, self.capacity, self.max_texts = merges, urls, capacity, max_texts
        self.servers: list[Server] = []  # all from here on is the worker's alone
        self._files = ThreadPoolExecutor(1, thread_name_prefix="adapters")  # in turn: made, found again, removed
        self._tasks: dict[asyncio.Task, Job] = {}
        self._asked: set[Server] = set()  # whether they are back
        self._tidied = False  # whether what runs before have left is deleted
        self._tries: WeakKeyDictionary[Row, int] = WeakKeyDictionary()  # that failed
        self._loop = asyncio.new_event_loop()
        self._called = asyncio.Event()

    def _call(self) -> None:
        self._loop.call_soon_threadsafe(self._called.set)

    def _work(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as client:
            self.servers = [Server(url, self.capacity, client) for url in self.urls]
            while True:
                try:
                    self._round()
                except Exception as error:  # whatever it is, this thread must go on
                    for job in list(self._jobs):
                        self._fail(job, ServingError(words_of(error)))
                try:
                    await asyncio.wait_for(self._called.wait(), TICK)
                except TimeoutError:
                    continue
                self._called.clear()

    def _round(self) -> None:
        """Give up what nobody waits for, ask servers whether they are back, and start texts that there is room for."""
        with self._lock:
            jobs = [job for job in self._jobs if not job.closed]
            self._jobs[:] = jobs
        for task, job in self._tasks.items():
            if job.closed:
                task.cancel()
        for server in self.servers:
            if not server.models and server not in self._asked and time.monotonic() >= server.retry:
                self._asked.add(server)
                self._run(self._connect(server))
        if all(server.models is not None for server in self.servers):  # or adapters would go to whoever is first
            self._tidy()
            self._admit(jobs)

    def _tidy(self) -> None:
        """Once, before any adapter is written, have those deleted that runs before have left."""
        if not self._tidied:
            self._tidied = True
            held = {name for server in self.servers for name in server.held}
            for merges in self.merges.values():
                self._files.submit(merges.tidy, held)

    def _admit(self, jobs: list[Job]) -> None:
        """Start texts that wait, each of the job that has the fewest under way; those of the background are last. Where
        one finds no room on its server, those after it wait there too."""
        full: set[Server] = set()
        turns = []
        for number, job in enumerate(jobs):
            running = job.running
            turns += [(job.background, running + i, number, row) for i, row in enumerate(job.waiting)]
        for background, _, number, row in sorted(turns, key=lambda turn: turn[:3]):
            job = jobs[number]
            if job.closed:
                continue
            adapter, merged = self.merges[job.name].adapter(row.request.method, row.request.preference)
            server = self._server(job.name, adapter)
            if server is None:
                self._fail(job, ServingError("no server that writes these texts answers: try again in a minute"))
            elif server not in full:
                if server.admits(adapter, self.max_texts, background):
                    self._start(job, row, server, adapter, merged)
                else:
                    full.add(server)

    def _server(self, name: str, adapter: str) -> Server | None:
        """Where the set `name` has `adapter` written with: by rendezvous hashing, so that adapters of a server that
        comes or goes move, and no others. The base is everywhere, so the idlest server writes with it."""
        there = [server for server in self.servers if name in (server.models or ())]
        if not adapter:
            return min(there, key=lambda server: server.texts, default=None)
        return max(there, key=lambda server: weight(server.url, adapter), default=None)

    def _start(self, job: Job, row: Row, server: Server, adapter: str, merged: Merged) -> None:
        job.waiting.remove(row)
        server.texts += 1
        ready = partial(self._ready, job.name, server, adapter, merged)
        held = server.take(adapter, ready) if adapter else None
        self._run(self._text(job, row, server, adapter, held), job)

    def _run(self, work, job: Job | None = None) -> None:
        """Run `work` beside the rest, for `job` if it is one's."""
        task = self._loop.create_task(work)
        if job is not None:
            self._tasks[task] = job
        task.add_done_callback(lambda task: self._tasks.pop(task, None))
        task.add_done_callback(lambda _: self._called.set())

    async def _text(self, job: Job, row: Row, server: Server, adapter: str, held: Held | None) -> None:
        """One text, from its first token on."""
        merges = self.merges[job.name]
        try:
            if held:
                await asyncio.shield(held.ready)
            if row.ids is None:
                row.ids = merges.tokenizer(row.prompt, add_special_tokens=False)["input_ids"]
            row.tokens.clear()
            async with aclosing(server.tokens(adapter or job.name, row.ids, row.request, merges.ends)) as pieces:
                async for piece in pieces:
                    row.tokens += [token for token in piece if token not in merges.ends]
                    self._tell(job)
            row.done = True
            self._tell(job)
        except Down as error:
            self._lost(server, error)
            self._again(job, row, str(error))
        except Refused as error:
            if error.missing and held:  # somebody else had it unloaded, say
                server.forget(adapter)
                self._again(job, row, str(error))
            else:
                self._fail(job, ValueError(f"the server says: {error}"))
        except Exception as error:
            self._fail(job, error if isinstance(error, ServingError) else ServingError(words_of(error)))
        finally:
            server.texts -= 1
            if held:
                held.users -= 1

    async def _ready(self, name: str, server: Server, adapter: str, merged: Merged, unloaded: list[str]) -> None:
        """Have `server` load an adapter in place of those `unloaded`."""
        merges = self.merges[name]
        try:
            folder = await self._loop.run_in_executor(self._files, merges.written, adapter, merged)
            for old in unloaded:
                await server.unload(old)
                self._remove(old)
            await server.load(adapter, folder)
        except Exception as error:
            server.forget(adapter)
            if isinstance(error, Refused):
                log.error("%s does not load %s: %s. %s", server.url, self.merges[name].folder / adapter, error, HINT)
                raise ServingError(
                    "a server cannot load this merge: whoever runs it finds the reason in the log"
                ) from None
            raise

    def _remove(self, adapter: str) -> None:
        """Have the folder of an adapter deleted, of whichever set it is, unless another server holds it."""
        if not any(adapter in server.held for server in self.servers):
            for merges in self.merges.values():
                self._files.submit(merges.remove, adapter)

    async def _connect(self, server: Server) -> None:
        before = server.held
        try:
            await server.connect()
            for adapter, held in before.items():
                if adapter not in server.held and held.idle:  # or it is about to be loaded there
                    self._remove(adapter)
            log.info("%s serves %s", server.url, ", ".join(sorted(server.models or ())))
        except Exception as error:  # whatever it is, others go on without this one, and it is asked again later
            self._lost(server, error)
        finally:
            self._asked.discard(server)

    def _lost(self, server: Server, error: Exception) -> None:
        """Leave a server out for a while."""
        if server.models or server.models is None:
            log.warning("%s is left out until it answers: %s", server.url, error)
        server.models, server.retry = frozenset(), time.monotonic() + RETRY

    def _again(self, job: Job, row: Row, reason: str) -> None:
        """Have a text written anew that a server failed; not for ever, since it may be what servers fail of."""
        self._tries[row] = self._tries.get(row, 0) + 1
        if self._tries[row] > len(self.servers):
            log.error("a text failed %d times, at last of: %s", self._tries[row], reason)
            self._fail(job, ServingError("servers failed while writing: try again in a minute"))
            return
        if AGAIN not in row.note:
            row.note = f"{row.note}{AGAIN}".strip()
        job.waiting.insert(0, row)

    def _fail(self, job: Job, error: Exception) -> None:
        """End a job; the next round gives up what is left of it."""
        if not job.closed:
            job.closed = True
            self._over(job, error)


def weight(url: str, adapter: str) -> bytes:
    """How much a server is the one for an adapter: the greatest of all wins (rendezvous hashing)."""
    return hashlib.sha256(f"{url} {adapter}".encode()).digest()
