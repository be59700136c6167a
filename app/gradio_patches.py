"""What is changed inside gradio, all of it here: read this first when gradio is updated. Written for gradio 6.31.0.

Besides this, app.py sets three environment variables that gradio reads when it is imported.
"""

import logging
import re
from pathlib import Path

import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio import routes
from gradio.block_function import BlockFunction
from gradio.route_utils import FnIndexInferError
from gradio.state_holder import StateHolder
from gradio_client.utils import is_file_obj_with_meta, traverse
from jinja2 import BaseLoader, Environment
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from app import card

TEMPLATES = Path(__file__).parent / "templates"
TAGS = r"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*>"
FIRST = '<meta charset="utf-8" />'
NEWEST = 32  # sessions that are kept without anything to keep

log = logging.getLogger(__name__)


def hide_events(page: gr.Blocks) -> None:
    """Take the names of the page's own events away.

    gradio 6.31.0 names an event after its function even where it is private, so that one of them would take "sweep"
    and the endpoint of that name would become "sweep_1".
    """
    for event in page.fns.values():
        event.api_name = None


def fill_in_defaults(page: gr.Blocks) -> None:
    """Let `complete` check the arguments of calls.

    The check of gradio 6.31.0 has words that do not reach the caller, and knows no defaults: gradio's own client
    fills them in, others cannot.
    """
    page.validate_inputs = complete


def complete(event: BlockFunction, arguments: list) -> None:
    """Give what a program leaves out its default, in place; the page itself leaves nothing out.

    Raises gr.Error for too many arguments, and for a file, which gradio would fetch.
    """
    if len(arguments) > len(event.inputs):
        words = f"{len(arguments)} arguments are too many for {event.api_name}: it takes {len(event.inputs)}"
        raise gr.Error(words, print_exception=False)
    try:
        traverse(arguments, _refuse, is_file_obj_with_meta)
    except RecursionError:
        raise gr.Error("the arguments are nested too deeply", print_exception=False) from None
    arguments += [component.value for component in event.inputs[len(arguments) :]]


def _refuse(file: dict) -> None:
    raise gr.Error("files are not taken here: leave them out", print_exception=False)


class Visitors(StateHolder):
    """What gradio keeps for every session, of which each call of a program is one.

    Programs have no history, but gradio 6.31.0 would push the visitors' out for them, and keeps about 90 kB for each:
    so of the sessions without one just the newest are kept. One that is missing is made anew when it is asked for.
    """

    def update(self, session_id: str) -> None:
        super().update(session_id)
        with self.lock:
            idle = [key for key, session in self.session_data.items() if not session.state_data]
            for key in idle[:-NEWEST]:
                del self.session_data[key]
                self.time_last_used.pop(key, None)


class Named(BaseLoader):
    """Templates of pages with what is to be shown of this one where others link to it: those of gradio 6.31.0 call
    every page Gradio, with its picture. And with the class that a compact page has before anything is drawn."""

    def __init__(self, loader: BaseLoader):
        self.loader = loader

    def get_source(self, environment: Environment, template: str) -> tuple:
        source, *others = self.loader.get_source(environment, template)
        own = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("head.html", "tags.html"))
        return re.sub(TAGS, "", source).replace(FIRST, FIRST + own, 1), *others


def name_page() -> None:
    """Put `Named` before gradio's templates, once."""
    environment = routes.templates.env
    if not isinstance(environment.loader, Named):
        environment.loader = Named(environment.loader)
        environment.globals |= {"title": card.TITLE, "description": card.DESCRIPTION}


def keep_visitors(page: gr.Blocks, served) -> None:
    """Put `Visitors` into the page and the server that it has been launched on; gradio has no setting for it."""
    served.state_holder = Visitors()
    served.state_holder.set_blocks(page)


async def misdirected(request: Request, error: Exception) -> PlainTextResponse:
    """Say that there is no such endpoint or argument: gradio 6.31.0 looks both up with no check of its own, and answers
    a bare failure."""
    log.warning("%s %r: %r", request.method, request.url.path, error)
    words = "there is no such endpoint, or it does not take these arguments: the page lists them under Use it from code"
    return PlainTextResponse(words, 400)


async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
    """What is wrong with a body, without the body: FastAPI's own answer repeats it, and fails where it is not text.

    The page of gradio 6.31.0 ends an event that has no number yet by the number null: nothing is wrong with that.
    """
    if (
        request.url.path.endswith(("/cancel", "/reset"))
        and isinstance(error.body, dict)
        and not error.body.get("event_id")
    ):
        return JSONResponse({"success": False})
    details = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
    return JSONResponse({"detail": details}, 422)


EXCEPTION_HANDLERS = dict.fromkeys((KeyError, TypeError, FnIndexInferError), misdirected) | {
    RequestValidationError: malformed
}
