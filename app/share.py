"""What a link to the page shows where people talk: `/share?...`, a page with tags that leads on to the app, and
`/share.png?...`, its picture. Both are made from the query alone, and lead to nothing that it does not say."""

import asyncio
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import gradio as gr
import httpx
from gradio.route_utils import get_root_url
from PIL import Image
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from app import card, views
from app import choices as ch
from app.choices import Choices
from app.handlers import Handlers
from app.pictures import Pictures, TooMany
from app.sweep import nearest
from backbones.engine.jobs import ServingError, Waiting
from backbones.engine.request import Text

COVER = Path(__file__).parents[1] / "assets" / "share.png"
GRADIO = Path(gr.__file__).parent / "templates" / "frontend"
PATIENCE = 60  # seconds that the texts of a picture may take
TITLE = 100  # characters of a title
# What is served is looked at by programs: nothing in it is run, kept in an index, or taken for something else.
INERT = {
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'",
}
FOR_A_DAY, FOR_NOW = {"Cache-Control": "public, max-age=86400"}, {"Cache-Control": "no-store"}
FOR_MINUTES = {"Cache-Control": "public, max-age=300"}
OF_HOST = {"Vary": "Host, X-Forwarded-Host, X-Forwarded-Proto, X-Gradio-Server"}  # what `_root` reads


class Share:
    """The routes. `handlers`: whose sets and stream are used, none of what visitors have written."""

    def __init__(self, handlers: Handlers):
        self.handlers, self.pictures = handlers, Pictures()

    def routes(self) -> list[Route]:
        """Those to add to the server, before gradio's own."""
        return [
            Route("/share", self.page),
            Route("/share.png", self.picture),
            Route("/gradio.js", component),
        ]

    def page(self, request: Request) -> HTMLResponse:
        """The page of a link; of one that is damaged or whose texts are not to be shown, with tags that say nothing."""
        root, query, choices = _root(request), request.url.query, self._read(request)
        if choices is None:
            title, description, picture = card.TITLE, card.DESCRIPTION, f"{root}/share.png"
            fragment = urlencode(parse_qsl(query)) if len(query) <= ch.MAX_LINK else ""  # the app says what is wrong
        else:
            title, description = _words(choices)
            fragment = choices.query()
            picture = f"{root}/share.png?{replace(choices, samples=1).query()}"
        html = views.rendered(
            "share.html",
            title=title,
            description=description,
            picture=picture,
            address=f"{root}/share?{fragment}" if choices else root,
            app=f"./#{fragment}" if fragment else "./",
        )
        return HTMLResponse(html, headers=INERT | FOR_MINUTES | OF_HOST)

    async def picture(self, request: Request) -> Response:
        """The picture of a link, or the app's own. Where texts cannot be written now it is said with a status, so that
        whoever asks comes again."""
        choices = self._read(request)
        if choices is None or not (self.handlers.background or self._stored(choices)):
            return FileResponse(COVER, media_type="image/png", headers=INERT | FOR_MINUTES)
        visitor, choices = request.client.host if request.client else "", replace(choices, samples=1)
        until = time.monotonic() + PATIENCE
        try:
            made = self.pictures.asked(choices.query(), visitor, lambda: self._drawn(choices, until))
            # Shielded, since others may wait for the same picture when this one has gone.
            return Response(
                await asyncio.shield(asyncio.wrap_future(made)), media_type="image/png", headers=INERT | FOR_A_DAY
            )
        except (TooMany, ServingError, ValueError) as error:
            status, later = 429 if isinstance(error, TooMany) else 503, {"Retry-After": "60"}
            return PlainTextResponse(str(error), status, INERT | FOR_NOW | later)

    def _read(self, request: Request) -> Choices | None:
        """What a query asks for; None where it is damaged, or where the task has words of its own in place of a text,
        which are for whoever asked alone."""
        try:
            choices = ch.from_query(self.handlers.sets, request.url.query)
        except ValueError:
            return None
        return None if choices.soup_set.task.pointer(choices.given) else choices

    def _drawn(self, choices: Choices, until: float) -> Image.Image:
        left, right = self._stored(choices) or self._written(choices, until)
        return card.drawn(choices, (left, right))

    def _stored(self, choices: Choices) -> list[Text]:
        """The two texts, where the set comes with them."""
        swept = self.handlers.of_sets[choices.soup_set.name]
        mu = choices.preference
        if swept is None or not swept.choices.alike(choices) or not nearest(mu).same(mu):
            return []
        return [one.text for column in swept.at(mu) for one in column]

    def _written(self, choices: Choices, until: float) -> list[Text]:
        """The two texts, written in the background. Raises ServingError, also where they are not there at `until` of
        the monotonic clock, and ValueError for what is given where the base has no room for it."""
        for news in self.handlers.texts(choices, choices.requests(), background=True):
            if not isinstance(news, Waiting) and all(text.done for text in news):
                return news
            if time.monotonic() > until:
                break
        raise ServingError("the texts of this picture take too long: try again in a minute")


def component(request: Request) -> FileResponse:
    """The script of gradio's web component, with which other pages show this one."""
    return FileResponse(GRADIO / "gradio.js", media_type="text/javascript", headers=FOR_MINUTES)


def _root(request: Request) -> str:
    """Where the page is, as gradio itself finds out, also behind a proxy; nothing where a header is no address."""
    try:
        return get_root_url(request, "/share", request.app.root_path or request.scope.get("root_path"))
    except httpx.InvalidURL:
        return ""


def _words(choices: Choices) -> tuple[str, str]:
    """Title and description of a link: what is given, and the preference."""
    task, objectives = choices.soup_set.task, choices.soup_set.objectives
    given = textwrap.shorten(task.sentence(choices.given), TITLE, placeholder=" …")
    shares = (f"{100 * share:.0f} % {one.label.lower()}" for share, one in zip(choices.preference, objectives))
    merged = "a language model merged for just that"
    return given, f"Answered for {', '.join(shares)} by {merged}. Move the slider for others."
