"""The figure of the fronts. Pure: no gradio, no torch. Colours and transparency work in light and dark mode."""

import json
import textwrap
from collections.abc import Sequence
from html import escape, unescape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app import history
from app import sweep as sweeps
from app.history import Entry, Mean
from app.sweep import Sweep
from backbones.merging import front as fronts
from backbones.merging.front import Front, Point
from backbones.merging.methods import LABELS, LONE
from backbones.merging.preference import Preference
from backbones.tasks.objectives import Objective

# Okabe and Ito's colour-blind-safe palette and a violet; a colour means the same method everywhere.
COLOURS = {
    "bone-soup": "#0072B2",
    "bone-soup-anchored": "#56B4E9",
    "bone-soup-extrapolated": "#7B61C4",
    "rewarded-soup": "#D55E00",
    "no-mapping": "#CC79A7",
    "mod": "#E69F00",
    "morlhf": "#009E73",
    "base": "#7d8694",
}
NEUTRAL, GRID = "#6f7887", "rgba(125,134,148,0.22)"
CHI_SQUARE_95 = 5.991  # of two degrees of freedom
SPACE = "3d"  # the view of all three objectives


def colour(method: str) -> str:
    """The colour of a method: a neutral one for those that have none of their own."""
    return COLOURS.get(method, NEUTRAL)


def faint(method: str, opacity: float) -> str:
    """A method's colour, seen through."""
    return f"rgba{(*(int(colour(method)[i : i + 2], 16) for i in (1, 3, 5)), opacity)}"


def views(labels: Sequence[str]) -> list[tuple[str, str]]:
    """What a front of the objectives `labels` can be looked at in: (label, value), planes "i-j" and 3-D."""
    n = len(labels)
    planes = [(f"{labels[i]} × {labels[j]}", f"{i}-{j}") for i in range(n) for j in range(i + 1, n)]
    return planes if n == 2 else [*planes, ("3-D", SPACE)]


def front_figure(
    front: Front | None,
    objectives: Sequence[Objective],
    methods: Sequence[str],
    mu: Preference,
    view: str = "0-1",
    entries: Sequence[Entry] = (),
    sweep: Sweep | None = None,
) -> go.Figure:
    """Measured fronts, what is expected for `mu` [n], the texts of the session and the front of a sweep.

    `front`: None where nothing has been measured. `methods`: those of the columns; oracles and base are always drawn.
    `view`: one of `views`. `entries`: the session's texts of this set. Every marker's customdata begins with a key in
    JSON that says what it is: ["front", method, index], ["text", id] or ["sweep", column, index].
    """
    canvas, names = _Canvas([objective.label for objective in objectives], view), [one.name for one in objectives]
    measured = {method: front.points(method) if front else () for method in dict.fromkeys((*methods, *LONE))}
    measured = {method: points for method, points in measured.items() if points}
    for method, points in measured.items():
        _add_front(canvas, points, method)
    for column, (method, swept) in enumerate(zip(methods, sweep.columns if sweep else (), strict=False)):
        _add_sweep(canvas, sweeps.front(swept, names), method, column)
    for method, points in measured.items():
        if method in methods:
            _add_expected(canvas, points, method, mu)
    for method in dict.fromkeys(one.text.request.method for one in entries):
        _add_texts(canvas, [one for one in entries if one.text.request.method == method], method, names)
    return canvas.finished()


def ellipse(centre, covariance, steps: int = 16) -> np.ndarray:
    """Outline [steps + 1, 2] of the 95 % confidence ellipse of a mean [2] with this covariance [2, 2]."""
    values, vectors = np.linalg.eigh(np.asarray(covariance))
    turn = np.linspace(0, 2 * np.pi, steps + 1)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.asarray(centre) + circle * np.sqrt(CHI_SQUARE_95 * values.clip(min=0)) @ vectors.T


