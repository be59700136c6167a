"""The figure of the fronts. Pure: no gradio, no torch. `plot.js` moves it with the preference and shows what is pointed
at, and gives text the colours of dark pages."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app import curves, history, labels
from app import sweep as sweeps
from app.canvas import SPACE, Canvas, key
from app.colours import colour, faint
from app.history import Entry, Mean
from app.labels import Label
from app.sweep import Sweep
from backbones.merging import front as fronts
from backbones.merging.front import Front, Point
from backbones.merging.methods import ANCHORED, BASE, BONE_SOUP, LABELS, LONE, MORLHF, Tuned
from backbones.merging.preference import Preference
from backbones.tasks.objectives import Objective

# A method's symbol is its own too: in a plane of three objectives the fill tells the third.
SYMBOLS = {
    BONE_SOUP: "circle",
    ANCHORED: "hexagon",
    "bone-soup-extrapolated": "pentagon",
    "rewarded-soup": "square",
    "rewarded-soup-extrapolated": "diamond-wide",
    "nearest-soup": "hourglass",
    "no-mapping": "triangle-up",
    "mod": "triangle-down",
    MORLHF: "hash-open",
    BASE: "x",
}
SYMBOLS_IN_SPACE = {BONE_SOUP: "circle", "rewarded-soup": "square", MORLHF: "square-open", BASE: "x"}
GO = "Click: go there, with an example"


def views(names: Sequence[str]) -> list[tuple[str, str]]:
    """What a front of the objectives called `names` can be looked at in: (label, value), planes "i-j" and 3-D."""
    n = len(names)
    planes = [(f"{names[i]} × {names[j]}", f"{i}-{j}") for i in range(n) for j in range(i + 1, n)]
    return planes if n == 2 else [*planes, ("3-D", SPACE)]


def default_view(front: Front | None, methods: Sequence[str]) -> str:
    """The view in which the fronts of the columns' `methods` differ most; the first where nothing was measured."""
    return "0-1" if front is None else "-".join(map(str, curves.widest_plane(front, methods)))


def front_figure(
    front: Front | None,
    objectives: Sequence[Objective],
    methods: Sequence[str],
    mu: Preference,
    view: str = "0-1",
    entries: Sequence[Entry] = (),
    sweep: Sweep | None = None,
    tuned: Tuned | None = None,
) -> go.Figure:
    """Measured fronts, what is expected for `mu` [n], the texts of the session and the front of a sweep.

    `front`: None where nothing has been measured. `methods`: those of the columns; oracles and base are always drawn.
    `view`: one of `views`. `entries`: the session's texts of this set. `tuned`: the set, which says where coefficients
    leave [0, 1]. Every marker's customdata is what it is in JSON, ["front", method, index], ["text", id], ["sweep",
    column, index] or nothing, and what is said of it. `layout.meta` holds what the browser needs to move the figure:
    `moving`, the traces that follow the preference; `ink`, the colours of text by mode.
    """
    canvas, names = Canvas([objective.label for objective in objectives], view, front), [one.name for one in objectives]
    columns = {method: front.points(method) for method in methods} if front else {}
    columns = {method: points for method, points in columns.items() if points}
    lone = {method: front.points(method) if front else () for method in LONE}
    within = "" if canvas.space else _add_gap(canvas, columns)
    for method, points in lone.items():
        if points and method not in columns:
            _add_front(canvas, points, method, tuned)
    if front and BONE_SOUP in columns and ANCHORED not in columns:
        _add_anchored(canvas, columns[BONE_SOUP], front.points(ANCHORED))
    for method, points in columns.items():
        _add_front(canvas, points, method, tuned, labels.INNER if method == within else labels.OUTER)
    for column, (method, swept) in enumerate(zip(methods, sweep.columns if sweep else (), strict=False)):
        _add_sweep(canvas, sweeps.front(swept, names), method, column, mu)
    for method, points in columns.items():
        _add_expected(canvas, points, method, mu)
    for method in dict.fromkeys(one.text.request.method for one in entries):
        _add_texts(canvas, [one for one in entries if one.text.request.method == method], method, names)
    _add_key(canvas, columns, bool(lone[MORLHF]), bool(sweep), any(one.text.rewards for one in entries))
    called = " and ".join(LABELS[method] for method in dict.fromkeys(methods))
    name = f"{called}, {' by '.join(canvas.names[i].lower() for i in canvas.axes)}"
    return canvas.finished({"name": name, "preference": list(mu)})


def _add_gap(canvas: Canvas, columns: Mapping[str, Sequence[Point]]) -> str:
    """The area between the fronts of the two columns, in the colour of the one that reaches it; the method that reaches
    less of it, if any."""
    merged = [(method, points) for method, points in columns.items() if method not in LONE]
    if len(merged) < 2:
        return ""
    outlines = curves.gap(*(curves.curve(points, canvas.axes) for _, points in merged))
    for (method, _), outline in zip(merged, outlines, strict=True):
        if len(outline):
            canvas.line(outline, f"{LABELS[method]}, reaches more", fill=faint(method, 0.2), width=0)
    first, second = map(curves.area, outlines)
    return merged[0][0] if first < second else merged[1][0]


