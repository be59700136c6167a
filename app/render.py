"""HTML of texts, facts, coefficients and tables. Everything a person typed is escaped."""

import json
from html import escape

from app.figures import COLOURS, shares
from backbones import facts as f
from backbones import front as fronts
from backbones import rewards, slots
from backbones.facts import Facts
from backbones.front import LABELS, LONE
from backbones.sets import Objective, SoupSet
from backbones.writer import Text

FACT_LABELS = {
    "name": "name",
    "eatType": "kind",
    "food": "food",
    "priceRange": "price",
    "customer rating": "rating",
    "area": "area",
    "familyFriendly": "family-friendly",
    "near": "near",
}
UNMEASURED = "The fronts of this set have not been measured: <code>python -m train.evaluate</code> does that."
VERDICTS = {"better": "▲ better", "worse": "▼ worse", "tie": "= level", None: ""}


def texts(method: str, written: list[Text], facts: Facts, objectives: tuple[Objective, ...], note: str = "") -> str:
    """One column: every text with its rewards, and in colour the facts it states and makes up."""
    head = f'<div class="note">{escape(note)}</div>' if note else ""
    return _column(method, head + "".join(_text(text, facts, objectives) for text in written))


def empty(method: str) -> str:
    """A column before its first text."""
    words = f"{LABELS[method]} writes here. Press <b>Write</b>, or <b>Sweep</b> for every preference at once."
    return _column(method, f'<div class="text waiting">{words}</div>')


def waiting(method: str, ahead: int) -> str:
    """A column while others are served."""
    people = "1 request is" if ahead == 1 else f"{ahead} requests are"
    return _column(method, f'<div class="text waiting" role="status">{people} before yours. It starts by itself.</div>')


def progress(done: int, total: int) -> str:
    """How far a sweep is."""
    return (
        f'<div class="progress"><div class="bar" role="progressbar" aria-label="Sweep" aria-valuemin="0" '
        f'aria-valuemax="{total}" aria-valuenow="{done}"><i style="width:{100 * done / total:.1f}%"></i></div>'
        f"{done} of {total} texts</div>"
    )


def coefficients(mixes: list[tuple[str, list[tuple[str, float]], str, str]]) -> str:
    """Bars around zero for the merging coefficients of every column, and what is expected of it.

    `mixes`: (method, [(adapter, coefficient)], remark, HTML of the expected rewards).
    """
    reach = max([1.0, *(abs(value) for _, row, _, _ in mixes for _, value in row)])
    html = []
    for method, row, remark, expected in mixes:
        html.append(
            f'<div class="mix" style="--method:{COLOURS[method]}"><div class="mix-title">{LABELS[method]}'
            f'<span class="remark">{escape(remark)}</span></div>'
        )
        for name, value in row:
            width = 50 * abs(value) / reach
            left = 50 if value >= 0 else 50 - width
            html.append(
                f'<div class="mix-row"><span class="mix-name">{escape(name)}</span><span class="mix-bar">'
                f'<i style="left:{left:.2f}%;width:{width:.2f}%"{" class=minus" if value < 0 else ""}></i></span>'
                f'<span class="mix-value">{value:+.2f}</span></div>'
            )
        html.append(f"{expected}</div>")
    return f'<div class="mixes">{"".join(html)}</div>'


def expected(soup_set: SoupSet, method: str, mu) -> str:
    """The rewards that a method is expected to reach at the preference mu [n], with 95 % intervals."""
    points = soup_set.points(method)
    if not points:
        return '<div class="expected">not measured</div>'
    value, low, high = (fronts.expected_at(method, points, mu, k) for k in ("rewards", "low", "high"))
    cells = " · ".join(
        f"{escape(o.label.lower())} <b>{v:.2f}</b> <small>[{a:.2f}, {b:.2f}]</small>"
        for o, v, a, b in zip(soup_set.objectives, value, low, high, strict=True)
    )
    return f'<div class="expected">expected: {cells}</div>'


