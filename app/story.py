"""The story of four steps: its words, which are those of the set, and the component that tells them on the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from app.colours import colour
from app.preference import percent
from app.sweep import nearest
from app.views import listed, number, vector
from app.views import percent as share_of
from backbones.merging import coefficients as c
from backbones.merging.methods import ANCHORED, BASELINE, BONE_SOUP, LABELS, MORLHF
from backbones.merging.preference import Preference, corners, lattice
from backbones.store.soup_set import SoupSet

SCRIPT = (Path(__file__).parent / "story.js").read_text(encoding="utf-8")
NORMAL_95 = 1.96  # standard errors to either side of a mean
LEAST, MOST = 0.51, 0.99  # beta of the picture, which is of two rewards whatever the set
AHEAD, LEVEL, BEHIND = "ahead", "level", "behind"
COUNTS = ("no", "one", "two", "three", "four", "five", "six")


class Story(gr.HTML):
    """Value: what `told` gives; nothing is offered where it has no steps. All of it happens in the browser. `at`: the
    preference on arrival."""

    def __init__(self, value=None, at=(), **settings):
        super().__init__(value, html_template='<div class="story"></div>', js_on_load=SCRIPT, at=list(at), **settings)

    def api_info(self) -> dict:
        return {"type": "object"}


def told(soup_set: SoupSet) -> dict[str, Any]:
    """The story of a set in JSON, with the matrices, labels, grid and colours that its figures need.

    A step has a `title`, `words` (sentences), `stops` of the slider (`at`, in percent, a `name`, what to `say` there),
    a `task` for the visitor (what to `say`, `where` it is done), `parts` of the page (selectors) and `traces` of the
    plot to outline, the `figure` to show, and what to `see` where not all is in view. No steps for a set that lacks
    backbones or specialists, which the story compares.
    """
    n, complete = len(soup_set.objectives), {BONE_SOUP, BASELINE} <= set(soup_set.methods)
    matrix = c.backbone_matrix(n, soup_set.beta)
    return {
        "steps": [tell(soup_set) for tell in (_soup, _middle, _matrix, _corners)] if complete else [],
        "matrix": matrix.tolist(),
        "inverse": np.linalg.inv(matrix).tolist(),
        "beta": min(max(soup_set.beta, LEAST), MOST),
        "labels": [objective.label for objective in soup_set.objectives],
        "methods": [LABELS[method] for method in (BONE_SOUP, BASELINE)],
        "colours": [colour(method) for method in (BONE_SOUP, BASELINE, MORLHF)],
        "grid": [percent(mu) for mu in lattice(n)],
    }


def compared(soup_set: SoupSet) -> list[tuple[Preference, float, str]]:
    """Every preference at which both soups were measured, by how much Bone Soup's mean rewards, weighted by it, exceed
    Rewarded Soup's, and whether it is therefore "ahead", "level" or "behind" at 95 %.

    Both were measured on the same prompts, but the fronts do not hold how they go together: they are taken as
    independent, so that what is level here could differ by a closer test.
    """
    theirs, found = soup_set.points(BASELINE), []
    for one in soup_set.points(BONE_SOUP):
        mu = one.preference
        other = next((point for point in theirs if mu.same(point.preference)), None)
        if other is None:
            continue
        difference = float(np.dot(mu, np.subtract(one.rewards, other.rewards)))
        variance = float(np.array(mu) @ np.add(one.covariance, other.covariance) @ np.array(mu))
        sure = abs(difference) > NORMAL_95 * max(variance, 0) ** 0.5
        found.append((mu, difference, (AHEAD if difference > 0 else BEHIND) if sure else LEVEL))
    return found


def _soup(soup_set: SoupSet) -> dict[str, Any]:
    labels, n = _labels(soup_set), len(soup_set.objectives)
    alone = [
        _stop(corner, f"Rewarded Soup is now specialist {i + 1} alone, tuned on {labels[i]} and on no other objective.")
        for i, corner in enumerate(corners(n))
    ]
    middle = nearest(Preference.equal(n))
    return {
        "title": "What a soup is",
        "words": [
            "A soup is one language model made of several: what tuning changed in each, added up with a weight each.",
            f"Rewarded Soup adds {_count(n)} specialists, each tuned on one thing, and takes your preference for the "
            f"weights. Bone Soup adds {_count(n)} backbones, each tuned on a mix.",
            f"The slider only changes {_count(n)} numbers; nothing is trained.",
        ],
        "stops": [*alone, _stop(middle, "A bit of everything: two models that nobody has trained.")],
        "task": {"say": "Drag a slider: every stop is another model.", "where": "#preference, #front"},
        "parts": ["#preference", "#columns"],
        "traces": [],
        "figure": "",
        "see": "#columns",
    }


def _middle(soup_set: SoupSet) -> dict[str, Any]:
    n, found = len(soup_set.objectives), compared(soup_set)
    between = [one for one in found if max(one[0]) < 1 - 1e-9]
    best = max(between, key=lambda one: (one[2] == AHEAD, one[1]), default=None)
    here = nearest(best[0] if best and best[2] == AHEAD else Preference.equal(n))
    alone = corners(n)
    i, j = sorted(int(k) for k in np.argsort(here)[-2:])
    return {
        "title": "Why specialists fall short in the middle",
        "words": [
            "In theory, an average of specialists is the best model only where rewards are equally sharp; where one "
            "falls off faster, the best lies nearer to its specialist, and the average misses it.",
            _in_the_middle(soup_set, best),
        ],
        "stops": [
            _stop(alone[i], f"Rewarded Soup is specialist {i + 1} itself here: there is no average that could miss."),
            _stop(here, f"In between it averages. {_measured(found, here)}".strip()),
            _stop(alone[j], f"And here it is specialist {j + 1}."),
        ],
        "task": {"say": "Make the second reward sharper in the picture.", "where": ".story .figure"},
        "parts": ["#front"],
        "traces": [f"{LABELS[method]}, reaches more" for method in (BONE_SOUP, BASELINE)],
        "figure": "sharpness",
        "see": "#front",
    }


def _in_the_middle(soup_set: SoupSet, best: tuple[Preference, float, str] | None) -> str:
    if best is None:
        return "This set's fronts have not been measured, so whether that is so here is open."
    mu, gained, verdict = best
    if verdict != AHEAD:
        if gained <= 0:
            return (
                "This set does not show it: Rewarded Soup is as good or better at every preference between its corners."
            )
        return "This set does not show it: at no preference between its corners is Bone Soup clearly ahead (95 %)."
    ours, theirs = (
        listed(
            f"{label} {number(value, 2)}"
            for label, value in zip(
                _labels(soup_set),
                next(point.rewards for point in soup_set.points(method) if mu.same(point.preference)),
                strict=True,
            )
        )
        for method in (BONE_SOUP, BASELINE)
    )
    return f"Measured at {mu}, the greatest clear lead in the shaded gap: Bone Soup {ours}, Rewarded Soup {theirs}."


def _matrix(soup_set: SoupSet) -> dict[str, Any]:
    n, labels = len(soup_set.objectives), _labels(soup_set)
    row = Preference(c.backbone_matrix(n, soup_set.beta)[0].tolist())
    equal = Preference.equal(n)
    half = Preference.of([(a + b) / 2 for a, b in zip(row, equal, strict=True)], n)
    stops = list(dict.fromkeys(nearest(mu) for mu in (row, half, equal)))
    mixed = listed(f"{share_of(share)} {label}" for share, label in zip(row, labels, strict=True))
    return {
        "title": "What B and its inverse do",
        "words": [
            f"A row of B is the mix that a backbone was tuned on: backbone 1 for {mixed}. So each was trained on a "
            "compromise, which specialists never are.",
            "B⁻¹ leads back from your preference μ to the weights λ = B⁻¹ μ, with which the mixes add up to exactly μ.",
        ],
        "stops": [_stop(mu, _weights(soup_set, mu)) for mu in stops],
        "task": {"say": f"Press “backbone {n}”: of Bone Soup's bars one is left.", "where": "#preference"},
        "parts": ["#coefficients", "#preference .presets"],
        "traces": [],
        "figure": "matrices",
        "see": "#coefficients",
    }


def _weights(soup_set: SoupSet, mu: Preference) -> str:
    """The coefficients at mu, and with two objectives how the mixes add up."""
    matrix, lam = c.backbone_matrix(len(mu), soup_set.beta), c.bone_soup(mu, soup_set.beta)
    if np.isclose(lam.max(), 1) and np.isclose(abs(lam).sum(), 1):
        return f"λ = {vector(lam)}: backbone {int(lam.argmax()) + 1} alone, since this is its row."
    if np.allclose(lam, lam[0]):
        return f"λ = {vector(lam)}: all backbones alike."
    if len(mu) > 2:
        return f"λ = {vector(lam)}: mostly backbone {int(lam.argmax()) + 1}."
    parts = " + ".join(f"{number(value, 2)} × {vector(row)}" for value, row in zip(lam, matrix, strict=True))
    return f"λ = {vector(lam)}, since {parts} = {vector(mu)}."


def _corners(soup_set: SoupSet) -> dict[str, Any]:
    n, found = len(soup_set.objectives), compared(soup_set)
    alone = corners(n)
    lam = c.bone_soup(alone[0], soup_set.beta)
    return {
        "title": "What it costs at the corners",
        "words": [
            f"Corners lie beyond every row of B, and λ leaves [0, 1]: at {alone[0]} it is {vector(lam)}, which "
            f"subtracts the other {'backbone' if n == 2 else 'backbones'}. The plot draws dashed what is that far out.",
            *_at_the_corners(soup_set, found),
        ],
        "stops": [
            _stop(mu, f"λ = {vector(c.bone_soup(mu, soup_set.beta))}. {_measured(found, mu)}".strip()) for mu in alone
        ],
        "task": {"say": "Tick “Mark what differs” and compare the texts.", "where": "#columns [data-differences]"},
        "parts": ["#coefficients", "#columns"],
        "traces": [f"{LABELS[BONE_SOUP]}, extrapolates"],
        "figure": "",
        "see": "#front",
    }


def _at_the_corners(soup_set: SoupSet, found: Sequence[tuple[Preference, float, str]]) -> list[str]:
    """Who is ahead at the corners and, over all that was measured, how often; what to do about it."""
    if not found:
        return ["This set's fronts have not been measured, so what that costs here is open."]
    verdicts = [verdict for _, _, verdict in found]
    behind, level = (
        [
            f"“all {label}”"
            for label, mu in zip(_labels(soup_set), corners(len(soup_set.objectives)), strict=True)
            if _verdict(found, mu) == kind
        ]
        for kind in (BEHIND, LEVEL)
    )
    if behind:
        cost = f"Rewarded Soup is better at {listed(behind)}"
        cost += f" and as good at {listed(level)}" if level else ""
        if ANCHORED in soup_set.methods:
            cost += f"; the method “{LABELS[ANCHORED]}” returns to the specialists there"
    elif level:
        cost = f"Rewarded Soup is as good at {listed(level)}"
    else:
        cost = "Here it costs nothing that was measured"
    return [
        f"{cost}.",
        f"Of {len(found)} preferences measured, Bone Soup is ahead at {verdicts.count(AHEAD)}, level at "
        f"{verdicts.count(LEVEL)} and behind at {verdicts.count(BEHIND)} (95 %).",
    ]


def _measured(found: Sequence[tuple[Preference, float, str]], mu: Preference) -> str:
    """Who is ahead at mu, and by how much; nothing where that was not measured."""
    for at, gained, verdict in found:
        if mu.same(at):
            leader = LABELS[BONE_SOUP if gained > 0 else BASELINE]
            leads = "both are level" if verdict == LEVEL else f"{leader} is {number(abs(gained), 3)} ahead"
            return f"In mean rewards weighted by this preference, {leads}."
    return ""


def _verdict(found: Sequence[tuple[Preference, float, str]], mu: Preference) -> str | None:
    return next((verdict for one, _, verdict in found if mu.same(one)), None)


def _stop(mu: Preference, say: str) -> dict[str, Any]:
    return {"at": percent(mu), "name": str(mu), "say": say}


def _labels(soup_set: SoupSet) -> list[str]:
    return [objective.label.lower() for objective in soup_set.objectives]


def _count(n: int) -> str:
    return COUNTS[n] if n < len(COUNTS) else str(n)
