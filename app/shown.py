"""What is shown at a preference, and at every preference of the grid: pages, see `pages.Pages`. Pure."""

from collections.abc import Sequence
from typing import Any

from app import blind, views
from app import sweep as sweeps
from app.preference import percent
from app.sweep import Sweep
from backbones.engine.jobs import Waiting
from backbones.engine.request import Text
from backbones.merging.front import Point
from backbones.merging.methods import BASELINE, BONE_SOUP
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet

Page = dict[str, Any]
# What pages are put into: both columns with a line above them, and one piece of HTML.
PAIR, ONE = views.rendered("pair.html"), views.rendered("one.html")


def pair(
    soup_set: SoupSet,
    methods: Sequence[str],
    mu: Preference,
    columns: Sequence[Sequence[Text]],
    notes: Sequence[str] = ("", ""),
) -> Page:
    """The texts of the left and the right column at mu [n], with a line on what to see in them."""
    task, objectives = soup_set.task, soup_set.objectives
    parts = {
        name: views.texts(task, method, own, objectives, note, other) if own else views.empty(method)
        for name, method, own, other, note in zip(
            ("left", "right"), methods, columns, (columns[1], columns[0]), notes, strict=True
        )
    }
    whole = all(columns)
    parts["verdict"] = views.verdict(soup_set, methods, columns) if whole else ""
    return {"at": percent(mu), "parts": parts, "same": whole and views.same(*columns)}


def waiting(methods: Sequence[str], mu: Preference, news: Waiting) -> Page:
    """Both columns while others are served."""
    left, right = (views.waiting(method, news.ahead) for method in methods)
    return {"at": percent(mu), "parts": {"left": left, "right": right, "verdict": ""}, "same": False}


def columns(soup_set: SoupSet, methods: Sequence[str], sweep: Sweep | None, before: Sequence[Page] = ()) -> list[Page]:
    """The texts of a sweep at every preference of the grid; those that it has not yet are being written. `before`: what
    the same gave for less of the sweep, which is not made again."""
    found = []
    for i, mu in enumerate(sweeps.grid(len(soup_set.objectives))):
        page: Page = before[i] if before else {"at": percent(mu), "parts": None, "same": False}
        here = sweep.at(mu) if sweep and page["parts"] is None else ()
        if here and all(here):
            texts = [[one.text for one in column] for column in here]
            page = (
                page | pair(soup_set, methods, mu, texts) | {"question": blind.question(soup_set, texts[0] + texts[1])}
            )
        found.append(page)
    return found


def merges(soup_set: SoupSet, methods: Sequence[str]) -> list[Page]:
    """What the methods make of every preference of the grid."""
    return [merge(soup_set, methods, mu) for mu in sweeps.grid(len(soup_set.objectives))]


def merge(soup_set: SoupSet, methods: Sequence[str], mu: Preference) -> Page:
    """What the methods make of mu [n]; and where theory puts Bone Soup's lead, where its baseline is beside it."""
    html = views.merges(soup_set, methods, mu)
    if {BONE_SOUP, BASELINE} == set(methods):
        html += views.hint(soup_set, mu)
    return {"at": percent(mu), "parts": {"html": html}, "same": False}


def example(soup_set: SoupSet, method: str, point: Point) -> Page:
    """A measured point of a front with its stored example."""
    return {"at": percent(point.preference), "parts": {"html": views.example(soup_set, method, point)}, "same": False}
