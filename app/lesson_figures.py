"""Figures of two quadratic rewards, where every merge is known. Pure: no gradio, no torch.

The rewards are those of `merging.theory` with curvatures (1, ratio), the first best at theta = 1, the second at
theta = 0. One dimension loses nothing: with any two optima, every merge lies on the line through them. Then Rewarded
Soup lands exactly at theta = mu_1, and every reward, landing and preference grows to the right.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import figures
from app.figures import GRID, NEUTRAL
from backbones.merging import coefficients as c
from backbones.merging import theory
from backbones.merging.methods import LABELS

OPTIMA = np.array([[1.0], [0.0]])
SHARES = np.linspace(0, 1, 101)
MUS = np.stack([SHARES, 1 - SHARES], axis=1)  # (101, 2)
SPAN = (-0.17, 1.17)  # of parameters shown: Bone Soup extrapolates to -0.12 and 1.11
NAMES = {"oracle": "Oracle", **{m: LABELS[m] for m in ("bone-soup", "bone-soup-anchored", "rewarded-soup")}}
SHOWN = ("oracle", "bone-soup", "rewarded-soup")  # those that get a marker at the preference
SYMBOLS = {"oracle": "circle", "bone-soup": "diamond", "rewarded-soup": "square"}
LEVEL = 1e-9  # utilities that differ by less are equal


def rewards_of(method: str, mus: np.ndarray, beta: float, ratio: float) -> np.ndarray:
    """Rewards [points, 2] of "oracle" or a soup at the preferences `mus` [points, 2]. beta in (1/2, 1), ratio > 0."""
    return theory.front(method, mus, beta, np.array([1.0, ratio]), OPTIMA)


def parameters_of(rewards: np.ndarray, ratio: float) -> np.ndarray:
    """The parameter theta [...] that earns `rewards` [..., 2]: their difference is linear in it."""
    return (1 + rewards[..., 0] - rewards[..., 1] / ratio) / 2


def utilities(beta: float, ratio: float, share: float) -> dict[str, float]:
    """Utility mu . r of every method in `NAMES` at the preference (share, 1 - share)."""
    mu = np.array([[share, 1 - share]])
    return {method: float((rewards_of(method, mu, beta, ratio) * mu).sum()) for method in NAMES}


def guaranteed(beta: float) -> tuple[int, int]:
    """The first and the last whole per cent of mu_1 inside Theorem 1's open interval."""
    low, high = theory.theorem_1(beta)
    return int(np.floor(100 * low)) + 1, int(np.ceil(100 * high)) - 1


def sentence(beta: float, ratio: float, share: float) -> str:
    """How far both soups are below the oracle, which leads, and whether Theorem 1 guarantees it."""
    utility = utilities(beta, ratio, share)
    bone, rewarded = (max(utility["oracle"] - utility[method], 0) + 0.0 for method in ("bone-soup", "rewarded-soup"))
    if ratio == 1:
        return (
            "Equal curvatures: both soups coincide with the oracle at every preference, so the mapping gains nothing."
        )
    low, high = guaranteed(beta)
    inside = theory.theorem_1(beta)[0] < share < theory.theorem_1(beta)[1]
    distances = f"At {_shares(share)}, Bone Soup is {bone:.3f} below the oracle and Rewarded Soup {rewarded:.3f}. "
    interval = f"from {low} % to {high} %"
    if inside:
        return distances + f"Bone Soup leads, as Theorem 1 guarantees {interval} for the first reward."
    if abs(bone - rewarded) < LEVEL:
        return distances + f"They are level; Theorem 1 guarantees Bone Soup's lead {interval} for the first reward."
    leader = "Bone Soup" if bone < rewarded else "Rewarded Soup"
    return distances + f"{leader} leads here; Theorem 1 guarantees Bone Soup's lead only {interval}."


