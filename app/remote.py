"""The page whose texts vLLM servers write: this process holds tokenizers, adapters and reward models alone."""

import asyncio
from dataclasses import replace

import gradio as gr
from transformers.utils.logging import disable_progress_bar

from app.page import build
from app.serve import device_of, prepare
from app.settings import Settings
from backbones.merging.methods import MOD
from backbones.remote import servers
from backbones.remote.dispatcher import Dispatcher
from backbones.remote.merges import Merges
from backbones.store import soup_set


def load(settings: Settings) -> dict[str, Merges]:
    """The sets that servers write, by name, in order; says which, and which set could not be loaded and why.

    Raises ValueError when there is none.
    """
    disable_progress_bar()
    device, merges = device_of(settings), {}
    served = asyncio.run(servers.serving(settings.engine))
    for url, models in served.items():
        print(f"Bone Soup: {url} {'serves ' + ', '.join(sorted(models)) if models else 'does not answer'}")
    for name in settings.sets:
        try:
            found = soup_set.read(name)
            if not any(found.name in models for models in served.values()):
                raise ValueError(f"no server serves it: start `vllm serve` with --served-model-name {found.name}")
            prepare(found, merges)
            found = replace(found, withheld=frozenset({MOD}))
            merges[found.name] = Merges(found, settings.folder, settings.lattice, device)
        except Exception as error:  # a set can be broken in any way; the others are served all the same
            print(f"Bone Soup: the set {name} is left out: {error}")
    if not merges:
        raise ValueError(f"none of the sets {', '.join(settings.sets)} can be served by {', '.join(settings.engine)}")
    print(f"Bone Soup: {', '.join(merges)} written by servers, adapters in {settings.folder}")
    return merges


def page(merges: dict[str, Merges], settings: Settings) -> gr.Blocks:
    """The page for what `load` gave. Servers compute in bfloat16, so texts can depend on those beside them."""
    dispatcher = Dispatcher(merges, settings.engine, settings.adapters, settings.rows, settings.jobs)
    sets = [one.set for one in merges.values()]
    return build(sets, dispatcher.stream, settings.jobs, rounded=True, remark=remark(settings.lattice))


def remark(parts: int) -> str:
    """What the page says of it."""
    return (
        f"Texts come from servers that keep merges at multiples of {100 / parts:g} % and where fronts were measured: "
        "at a preference between them the nearest writes, and the text says so. MOD, which mixes models at every "
        "token, is not offered here."
    )
