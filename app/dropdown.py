"""A component of our own, alone in its file, which the .pyi that gradio writes beside it hides from mypy."""

from typing import Any

import gradio as gr


class Choice(gr.Dropdown):
    """A dropdown whose choices depend on the set.

    Events that are sent while these change bring a value of before, which gradio would refuse without a word to the
    visitor: handlers get it as it is, and take one that the set has.
    """

    is_template = True  # the browser shows it as what it is made from

    def preprocess(self, payload: Any) -> Any:
        return payload
