"""Plotly figures. Pure: no gradio, no torch. Colours and transparency work in light and dark mode."""

import textwrap
from html import escape

import numpy as np
import plotly.graph_objects as go

from backbones import front as fronts
from backbones.front import LABELS, LONE

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
NEUTRAL, GRID = "#7d8694", "rgba(125,134,148,0.22)"
CHI_SQUARE_95 = 5.991  # of two degrees of freedom


def front_figure(
    front: dict, labels: list[str], methods: list[str], mu, marks: list[dict], axes: tuple[int, int] = (0, 1)
) -> go.Figure:
    """Measured fronts in the plane of two objectives, what is expected for `mu` [n], and a marker per text written.

    `labels` [n]: the objectives' names. `methods`: those of the columns; oracles and base are always drawn.
    `marks`: one dict per press of Write and method with "method", "preference" [n] and "texts", a list of
    (text, rewards [n]). `axes`: the plane.
    """
    figure = go.Figure()
    measured = front["methods"]
    for method in dict.fromkeys((*methods, *LONE)):
        if method in measured:
            _add_front(figure, measured[method]["points"], method, labels, axes)
    for method in dict.fromkeys(method for method in methods if method in measured):
        x, y = (fronts.expected_at(method, measured[method]["points"], mu)[axis] for axis in axes)
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            name=f"{LABELS[method]}, expected",
            showlegend=False,
            marker={"symbol": "diamond-open", "size": 17, "color": COLOURS[method], "line": {"width": 3}},
            hovertemplate=f"<b>{LABELS[method]}</b>, expected here<br>{_axes(labels, axes)}<extra></extra>",
        )
    for mark in marks:
        _add_mark(figure, mark, labels, axes)
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID}
    figure.update_layout(
        height=430,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": NEUTRAL, "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left", "font": {"size": 13}},
        xaxis=axis | {"title": {"text": f"{labels[axes[0]]} →"}},
        yaxis=axis | {"title": {"text": f"{labels[axes[1]]} →"}},
        uirevision=f"front-{labels}-{axes}",  # keeps the zoom while sliders move
    )
    return figure


def ellipse(centre, covariance, steps: int = 24) -> np.ndarray:
    """Outline [steps + 1, 2] of the 95 % confidence ellipse of a mean [2] with this covariance [2, 2]."""
    values, vectors = np.linalg.eigh(np.asarray(covariance))
    turn = np.linspace(0, 2 * np.pi, steps + 1)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.asarray(centre) + circle * np.sqrt(CHI_SQUARE_95 * values.clip(min=0)) @ vectors.T


def _add_front(figure: go.Figure, points: list[dict], method: str, labels: list[str], axes: tuple[int, int]) -> None:
    colour, plane = COLOURS[method], list(axes)
    rewards = np.array([point["rewards"] for point in points])
    outlines = []
    for point, centre in zip(points, rewards[:, plane]):
        outlines += [*ellipse(centre, np.array(point["covariance"])[np.ix_(plane, plane)]).tolist(), [None, None]]
    figure.add_scatter(
        x=[x for x, _ in outlines],
        y=[y for _, y in outlines],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=f"rgba{(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)), 0.18)}",
        name=f"{LABELS[method]}, 95 % region",
        showlegend=False,
        hoverinfo="skip",
    )
    # With two objectives the points are a line; with three a sheet, of which the plane shows a projection.
    line = rewards.shape[1] == 2 and method not in LONE
    figure.add_scatter(
        x=rewards[:, axes[0]],
        y=rewards[:, axes[1]],
        mode="lines+markers" if line else "markers",
        name=LABELS[method],
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": 9 if method in LONE else 7, "symbol": _symbol(method)},
        customdata=[
            [
                _shares(point["preference"]),
                _wrap(point["example"]["text"]),
                point["words"],
                _all(labels, point["rewards"]),
            ]
            for point in points
        ],
        hovertemplate=(
            f"<b>{LABELS[method]}</b> at %{{customdata[0]}}<br>%{{customdata[3]}}<br>"
            "%{customdata[2]:.0f} words on average<br><i>%{customdata[1]}</i><extra></extra>"
        ),
    )


def _add_mark(figure: go.Figure, mark: dict, labels: list[str], axes: tuple[int, int]) -> None:
    colour, method = COLOURS[mark["method"]], LABELS[mark["method"]]
    rewards = np.array([r for _, r in mark["texts"]])
    share = _shares(mark["preference"])
    several = len(rewards) > 1
    if several:
        figure.add_scatter(
            x=rewards[:, axes[0]],
            y=rewards[:, axes[1]],
            mode="markers",
            showlegend=False,
            name=f"{method}, one text",
            marker={"color": colour, "size": 8, "opacity": 0.35},
            customdata=[[_wrap(text), _all(labels, r)] for text, r in mark["texts"]],
            hovertemplate=(f"<b>{method}</b> at {share}<br>%{{customdata[1]}}<br>%{{customdata[0]}}<extra></extra>"),
        )
    text = f"mean of {len(rewards)} texts" if several else _wrap(mark["texts"][0][0])
    mean = rewards.mean(axis=0)
    figure.add_scatter(
        x=[mean[axes[0]]],
        y=[mean[axes[1]]],
        mode="markers",
        showlegend=False,
        name=f"{method}, written",
        marker={"color": colour, "size": 14, "symbol": "star", "line": {"color": "white", "width": 1}},
        customdata=[[text, _all(labels, mean)]],
        hovertemplate=f"<b>{method}</b> wrote at {share}<br>%{{customdata[1]}}<br>%{{customdata[0]}}<extra></extra>",
    )


def _symbol(method: str) -> str:
    return {"morlhf": "square", "base": "x"}.get(method, "circle")


def _shares(mu) -> str:
    return " / ".join(f"{100 * share:.0f} %" for share in mu)


def _axes(labels: list[str], axes: tuple[int, int]) -> str:
    return f"{labels[axes[0]]} %{{x:.2f}}, {labels[axes[1]]} %{{y:.2f}}"


def _all(labels: list[str], rewards) -> str:
    return ", ".join(f"{label} {value:.2f}" for label, value in zip(labels, rewards))


def _wrap(text: str) -> str:
    return "<br>".join(escape(line) for line in textwrap.wrap(text, 60))
