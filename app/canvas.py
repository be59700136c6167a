"""One view of a front, in a plane of two objectives or in space: where markers stand, axes, labels, key. Pure.

What is written about a marker is plain text in its customdata, which `plot.js` shows; what plotly shows itself it takes
for HTML, so labels of a set are escaped here, once for all such places.
"""

import json
from collections.abc import Sequence
from html import escape, unescape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app import curves, labels
from app.colours import GRID, NEUTRAL, PAPER, WORDS, ink
from app.labels import Label
from backbones.merging.front import Front

FONT = "Inter, ui-sans-serif, system-ui, sans-serif"
SPACE = "3d"  # the view of all three objectives
NEAR = 0.02  # of an axis: markers as close as this hide each other
RING, RINGS = 8, 6  # px that a star is larger than the one it shares its place with, and how often
EDGE = 0.015  # of an axis: how far inside it stands what lies outside
GRID_IN_SPACE = "#8b95a5"  # without transparency, in which lines one pixel wide are lost
OUT = (("triangle-left", "triangle-right"), ("triangle-down", "triangle-up"))


class Canvas:
    """A figure of rewards [k, n] in one view. `names`: the labels of the objectives [n].

    The axes hold what was measured and stay as they are; a marker outside stands at their edge and points out.
    """

    def __init__(self, names: Sequence[str], view: str, front: Front | None):
        self.names, self.n, self.space, self.figure = list(names), len(names), view == SPACE, go.Figure()
        self.axes = list(range(3)) if self.space else [int(axis) for axis in view.split("-")]
        self.third = None if self.space or self.n == 2 else next(i for i in range(self.n) if i not in self.axes)
        self.ranges = curves.ranges(front, self.axes) if front else None
        self.labels: list[Label] = []
        self.lines: list[np.ndarray] = []  # what labels should not cover
        self.moving: list[dict[str, Any]] = []
        self._taken: list[np.ndarray] = []  # places of stars

    def markers(
        self,
        rewards,
        tips: Sequence[str],
        keys: Sequence[str] = (),
        error=None,
        marker: dict | None = None,
        colour_third: bool = False,
        **style,
    ) -> None:
        """Markers at `rewards` [k, n], with error bars [k, n] where given; nothing without any.

        `tips`: what is shown of each while it is pointed at. `keys`: what each is when it is clicked. `colour_third`:
        in a plane of three objectives the fill tells the third, and the outline and the symbol the method.
        """
        if not len(rewards):
            return
        rewards = np.round(np.asarray(rewards, dtype=float), 4)
        marker = dict(marker or {})
        if colour_third and self.third is not None:
            marker |= {"line": {"color": marker["color"], "width": 2}, "coloraxis": "coloraxis"}
            marker["color"] = rewards[:, self.third]
        if self.space and not isinstance(marker["size"], list):
            marker["size"] *= 0.5  # a single size is drawn larger in space, sizes of their own are not
        shown, out = self._inside(rewards[:, self.axes])
        if not self.space and any(out):
            symbols = [marker.get("symbol", "circle")] * len(rewards)
            symbols = symbols[0] if isinstance(symbols[0], list) else symbols
            marker["symbol"] = [gone or symbol for gone, symbol in zip(out, symbols, strict=True)]
        places = dict(zip("xyz", shown.T))
        if error is not None:
            bars = {"thickness": 1.5, "width": 0 if self.space else 3, "color": style.pop("bars")}
            places |= {
                f"error_{axis}": bars | {"array": e} for axis, e in zip("xyz", np.round(error, 4)[:, self.axes].T)
            }
        tips = [f"{tip}\nOutside the axes" if gone else tip for tip, gone in zip(tips, out, strict=True)]
        style |= {"customdata": list(zip(keys or [""] * len(tips), tips, strict=True)), "hoverinfo": "none"}
        style = {"showlegend": False} | style
        self.figure.add_trace((go.Scatter3d if self.space else go.Scatter)(**places, marker=marker, **style))

    def line(self, points: np.ndarray, name: str, fill: str = "", **style: Any) -> None:
        """A line through `points` [k, 2] of a plane, or with `fill` the area that it encloses."""
        inside = {"fill": "toself", "fillcolor": fill} if fill else {}
        x, y = np.round(points, 4).T
        drawn = {"mode": "lines", "showlegend": False, "hoverinfo": "skip", "line": style} | inside
        self.figure.add_scatter(x=x, y=y, name=name, **drawn)

    def moves(self, **what: Any) -> None:
        """Say of the trace added last what the browser needs to move it with the preference."""
        self.moving.append({"trace": len(self.figure.data) - 1} | what)

    def key(self, name: str, symbol: str, colour: str = NEUTRAL, **marker) -> None:
        """An entry of the key: what a symbol stands for."""
        nowhere: dict[str, Any] = {axis: [None] for axis in ("xyz" if self.space else "xy")}
        kind = go.Scatter3d if self.space else go.Scatter
        look = {"symbol": symbol, "size": 11, "color": colour} | marker
        self.figure.add_trace(kind(**nowhere, mode="markers", name=name, marker=look, hoverinfo="skip"))

    def say(self, rewards) -> str:
        """The rewards [n] in words."""
        return ", ".join(f"{name} {value:.2f}" for name, value in zip(self.names, rewards))

    def stars(self, rewards: np.ndarray) -> tuple[list[float], list[str]]:
        """Sizes and symbols of stars at `rewards` [k, n], so that none hides another: the first in a place is filled
        and each further one an outline around those before."""
        sizes, symbols = [], []
        scale = np.array([high - low for low, high in self.ranges] if self.ranges else [1.0] * len(self.axes))
        for place in self._inside(np.asarray(rewards)[:, self.axes])[0] / scale:
            before = sum(bool((abs(place - other) < NEAR).all()) for other in self._taken)
            self._taken.append(place)
            sizes.append(13.0 + RING * min(before, RINGS))
            star = "diamond" if self.space else "star"  # there are no stars in space
            symbols.append(f"{star}-open" if before else star)
        return sizes, symbols

    def finished(self, told: dict[str, Any]) -> go.Figure:
        """The figure with axes, labels and key. `told`: what `plot.js` has to know besides."""
        escaped = [escape(self.names[i]) for i in self.axes]
        looks = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID}
        titles = [f"{name} →" for name in escaped]
        update: dict[str, Any] = {
            "height": 430,
            "margin": {"l": 8, "r": 8, "t": 34, "b": 8},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": WORDS["light"], "size": 13, "family": FONT},
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "itemclick": False}
            | {"itemdoubleclick": False, "font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)"},
            "uirevision": f"{escaped} {self.ranges}",  # what keeps its zoom and its camera
        }
        limits = [{"range": limit} for limit in self.ranges] if self.ranges else [{}] * len(self.axes)
        if self.space:
            looks |= {"showbackground": False, "gridcolor": GRID_IN_SPACE, "linecolor": GRID_IN_SPACE, "showline": True}
            axes = {
                f"{name}axis": looks | {"title": {"text": _without_entities(title)}} | limit
                for name, title, limit in zip("xyz", titles, limits, strict=True)
            }
            camera = {"eye": {"x": 1.5, "y": 1.5, "z": 0.8}, "center": {"x": 0, "y": 0, "z": -0.16}}
            update["scene"] = axes | {"camera": camera, "aspectmode": "cube", "dragmode": "turntable"}
        else:
            update |= {
                f"{name}axis": looks | {"title": {"text": title, "standoff": 6}} | limit
                for name, title, limit in zip("xy", titles, limits, strict=True)
            }
        if self.third is not None:
            title = {"text": escape(self.names[self.third]), "side": "right"}
            bar = {"title": title, "thickness": 10, "outlinewidth": 0}
            update["coloraxis"] = {"colorscale": "Cividis", "colorbar": bar}
        inks = {mode: {"font.color": words} for mode, words in WORDS.items()}
        if self.labels and self.ranges:
            named = sorted(self.labels, key=lambda label: not label.bold)
            update["annotations"] = labels.placed(named, self.lines, self.ranges)
            for i, label in enumerate(named):
                update["annotations"][i]["font"] = {"color": ink(label.key, "light"), "size": 14 if label.bold else 12}
                for mode in inks:
                    inks[mode][f"annotations[{i}].font.color"] = ink(label.key, mode)
        seen = {"labels": self.names, "axes": self.axes, "space": self.space, "ranges": self.ranges}
        update["meta"] = seen | {"moving": self.moving, "ink": inks, "paper": PAPER} | told
        return self.figure.update_layout(update)

    def _inside(self, places: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Places [k, axes], cut off at the edges of the axes, and the symbols [k] of those that lie outside."""
        if not self.ranges or not len(places):
            return places, [""] * len(places)
        low, high = np.array(self.ranges).T
        margin = EDGE * (high - low)
        out = [
            next(
                (OUT[min(i, 1)][int(v > b)] for i, (v, a, b) in enumerate(zip(place, low, high)) if not a <= v <= b), ""
            )
            for place in places
        ]
        return np.where((places < low) | (places > high), places.clip(low + margin, high - margin), places), out


def key(*parts) -> str:
    """What a marker is, in JSON: see `figures.front_figure`."""
    return json.dumps(parts)


def _without_entities(escaped: str) -> str:
    """Escaped text for axes in space, where plotly knows tags but no entities."""
    return unescape(escaped.replace("&lt;", "‹").replace("&gt;", "›"))
