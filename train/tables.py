"""Tables of a set's measured fronts in Markdown, for the documentation and the model cards.

    python -m train.tables FILE.md [--sets DIR]

replaces everything between `<!-- front:SET -->` and `<!-- /front:SET -->` by the tables of that set, a shipped one
or one in the folder DIR.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backbones.merging.front import Front, SeedFront
from backbones.merging.methods import BASE, BASELINE, BONE_SOUP, LABELS
from backbones.merging.metrics import KINDS, seeds, verdict, with_interval
from backbones.store import soup_set as sets
from train.summary import seed_summary

SIGNS = {"better": " ▲", "worse": " ▼", "tie": " =", None: ""}


def metrics_table(front: Front) -> str:
    """Method by metric with intervals, each marked against the baseline: better ▲, worse ▼ or level =. After its name a
    method's preferences and training seeds."""
    lines = ["| | " + " | ".join(kind.label for kind in KINDS.values()) + " |", "|---" * (len(KINDS) + 1) + "|"]
    for method, measured in front.methods.items():
        if method == BASE:
            continue
        cells = []
        for name in KINDS:
            sign = verdict(front, method, name)
            cells.append(" ".join(with_interval(name, measured.metrics[name])) + SIGNS[sign])
        lines.append(f"| {LABELS[method]} ({len(measured.points)}; {seeds(front, method)}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def comparison(front: Front) -> str:
    """Ratios of hypervolumes: to the baseline on all preferences and inside the rows of B, and to the oracles."""
    inside, oracles = front.inside_b, front.at_oracles
    over = f"over {LABELS[BASELINE]}"
    columns = {
        over: {
            method: measured.hypervolume_over_baseline
            for method, measured in front.methods.items()
            if measured.hypervolume_over_baseline is not None
        },
        f"{over}, {len(inside.preferences)} preferences inside the rows of B": inside.ratios,
        f"over the oracles, at their {len(oracles.preferences)} preferences": oracles.ratios,
    }
    lines = ["| hypervolume | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method in front.methods:
        cells = [
            " ".join(with_interval("hypervolume", ratios[method])) if method in ratios else ""
            for ratios in columns.values()
        ]
        if any(cells):
            lines.append(f"| {LABELS[method]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def gains_table(front: Front) -> str:
    """What each piece of the method is worth; empty for fronts that were measured before it was asked."""
    if not front.gains:
        return ""
    lines = ["| what a piece is worth | hypervolume × | inner product + |", "|---|---|---|"]
    for gain in front.gains:
        cells = [" ".join(with_interval(name, getattr(gain, name))) for name in ("hypervolume", "inner_product")]
        lines.append(f"| {LABELS[gain.method]} over {LABELS[gain.over]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def seeds_table(front: Front) -> str:
    """What every training seed gives, and the mean and standard deviation over them; empty without seeds."""
    if not front.training_seeds:
        return ""
    runs = [seed_summary(front), *front.training_seeds]
    baseline = LABELS[BASELINE]
    methods = [method for method in runs[-1].metrics if method != BASELINE]
    columns = {}
    for method in (BASELINE, *methods):
        columns[f"hypervolume, {LABELS[method]}"] = _values(runs, method, "hypervolume")
    for method in methods:
        over = _values(runs, method, "hypervolume") / _values(runs, BASELINE, "hypervolume")
        columns[f"{LABELS[method]} over {baseline}"] = over
    inside = f"{LABELS[BONE_SOUP]} over {baseline} inside the rows of B"
    columns[inside] = np.array([run.inside_b[BONE_SOUP] for run in runs])
    for method in methods:
        more = _values(runs, method, "inner_product") - _values(runs, BASELINE, "inner_product")
        columns[f"inner product, {LABELS[method]} − {baseline}"] = more
    numbers = " | ".join(f"seed {run.seed}" for run in runs)
    lines = [f"| training seeds | {numbers} | mean ± standard deviation |", "|---" * (len(runs) + 2) + "|"]
    for label, values in columns.items():
        cells = " | ".join(f"{value:.3f}" for value in values)
        lines.append(f"| {label} | {cells} | {values.mean():.3f} ± {values.std(ddof=1):.3f} |")
    return "\n".join(lines)


def points_table(front: Front, methods: Sequence[str]) -> str:
    """Mean rewards, words, fluency and independent scores of `methods` at every preference."""
    names, judged = front.objectives, list(front.points(methods[0])[0].judged)
    columns = [f"preference ({', '.join(names)})", *names, "words", "log p", "repeated", *judged]
    lines = [f"| method | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for method in methods:
        for point in front.points(method):
            cells = [f"{value:.3f}" for value in point.rewards]
            cells += [f"{point.words:.1f}", f"{point.log_probability:.2f}", f"{point.repeated:.4f}"]
            cells += [f"{point.judged[name]:.3f}" for name in judged]
            mu = ", ".join(f"{share:.2g}" for share in point.preference)
            lines.append(f"| {LABELS[method]} | {mu} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(front: Front) -> str:
    """The tables that are shown of a set."""
    parts = metrics_table(front), comparison(front), gains_table(front), seeds_table(front)
    return "\n\n".join(part for part in parts if part)


def fill(text: str, folder: Path = sets.SETS) -> str:
    """The text with the tables of every set that it marks. Raises SetError for one that `folder` does not hold."""

    def tables(match: re.Match) -> str:
        return f"{match[1]}\n{summary(sets.read(folder / match[2]).front)}\n{match[3]}"

    return re.sub(r"(<!-- front:([\w-]+) -->).*?(<!-- /front:\2 -->)", tables, text, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--sets", type=Path, default=sets.SETS, help="folder of the sets; default: those shipped")
    args = parser.parse_args()
    try:
        filled = fill(args.file.read_text(encoding="utf-8"), args.sets)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    args.file.write_text(filled, encoding="utf-8")


def _values(runs: Sequence[SeedFront], method: str, name: str) -> np.ndarray:
    """A metric of every run [runs]."""
    return np.array([run.metrics[method][name] for run in runs])


if __name__ == "__main__":
    main()
