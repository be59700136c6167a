"""HTML of texts, merges, tables and messages, from `templates`, which escape all that they are given."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.differences import pieces
from app.figures import colour
from app.history import Entry
from backbones.engine.request import Text
from backbones.merging import coefficients as c
from backbones.merging import front as fronts
from backbones.merging import metrics, theory
from backbones.merging.front import Point
from backbones.merging.methods import LONE, METHODS
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet
from backbones.tasks.objectives import Objective
from backbones.tasks.task import Task

Columns = tuple[Sequence[Entry], Sequence[Entry]]  # of a sweep: left and right, preference by preference


def texts(
    task: Task,
    method: str,
    texts: Sequence[Text],
    objectives: Sequence[Objective],
    note: str = "",
    others: Sequence[Text] = (),
) -> str:
    """One column: every text with its rewards, and in colour what it states and makes up. `others`: those of the other
    column, from which words that differ can be marked. The texts' notes follow `note`."""
    note = " ".join(dict.fromkeys(filter(None, (note, *(text.note for text in texts)))))
    words = [one.text for one in others] if len(others) == len(texts) else [None] * len(texts)
    return rendered("texts.html", task=task, method=method, texts=texts, objectives=objectives, note=note, others=words)


def verdict(soup_set: SoupSet, methods: Sequence[str], columns: Sequence[Sequence[Text]]) -> str:
    """What to see in the texts of the left and the right column, in a line; empty until all are done."""
    if any(text.pointer or not text.done for texts in columns for text in texts):
        return ""
    words = [_verdict(soup_set, texts) for texts in columns]
    return rendered("verdict.html", methods=methods, words=words, same=same(*columns))


def same(left: Sequence[Text], right: Sequence[Text]) -> bool:
    """Whether both columns hold the same finished texts."""
    done = all(text.done for text in (*left, *right))
    return done and [text.raw for text in left] == [text.raw for text in right]


def sentence(task: Task, given: Mapping[str, str]) -> str:
    """What is given, as a button that opens the fields; nothing for a task of one field, which is always open."""
    return rendered("sentence.html", sentence=task.sentence(dict(given))) if len(task.fields) > 1 else ""


def empty(method: str) -> str:
    """A column without a text."""
    return rendered("empty.html", method=method)


def waiting(method: str, ahead: int) -> str:
    """A column while others are served."""
    return rendered("waiting.html", method=method, ahead=ahead)


def merges(soup_set: SoupSet, methods: Sequence[str], mu: Preference) -> str:
    """What each of the methods makes of mu: coefficients as bars around zero, expected rewards with 95 % intervals."""
    shown: list[dict[str, Any]] = [
        {"method": method, "merge": soup_set.merge(method, mu), "expected": _expected(soup_set, method, mu)}
        for method in dict.fromkeys(methods)
    ]
    reach = max([1.0, *(abs(value) for one in shown for value in one["merge"].coefficients.values())])
    return rendered("merges.html", merges=shown, reach=reach, objectives=soup_set.objectives)


def hint(soup_set: SoupSet, mu: Preference) -> str:
    """Where theory puts Bone Soup's advantage, and whether mu lies there."""
    low = high = None
    if len(mu) == 2:
        low, high = theory.theorem_1(soup_set.beta)
        inside = low < mu[0] < high
    else:
        inside = bool((c.bone_soup(mu, soup_set.beta) >= 0).all())
    return rendered("hint.html", objective=soup_set.objectives[0], mu=mu, low=low, high=high, inside=inside)


def results(soup_set: SoupSet) -> str:
    """Table of every method's metrics with 95 % intervals, and whether it is better than Rewarded Soup: with every
    training seed, of which it has the number too; below it what the methods are, and their sources."""
    front, rows = soup_set.front, []
    for method in METHODS:
        if front is None or method not in front.methods or not METHODS[method].needs:  # a lone base has no front
            continue
        measured = front.methods[method]
        cells = [
            (*metrics.with_interval(kind, measured.metrics[kind]), metrics.verdict(front, method, kind))
            for kind in metrics.KINDS
        ]
        rows.append((method, len(measured.points), metrics.seeds(front, method), cells))
    methods = [METHODS[method] for method in soup_set.methods]
    return rendered("results.html", soup_set=soup_set, kinds=metrics.KINDS.values(), rows=rows, methods=methods)