class _Canvas:
    """A figure in one view: adds markers at rewards [k, n], in a plane or in space.

    Plotly takes text for HTML: labels are escaped here, once for all places where they are shown.
    """

    def __init__(self, labels: Sequence[str], view: str):
        self.labels, self.space, self.figure = [escape(label) for label in labels], view == SPACE, go.Figure()
        self.axes = list(range(3)) if self.space else [int(axis) for axis in view.split("-")]
        n = len(labels)
        self.third = None if self.space or n == 2 else next(i for i in range(n) if i not in self.axes)

    def add(self, rewards, error=None, marker: dict | None = None, colour_third: bool = False, **style) -> None:
        """Markers at `rewards` [k, n], with error bars [k, n] where given; nothing without any.

        `colour_third`: in a plane of three objectives the fill tells the third, and the outline the method.
        """
        if not len(rewards):
            return
        rewards = np.round(np.asarray(rewards, dtype=float), 4)
        marker = dict(marker or {})
        if colour_third and self.third is not None:
            marker |= {"line": {"color": marker["color"], "width": 2}, "coloraxis": "coloraxis"}
            marker["color"] = rewards[:, self.third]
        if self.space:
            marker = marker | {"size": 0.5 * marker.get("size", 8)}  # markers in space are drawn larger
        places = dict(zip("xyz", rewards[:, self.axes].T))
        if error is not None:
            bars = {"thickness": 1.5, "width": 0 if self.space else 3, "color": style.pop("bars")}
            places |= {
                f"error_{axis}": bars | {"array": e} for axis, e in zip("xyz", np.round(error, 4)[:, self.axes].T)
            }
        kind = go.Scatter3d if self.space else go.Scatter
        self.figure.add_trace(kind(**places, marker=marker, **style))

    def hover(self, rewards) -> str:
        """The rewards [n] in words."""
        return ", ".join(f"{label} {value:.2f}" for label, value in zip(self.labels, rewards))

    def finished(self) -> go.Figure:
        axis = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID}
        titles = [f"{self.labels[i]} →" for i in self.axes]
        self.figure.update_layout(
            height=430,
            margin={"l": 8, "r": 8, "t": 8, "b": 8},
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)",
            font={"color": NEUTRAL, "size": 13},
            legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            hoverlabel={"align": "left", "font": {"size": 13}},
            uirevision=f"front-{self.labels}-{self.axes}",  # keeps the zoom while sliders move
        )
        if self.space:
            axis |= {"showbackground": False}
            titles = [_without_entities(title) for title in titles]
            scene = {f"{name}axis": axis | {"title": {"text": title}} for name, title in zip("xyz", titles)}
            self.figure.update_layout(scene=scene | {"camera": {"eye": {"x": 1.5, "y": 1.5, "z": 0.9}}})
        else:
            self.figure.update_layout(xaxis=axis | {"title": titles[0]}, yaxis=axis | {"title": titles[1]})
        if self.third is not None:
            bar = {"title": {"text": self.labels[self.third], "side": "right"}, "thickness": 10, "outlinewidth": 0}
            self.figure.update_layout(coloraxis={"colorscale": "Cividis", "colorbar": bar})
        return self.figure


def _add_front(canvas: _Canvas, points: Sequence[Point], method: str) -> None:
    rewards = np.array([point.rewards for point in points])
    if not canvas.space:
        _add_regions(canvas, points, rewards, method)
    half = np.array([np.subtract(point.high, point.low) / 2 for point in points])
    # With two objectives the points are a line; with three a sheet, of which a plane shows a projection.
    line = rewards.shape[1] == 2 and method not in LONE
    symbol = {"morlhf": "square", "base": "x"}.get(method, "circle")
    canvas.add(
        rewards,
        half if canvas.space else None,
        {"color": colour(method), "size": 9, "symbol": symbol},
        colour_third=True,
        mode="lines+markers" if line else "markers",
        name=LABELS[method],
        line={"color": colour(method), "width": 2},
        customdata=[
            [_key("front", method, i), str(point.preference), canvas.hover(point.rewards), f"{point.words:.0f}"]
            for i, point in enumerate(points)
        ],
        hovertemplate=(
            f"<b>{LABELS[method]}</b> at %{{customdata[1]}}<br>%{{customdata[2]}}<br>%{{customdata[3]}} words on "
            "average<br><i>click: go there, with an example</i><extra></extra>"
        ),
        **({"bars": faint(method, 0.35)} if canvas.space else {}),
    )


