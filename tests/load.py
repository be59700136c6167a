"""How the app bears many visitors at once: `python -m tests.load`, with nothing else running. Prints Markdown.

Starts `python app.py` with the set restaurants, sends it requests over HTTP, and checks that every sampled text is the
one that the same request gives alone. The clients are threads of this process; their own CPU time is printed, since
they take it from the server.
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

from backbones import coefficients as c

ROOT = Path(__file__).parents[1]
FACTS = (
    {"name": "The Mill", "food": "English", "area": "riverside"},
    {"name": "Blue Heron", "eatType": "pub", "priceRange": "cheap", "familyFriendly": "yes"},
    {"name": "Café Juniper", "eatType": "coffee shop", "customer rating": "high", "near": "the Old Mill"},
)


class Server:
    """The app as a process. `settings`: environment variables."""

    def __init__(self, **settings: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        where = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(self.port)}
        environment = os.environ | {"BONESOUP_SETS": "restaurants"} | where | settings
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
def serving(**settings: str):
    server = Server(**settings)
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


def request(i: int) -> list:
    """The arguments of the i-th request: no two are alike."""
    return [FACTS[i % len(FACTS)], [i % 101, 100 - i % 101], c.METHODS[i % len(c.METHODS)], "restaurants", 1, i]


def texts(connection, i: int) -> list[str]:
    return [one["text"] for one in call(connection, "generate", request(i))]


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

    def row(self, name: str) -> str:
        """A row of the table."""
        total = len(self.seconds)
        middle, high = np.percentile(self.seconds, (50, 95))
        return (
            f"| {name} | {total} | {60 * total / self.wall:.0f} | {1000 * middle:.0f} | {1000 * high:.0f} "
            f"| {1000 * self.cpu / total:.0f} | {1000 * self.own / total:.1f} |"
        )


class Page:
    """A page in the browser, as far as the server can tell: it joins the queue and reads the stream of its session."""

    def __init__(self, server: Server, session: str):
        self.server, self.session = server, session
        self.parts = {part["id"]: part["props"] for part in server.config["components"]}

    def press(self, button: str, **values) -> None:
        """Press a button; `values` by the labels of controls, `_` for a space."""
        pressed = next(number for number, props in self.parts.items() if props.get("elem_id") == button)
        events = self.server.config["dependencies"]
        event = next(one for one in events if [pressed, "click"] in one["targets"] and len(one["inputs"]) > 10)
        data = [self.parts[number].get("value") for number in event["inputs"]]
        for i, number in enumerate(event["inputs"]):
            data[i] = values.get(self.parts[number].get("label", "").replace(" ", "_"), data[i])
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
    """Seconds from when a page with a long sweep is closed (or left open) to the first word of the page that waits."""
    sweeping, waiting = Page(server, f"a{time.time()}"), Page(server, f"b{time.time()}")
    sweeping.press("sweep", Texts_per_column=4, Temperature=2)
    sweeping.wait("caret")
    waiting.press("write")
    waiting.wait("before yours")
    started = time.perf_counter()
    if close:
        sweeping.close()
    waiting.wait("caret", "chips")
    seconds = time.perf_counter() - started
    waiting.wait("process_completed")
    if not close:
        sweeping.wait("process_completed")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=1000)
    args = parser.parse_args()
    few, busy = max(args.requests // 5, 10), f"{args.clients} clients"
    print(f"{psutil.cpu_count()} CPU cores, load average {os.getloadavg()[0]:.2f} before\n")
    rows = []
    with serving() as server:
        Load(server, 2, 10, texts)  # warm
        idle = server.memory
        load = Load(server, args.clients, args.requests, texts, (few, args.requests))
        rows.append(load.row(f"generate, {busy}"))
        memory = ", ".join(f"{mib:.0f} MiB after {n}" for n, mib in sorted({10: idle, **load.memory}.items()))
        sample = range(0, args.requests, max(args.requests // 50, 1))
        alone = Load(server, 1, len(sample), lambda connection, i: texts(connection, sample[i]))
        others = sum(alone.results[k] != load.results[i] for k, i in enumerate(sample))
        rows.append(Load(server, 1, few // 2, texts).row("generate, 1 client"))
        work = lambda connection, i: call(connection, "coefficients", [[i % 101, 100], "restaurants"])  # noqa: E731
        rows.append(Load(server, args.clients, few, work).row(f"coefficients (no model), {busy}"))
    with serving(BONESOUP_ROWS="1") as server:
        Load(server, 2, 10, texts)
        rows.append(Load(server, args.clients, few, texts).row(f"generate, {busy}, one text per forward pass"))
    with serving(BONESOUP_ROWS="2") as server:
        left = [closing(server, close=False) for _ in range(2)]
        freed = [closing(server, close=True) for _ in range(10)]
    print("| | requests | per minute | median ms | 95 % ms | server CPU ms each | clients' CPU ms each |")
    print("|---|---|---|---|---|---|---|", *rows, sep="\n")
    print(f"\nResident memory of the server: {memory} requests.")
    print(f"Texts that differ from what the same request gives alone: {others} of {len(sample)}.")
    print(
        f"From the closing of a page to the first word of the one that waited: median {np.median(freed):.2f} s, at "
        f"most {max(freed):.2f} s of {len(freed)}; while the page stays open: {np.median(left):.1f} s."
    )


if __name__ == "__main__":
    main()
