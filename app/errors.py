"""Errors as people and programs read them."""

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import gradio as gr

from backbones.engine.jobs import ServingError

MAX_WORDS = 600  # characters of a message


@contextmanager
def clear(markup: bool = False) -> Iterator[None]:
    """Within this block errors that are meant for people reach them as they are, without a trace.

    `markup`: they are shown on the page, which takes messages for HTML.
    """
    try:
        yield
    except (ValueError, ServingError) as error:
        words = _cut(str(error))
        raise gr.Error(escape(words) if markup else words, print_exception=False) from None


def _cut(words: str) -> str:
    """A message without its middle where it repeats something very long: the fix stands at its end."""
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS // 2]} ... {words[-MAX_WORDS // 2 :]}"
