"""Limits on what is sent to the server: ASGI middleware."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1_000_000  # bytes of one request


class Limit:
    """Turns away files, and requests whose body is longer than `MAX_BODY`, before they are parsed."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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


async def _read(receive: Receive) -> bytes:
    """The body of a request, or its beginning where it is too long."""
    body, more = bytearray(), True
    while more and len(body) <= MAX_BODY:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """An ASGI `receive` that gives a body that has been read, and then what follows it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
