"""Tables of a set's measured fronts in Markdown, for the README and the model cards.

    python -m train.tables README.md

replaces everything between `<!-- front:SET -->` and `<!-- /front:SET -->` by the tables of that shipped set.
"""

import argparse
import re
from pathlib import Path

import numpy as np

from backbones import front, sets
from train.statistics import BASELINE, seed_summary

SIGNS = {"better": " ▲", "worse": " ▼", "tie": " =", None: ""}


def metrics_table(measured: dict) -> str:
    """Method by metric with intervals, each marked against Rewarded Soup: better ▲, worse ▼ or level =."""
    lines = ["| | " + " | ".join(label for label, _ in front.METRICS.values()) + " |"]
    lines.append("|---" * (len(front.METRICS) + 1) + "|")
    for method, result in measured["methods"].items():
        if method == "base":
            continue
        cells = []
        for name in front.METRICS:
            sign = front.verdict(name, result.get("minus_rewarded_soup", {}).get(name))
            cells.append(" ".join(front.with_interval(name, result["metrics"][name])) + SIGNS[sign])
        lines.append(f"| {front.LABELS[method]} ({len(result['points'])}) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def comparison(measured: dict) -> str:
    """Ratios of hypervolumes: to Rewarded Soup on all preferences and inside the rows of B, and to the oracles."""
    inside, oracles = measured["inside_b"], measured["at_oracles"]
    columns = {
        "over Rewarded Soup": {
            method: result["hypervolume_over_rewarded_soup"]
            for method, result in measured["methods"].items()
            if "hypervolume_over_rewarded_soup" in result
        },
        f"over Rewarded Soup, {len(inside['preferences'])} preferences inside the rows of B": inside["ratios"],
        f"over the oracles, at their {len(oracles['preferences'])} preferences": oracles["ratios"],
    }
    lines = ["| hypervolume | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method in measured["methods"]:
        cells = [_ratio(ratios[method]) if method in ratios else "" for ratios in columns.values()]
        if any(cells):
            lines.append(f"| {front.LABELS[method]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def seeds_table(measured: dict) -> str:
    """What every training seed gives, and the mean and standard deviation over them; empty without seeds."""
    if not measured["training_seeds"]:
        return ""
    runs = [seed_summary(measured), *measured["training_seeds"]]
    methods = [method for method in runs[-1]["methods"] if method != BASELINE]
    columns = {}
    for method in (BASELINE, *methods):
        columns[f"hypervolume, {front.LABELS[method]}"] = [_metric(run, method, "hypervolume") for run in runs]
    for method in methods:
        over = [_metric(run, method, "hypervolume") / _metric(run, BASELINE, "hypervolume") for run in runs]
        columns[f"{front.LABELS[method]} over {front.LABELS[BASELINE]}"] = over
    columns["Bone Soup over Rewarded Soup inside the rows of B"] = [run["inside_b"]["bone-soup"] for run in runs]
    for method in methods:
        more = [_metric(run, method, "inner_product") - _metric(run, BASELINE, "inner_product") for run in runs]
        columns[f"inner product, {front.LABELS[method]} − {front.LABELS[BASELINE]}"] = more
    seeds = " | ".join(f"seed {run['seed']}" for run in runs)
    lines = [f"| training seeds | {seeds} | mean ± standard deviation |", "|---" * (len(runs) + 2) + "|"]
    for label, values in columns.items():
        cells = " | ".join(f"{value:.3f}" for value in values)
        lines.append(f"| {label} | {cells} | {np.mean(values):.3f} ± {np.std(values, ddof=1):.3f} |")
    return "\n".join(lines)


def _metric(run: dict, method: str, name: str) -> float:
    return run["methods"][method]["metrics"][name]


def points_table(measured: dict, methods: tuple[str, ...]) -> str:
    """Mean rewards, words and fluency of `methods` at every preference."""
    names = measured["objectives"]
    lines = [
        f"| method | preference ({', '.join(names)}) | {' | '.join(names)} | words | log p | repeated |",
        "|---" * (len(names) + 5) + "|",
    ]
    for method in methods:
        for point in measured["methods"].get(method, {"points": []})["points"]:
            cells = [f"{value:.3f}" for value in point["rewards"]]
            cells += [f"{point['words']:.1f}", f"{point['log_probability']:.2f}", f"{point['repeated']:.4f}"]
            mu = ", ".join(f"{share:.2g}" for share in point["preference"])
            lines.append(f"| {front.LABELS[method]} | {mu} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(measured: dict) -> str:
    """The tables that the README shows of a set."""
    return "\n\n".join(part for part in (metrics_table(measured), comparison(measured), seeds_table(measured)) if part)


def fill(text: str) -> str:
    """The text with the tables of every set that it marks. Raises SetError for a set that is not shipped."""

    def tables(match: re.Match) -> str:
        return f"{match[1]}\n{summary(sets.read(match[2]).front)}\n{match[3]}"

    return re.sub(r"(<!-- front:([\w-]+) -->).*?(<!-- /front:\2 -->)", tables, text, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    file = parser.parse_args().file
    file.write_text(fill(file.read_text(encoding="utf-8")), encoding="utf-8")


def _ratio(ratio: dict) -> str:
    return " ".join(front.with_interval("hypervolume", ratio))


if __name__ == "__main__":
    main()
