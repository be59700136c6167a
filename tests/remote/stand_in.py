"""A stand-in for a vLLM server: its routes as version 0.32 answers them, with texts made of hashes, not by a model.

    python -m tests.remote.stand_in PORT '{"models": ["restaurants"], "capacity": 4, "rank": 64, "delay": 0.01}'

What was asked of it is told at /told. It notes as wrong what a real server would bear badly: more adapters than it
keeps, and an adapter unloaded while it writes.
"""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
POSITIONS = 256
WORDS = range(300, 1900)  # tokens of texts
BREAKS = 666  # seed of texts that break off
SETTINGS = ("seed", "temperature", "top_p", "max_tokens")


def answer(model: str, prompt: list[int], settings: dict, end: int) -> list[int]:
    """The tokens of a text, with the one that ends it."""
    seed = settings["seed"] if settings["temperature"] else None
    draw = random.Random(json.dumps([model, prompt, seed, *(settings[name] for name in SETTINGS[1:])]))
    tokens = [draw.choice(WORDS) for _ in range(draw.randrange(4, 16))]
    return [*tokens, end][: settings["max_tokens"]]


class StandIn:
    """The process of one. `url`: where it listens."""

    def __init__(self, port: int = 0, **settings):
        if not port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
        self.port, self.url, self.settings = port, f"http://127.0.0.1:{port}", settings
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.remote.stand_in", str(self.port), json.dumps(self.settings)], cwd=ROOT
        )
        while self.process.poll() is None:
            try:
                httpx.get(f"{self.url}/health")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError("the stand-in did not start")

    def told(self) -> dict:
        """What it was asked for, and how that went."""
        return httpx.get(f"{self.url}/told", timeout=60).json()

    def reset(self) -> None:
        """Forget all adapters and what was asked for."""
        httpx.post(f"{self.url}/reset", timeout=60).raise_for_status()

    def unload(self, adapter: str) -> None:
        """Unload an adapter behind the back of whoever had it loaded."""
        httpx.post(f"{self.url}/v1/unload_lora_adapter", json={"lora_name": adapter}).raise_for_status()

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def serve(port: int, models: list[str], capacity: int = 4, rank: int = 64, delay: float = 0.0) -> None:
    """Listen until the process ends."""
    import uvicorn
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

    app = FastAPI()
    loaded, running, told = {}, Counter(), {}

    def reset():
        loaded.clear()
        told.update(asked=[], loads=[], unloads=[], wrong=[], closed=0, most=0, peak=0)

    def refusal(status, words):
        return JSONResponse({"error": {"message": words, "code": status}}, status)

    @app.get("/health")
    def health():
        return PlainTextResponse("")

    @app.get("/told")
    def tell():
        return told | {"loaded": list(loaded), "running": sum(running.values())}

    @app.post("/reset")
    def forget():
        reset()

    @app.get("/v1/models")
    def show():
        adapters = [{"id": name, "parent": models[0]} for name in loaded]
        return {"data": [{"id": name, "parent": None, "max_model_len": POSITIONS} for name in models] + adapters}

    @app.post("/v1/load_lora_adapter")
    async def load(request: Request):
        asked = await request.json()
        name, config = asked["lora_name"], Path(asked["lora_path"]) / "adapter_config.json"
        if name in loaded:
            return refusal(400, f"The lora adapter '{name}' has already been loaded.")
        if not config.is_file():
            return refusal(404, f"Loading lora {name} failed: No adapter found for <path>")
        if (needed := json.loads(config.read_text())["r"]) > rank:
            return refusal(500, f"LoRA rank {needed} is greater than max_lora_rank {rank}.")
        loaded[name] = str(config.parent)
        told["loads"].append(name)
        told["most"] = max(told["most"], len(loaded))
        if len(loaded) > capacity:
            told["wrong"].append(f"{len(loaded)} adapters are more than {capacity}")
        return PlainTextResponse("Success")

    @app.post("/v1/unload_lora_adapter")
    async def unload(request: Request):
        name = (await request.json())["lora_name"]
        if name not in loaded:
            return refusal(404, f"The lora adapter '{name}' cannot be found.")
        del loaded[name]
        told["unloads"].append(name)
        if running[name]:
            told["wrong"].append(f"{name} was unloaded while it wrote")
        return PlainTextResponse("Success")

    @app.post("/v1/completions")
    async def complete(request: Request):
        asked = await request.json()
        name, prompt = asked["model"], asked["prompt"]
        told["asked"].append(asked)
        if name not in (*models, *loaded):
            return refusal(404, f"The model `{name}` does not exist.")
        if asked["max_tokens"] + len(prompt) > POSITIONS:
            return refusal(400, f"max_tokens={asked['max_tokens']} cannot be greater than max_model_len={POSITIONS}")
        return StreamingResponse(stream(name, prompt, asked), media_type="text/event-stream")

    async def stream(name, prompt, asked):
        (end,) = asked["stop_token_ids"]
        tokens = answer(name, prompt, asked, end)
        running[name] += 1
        told["peak"] = max(told["peak"], sum(running.values()))
        whole = False
        try:
            for i, token in enumerate(tokens):
                await asyncio.sleep(delay)
                last = i == len(tokens) - 1
                if last and asked["seed"] == BREAKS:
                    whole = True
                    return
                reason = ("stop" if token == end else "length") if last else None
                choice = {"index": 0, "text": "?", "finish_reason": reason, "token_ids": [token]}
                yield f"data: {json.dumps({'choices': [choice]})}\n\n"
            yield "data: [DONE]\n\n"
            whole = True
        finally:
            running[name] -= 1
            told["closed"] += not whole

    reset()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")
    os._exit(0)


if __name__ == "__main__":
    serve(int(sys.argv[1]), **json.loads(sys.argv[2]))