def colour(method: str) -> str:
    """The colour of a method; the oracle has that of the models which stand for it elsewhere."""
    return figures.colour("morlhf" if method == "oracle" else method)


def landing_figure(beta: float, ratio: float, share: float) -> go.Figure:
    """Where each method lands on the line of parameters: the utility it earns there, and its way as mu_1 grows."""
    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.56, 0.44], vertical_spacing=0.03)
    mu, theta, depth = np.array([share, 1 - share]), np.linspace(*SPAN, 121), _depth(ratio)
    both = theory.rewards(theta[:, None], np.array([1.0, ratio]), OPTIMA)  # (121, 2)
    curves = (("First reward", both[:, 0], "dash", 1.2), ("Second reward", both[:, 1], "dot", 1.2))
    for name, values, dash, width in (*curves, ("Utility", both @ mu, "solid", 2.5)):
        figure.add_scatter(
            x=theta,
            y=np.where(values < -1.5 * depth, np.nan, values),  # nothing far below the picture
            mode="lines",
            name=name,
            line={"color": NEUTRAL, "dash": dash, "width": width},
            hovertemplate=f"{name} %{{y:.3f}}<extra></extra>",
            row=1,
            col=1,
        )
    for at, name in ((1, "first reward"), (0, "second reward")):
        figure.add_annotation(x=at, y=0, text=name, showarrow=False, yanchor="bottom", yshift=3, row=1, col=1)
    for lane, method in enumerate(reversed(SHOWN)):
        _add_lane(figure, method, lane, beta, ratio, share, depth)
    curvatures = np.array([1.0, ratio])
    for j, at in enumerate(theory.optimum(c.backbone_matrix(2, beta), curvatures, OPTIMA)[:, 0]):
        _add_model(figure, f"Backbone {j + 1}", at, SHOWN[::-1].index("bone-soup"), "bone-soup")
    for i, at in enumerate(OPTIMA[:, 0]):
        _add_model(figure, f"Specialist {i + 1}", at, 0, "rewarded-soup")
    _layout(figure, 400)
    figure.update_xaxes(range=SPAN, showgrid=False, fixedrange=True, zeroline=False)
    figure.update_xaxes(
        tickvals=[0, 1], ticktext=["best for<br>second reward", "best for<br>first reward"], row=2, col=1
    )
    figure.update_xaxes(showticklabels=False, row=1, col=1)
    figure.update_yaxes(fixedrange=True, zeroline=False, gridcolor=GRID)
    figure.update_yaxes(
        range=[-depth, 0.18 * depth], nticks=5, title={"text": "utility →", "standoff": 4}, row=1, col=1
    )
    figure.update_yaxes(range=[-0.45, 2.85], showgrid=False, showticklabels=False, row=2, col=1)
    return figure


def reward_figure(beta: float, ratio: float, share: float) -> go.Figure:
    """Reward space: the fronts, of Bone Soup's thick where Theorem 1 holds, and lines of equal utility."""
    figure = go.Figure()
    low, high = theory.theorem_1(beta)
    held = (low < SHARES) & (high > SHARES)
    # Between the specialists every model is on one front, so the fronts overlap: drawn from wide to narrow.
    drawn: list[tuple[str, str, Any, dict, float]] = [
        ("oracle", "front", slice(None), {"width": 13}, 0.3),
        ("bone-soup", "front", slice(None), {"width": 3}, 1),
    ]
    if ratio != 1:
        drawn.append(("bone-soup", "where Theorem 1 holds", held, {"width": 7}, 1))
    drawn.append(("rewarded-soup", "front", slice(None), {"width": 2, "dash": "dot"}, 1))
    for method, what, part, line, opacity in drawn:
        points = rewards_of(method, MUS, beta, ratio)[part]
        figure.add_scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="lines",
            opacity=opacity,
            name=f"{NAMES[method]}, {what}",
            line={"color": colour(method), **line},
            customdata=[_shares(s) for s in SHARES[part]],
            hovertemplate=(
                f"<b>{NAMES[method]}</b> at %{{customdata}}<br>first %{{x:.3f}}, second %{{y:.3f}}<extra></extra>"
            ),
        )
    for method in SHOWN[::-1]:
        point = rewards_of(method, np.array([[share, 1 - share]]), beta, ratio)[0]
        _add_equal_utility(figure, method, point, share, ratio)
    for method in SHOWN:
        point = rewards_of(method, np.array([[share, 1 - share]]), beta, ratio)[0]
        _add_marker(figure, method, point[0], point[1], "first %{x:.3f}, second %{y:.3f}")
    _layout(figure, 400)
    axis = {"gridcolor": GRID, "zeroline": False, "fixedrange": True, "nticks": 6}
    figure.update_xaxes(range=[-1.28, 0.1], title={"text": "first reward →", "standoff": 8}, **axis)
    figure.update_yaxes(range=[-1.16 * ratio, 0.1 * ratio], title={"text": "second reward →", "standoff": 4}, **axis)
    return figure


