"""The preference control: sliders that always add up to 100 %, a lock, presets, and a triangle for three objectives."""

from pathlib import Path
from typing import Any

import gradio as gr

from backbones.merging import coefficients
from backbones.merging.preference import Preference, lattice
from backbones.store.soup_set import SoupSet

SCRIPT = (Path(__file__).parent / "preference.js").read_text(encoding="utf-8")


class Sliders(gr.HTML):
    """Value: percentages [n], one per objective, which sum to 100. Event: `rest` when it comes to rest beside the grid
    that pointers snap to; what follows every move follows it in the browser."""

    def __init__(self, value=None, **props):
        super().__init__(value, html_template='<div class="preference"></div>', js_on_load=SCRIPT, **props)

    def api_info(self) -> dict:
        return {"type": "array", "items": {"type": "number"}}


def props(soup_set: SoupSet) -> dict[str, Any]:
    """What it shows for a set: labels and descriptions of its objectives; rows of B and the grid in percent."""
    matrix = coefficients.backbone_matrix(len(soup_set.objectives), soup_set.beta)
    return {
        "labels": [objective.label for objective in soup_set.objectives],
        "descriptions": [objective.description for objective in soup_set.objectives],
        "rows": (100 * matrix).round(9).tolist(),
        "grid": [percent(mu) for mu in lattice(len(soup_set.objectives))],
    }


def percent(mu: Preference) -> list[float]:
    """The control's value for a preference [n]."""
    return [round(100 * share, 6) for share in mu]