def front(soup_set: SoupSet, methods: Sequence[str]) -> str:
    """The points of the plot as a table: those of `methods`, the oracles and the base."""
    points = [(method, soup_set.points(method)) for method in dict.fromkeys((*methods, *LONE))]
    measured = soup_set.front is not None
    return rendered("front.html", measured=measured, methods=points, objectives=soup_set.objectives)


def history(entries: Sequence[Entry]) -> str:
    """The session's texts, the newest first."""
    return rendered("history.html", entries=entries)


def sweep(columns: Columns | None) -> str:
    """The texts of a sweep, one row per preference, both methods side by side."""
    return rendered("sweep.html", pairs=list(zip(*columns, strict=True)) if columns else [])


def example(soup_set: SoupSet, method: str, point: Point) -> str:
    """A measured point of a front with its stored example."""
    given = point.example.given
    with suppress(ValueError):  # of an imported front, in words that the task does not know: as they are
        given = soup_set.task.sentence(soup_set.task.read(given))
    return rendered("example.html", method=method, point=point, given=given, objectives=soup_set.objectives)


def problem(message: str) -> str:
    """What is wrong and what to do."""
    return rendered("problem.html", message=message)


def rendered(template: str, **values: Any) -> str:
    """The HTML that a template makes of values. Raises jinja2.UndefinedError for one that it misses."""
    return ENVIRONMENT.get_template(template).render(values)


def number(value: float, digits: int, sign: str = "") -> str:
    """With a minus sign as wide as a plus."""
    return f"{round(float(value), digits) + 0.0:{sign}.{digits}f}".replace("-", "−")


def vector(values: Sequence[float] | np.ndarray) -> str:
    """(1, 0.5): two decimals at most."""
    return f"({', '.join(f'{round(float(value), 2) + 0.0:g}'.replace('-', '−') for value in values)})"


def percent(share: float) -> str:
    """33.3 %: three digits at most."""
    return f"{100 * share:.3g} %"


def listed(words: Iterable[str]) -> str:
    """One, two and three."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def addresses(sentence: str) -> list[str]:
    """A sentence in pieces, of which every second one is the address of a site, as in findahelpline.com."""
    return re.split(r"\b((?:[a-z\d-]+\.)+[a-z]{2,})\b", sentence)


def symbols(sentence: str) -> list[str]:
    """A sentence in pieces, of which every second one is a mathematical symbol."""
    return re.split("([λμ]|B(?=⁻¹))", sentence)


def _verdict(soup_set: SoupSet, texts: Sequence[Text]) -> str:
    """The task's words on one text, or the mean rewards of several."""
    scored = [text for text in texts if text.rewards]
    if not scored:
        return "could not be scored"
    if len(texts) == 1:
        text = texts[0]
        return soup_set.task.verdict(text.raw, text.request.given, text.rewards, soup_set.objectives)
    means = (f"{one.label} {np.mean([text.rewards[one.name] for text in scored]):.2f}" for one in soup_set.objectives)
    return f"{', '.join(means)} on average"


def _expected(soup_set: SoupSet, method: str, mu: Preference) -> list[tuple[float, float, float]]:
    """What the method is expected to reach per objective: (reward, low, high); nothing where it is not measured."""
    points = soup_set.points(method)
    ends = [fronts.expected(method, points, mu, end) for end in ("rewards", "low", "high")] if points else []
    return list(zip(*ends, strict=True))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"colour": colour, "pieces": pieces, "label": lambda method: METHODS[method].label}
    environment.filters |= {
        "addresses": addresses,
        "json": json.dumps,
        "symbols": symbols,
        "vector": vector,
    }
    return environment


ENVIRONMENT = _environment()
