"""Texts from vLLM servers: do they agree with the engine's, and what happens under load and when a server dies?

    python -m benchmarks.remote SET --vllm PATH [--things 20] [--parts agreement seeds sweep clients kill]

PATH: the command `vllm` of another virtual environment. Exports the set's base, starts two servers of it on this
machine, and ends them. Agreement is at temperature 0, over five preferences; where two texts part, their first tokens
that differ are compared as the engine in float32 holds them: close together where rounding decided.
"""

import argparse
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from statistics import median

import httpx
import psutil
import torch

from backbones.engine.jobs import Waiting
from backbones.engine.request import Request, Text
from backbones.engine.writer import Writer
from backbones.merging.methods import BASELINE, BONE_SOUP
from backbones.merging.preference import FINE, Preference, lattice
from backbones.remote.dispatcher import Dispatcher
from backbones.remote.merges import Merges
from backbones.store import soup_set as sets
from backbones.store.exporting import plain_base
from backbones.store.soup_set import SoupSet
from backbones.tasks.task import Given
from benchmarks.examples import examples

CAPACITY = 8  # adapters that a server holds
FIVE = (0.1, 0.3, 0.5, 0.7, 0.9)  # shares of the first objective
ENVIRONMENT = {
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # or else both servers take the same cores
    "VLLM_NO_USAGE_STATS": "1",
    "OMP_NUM_THREADS": "1",
}
OPTIONS = (
    f"--dtype bfloat16 --enable-lora --max-lora-rank 64 --max-loras 4 --max-cpu-loras {CAPACITY} --max-model-len 256 "
    "--enforce-eager --host 127.0.0.1"
)


