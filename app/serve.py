"""From settings to a page that can be launched: sets loaded, a stream of texts, limits on what is sent."""

import logging
import time

import gradio as gr
import torch
from fastapi.exceptions import RequestValidationError
from gradio.route_utils import FnIndexInferError
from gradio.state_holder import StateHolder
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from transformers.utils.logging import disable_progress_bar

from app import theme
from app.page import build
from app.settings import Settings
from backbones import memory, sets
from backbones.serving import Kitchen
from backbones.writer import Writer

MAX_BODY = 1_000_000  # bytes of one request
NEWEST = 32  # sessions that are kept without anything to keep

log = logging.getLogger(__name__)


class Limit:
    """ASGI middleware: turns away files, and requests whose body is longer than `MAX_BODY`, before they are parsed."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope.get("path", "").rstrip("/").endswith("/upload"):
            await PlainTextResponse("files are not taken here", 403)(scope, receive, send)
            return
        headers = dict(scope.get("headers", ()))
        length = headers.get(b"content-length", b"0")
        size = int(length) if length.isdigit() else 0
        if size <= MAX_BODY and b"transfer-encoding" in headers:  # sent in chunks: only counting tells how long it is
            body = await _read(receive)
            size, receive = len(body), _replay(body, receive)
        if size > MAX_BODY:
            message = f"the request has more than {MAX_BODY:,} bytes: send less"
            await PlainTextResponse(message, 413)(scope, receive, send)
            return
        await self.app(scope, receive, send)


async def _read(receive) -> bytes:
    """The body of a request, or its beginning where it is too long."""
    body, more = bytearray(), True
    while more and len(body) <= MAX_BODY:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _replay(body: bytes, receive):
    """An ASGI `receive` that gives a body that has been read, and then what follows it."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed():
        return messages.pop() if messages else await receive()

    return replayed


async def misdirected(request: Request, error: Exception) -> PlainTextResponse:
    """Gradio looks endpoints and arguments up with no check of its own: say so, instead of a bare failure."""
    log.warning("%s %r: %r", request.method, request.url.path, error)
    words = "there is no such endpoint, or it does not take these arguments: the page lists them under Use it from code"
    return PlainTextResponse(words, 400)


async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
    """What is wrong with a body, without the body: FastAPI's own answer repeats it, and fails where it is not text."""
    details = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
    return JSONResponse({"detail": details}, 422)


LAUNCH = {
    "theme": theme.THEME,
    "css": theme.CSS,
    "ssr_mode": False,
    "run_history": False,
    "mcp_server": True,
    "max_threads": 120,  # a request that is served or waits holds one
    "state_session_capacity": 500,  # pages whose history is kept
}


class Visitors(StateHolder):
    """What gradio keeps for every session, of which each call of a program is one.

    Programs have no history, but gradio would push the visitors' out for them, and keeps about 90 kB for each: so of
    the sessions without one just the newest are kept. One that is missing is made anew when it is asked for.
    """

    def update(self, session_id: str) -> None:
        super().update(session_id)
        with self.lock:
            idle = [key for key, session in self.session_data.items() if not session.state_data]
            for key in idle[:-NEWEST]:
                del self.session_data[key]
                self.time_last_used.pop(key, None)


def launch(page: gr.Blocks, prevent_thread_lock: bool = False, **options):
    """Start the web server, with limits on what is sent and kept; `options` are those of `Blocks.launch`."""
    handlers = dict.fromkeys((KeyError, TypeError, FnIndexInferError), misdirected)
    # Made anew, since gradio puts what belongs to one page in here: a second one would not start with it.
    app = {
        "middleware": [Middleware(Limit)],
        "exception_handlers": handlers | {RequestValidationError: malformed},
    }
    served = page.launch(**LAUNCH, app_kwargs=app, prevent_thread_lock=True, **options)
    served[0].state_holder = Visitors()
    served[0].state_holder.set_blocks(page)
    if not prevent_thread_lock:
        page.block_thread()
    return served


def load(settings: Settings) -> dict[str, Writer]:
    """The sets that can be served, by name, in order; says what was loaded, and which set could not be and why.

    Raises ValueError when none can.
    """
    started, writers, needs = time.perf_counter(), {}, {}
    disable_progress_bar()
    device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        print("Bone Soup: there is no CUDA GPU, so the CPU is used: remove BONESOUP_DEVICE or install CUDA's torch")
        device = "cpu"
    size = 2 if (settings.precision or {"cuda": "bfloat16"}.get(device)) == "bfloat16" else 4
    for name in settings.sets:
        try:
            soup_set = sets.read(name)
            need = memory.of_set(soup_set, settings.rows, device, size)
            memory.refuse_if_too_large(need, device)
            needs[soup_set.name] = need["total"]
            writer = Writer.load(name, device, settings.precision)
            writers[writer.set.name] = writer
        except Exception as error:  # a set can be broken in any way; the others are served all the same
            print(f"Bone Soup: the set {name} is left out: {error}")
    if not writers:
        raise ValueError(f"none of the sets {', '.join(settings.sets)} can be served")
    loaded = ", ".join(f"{name} ({len(w.set.adapters)} adapters)" for name, w in writers.items())
    most = memory.readable(sum(needs[name] for name in writers))
    first = next(iter(writers.values()))
    print(
        f"Bone Soup: {loaded} on {first.device}, base in {first.precision}, computing in "
        f"{str(first.soup.dtype).removeprefix('torch.')}, at most {most} with {settings.rows} texts at once, "
        f"loaded in {time.perf_counter() - started:.1f} s"
    )
    return writers


def page(writers: dict[str, Writer], settings: Settings, spaces=None) -> gr.Blocks:
    """The page that serves `writers`; `spaces`: the package of ZeroGPU, where the app runs there."""
    sets = [writer.set for writer in writers.values()]
    if spaces is None:
        return build(sets, Kitchen(writers, settings.rows, settings.jobs).stream, settings.jobs)

    def stream(name, orders):
        """On ZeroGPU every request has a process and a share of the GPU of its own, so nothing is batched."""
        yield from writers[name].stream(orders)

    return build(sets, spaces.GPU(stream, duration=seconds), settings.jobs)


def seconds(name, orders) -> int:
    """The GPU time that a request on ZeroGPU asks for: loading, and what long texts in a batch can take."""
    return 5 + max(order.max_new_tokens for order in orders) // 20 + len(orders) // 20