def preference_figure(beta: float, ratio: float, share: float) -> go.Figure:
    """Utility below the oracle at every preference, with the band of Theorem 1 and a marker at `share`."""
    figure, (low, high) = go.Figure(), theory.theorem_1(beta)
    best, lowest = _utility("oracle", beta, ratio), -0.01
    if ratio != 1:  # the theorem is about unequal curvatures
        figure.add_vrect(100 * low, 100 * high, fillcolor=figures.faint("bone-soup", 0.12), line_width=0, layer="below")
        figure.add_annotation(
            x=50, y=1, yref="paper", yanchor="bottom", text="Theorem 1: Bone Soup ahead", showarrow=False
        )
    for method in ("oracle", "rewarded-soup", "bone-soup-anchored", "bone-soup"):
        gap = np.minimum(_utility(method, beta, ratio) - best, 0) + 0.0
        lowest = min(lowest, float(gap.min()))
        figure.add_scatter(
            x=100 * SHARES,
            y=gap,
            mode="lines",
            name=NAMES[method],
            line={"color": colour(method), "width": 2.5, "dash": "dot" if method == "bone-soup-anchored" else "solid"},
            customdata=[_shares(s) for s in SHARES],
            hovertemplate=f"<b>{NAMES[method]}</b> at %{{customdata}}<br>%{{y:+.3f}} to the oracle<extra></extra>",
        )
    figure.add_vline(100 * share, line={"color": NEUTRAL, "width": 1, "dash": "dash"})
    utility = utilities(beta, ratio, share)
    for method in SHOWN:
        gap = min(utility[method] - utility["oracle"], 0) + 0.0
        _add_marker(figure, method, 100 * share, gap, "%{y:+.3f} to the oracle")
    _layout(figure, 400)
    axis = {"gridcolor": GRID, "zeroline": False, "fixedrange": True}
    title = {"text": "preference for the first reward →", "standoff": 8}
    figure.update_xaxes(range=[-3, 103], tickvals=[0, 25, 50, 75, 100], ticksuffix=" %", title=title, **axis)
    figure.update_yaxes(
        range=[1.12 * lowest, -0.06 * lowest],
        nticks=6,
        title={"text": "utility − the oracle's →", "standoff": 4},
        **axis,
    )
    return figure


