"""One vLLM server: what it serves and holds, and its answers (OpenAI's completions, streamed, and vLLM's LoRA routes).

Read off vLLM 0.32: `return_token_ids` streams tokens; adapters are loaded and unloaded at run time where
VLLM_ALLOW_RUNTIME_LORA_UPDATING is set; at most `max_cpu_loras` are kept, at most `max_loras` write at one time.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from backbones.engine.request import Request
from backbones.remote.merges import NAME

TIMEOUT = httpx.Timeout(120, connect=5)  # seconds; the first token may wait for adapters of others
COMPLETE = ("stop", "length")  # reasons for a text to end; others are failures


class Down(Exception):
    """The server does not answer, or its answer broke off."""


class Refused(Exception):
    """The server's words to what it will not do. `missing`: whether it lacks the model or adapter asked for."""

    def __init__(self, words: str, missing: bool = False):
        super().__init__(words)
        self.missing = missing


@dataclass(eq=False)
class Held:
    """An adapter that a server holds, or will once it is `ready`. `users`: the texts that it writes."""

    ready: asyncio.Future
    users: int = 0

    @property
    def idle(self) -> bool:
        """Whether it can be unloaded."""
        return not self.users and self.ready.done()


class Server:
    """A server at `url`. `capacity`: the adapters that it may hold.

    `models`: what it serves without adapters, empty while it is down, None before it was ever asked. `held`: its
    adapters, the one longest unused first. `texts`: those under way. `retry`: when to ask a server that is down again.
    """

    def __init__(self, url: str, capacity: int, client: httpx.AsyncClient):
        self.url, self.capacity, self.client = url, capacity, client
        self.models: frozenset[str] | None = None
        self.held: OrderedDict[str, Held] = OrderedDict()
        self.texts, self.retry = 0, 0.0

    # What it holds

    def admits(self, adapter: str, texts: int, background: bool) -> bool:
        """Whether a text of `adapter` ("": the base) may start: then at most `texts` are under way, and none of those
        has to give up its adapter. Texts of the background leave half of both to others."""
        parts = 2 if background else 1
        if self.texts >= max(texts // parts, 1):
            return False
        used = sum(not held.idle for held in self.held.values())
        return not adapter or adapter in self.held or used < max(self.capacity // parts, 1)

    def take(self, adapter: str, ready: Callable[[list[str]], Coroutine]) -> Held:
        """`adapter`, with one user more. Where it is not held, what `ready` gives is run to load it; it takes the names
        of those that are to be unloaded for it, the ones longest unused."""
        if adapter not in self.held:
            idle = [name for name, held in self.held.items() if held.idle]
            unloaded = idle[: max(len(self.held) + 1 - self.capacity, 0)]
            for name in unloaded:
                del self.held[name]
            self.held[adapter] = Held(asyncio.ensure_future(ready(unloaded)))
        held = self.held[adapter]
        held.users += 1
        self.held.move_to_end(adapter)
        return held

    def forget(self, adapter: str) -> None:
        """It does not hold `adapter`, after all."""
        self.held.pop(adapter, None)

    # What it answers

    async def connect(self) -> None:
        """Ask what it serves and holds. Raises Down."""
        try:
            answer = await self.client.get(f"{self.url}/v1/models", timeout=TIMEOUT.connect)
            names = [card["id"] for card in answer.raise_for_status().json()["data"]]
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            raise Down(f"{type(error).__name__}: {error}") from None
        adapters = [name for name in names if name.startswith(NAME)]
        there = asyncio.get_running_loop().create_future()
        there.set_result(None)
        self.held = OrderedDict((name, self.held.get(name) or Held(there)) for name in adapters)
        self.models = frozenset(names) - set(adapters)

    async def load(self, adapter: str, folder: Path) -> None:
        """Have it load the adapter in `folder`, which it reads from there. Raises Down or Refused."""
        try:
            await self._post("load_lora_adapter", {"lora_name": adapter, "lora_path": str(folder.resolve())})
        except Refused as error:
            if "already been loaded" not in str(error):
                raise

    async def unload(self, adapter: str) -> None:
        """Have it forget an adapter; one that it does not hold is no error. Raises Down or Refused."""
        try:
            await self._post("unload_lora_adapter", {"lora_name": adapter})
        except Refused as error:
            if not error.missing:
                raise

    async def tokens(
        self, model: str, prompt: Sequence[int], request: Request, ends: Collection[int]
    ) -> AsyncGenerator[list[int]]:
        """The tokens of a text as they come; the last can be the one of `ends` that ended it.

        Closing the iterator has the server stop. Raises Down or Refused.
        """
        body = {
            "model": model,
            "prompt": list(prompt),
            "seed": request.seed,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_tokens": request.max_new_tokens,
            "stop_token_ids": sorted(ends),
            "stream": True,
            "return_token_ids": True,
            # Or else those of the model's generation_config.json hold.
            "top_k": -1,
            "min_p": 0,
            "repetition_penalty": 1,
        }
        reason = None
        try:
            async with self.client.stream("POST", f"{self.url}/v1/completions", json=body, timeout=TIMEOUT) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _failure(answer)
                async for line in answer.aiter_lines():
                    if line.startswith("data: {"):
                        part = json.loads(line.removeprefix("data: "))
                        if "error" in part:
                            raise Down(str(part["error"]))
                        for choice in part["choices"]:  # none where the server counts tokens in a part of its own
                            reason = choice["finish_reason"]
                            yield choice["token_ids"]
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise Down(f"{type(error).__name__}: {error}") from None
        if reason not in COMPLETE:
            raise Down(f"a text ended for the reason {reason!r}")

    async def _post(self, route: str, body: dict[str, Any]) -> None:
        try:
            answer = await self.client.post(f"{self.url}/v1/{route}", json=body, timeout=TIMEOUT)
            if answer.is_server_error:  # of what it was given, unless it is broken itself
                (await self.client.get(f"{self.url}/health", timeout=TIMEOUT.connect)).raise_for_status()
        except httpx.HTTPError as error:
            raise Down(f"{type(error).__name__}: {error}") from None
        if answer.is_error:
            raise Refused(_words(answer), answer.status_code == httpx.codes.NOT_FOUND)


async def serving(urls: Iterable[str]) -> dict[str, frozenset[str]]:
    """What servers serve, by url: nothing where one does not answer."""
    async with httpx.AsyncClient() as client:
        servers = [Server(url, 0, client) for url in urls]
        await asyncio.gather(*(server.connect() for server in servers), return_exceptions=True)
        return {server.url: server.models or frozenset() for server in servers}


def _failure(answer: httpx.Response) -> Exception:
    """What a text that was not begun failed of."""
    words = _words(answer)
    if answer.is_server_error:
        return Down(words)
    return Refused(words, answer.status_code == httpx.codes.NOT_FOUND)


def _words(answer: httpx.Response) -> str:
    """A server's own words."""
    try:
        found = answer.json()
        return str(found["error"]["message"] if "error" in found else found["detail"])
    except (KeyError, TypeError, ValueError):
        return f"{answer.status_code} {answer.reason_phrase}"
