"""Load: how the app bears many visitors at once. To be run with nothing else running; prints Markdown.

    python -m benchmarks.load [--set restaurants] [--clients 50] [--requests 1000]

Starts `python app.py` with one set, sends it requests over HTTP, and checks that every sampled text is the one that the
same request gives alone. The clients are threads of this process; their own CPU time is printed, since they take it
from the server.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

from backbones.store import soup_set as sets
from backbones.store.soup_set import SoupSet
from benchmarks.examples import examples
from benchmarks.timing import table

ROOT = Path(__file__).parents[1]
HEAD = "| requests | per minute | median ms | 95 % ms | server CPU ms each | clients' CPU ms each"


class Server:
    """The app as a process that serves one set. `settings`: environment variables."""

    def __init__(self, name: str, **settings: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        where = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(self.port)}
        environment = os.environ | {"BONESOUP_SETS": name} | where | settings
        self.process = psutil.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while self.process.poll() is None:
            try:
                self.config = get(Connection(self.port), "/config")
                return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("the app did not start: try `python app.py`")

    @property
    def memory(self) -> float:
        """Resident MiB."""
        return self.process.memory_info().rss / 2**20

    @property
    def cpu(self) -> float:
        """Seconds of CPU time so far."""
        return sum(self.process.cpu_times()[:2])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextmanager
def serving(name: str, **settings: str):
    """The app with a set, for as long as the block runs."""
    server = Server(name, **settings)
    try:
        yield server
    finally:
        server.stop()


class Connection(http.client.HTTPConnection):
    """One client's connection; the standard library's costs a fraction of the CPU time that others cost."""

    def __init__(self, port: int):
        super().__init__("127.0.0.1", port, timeout=300)


def get(connection, path: str):
    connection.request("GET", path)
    return json.loads(connection.getresponse().read())


def post(connection, path: str, body: dict):
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())


def call(connection, endpoint: str, arguments: list):
    """The data of a finished call, as a program gets it."""
    event = post(connection, f"/gradio_api/call/{endpoint}", {"data": arguments})
    connection.request("GET", f"/gradio_api/call/{endpoint}/{event['event_id']}")
    answer = connection.getresponse().read().decode()
    if "event: complete" not in answer:
        raise RuntimeError(answer)
    return json.loads(answer.split("event: complete\ndata: ")[1])[0]


class Calls:
    """Numbered calls of programs about one set; no two to `generate` are alike."""

    def __init__(self, soup_set: SoupSet):
        self.set, self.given = soup_set, examples(soup_set.task, 3)

    def preference(self, i: int) -> list[int]:
        """The first objective weighs i per cent, or what is left of 101s."""
        return [i % 101, *[100 - i % 101] * (len(self.set.objectives) - 1)]

    def texts(self, connection: Connection, i: int) -> list[str]:
        """Writes one text."""
        given, method = self.given[i % len(self.given)], self.set.methods[i % len(self.set.methods)]
        arguments = [given, self.preference(i), method, self.set.name, 1, i]
        return [one["text"] for one in call(connection, "generate", arguments)]

    def coefficients(self, connection: Connection, i: int) -> dict:
        """Needs no model."""
        return call(connection, "coefficients", [self.preference(i), self.set.name])


class Load:
    """`total` calls by `clients` threads, each sending its next when it has its answer."""

    def __init__(self, server: Server, clients: int, total: int, work, marks: tuple[int, ...] = ()):
        self.seconds, self.results, self.memory, lock = [], {}, {}, threading.Lock()
        numbers = iter(range(total))

        def client():
            connection = Connection(server.port)
            while True:
                with lock:
                    i = next(numbers, None)
                if i is None:
                    return
                started = time.perf_counter()
                result = work(connection, i)
                seconds = time.perf_counter() - started
                with lock:
                    self.seconds.append(seconds)
                    self.results[i] = result
                    if len(self.seconds) in marks:
                        self.memory[len(self.seconds)] = server.memory

        started, cpu, own = time.perf_counter(), server.cpu, time.process_time()
        with ThreadPoolExecutor(clients) as pool:
            for future in [pool.submit(client) for _ in range(clients)]:
                future.result()
        self.wall = time.perf_counter() - started
        self.cpu, self.own = server.cpu - cpu, time.process_time() - own

    def row(self, name: str) -> list:
        """A row of the table below `HEAD`."""
        total = len(self.seconds)
        middle, high = 1000 * np.percentile(self.seconds, (50, 95))
        each = [1000 * cpu / total for cpu in (self.cpu, self.own)]
        return [name, total, *map(float, (60 * total / self.wall, middle, high, *each))]


class Page:
    """A page in the browser, as far as the server can tell: it joins the queue and reads the stream of its session."""

    def __init__(self, server: Server, session: str):
        self.server, self.session = server, session
        self.parts = {part["id"]: part["props"] for part in server.config["components"]}

    def press(self, button: str, **values) -> None:
        """Press a button; `values` by the labels of controls, `_` for a space."""
        pressed = next(number for number, props in self.parts.items() if props.get("elem_id") == button)
        clicks = [one for one in self.server.config["dependencies"] if [pressed, "click"] in one["targets"]]
        event = max(clicks, key=lambda one: len(one["inputs"]))
        held = [self.parts[number] for number in event["inputs"]]
        data = [values.get(props.get("label", "").replace(" ", "_"), props.get("value")) for props in held]
        body = {"data": data, "fn_index": event["id"], "session_hash": self.session}
        post(Connection(self.server.port), "/gradio_api/queue/join", body)
        self.connection = Connection(self.server.port)
        self.connection.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")
        self.stream = self.connection.getresponse()

    def wait(self, *words: str) -> None:
        """Read until a message has one of the words."""
        for line in iter(self.stream.readline, b""):
            if any(word in line.decode() for word in words):
                return
        raise RuntimeError(f"the stream ended without {words}")

    def close(self) -> None:
        """Close the page: the connection of the stream is gone, and nothing is said to the server."""
        self.stream.close()
        self.connection.close()


def closing(server: Server, close: bool) -> float:
    """Seconds from when a page that writes eight texts is closed (or left open) to the first word of one that waits."""
    writing, waiting = Page(server, f"a{time.time()}"), Page(server, f"b{time.time()}")
    writing.press("write", Texts_per_column=4, Temperature=2)
    writing.wait("caret")
    waiting.press("write")
    waiting.wait("before yours")
    started = time.perf_counter()
    if close:
        writing.close()
    waiting.wait("caret", "scores")
    seconds = time.perf_counter() - started
    waiting.wait("process_completed")
    if not close:
        writing.wait("process_completed")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="restaurants", help="name or folder of the set")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=1000)
    args = parser.parse_args()
    calls, few, busy = Calls(sets.read(args.set)), max(args.requests // 5, 10), f"{args.clients} clients"
    print(f"{psutil.cpu_count()} CPU cores, load average {os.getloadavg()[0]:.2f} before\n")
    rows = []
    with serving(args.set) as server:
        Load(server, 2, 10, calls.texts)  # warm
        idle = server.memory
        load = Load(server, args.clients, args.requests, calls.texts, (few, args.requests))
        rows.append(load.row(f"generate, {busy}"))
        memory = ", ".join(f"{mib:.0f} MiB after {n}" for n, mib in sorted({10: idle, **load.memory}.items()))
        sample = range(0, args.requests, max(args.requests // 50, 1))
        alone = Load(server, 1, len(sample), lambda connection, i: calls.texts(connection, sample[i]))
        others = sum(alone.results[k] != load.results[i] for k, i in enumerate(sample))
        rows.append(Load(server, 1, few // 2, calls.texts).row("generate, 1 client"))
        rows.append(Load(server, args.clients, few, calls.coefficients).row(f"coefficients (no model), {busy}"))
    with serving(args.set, BONESOUP_ROWS="1") as server:
        Load(server, 2, 10, calls.texts)
        rows.append(Load(server, args.clients, few, calls.texts).row(f"generate, {busy}, one text per forward pass"))
    with serving(args.set, BONESOUP_ROWS="2") as server:
        left = [closing(server, close=False) for _ in range(2)]
        freed = [closing(server, close=True) for _ in range(10)]
    print(table(HEAD, rows))
    print(f"\nResident memory of the server: {memory} requests.")
    print(f"Texts that differ from what the same request gives alone: {others} of {len(sample)}.")
    print(
        f"From the closing of a page to the first word of the one that waited: median {np.median(freed):.2f} s, at "
        f"most {max(freed):.2f} s of {len(freed)}; while the page stays open: {np.median(left):.1f} s."
    )


if __name__ == "__main__":
    main()
