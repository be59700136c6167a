"""HTML of texts, facts and coefficients. Everything a person typed is escaped."""

from html import escape

from app.figures import COLOURS
from backbones import front as fronts
from backbones import slots
from backbones.facts import Facts
from backbones.front import LABELS
from backbones.sets import Objective
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


def texts(method: str, written: list[Text], facts: Facts, objectives: tuple[Objective, ...]) -> str:
    """One column: every text with its rewards and the facts it states, misses and makes up."""
    return (
        f'<div class="texts" style="--method:{COLOURS[method]}">'
        + "".join(_text(text, facts, objectives) for text in written)
        + "</div>"
    )


def empty(method: str) -> str:
    """A column before its first text."""
    return (
        f'<div class="texts" style="--method:{COLOURS[method]}"><div class="text waiting">'
        f"{LABELS[method]} writes here. Press <b>Write</b>.</div></div>"
    )


def preference(mu, objectives: tuple[Objective, ...]) -> str:
    """The normalised preference in words."""
    shares = " · ".join(
        f"<b>{100 * share:.0f} %</b> {escape(o.label.lower())}" for o, share in zip(objectives, mu, strict=True)
    )
    return f'<div class="preference">Preference: {shares}</div>'


def coefficients(mixes: list[tuple[str, list[tuple[str, float]], str]]) -> str:
    """Bars around zero for the merging coefficients of every column: (method, [(adapter, coefficient)], remark)."""
    reach = max([1.0, *(abs(value) for _, row, _ in mixes for _, value in row)])
    html = []
    for method, row, remark in mixes:
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
        html.append("</div>")
    return f'<div class="mixes">{"".join(html)}</div>'


VERDICTS = {"better": "▲ better", "worse": "▼ worse", "tie": "= level", None: ""}


def results(front: dict) -> str:
    """Table of every method's metrics with 95 % intervals, and whether it is better than Rewarded Soup."""
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
    return (
        '<div class="results"><table><caption>Better, level or worse than Rewarded Soup at 95 %. Length depends on the '
        f"number of preferences.</caption><tr><th></th>{head}</tr>{''.join(rows)}</table></div>"
    )


def _text(text: Text, facts: Facts, objectives: tuple[Objective, ...]) -> str:
    if not text.done:
        return f'<div class="text writing"><p>{escape(text.text)}<span class="caret"></span></p></div>'
    scores = "".join(
        f'<span class="score">{escape(o.label)} <b>{text.rewards[o.name]:.2f}</b></span>' for o in objectives
    )
    words = len(text.text.split())
    found = slots.match(text.raw, facts)
    chips = [_chip("stated", "✓", slot, facts[slot]) for slot in found.correct]
    chips += [_chip("missed", "○", slot, facts[slot]) for slot in found.missed]
    chips += [_chip("wrong", "✗", s.slot, text.raw[s.start : s.end]) for s in found.wrong]
    body = escape(text.text) or "<i>(empty)</i>"
    return (
        f'<div class="text"><p>{body}</p><div class="scores">{scores}<span class="score">{words} words</span></div>'
        f'<div class="chips">{"".join(chips)}</div></div>'
    )


def _chip(kind: str, sign: str, slot: str, value: str) -> str:
    meaning = {"stated": "stated", "missed": "left out", "wrong": "not among the facts"}[kind]
    label = f"{FACT_LABELS[slot]}: {value}" if kind != "stated" else FACT_LABELS[slot]
    return f'<span class="chip {kind}" title="{meaning}: {escape(value)}">{sign} {escape(label)}</span>'
