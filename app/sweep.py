"""A sweep: the whole grid of preferences for one prompt and two methods, written in one batch. Pure."""

import numpy as np

from app import history
from app.choices import Choices
from backbones import coefficients as c
from backbones.writer import Text


def grid(n: int) -> list[tuple[float, ...]]:
    """The preferences of a sweep over n objectives."""
    return [tuple(mu) for mu in c.simplex_lattice(n, c.PARTS.get(n, 3)).round(12).tolist()]


def made(choices: Choices, texts: list[Text]) -> dict:
    """The sweep of `choices` whose `orders(grid)` gave `texts`: "choices" and "columns", two lists of entries."""
    orders = choices.orders(grid(len(choices.preference)))
    entries = [
        history.entry(choices.soup_set.name, order, text, "sweep") for order, text in zip(orders, texts, strict=True)
    ]
    half = len(entries) // 2
    return {"choices": choices, "columns": (entries[:half], entries[half:])}


def at(sweep: dict, preference) -> tuple[list[dict], list[dict]]:
    """The entries of both columns at the grid's preference nearest to `preference` [n]."""
    mu = nearest(preference)
    return tuple([one for one in column if one["preference"] == list(mu)] for column in sweep["columns"])


def nearest(preference) -> tuple[float, ...]:
    """The preference of the grid nearest to `preference` [n]."""
    return min(grid(len(preference)), key=lambda mu: float(np.linalg.norm(np.array(mu) - preference)))


def front(column: list[dict], names: list[str]) -> list[dict]:
    """One point per preference of a column: "preference", mean "rewards" [n] and its "entries"."""
    return [
        {"preference": m["entries"][0]["preference"], "rewards": m["mean"].tolist(), "entries": m["entries"]}
        for m in history.means(column, names)
    ]
