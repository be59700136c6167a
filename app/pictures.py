"""Pictures of links, made when somebody asks: kept, made a few at a time, and not without end for one visitor."""

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from PIL import Image

MAX_KEPT = 200  # pictures, of about 60 kB each
AT_ONCE = 2  # that are made
MAX_MAKING = 8  # that are made or wait for it
BURST, EVERY = 20, 3.0  # pictures that one visitor may have made at once, and seconds until there is one more
MAX_VISITORS = 1000  # whose pictures are counted; those who have not asked for the longest are forgotten
COLOURS = 128  # of a picture: a quarter of the bytes


class TooMany(RuntimeError):
    """A picture that is not made now; the message says what to do."""


class Pictures:
    """Pictures by what makes them again, the query of their link. Holds nothing that the query does not say."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()  # the one not asked for the longest first
        self._making: dict[str, Future[bytes]] = {}
        self._visitors: OrderedDict[str, tuple[float, float]] = OrderedDict()  # pictures left, and when
        self._makers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pictures")

    def asked(self, query: str, visitor: str, make: Callable[[], Image.Image]) -> Future[bytes]:
        """A PNG of what `make` draws for a query: one that is kept, that is being made, or a new one.

        Raises TooMany where `visitor` has had too many made, or too many are being made. The future raises what `make`
        does; such pictures are not kept.
        """
        with self._lock:
            if query in self._kept:
                self._kept.move_to_end(query)
                found: Future[bytes] = Future()
                found.set_result(self._kept[query])
                return found
            if query in self._making:
                return self._making[query]
            if len(self._making) >= MAX_MAKING:
                raise TooMany("too many pictures are being made: try again in a minute")
            self._count(visitor)
            found = self._making[query] = self._makers.submit(lambda: png(make()))
        found.add_done_callback(lambda made: self._keep(query, made))
        return found

    def _count(self, visitor: str) -> None:
        """One more picture for a visitor. Raises TooMany."""
        now = self._clock()
        left, since = self._visitors.pop(visitor, (BURST, now))
        left = min(BURST, left + (now - since) / EVERY)
        self._visitors[visitor] = (left - 1 if left >= 1 else left, now)
        while len(self._visitors) > MAX_VISITORS:
            self._visitors.popitem(last=False)
        if left < 1:
            raise TooMany("you have asked for many pictures: try again in a minute")

    def _keep(self, query: str, made: Future[bytes]) -> None:
        with self._lock:
            self._making.pop(query, None)
            with suppress(Exception):
                self._kept[query] = made.result()
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)


def png(image: Image.Image) -> bytes:
    """A picture as PNG, in few colours."""
    file = io.BytesIO()
    image.quantize(COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()