def _add_regions(canvas: _Canvas, points: Sequence[Point], rewards: np.ndarray, method: str) -> None:
    plane = canvas.axes
    outlines: list[Any] = []
    for point, centre in zip(points, rewards[:, plane]):
        covariance = np.array(point.covariance)[np.ix_(plane, plane)]
        outlines += [ellipse(centre, covariance), [[np.nan, np.nan]]]
    x, y = np.round(np.concatenate(outlines), 4).T
    canvas.figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=faint(method, 0.18),
        name=f"{LABELS[method]}, 95 % region",
        showlegend=False,
        hoverinfo="skip",
    )


def _add_expected(canvas: _Canvas, points: Sequence[Point], method: str, mu: Preference) -> None:
    value, low, high = (fronts.expected(method, points, mu, end) for end in ("rewards", "low", "high"))
    canvas.add(
        [value],
        [np.subtract(high, low) / 2],
        {"symbol": "diamond-open", "size": 17, "color": colour(method), "line": {"width": 3}},
        bars=colour(method),
        mode="markers",
        name=f"{LABELS[method]}, expected",
        showlegend=False,
        text=[canvas.hover(value)],
        hovertemplate=f"<b>{LABELS[method]}</b>, expected here<br>%{{text}}<extra></extra>",
    )


def _add_sweep(canvas: _Canvas, points: Sequence[Mean], method: str, column: int) -> None:
    line = len(canvas.labels) == 2
    canvas.add(
        [point.rewards for point in points],
        None,
        {"color": colour(method), "size": 9, "symbol": "cross"},
        colour_third=True,
        mode="lines+markers" if line else "markers",
        name=f"{LABELS[method]}, this prompt",
        line={"color": colour(method), "width": 1.5, "dash": "dot"},
        customdata=[
            [
                _key("sweep", column, i),
                str(point.preference),
                canvas.hover(point.rewards),
                _wrap(point.entries[0].text.text),
            ]
            for i, point in enumerate(points)
        ],
        hovertemplate=(
            f"<b>{LABELS[method]}</b>, this prompt at %{{customdata[1]}}<br>%{{customdata[2]}}<br>"
            "<i>%{customdata[3]}</i><extra></extra>"
        ),
    )


def _add_texts(canvas: _Canvas, entries: Sequence[Entry], method: str, names: Sequence[str]) -> None:
    groups = history.means(entries, names)
    several = [one for group in groups if len(group.entries) > 1 for one in group.entries]
    if several:
        rewards = [[one.text.rewards[name] for name in names] for one in several]
        canvas.add(
            rewards,
            None,
            {"color": colour(method), "size": 8, "opacity": 0.35},
            mode="markers",
            showlegend=False,
            name=f"{LABELS[method]}, one text",
            customdata=[
                [_key("text", one.id), str(one.text.request.preference), canvas.hover(r), _wrap(one.text.text)]
                for one, r in zip(several, rewards)
            ],
            hovertemplate=_wrote(method),
        )
    canvas.add(
        [group.rewards for group in groups],
        np.array([group.error for group in groups]),
        {"color": colour(method), "size": 14, "symbol": _star(canvas), "line": {"color": "white", "width": 1}},
        bars=colour(method),
        mode="markers",
        showlegend=False,
        name=f"{LABELS[method]}, written",
        customdata=[
            [
                _key("text", group.entries[-1].id),
                str(group.preference),
                canvas.hover(group.rewards),
                _summary(group.entries),
            ]
            for group in groups
        ],
        hovertemplate=_wrote(method),
    )


def _wrote(method: str) -> str:
    return (
        f"<b>{LABELS[method]}</b> wrote at %{{customdata[1]}}<br>%{{customdata[2]}}<br>%{{customdata[3]}}<br>"
        "<i>click: text and settings come back</i><extra></extra>"
    )


def _summary(entries: Sequence[Entry]) -> str:
    if len(entries) > 1:
        return f"mean of {len(entries)} texts ± standard error"
    return _wrap(entries[0].text.text)


def _star(canvas: _Canvas) -> str:
    return "diamond" if canvas.space else "star"  # there are no stars in space


def _key(*parts) -> str:
    return json.dumps(parts)


def _without_entities(escaped: str) -> str:
    """Escaped text for axes in space, where plotly knows tags but no entities."""
    return unescape(escaped.replace("&lt;", "‹").replace("&gt;", "›"))


def _wrap(text: str) -> str:
    return "<br>".join(escape(line) for line in textwrap.wrap(text, 60))