def results(front: dict | None) -> str:
    """Table of every method's metrics with 95 % intervals, and whether it is better than Rewarded Soup."""
    if front is None:
        return f'<div class="nothing">{UNMEASURED}</div>'
    head = "".join(f'<th scope="col" title="{hint}">{name}</th>' for name, hint in fronts.METRICS.values())
    rows = []
    for method, result in front["methods"].items():
        if method == "base":
            continue
        cells = []
        for name in fronts.METRICS:
            value, interval = fronts.with_interval(name, result["metrics"][name])
            sign = fronts.verdict(name, result.get("minus_rewarded_soup", {}).get(name))
            cells.append(
                f'<td>{value} <small>{interval}</small><span class="verdict {sign or ""}">{VERDICTS[sign]}</span></td>'
            )
        rows.append(
            f'<tr style="--method:{COLOURS[method]}"><th scope="row">{LABELS[method]}'
            f"<small>{len(result['points'])} preferences</small></th>{''.join(cells)}</tr>"
        )
    caption = (
        f"{front['conditions']['prompts']} held-out prompts, {front['conditions']['samples']} texts each. Better, "
        "level or worse than Rewarded Soup at 95 %. Length depends on the number of preferences."
    )
    return _table(caption, f"<th></th>{head}", "".join(rows))


def front(soup_set: SoupSet, methods: tuple[str, ...]) -> str:
    """The points of the plot as a table: those of `methods`, the oracles and the base."""
    labels = [objective.label for objective in soup_set.objectives]
    if soup_set.front is None:
        return f'<div class="nothing">{UNMEASURED}</div>'
    rows = []
    for method in dict.fromkeys((*methods, *LONE)):
        for i, point in enumerate(soup_set.points(method)):
            cells = "".join(
                f"<td>{v:.2f} <small>[{a:.2f}, {b:.2f}]</small></td>"
                for v, a, b in zip(point["rewards"], point["low"], point["high"])
            )
            go = _button("go there", "front", method, i)
            rows.append(f"{_row(method)}<td>{shares(point['preference'])}</td>{cells}<td>{go}</td></tr>")
    head = "<th></th><th>preference</th>" + "".join(f"<th>{escape(label)}</th>" for label in labels) + "<th></th>"
    return _table("Mean rewards with 95 % intervals.", head, "".join(rows))


def history(entries: list[dict]) -> str:
    """The session's texts, the newest first."""
    if not entries:
        return '<div class="nothing">What you write is kept here. Press <b>Write</b> to begin.</div>'
    rows = []
    for one in reversed(entries):
        rows.append(
            f"{_row(one['method'])}<td>{escape(one['set'])}</td><td>{shares(one['preference'])}</td>"
            f"<td>{one['seed']}</td><td>{_rewards(one)}</td><td class=long>{escape(one['text'])}</td>"
            f"<td>{_button('reopen', 'text', one['id'])}</td></tr>"
        )
    head = "".join(f"<th>{name}</th>" for name in ("", "set", "preference", "seed", "rewards", "text", ""))
    return _table(f"{len(entries)} texts of this session.", head, "".join(rows))


def sweep(columns: tuple[list[dict], list[dict]] | None) -> str:
    """The texts of a sweep, one row per preference, both methods side by side."""
    if columns is None:
        return (
            '<div class="nothing">Press <b>Sweep</b>: both methods write about these facts at every preference of the '
            "grid, in one batch. Then move the preference, and the texts follow at once.</div>"
        )
    rows = []
    for pair in zip(*columns, strict=True):
        cells = "".join(f"<td class=long>{escape(one['text'])}{_rewards(one)}</td>" for one in pair)
        go = _button("go there", "preference", *pair[0]["preference"])
        rows.append(f"<tr><th scope=row>{shares(pair[0]['preference'])}</th>{cells}<td>{go}</td></tr>")
    methods = [column[0]["method"] for column in columns]
    head = "<th>preference</th>" + "".join(f"<th>{LABELS[method]}</th>" for method in methods) + "<th></th>"
    return _table(f"{sum(map(len, columns))} texts.", head, "".join(rows))


