"""What is given as one sentence, and what its fields do: they open, Enter writes, and at rest the engine begins."""

from pathlib import Path

import gradio as gr

SCRIPT = (Path(__file__).parent / "sentence.js").read_text(encoding="utf-8")


class Sentence(gr.HTML):
    """Value: HTML with a button that opens the fields, `#given`; empty where these are always open. Events: `edited`
    after every 'bonesoup:changed', `rest` some time after the last."""

    def __init__(self, value="", **settings):
        super().__init__(value, js_on_load=SCRIPT, **settings)
