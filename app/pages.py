"""A component that holds a page for every preference of a grid and shows the one that the preference asks for."""

import itertools
from pathlib import Path
from typing import Any

import gradio as gr

SCRIPT = (Path(__file__).parent / "pages.js").read_text(encoding="utf-8")
TURNS = itertools.count(1)


class Pages(gr.HTML):
    """Value: pages, dictionaries with `at`, a preference in percent, and `parts`: HTML by name, None for what is being
    written. A part is shown where the template has an element with its name in `data-part`; all of it follows the
    preference in the browser, without the server. A page with `same` shows its two columns as one; its `question` is
    for others, see `blind`.

    `exact`: one more page, for its own preference alone. `at`: the preference on arrival. `name`: whose pages they are;
    those of another are not shown while new ones are written. `stopped`: whether what is not there will not come.
    `turn`: see `update`.
    """

    # The properties have no names of their own here: for one that the script speaks of gradio 6.31.0 would put an event
    # into the page's description, and copy the component with all that it refers to whenever somebody opens the page.
    def __init__(self, value=(), template="", **settings):
        properties = {"at": [], "name": "", "exact": None, "turn": 0, "stopped": False} | settings
        super().__init__(list(value), html_template=template, js_on_load=SCRIPT, **properties)

    def api_info(self) -> dict:
        return {"type": "array", "items": {"type": "object"}}


def update(value: Any, **properties: Any) -> Any:
    """News of the component's value and properties; a value counts as new even where it is what was there before."""
    return gr.update(value=value, turn=next(TURNS), stopped=False, **properties)