class Vllm:
    """A vLLM server of the model in `folder`, under `name`, with its processes. `log`: what they say."""

    def __init__(self, command: str, folder: Path, name: str, log: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{port}", log
        with log.open("w") as said:
            self.process = subprocess.Popen(
                [command, "serve", folder, "--served-model-name", name, "--port", str(port), *OPTIONS.split()],
                env=os.environ | ENVIRONMENT,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it answers. Raises RuntimeError, with the end of its log, where it does not start."""
        while self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.5)
        raise RuntimeError(f"vLLM did not start: {self.log.read_text()[-2000:]}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End all of its processes; SIGKILL is as if its machine were gone, and for what does not end otherwise."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


@contextmanager
def serving(command: str, soup_set: SoupSet, folder: Path) -> Iterator[list[Vllm]]:
    """Two servers of the set's base, for as long as the block runs."""
    base = plain_base(soup_set, folder / "base")
    running = [Vllm(command, base, soup_set.name, folder / f"vllm-{i}.log") for i in range(2)]
    try:
        for one in running:
            one.wait()
        yield running
    finally:
        for one in running:
            one.end()


def place(held: SoupSet, share: float) -> Preference:
    """The preference that weighs the first objective so much, and the others alike."""
    n = len(held.objectives)
    return Preference.of([share, *[(1 - share) / (n - 1)] * (n - 1)], n)


def finished(running: Iterable[list[Text] | Waiting]) -> list[Text]:
    """The texts of the last yield."""
    *_, texts = running
    assert isinstance(texts, list)
    return texts


def same(one: Sequence[Text], other: Sequence[Text]) -> int:
    """How many texts are."""
    return sum(a.raw == b.raw for a, b in zip(one, other, strict=True))


def agreement(held: SoupSet, dispatcher: Dispatcher, things: int) -> None:
    """The servers' likeliest texts beside the engine's, and how the engine holds what they chose otherwise."""
    settings, places = asdict(held.sampling) | {"temperature": 0}, [place(held, share) for share in FIVE]
    asked = [Request(given, mu, BONE_SOUP, **settings) for given in examples(held.task, things) for mu in places]
    written = {"servers": finished(dispatcher.stream(held.name, asked))}
    for precision in ("bfloat16", "float32"):
        writer = Writer.load(held.path, "cpu", precision)
        written[f"engine in {precision}"] = writer.write(asked)
    print(f"temperature 0, {things} things at {len(FIVE)} preferences, {len(asked)} texts:")
    for (one, ours), (other, theirs) in combinations(written.items(), 2):
        lost = sorted(margin(writer, a, b) for a, b in zip(ours, theirs, strict=True) if a.raw != b.raw)
        print(f"- {one} and {other}: {same(ours, theirs)} agree", end="")
        if lost:
            print(f"; log-probabilities where they part: median {median(lost):.3f}, ", end="")
            print(f"at most {lost[-1]:.3f} apart", end="")
        print()


def margin(writer: Writer, one: Text, other: Text) -> float:
    """How far apart the first tokens that differ are in log-probability, as the engine in float32 holds them."""
    soup = writer.soup
    end = min(soup.ends)
    tokens = [[*soup.tokenizer(text.raw, add_special_tokens=False)["input_ids"], end] for text in (one, other)]
    common = next(i for i, (a, b) in enumerate(zip(*tokens, strict=False)) if a != b)
    (row,) = writer.rows([one.request])
    prompt = soup.tokenizer(row.prompt, add_special_tokens=False)["input_ids"]
    mix = soup.mix(1)
    mix.write(0, row.coefficients)
    with torch.inference_mode(), mix.over(0, 1):
        ids = torch.tensor([prompt + tokens[0][:common]])
        scores = soup.model(input_ids=ids, use_cache=False).logits[0, -1].float().log_softmax(-1)
    return abs(float(scores[tokens[0][common]] - scores[tokens[1][common]]))


def seeds(held: SoupSet, dispatcher: Dispatcher, things: int) -> None:
    """Whether texts of one seed share their random numbers: at two merges close to each other they are then alike."""
    settings, given = asdict(held.sampling), list(enumerate(examples(held.task, things)))

    def texts(share: float, first: int) -> list[Text]:
        asked = [Request(one, place(held, share), BONE_SOUP, first + i, **settings) for i, one in given]
        return finished(dispatcher.stream(held.name, asked))

    near = texts(0.7, 0)
    for what, first in (("the same seed", 0), ("different seeds", 1000)):
        alike = same(near, texts(0.725, first))
        print(f"two merges close to each other, {what}: {alike} of {things} texts are the same")


def swept(
    held: SoupSet, dispatcher: Dispatcher, at: Callable[[list[Text]], None] = lambda _: None
) -> tuple[list[Text], float, float]:
    """A sweep's texts, seconds to the first word and to the last; `at` sees all news."""
    (given,), settings, first = examples(held.task, 1), asdict(held.sampling), 0.0
    places, methods = lattice(len(held.objectives)), (BONE_SOUP, BASELINE)
    asked = [Request(given, mu, method, **settings) for mu in places for method in methods]
    started, texts = time.perf_counter(), []
    for news in dispatcher.stream(held.name, asked):
        if isinstance(news, list):
            first, texts = first or time.perf_counter() - started, news
            at(news)
    return texts, first, time.perf_counter() - started


def sweep(held: SoupSet, dispatcher: Dispatcher) -> None:
    """Twice the same."""
    one, first, last = swept(held, dispatcher)
    other, again, end = swept(held, dispatcher)
    print(f"a sweep of {len(one)} texts, {CAPACITY} adapters a server: first words after {first:.1f} s, ", end="")
    print(f"all after {last:.1f} s; once more {again:.1f} s and {end:.1f} s, {same(one, other)} texts the same")


def clients(held: SoupSet, dispatcher: Dispatcher, count: int = 20) -> None:
    """So many callers at once, each with a preference of its own."""

    def call(given: Given, i: int) -> float:
        started, mu = time.perf_counter(), place(held, i / FINE)
        asked = [Request(given, mu, method, **asdict(held.sampling)) for method in (BONE_SOUP, BASELINE)]
        assert all(text.done for text in finished(dispatcher.stream(held.name, asked)))
        return time.perf_counter() - started

    with ThreadPoolExecutor(count) as pool:
        taken = sorted(pool.map(call, examples(held.task, count), range(count)))
    print(f"{count} callers, each with two methods at a preference of its own: all were served, ", end="")
    print(f"median {median(taken):.1f} s, at most {taken[-1]:.1f} s")


def kill(held: SoupSet, dispatcher: Dispatcher, server: Vllm) -> None:
    """A server dies in mid-sweep."""
    before, *_ = swept(held, dispatcher)
    dead: list[int] = []

    def at(news: list[Text]) -> None:
        done = sum(text.done for text in news)
        if done >= 4 and not dead:
            server.end(signal.SIGKILL)
            dead.append(done)

    after, _, last = swept(held, dispatcher, at)
    anew = sum(bool(text.note) for text in after)
    print(
        f"kill -9 of one of two servers after {dead[0]} of {len(after)} texts: all there after {last:.1f} s, ", end=""
    )
    print(f"{anew} of them written anew, {same(before, after)} the same as with both servers")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set")
    parser.add_argument("--vllm", required=True, metavar="PATH", help="the command vllm")
    parser.add_argument("--things", type=int, default=20, help="to write about, for agreement and seeds")
    parts = ("sweep", "clients", "seeds", "agreement", "kill")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts, help="default: all")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and so end the servers
    print(f"{args.set}, two servers, {psutil.cpu_count()} cores ({platform.machine()}), ", end="")
    print(f"load average {os.getloadavg()[0]:.1f} before", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        merges = Merges(sets.read(args.set), Path(folder) / "adapters", FINE)
        held = merges.set
        with serving(args.vllm, held, Path(folder)) as servers:
            dispatcher = Dispatcher({held.name: merges}, [one.url for one in servers], CAPACITY)
            if "sweep" in args.parts:
                sweep(held, dispatcher)
            if "clients" in args.parts:
                clients(held, dispatcher)
            if "seeds" in args.parts:
                seeds(held, dispatcher, args.things)
            if "agreement" in args.parts:
                agreement(held, dispatcher, args.things)
            if "kill" in args.parts:
                kill(held, dispatcher, servers[0])


if __name__ == "__main__":
    main()