def _add_lane(figure: go.Figure, method: str, lane: int, beta: float, ratio: float, share: float, depth: float) -> None:
    """One method's way along the parameters, a dot every 10 %, and its marker below and on the utility curve."""
    way = parameters_of(rewards_of(method, MUS, beta, ratio), ratio)
    figure.add_scatter(
        x=way[::10],
        y=np.full(11, lane),
        mode="lines+markers",
        name=f"{NAMES[method]}, way",
        line={"color": colour(method), "width": 1.5},
        marker={"size": 5, "color": colour(method)},
        customdata=[_shares(s) for s in SHARES[::10]],
        hovertemplate=f"<b>{NAMES[method]}</b> at %{{customdata}}<extra></extra>",
        row=2,
        col=1,
    )
    rewards = rewards_of(method, np.array([[share, 1 - share]]), beta, ratio)[0]
    at, utility = float(parameters_of(rewards, ratio)), float(rewards @ (share, 1 - share))
    for row, top, bottom in ((1, utility, -2 * depth), (2, 3.5, lane)):
        figure.add_scatter(
            x=[at, at],
            y=[top, bottom],
            mode="lines",
            hoverinfo="skip",
            name=f"{NAMES[method]}, plumb line",
            line={"color": colour(method), "width": 1},
            opacity=0.7,
            row=row,
            col=1,
        )
    _add_marker(figure, method, at, utility, "earns a utility of %{y:.3f}", row=1, col=1)
    _add_marker(figure, method, at, lane, "lands here", row=2, col=1)
    words = {"oracle": "", "bone-soup": " · ◇ backbones", "rewarded-soup": " · □ specialists"}[method]
    figure.add_annotation(
        x=SPAN[0],
        y=lane + 0.24,
        text=f"{NAMES[method]}{words}",
        showarrow=False,
        xanchor="left",
        yanchor="bottom",
        font={"size": 12, "color": NEUTRAL},
        row=2,
        col=1,
    )


def _add_model(figure: go.Figure, name: str, at: float, lane: int, method: str) -> None:
    """A trained model on its method's lane: an open symbol, so that the marker at the preference shows through."""
    figure.add_scatter(
        x=[at],
        y=[lane],
        mode="markers",
        name=name,
        marker={"symbol": f"{SYMBOLS[method]}-open", "size": 15, "color": colour(method), "line": {"width": 2}},
        hovertemplate=f"<b>{name}</b><extra></extra>",
        row=2,
        col=1,
    )


def _add_marker(figure: go.Figure, method: str, x: float, y: float, words: str, **place) -> None:
    figure.add_scatter(
        x=[float(x)],
        y=[float(y)],
        mode="markers",
        name=f"{NAMES[method]}, now",
        marker={
            "symbol": SYMBOLS[method],
            "size": 15 - 2 * SHOWN.index(method),  # where they coincide all can be seen
            "color": colour(method),
            "line": {"color": "white", "width": 1.5},
        },
        hovertemplate=f"<b>{NAMES[method]}</b><br>{words}<extra></extra>",
        **place,
    )


def _add_equal_utility(figure: go.Figure, method: str, point: np.ndarray, share: float, ratio: float) -> None:
    """The line of rewards as useful as `point` [2]: at right angles to the preference (for axes of equal scale)."""
    along = np.array([1 - share, -share])
    ends = point + 4 * max(1.0, ratio) / max(share, 1 - share) * np.array([[-1], [1]]) * along
    figure.add_scatter(
        x=ends[:, 0],
        y=ends[:, 1],
        mode="lines",
        hoverinfo="skip",
        name=f"{NAMES[method]}, equal utility",
        line={"color": colour(method), "width": 1, "dash": "dash"},
        opacity=0.8,
    )


def _utility(method: str, beta: float, ratio: float) -> np.ndarray:
    return (rewards_of(method, MUS, beta, ratio) * MUS).sum(axis=1)


def _depth(ratio: float) -> float:
    """How far down utilities are shown: depends on the curvature alone, so that the axis stands still with mu."""
    return -1.25 * float(_utility("rewarded-soup", 0.75, ratio).min())


def _layout(figure: go.Figure, height: int) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": NEUTRAL, "size": 12},
        hoverlabel={"align": "left", "font": {"size": 13}},
        showlegend=False,  # the page has one for all three
    )


def _shares(share: float) -> str:
    return f"{100 * share:.0f} % / {100 - 100 * share:.0f} %"
