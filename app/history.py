"""The texts of a visitor's session, and files of them to take away. Pure."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backbones.engine.request import Text
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet

MAX_TEXTS = 300  # kept per visitor; the oldest go first
FORMULA = tuple("=+-@＝＋－＠")  # what a spreadsheet takes for the start of a formula, also after white space
CONTROL = ("\t", "\r", "\n")  # what some skip before they look for one


@dataclass(frozen=True)
class Entry:
    """A finished text of a set, with all it takes to write it again: see its request.

    `source`: "write", "sweep" or "api". `id`: its number in a history; None elsewhere.
    """

    set_name: str
    text: Text
    source: str
    id: int | None = None


@dataclass(frozen=True)
class Mean:
    """Entries of one method, preference and given together: mean [n] of their rewards and its standard error [n], 0
    for a single text."""

    entries: tuple[Entry, ...]
    rewards: np.ndarray
    error: np.ndarray

    @property
    def preference(self) -> Preference:
        """The one that all were written for."""
        return self.entries[0].text.request.preference


def entries(set_name: str, texts: Sequence[Text], source: str) -> list[Entry]:
    """Entries for finished texts of a set."""
    return [Entry(set_name, text, source) for text in texts]


def add(history: list[Entry], new: list[Entry]) -> list[Entry]:
    """The history with new entries, each text once, numbered from 1."""
    number = (history[-1].id or 0) if history else 0
    known = [(one.set_name, one.text.request) for one in new]
    kept = [old for old in history if (old.set_name, old.text.request) not in known]
    return (kept + [replace(one, id=number + i) for i, one in enumerate(new, 1)])[-MAX_TEXTS:]


def means(entries: Sequence[Entry], names: Sequence[str]) -> list[Mean]:
    """The mean rewards of the entries of each method, preference and given, in order. `names` [n]: the objectives.

    Texts that could not be scored are left out.
    """
    groups: dict[tuple, list[Entry]] = {}
    for one in entries:
        request = one.text.request
        if one.text.rewards:
            groups.setdefault((request.method, request.preference, *request.given.items()), []).append(one)
    results = []
    for group in groups.values():
        rewards = np.array([[one.text.rewards[name] for name in names] for one in group])  # (texts, n)
        error = rewards.std(axis=0, ddof=1) / np.sqrt(len(group)) if len(group) > 1 else np.zeros(len(names))
        results.append(Mean(tuple(group), rewards.mean(axis=0), error))
    return results


def flat(one: Entry) -> dict[str, Any]:
    """An entry for others to see."""
    request = one.text.request
    more: dict[str, Any] = {} if one.id is None else {"id": one.id}
    if one.text.note:
        more["note"] = one.text.note
    return {
        "set": one.set_name,
        "method": request.method,
        "preference": list(request.preference),
        "given": request.given,
        "seed": request.seed,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "text": one.text.text,
        "pointer": one.text.pointer,
        "rewards": one.text.rewards,
        "source": one.source,
    } | more


def as_json(entries: Sequence[Entry]) -> str:
    """The entries as a JSON list."""
    return json.dumps([flat(one) for one in entries], indent=1, ensure_ascii=False)


def as_csv(entries: Sequence[Entry], sets: Mapping[str, SoupSet]) -> str:
    """The entries as CSV with a header: one column per reward of any set, what was given as one line.

    `sets`: by name, those that the entries are of. No cell is a formula to a spreadsheet.
    """
    rows = []
    for one in entries:
        row = flat(one)
        rewards = {f"reward {name}": value for name, value in row.pop("rewards").items()}
        shares = " / ".join(f"{100 * share:.6g} %" for share in row["preference"])  # 10-90 would be a date
        given = sets[one.set_name].task.line(row["given"])
        row |= {"preference": shares, "given": given} | rewards
        rows.append({column: _inert(value) for column, value in row.items()})
    columns = list(dict.fromkeys(column for row in rows for column in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _inert(cell: Any) -> Any:
    """A cell that a spreadsheet does not take for a formula."""
    if isinstance(cell, str) and (cell.startswith(CONTROL) or cell.lstrip().startswith(FORMULA)):
        return f"'{cell}"
    return cell