def example(soup_set: SoupSet, method: str, point: dict) -> str:
    """A measured point of a front with its stored example."""
    rewards = ", ".join(f"{o.label.lower()} {v:.2f}" for o, v in zip(soup_set.objectives, point["rewards"]))
    return (
        f'<div class="text example" style="--method:{COLOURS[method]}"><div class="note">Measured: {LABELS[method]} at '
        f"{shares(point['preference'])} ({rewards}). An example, for {escape(point['example']['mr'])}:</div>"
        f"<p>{escape(point['example']['text']) or '<i>(empty)</i>'}</p></div>"
    )


def problem(message: str) -> str:
    """What is wrong and what to do."""
    return f'<div class="problem" role="alert">{escape(message)}</div>'


def _column(method: str, inner: str) -> str:
    return f'<div class="texts" style="--method:{COLOURS[method]}">{inner}</div>'


def _text(text: Text, facts: Facts, objectives: tuple[Objective, ...]) -> str:
    if not text.done:
        return f'<div class="text writing"><p>{escape(text.text)}<span class="caret"></span></p></div>'
    scores = "".join(
        f'<span class="score">{escape(o.label)} <b>{text.rewards[o.name]:.2f}</b></span>' for o in objectives
    )
    words = len(text.text.split())
    if "prompt" in facts:  # an answer states no facts
        body = f'<p class="answer">{escape(text.text) or "<i>(empty)</i>"}</p>'
        return (
            f'<div class="text">{body}<div class="scores">{scores}<span class="score">{words} words</span></div></div>'
        )
    found = slots.match(text.raw, facts)
    chips = [_chip("stated", "✓", slot, facts[slot]) for slot in found.correct]
    chips += [_chip("missed", "○", slot, facts[slot]) for slot in found.missed]
    chips += [_chip("wrong", "✗", s.slot, f.fill(text.raw[s.start : s.end], facts)) for s in found.wrong]
    form = rewards.well_formed(text.raw)
    if form < 1:
        why = "every defect of form halves all rewards: repetition, a sentence cut off or without a verb, a bare list"
        chips.append(f'<span class="chip wrong" title="{why}">✗ form: rewards × {form:.2g}</span>')
    body = _marked(text.raw, facts) or "<i>(empty)</i>"
    return (
        f'<div class="text"><p>{body}</p><div class="scores">{scores}<span class="score">{words} words</span></div>'
        f'<div class="chips">{"".join(chips)}</div></div>'
    )


def _marked(raw: str, facts: Facts) -> str:
    """A text with every statement in colour: right or wrong. Of statements that overlap the first is marked."""
    html, end = [], 0
    for statement, right in slots.judged(raw, facts):
        if statement.start < end:
            continue
        kind, meaning = ("stated", "stated") if right else ("wrong", "not among the facts")
        said = escape(f.fill(raw[statement.start : statement.end], facts))
        html.append(escape(f.fill(raw[end : statement.start], facts)))
        html.append(f'<mark class="{kind}" title="{FACT_LABELS[statement.slot]}: {meaning}">{said}</mark>')
        end = statement.end
    return "".join(html) + escape(f.fill(raw[end:], facts))


def _chip(kind: str, sign: str, slot: str, value: str) -> str:
    meaning = {"stated": "stated", "missed": "left out", "wrong": "not among the facts"}[kind]
    label = f"{FACT_LABELS[slot]}: {value}" if kind != "stated" else FACT_LABELS[slot]
    return f'<span class="chip {kind}" title="{meaning}: {escape(value)}">{sign} {escape(label)}</span>'


def _rewards(one: dict) -> str:
    return f'<small class="rewards">{", ".join(f"{escape(k)} {v:.2f}" for k, v in one["rewards"].items())}</small>'


def _row(method: str) -> str:
    return f'<tr style="--method:{COLOURS[method]}"><th scope="row">{LABELS[method]}</th>'


def _button(label: str, *key) -> str:
    return f'<button type="button" class="go" data-key="{escape(json.dumps(key))}">{label}</button>'


def _table(caption: str, head: str, rows: str) -> str:
    return (
        f'<div class="results" tabindex="0"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
