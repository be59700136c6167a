"""The blind round: two texts for one preference, whose methods are told once one of them has been chosen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from app.colours import colour
from app.views import listed, rendered
from backbones.engine.request import Text
from backbones.merging.methods import LABELS
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet
from backbones.tasks.objectives import Objective

SCRIPT = (Path(__file__).parent / "blind.js").read_text(encoding="utf-8")
Question = dict[str, Any]


class BlindRound(gr.HTML):
    """Draws its rounds from the pages of `#columns`, see `question`, and keeps its tally in the tab of the browser: the
    server has no part in it."""

    def __init__(self, **settings):
        super().__init__("", html_template=rendered("blind.html"), js_on_load=SCRIPT, **settings)


def question(soup_set: SoupSet, texts: Sequence[Text]) -> Question | None:
    """What a round asks about the left and the right text at one preference: what was given and asked for in words, and
    both sides in the order of `METHODS`, whichever column they are in. None where there is nothing to compare: help in
    place of a text, or one method in both columns."""
    requests = [text.request for text in texts]
    if any(text.pointer for text in texts) or requests[0].method == requests[1].method:
        return None
    place = list(LABELS).index
    mu = requests[0].preference
    return {
        "set": soup_set.name,
        "title": soup_set.title,
        "given": soup_set.task.sentence(requests[0].given),
        "preference": [round(100 * share) for share in mu],
        "asked": _asked(soup_set.objectives, mu),
        "sides": [
            {
                "method": text.request.method,
                "label": LABELS[text.request.method],
                "colour": colour(text.request.method),
                "text": text.text,
                "rewards": {one.label: round(text.rewards[one.name], 2) for one in soup_set.objectives if text.rewards},
            }
            for text in sorted(texts, key=lambda text: place(text.request.method))
        ],
    }


def _asked(objectives: Sequence[Objective], mu: Preference) -> str:
    """75 % bright and 25 % true; what has no weight is left out."""
    shares = [f"{100 * share:.0f} % {one.label.lower()}" for one, share in zip(objectives, mu, strict=True) if share]
    return listed(shares)
