"""The texts of a visitor's session: as plain dicts in the page's state, and as files to take away. Pure."""

import csv
import io
import json

import numpy as np

from backbones.tasks import line
from backbones.writer import Order, Text

MAX_TEXTS = 300  # kept per visitor; the oldest go first


def entry(set_name: str, order: Order, text: Text, source: str) -> dict:
    """A finished text with all it takes to write it again. `source`: "write" or "sweep"."""
    return {
        "set": set_name,
        "method": order.method,
        "preference": list(order.preference),
        "facts": order.facts,
        "seed": order.seed,
        "temperature": order.temperature,
        "top_p": order.top_p,
        "text": text.text,
        "raw": text.raw,
        "tokens": text.tokens,
        "rewards": text.rewards,
        "source": source,
    }


def add(history: list[dict], entries: list[dict]) -> list[dict]:
    """The history with new entries, each text once, numbered from 1 in "id"."""
    number = history[-1]["id"] if history else 0
    kept = [old for old in history if not any(_same(old, new) for new in entries)]
    return (kept + [new | {"id": number + i} for i, new in enumerate(entries, 1)])[-MAX_TEXTS:]


def text_of(entry: dict) -> Text:
    """The text of an entry, as the writer gave it."""
    return Text(entry["text"], entry["raw"], entry["tokens"], True, entry["rewards"])


def means(entries: list[dict], names: list[str]) -> list[dict]:
    """Entries of one method, preference and facts together: "entries", "mean" [n] and "error" [n] of their rewards.

    "error" is the standard error of the mean, 0 for a single text. `names` [n]: the objectives.
    """
    groups: dict[tuple, list[dict]] = {}
    for one in entries:
        groups.setdefault((one["method"], *one["preference"], line(one["facts"])), []).append(one)
    results = []
    for group in groups.values():
        rewards = np.array([[one["rewards"][name] for name in names] for one in group])  # (texts, n)
        error = rewards.std(axis=0, ddof=1) / np.sqrt(len(group)) if len(group) > 1 else np.zeros(len(names))
        results.append({"entries": group, "mean": rewards.mean(axis=0), "error": error})
    return results


def as_json(entries: list[dict]) -> str:
    """The entries as a JSON list."""
    return json.dumps([flat(one) for one in entries], indent=1, ensure_ascii=False)


def as_csv(entries: list[dict]) -> str:
    """The entries as CSV with a header: one column per reward of any set, what was given as one line."""
    rows = []
    for one in entries:
        row = flat(one)
        rewards = {f"reward {name}": value for name, value in row.pop("rewards").items()}
        shares = "-".join(f"{100 * share:.6g}" for share in one["preference"])
        rows.append(row | {"preference": shares, "facts": line(one["facts"]), "text": _inert(one["text"])} | rewards)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def flat(one: dict) -> dict:
    """What of an entry is for others to see."""
    return {key: value for key, value in one.items() if key not in ("raw", "tokens")}


def _inert(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _same(one: dict, other: dict) -> bool:
    keys = ("set", "method", "preference", "facts", "seed", "temperature", "top_p")
    return all(one[key] == other[key] for key in keys)