def _add_front(
    canvas: Canvas, points: Sequence[Point], method: str, tuned: Tuned | None, sides: labels.Sides | None = None
) -> None:
    """A front: a line along the edge of the plane, dashed where it extrapolates, its points and its name, which is at
    one of `sides`. Without `sides`: one that is only there to compare with."""
    rewards, merged = np.array([point.rewards for point in points]), method not in LONE
    if not canvas.space:
        _add_regions(canvas, points, rewards, method)
        if merged:
            _add_curve(canvas, points, method, tuned, sides or labels.SIDES)
        else:
            place = rewards[:, canvas.axes]
            middle_first = sorted(range(len(place)), key=lambda i: abs(i - len(place) // 2))
            canvas.labels.append(Label({MORLHF: "oracles", BASE: "base"}[method], place[middle_first], method))
            if method == MORLHF and canvas.n == 2:
                canvas.line(place, f"{LABELS[method]}, line", color=faint(method, 0.5), width=1.5)
    half = np.array([np.subtract(point.high, point.low) / 2 for point in points])
    canvas.markers(
        rewards,
        [f"{_called(method)} at {point.preference}\n{_measured(canvas, point)}\n{GO}" for point in points],
        [key("front", method, i) for i in range(len(points))],
        half if canvas.space else None,
        {"color": colour(method), "size": 9, "symbol": _symbol(canvas, method), "opacity": 1 if sides else 0.8},
        colour_third=merged,
        mode="markers",
        name=LABELS[method],
        **({"bars": faint(method, 0.35)} if canvas.space else {}),
    )


def _add_curve(canvas: Canvas, points: Sequence[Point], method: str, tuned: Tuned | None, sides: labels.Sides) -> None:
    line = curves.curve(points, canvas.axes)
    beyond = np.zeros(len(line), bool) if tuned is None else curves.extrapolates(method, tuned, canvas.axes, canvas.n)
    within = np.where(beyond[:, None], np.nan, line)
    canvas.line(within, f"{LABELS[method]}, line", color=colour(method), width=2.5)
    canvas.lines += [line, np.array([point.rewards for point in points])[:, canvas.axes]]
    own = curves.longest(line, beyond if beyond.all() else ~beyond)  # its name stands where it does not extrapolate
    canvas.labels.append(Label(LABELS[method], own, method, True, sides))
    if beyond.any():
        dashed = curves.pieces(line, beyond)
        named = f"{LABELS[method]}, extrapolates"
        canvas.line(dashed, named, color=faint(method, 0.75), width=1.5, dash="dash")
        if "extrapolated" not in LABELS[method]:  # which says so already
            canvas.labels.append(Label("extrapolates", curves.longest(line, beyond), method))


def _add_anchored(canvas: Canvas, plain: Sequence[Point], anchored: Sequence[Point]) -> None:
    """Where the anchored variant reaches something else than Bone Soup: faintly."""
    other = [i for i, (one, its) in enumerate(zip(plain, anchored, strict=False)) if one.rewards != its.rewards]
    if not other:
        return
    if not canvas.space:
        line, same = curves.curve(anchored, canvas.axes), curves.curve(plain, canvas.axes)
        beyond = (abs(line - same) > 1e-9).any(axis=1)
        if beyond.any():
            canvas.line(curves.pieces(line, beyond), "anchored, line", color=faint(ANCHORED, 0.6), width=1.5)
            canvas.labels.append(Label("anchored", line[beyond][[0, -1]], ANCHORED))
            canvas.lines.append(line[beyond])
    canvas.markers(
        [anchored[i].rewards for i in other],
        [f"{LABELS[ANCHORED]} at {anchored[i].preference}\n{_measured(canvas, anchored[i])}\n{GO}" for i in other],
        [key("front", ANCHORED, i) for i in other],
        marker={"color": faint(ANCHORED, 0.6), "size": 6, "symbol": _symbol(canvas, ANCHORED)},
        mode="markers",
        name="anchored",
    )


def _add_regions(canvas: Canvas, points: Sequence[Point], rewards: np.ndarray, method: str) -> None:
    plane, opacity = canvas.axes, 0.18 if canvas.n == 2 else 0.1
    outlines: list[Any] = []
    for point, centre in zip(points, rewards[:, plane]):
        covariance = np.array(point.covariance)[np.ix_(plane, plane)]
        outlines += [curves.ellipse(centre, covariance), [[np.nan, np.nan]]]
    canvas.line(np.concatenate(outlines), f"{LABELS[method]}, 95 % region", fill=faint(method, opacity), width=0)


def _add_expected(canvas: Canvas, points: Sequence[Point], method: str, mu: Preference) -> None:
    value, low, high = (fronts.expected(method, points, mu, end) for end in ("rewards", "low", "high"))
    canvas.markers(
        [value],
        [f"{LABELS[method]}, expected at {mu}\n{canvas.say(value)}"],
        error=[np.subtract(high, low) / 2],
        marker={"symbol": "diamond-open", "size": 18, "color": colour(method), "line": {"width": 3}},
        bars=colour(method),
        mode="markers",
        name=f"{LABELS[method]}, expected",
    )
    canvas.moves(
        label=f"{LABELS[method]}, expected",
        nearest=method in LONE,
        preferences=[list(point.preference) for point in points],
        rewards=[list(point.rewards) for point in points],
        errors=[np.subtract(point.high, point.low).round(6).tolist() for point in points],
        draggable=canvas.n == 2 and method not in LONE,
    )


def _add_sweep(canvas: Canvas, points: Sequence[Mean], method: str, column: int, mu: Preference) -> None:
    """The texts of a sweep, faintly, and the one at the preference. Those of the right column look different, so that
    texts with the same rewards are both seen."""
    if not points:
        return
    size, symbol = ((8, "cross"), (8, "x") if canvas.space else (13, "cross-open"))[column]  # space has no such outline
    look = {"color": colour(method), "size": size, "symbol": symbol}
    tips = [
        f"{LABELS[method]}, this prompt at {point.preference}\n{canvas.say(point.rewards)}\n"
        f"{_short(point.entries[0].text.text)}"
        for point in points
    ]
    keys = [key("sweep", column, i) for i in range(len(points))]
    named = f"{LABELS[method]}, this prompt"
    canvas.markers(
        [point.rewards for point in points], tips, keys, None, look | {"opacity": 0.35}, mode="markers", name=named
    )
    here = min(range(len(points)), key=lambda i: mu.distance(points[i].preference))
    line = {"width": 2} if column else {"color": "white", "width": 1}
    canvas.markers(
        [points[here].rewards],
        [tips[here]],
        [keys[here]],
        None,
        look | {"size": size + 5, "line": line},
        mode="markers",
        name=f"{named}, here",
    )
    canvas.moves(
        nearest=True,
        preferences=[list(point.preference) for point in points],
        rewards=[point.rewards.tolist() for point in points],
        tips=tips,
        keys=keys,
        draggable=False,
    )


def _add_texts(canvas: Canvas, entries: Sequence[Entry], method: str, names: Sequence[str]) -> None:
    groups = history.means(entries, names)
    several = [one for group in groups if len(group.entries) > 1 for one in group.entries]
    if several:
        rewards = [[one.text.rewards[name] for name in names] for one in several]
        canvas.markers(
            rewards,
            [_wrote(canvas, method, one.text.request.preference, r, one.text.text) for one, r in zip(several, rewards)],
            [key("text", one.id) for one in several],
            None,
            {"color": colour(method), "size": 8, "opacity": 0.35},
            mode="markers",
            name=f"{LABELS[method]}, one text",
        )
    if not groups:
        return
    sizes, symbols = canvas.stars(np.array([group.rewards for group in groups]))
    canvas.markers(
        [group.rewards for group in groups],
        [_wrote(canvas, method, group.preference, group.rewards, _summary(group.entries)) for group in groups],
        [key("text", group.entries[-1].id) for group in groups],
        np.array([group.error for group in groups]),
        {"color": colour(method), "size": sizes, "symbol": symbols, "line": {"color": "white", "width": 1}},
        bars=colour(method),
        mode="markers",
        name=f"{LABELS[method]}, written",
    )


def _add_key(canvas: Canvas, columns: Mapping[str, Sequence[Point]], reached: bool, swept: bool, written: bool) -> None:
    """What symbols stand for; the methods too, where no curves carry their names."""
    if canvas.n > 2:
        for method in columns:
            look = {"line": {"color": colour(method), "width": 2}} if canvas.third is not None else {}
            fill = "rgba(0,0,0,0)" if look else colour(method)
            canvas.key(LABELS[method], _symbol(canvas, method), fill, **look)
    if reached:
        canvas.key("oracles, to be reached", _symbol(canvas, MORLHF), colour(MORLHF))
    if columns:
        canvas.key("expected at your preference", "diamond-open", line={"width": 2})
    if swept:
        canvas.key("texts of the sweep", "cross")
    if written:
        canvas.key("texts you had written", "diamond" if canvas.space else "star")


def _symbol(canvas: Canvas, method: str) -> str:
    return SYMBOLS_IN_SPACE.get(method, "circle") if canvas.space else SYMBOLS.get(method, "circle")


def _called(method: str) -> str:
    """Its name, and of an oracle what that is."""
    return "Oracle, trained for one preference alone," if method == MORLHF else LABELS[method]


def _measured(canvas: Canvas, point: Point) -> str:
    return f"{canvas.say(point.rewards)}; {point.words:.0f} words on average"


def _wrote(canvas: Canvas, method: str, mu: Preference, rewards: Sequence[float] | np.ndarray, text: str) -> str:
    return f"{LABELS[method]} wrote at {mu}\n{canvas.say(rewards)}\n{_short(text)}\nClick: text and settings come back"


def _summary(entries: Sequence[Entry]) -> str:
    if len(entries) > 1:
        return f"mean of {len(entries)} texts ± standard error"
    return entries[0].text.text


def _short(text: str) -> str:
    return textwrap.shorten(text, 220, placeholder=" …")
