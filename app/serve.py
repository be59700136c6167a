"""From settings to a page that can be launched: sets loaded, a stream of texts, limits on what is sent."""

import time
from collections.abc import Collection

import gradio as gr
import torch
from starlette.middleware import Middleware
from transformers.utils.logging import disable_progress_bar

from app import gradio_patches, sweep, theme
from app.page import build
from app.request_limits import Limit
from app.settings import Settings
from backbones.engine.scheduler import Scheduler
from backbones.engine.soup import default_dense, default_dtype
from backbones.engine.writer import Writer
from backbones.store import fetching, footprint, soup_set
from backbones.store.soup_set import SoupSet

LAUNCH = {
    "theme": theme.THEME,
    "css": theme.CSS,
    "ssr_mode": False,
    "run_history": False,
    "mcp_server": True,
    "max_threads": 120,  # a request that is served or waits holds one
    "state_session_capacity": 500,  # pages whose history is kept
}


def launch(page: gr.Blocks, prevent_thread_lock: bool = False, **options):
    """Start the web server for a page of `page.build`, with limits on what is sent and kept; `options` are those of
    `Blocks.launch`."""
    # Made anew, since gradio puts what belongs to one page in here: a second one would not start with it.
    app = {
        "routes": list(page.routes),  # before gradio's own
        "middleware": [Middleware(Limit)],
        "exception_handlers": dict(gradio_patches.EXCEPTION_HANDLERS),
    }
    gradio_patches.name_page()
    served = page.launch(**LAUNCH, app_kwargs=app, prevent_thread_lock=True, **options)
    gradio_patches.keep_visitors(page, served[0])
    if not prevent_thread_lock:
        page.block_thread()
    return served


def load(settings: Settings) -> dict[str, Writer]:
    """The sets that can be served, by name, in order; says what was loaded, and which set could not be and why.

    Raises ValueError when none can.
    """
    started, writers, needs, packed = time.perf_counter(), {}, {}, set()
    disable_progress_bar()
    device = device_of(settings)
    dtype = getattr(torch, settings.precision) if settings.precision else default_dtype(device)
    for name in settings.sets:
        try:
            found, preferred = soup_set.read(name), default_dense(device)
            prepare(found, writers)
            need, dense = footprint.fitting(found, settings.rows, device, dtype.itemsize, preferred, needs.values())
            writers[found.name] = Writer.load(name, device, settings.precision, dense)
            needs[found.name] = need
            if dense != preferred:
                packed.add(found.name)
        except Exception as error:  # a set can be broken in any way; the others are served all the same
            print(f"Bone Soup: the set {name} is left out: {error}")
    if not writers:
        raise ValueError(f"none of the sets {', '.join(settings.sets)} can be served")
    loaded = ", ".join(
        f"{name} ({len(w.set.adapters)} adapters{', kept in 4 bits for lack of memory' * (name in packed)})"
        for name, w in writers.items()
    )
    most = footprint.readable(sum(needs[name]["total"] for name in writers))
    first = next(iter(writers.values()))
    print(
        f"Bone Soup: {loaded} on {first.device}, base in {first.precision}, computing in "
        f"{str(first.soup.dtype).removeprefix('torch.')}, at most {most} with {settings.rows} texts at once, "
        f"loaded in {time.perf_counter() - started:.1f} s"
    )
    return writers


def device_of(settings: Settings) -> str:
    """The device that is set or there, "cuda" or "cpu"; says so where the one that is set is not there."""
    if settings.device == "cuda" and not torch.cuda.is_available():
        print("Bone Soup: there is no CUDA GPU, so the CPU is used: remove BONESOUP_DEVICE or install CUDA's torch")
        return "cpu"
    return settings.device or ("cuda" if torch.cuda.is_available() else "cpu")


def prepare(found: SoupSet, names: Collection[str]) -> None:
    """Make the base of a set of its file, where that is there. Raises SetError, also for texts to open with that are
    damaged, and ValueError for a set that is called as one of `names`, those loaded before it."""
    if found.name in names:
        raise ValueError(f"another set is called {found.name!r} already: rename it in its manifest")
    if found.gguf:
        fetching.convert_what_is_there(found.gguf)
    sweep.of_set(found)


def page(writers: dict[str, Writer], settings: Settings, spaces=None) -> gr.Blocks:
    """The page that serves `writers`; `spaces`: the package of ZeroGPU, where the app runs there."""
    sets = [writer.set for writer in writers.values()]
    rounded = any(writer.soup.dtype == torch.bfloat16 for writer in writers.values())
    if spaces is None:
        return build(sets, Scheduler(writers, settings.rows, settings.jobs).stream, settings.jobs, rounded)

    def stream(name, requests):
        """On ZeroGPU every request has a process and a share of the GPU of its own, so nothing is batched."""
        yield from writers[name].stream(requests)

    return build(sets, spaces.GPU(stream, duration=seconds), settings.jobs, rounded, background=False)


def seconds(name, requests) -> int:
    """The GPU time that a call on ZeroGPU asks for: loading, and what long texts in a batch can take."""
    return 5 + max(request.max_new_tokens for request in requests) // 20 + len(requests) // 20
