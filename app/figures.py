"""Plotly figures. Pure: no gradio, no torch. Colours and transparency work in light and dark mode."""

import textwrap
from html import escape

import numpy as np
import plotly.graph_objects as go

from backbones import front as fronts

# Okabe and Ito's colour-blind-safe palette; a colour means the same method everywhere.
COLOURS = {"bone-soup": "#0072B2", "rewarded-soup": "#D55E00"}
LABELS = {"bone-soup": "Bone Soup", "rewarded-soup": "Rewarded Soup"}
NEUTRAL, GRID = "#7d8694", "rgba(125,134,148,0.22)"


def front_figure(front: dict, labels: list[str], mu, marks: list[dict]) -> go.Figure:
    """Both measured fronts, the position expected for `mu` [2], and a marker per text written.

    `labels`: the axes' names. `marks`: one dict per press of Write and method with "method",
    "preference" [2] and "texts", a list of (text, rewards [2]).
    """
    figure = go.Figure()
    for method, colour in COLOURS.items():
        points = front["methods"][method]["points"]
        _add_front(figure, points, method, colour, labels)
    for method, colour in COLOURS.items():
        x, y = fronts.expected(front["methods"][method]["points"], mu)
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            name=f"{LABELS[method]}, expected",
            showlegend=False,
            marker={"symbol": "diamond-open", "size": 17, "color": colour, "line": {"width": 3}},
            hovertemplate=f"<b>{LABELS[method]}</b>, expected here<br>{_axes(labels)}<extra></extra>",
        )
    for mark in marks:
        _add_mark(figure, mark, labels)
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID}
    figure.update_layout(
        height=430,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": NEUTRAL, "size": 13},
        legend={"orientation": "h", "y": -0.16, "x": 0},
        hoverlabel={"align": "left", "font": {"size": 13}},
        xaxis=axis | {"title": {"text": f"{labels[0]} →"}},
        yaxis=axis | {"title": {"text": f"{labels[1]} →"}},
        uirevision="front",  # keeps the zoom while sliders move
    )
    return figure


def _add_front(figure: go.Figure, points: list[dict], method: str, colour: str, labels: list[str]) -> None:
    rewards = np.array([point["rewards"] for point in points])
    low, high = (np.array([point[key] for point in points]) for key in ("low", "high"))
    band = np.concatenate([high, low[::-1]])
    figure.add_scatter(
        x=band[:, 0],
        y=band[:, 1],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=f"rgba{(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)), 0.16)}",
        name="95 % interval",
        showlegend=False,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=rewards[:, 0],
        y=rewards[:, 1],
        mode="lines+markers",
        name=LABELS[method],
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": 7},
        customdata=[
            [
                " / ".join(f"{100 * share:.0f} %" for share in point["preference"]),
                _wrap(point["example"]["text"]),
                point["words"],
            ]
            for point in points
        ],
        hovertemplate=(
            f"<b>{LABELS[method]}</b> at %{{customdata[0]}}<br>{_axes(labels)}<br>"
            "%{customdata[2]:.0f} words on average<br><i>%{customdata[1]}</i><extra></extra>"
        ),
    )


def _add_mark(figure: go.Figure, mark: dict, labels: list[str]) -> None:
    colour, method = COLOURS[mark["method"]], LABELS[mark["method"]]
    rewards = np.array([r for _, r in mark["texts"]])
    share = " / ".join(f"{100 * part:.0f} %" for part in mark["preference"])
    several = len(rewards) > 1
    if several:
        figure.add_scatter(
            x=rewards[:, 0],
            y=rewards[:, 1],
            mode="markers",
            showlegend=False,
            name=f"{method}, one text",
            marker={"color": colour, "size": 8, "opacity": 0.35},
            customdata=[_wrap(text) for text, _ in mark["texts"]],
            hovertemplate=f"<b>{method}</b> at {share}<br>{_axes(labels)}<br>%{{customdata}}<extra></extra>",
        )
    text = f"mean of {len(rewards)} texts" if several else _wrap(mark["texts"][0][0])
    figure.add_scatter(
        x=[rewards[:, 0].mean()],
        y=[rewards[:, 1].mean()],
        mode="markers",
        showlegend=False,
        name=f"{method}, written",
        marker={"color": colour, "size": 14, "symbol": "star", "line": {"color": "white", "width": 1}},
        customdata=[text],
        hovertemplate=f"<b>{method}</b> wrote at {share}<br>{_axes(labels)}<br>%{{customdata}}<extra></extra>",
    )


def _axes(labels: list[str]) -> str:
    return f"{labels[0]} %{{x:.2f}}, {labels[1]} %{{y:.2f}}"


def _wrap(text: str) -> str:
    return "<br>".join(escape(line) for line in textwrap.wrap(text, 60))
