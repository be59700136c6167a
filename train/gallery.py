"""Texts for every line of a file at three preferences by two methods, unedited, as a page of Markdown.

    python -m train.gallery SET --lines train/thoughts.txt --out docs/gallery.md

Seed 0 throughout. `--blind FILE` also writes them without the methods' names, those of every line in an order drawn at
random, for readers who mark them; FILE.key says which came first.
"""

import argparse
import json
import random
from pathlib import Path

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.methods import BASELINE, BONE_SOUP, LABELS
from backbones.merging.preference import Preference
from backbones.tasks.task import Given

METHODS = (BONE_SOUP, BASELINE)


def written(writer: Writer, given: list[Given]) -> list[dict[str, list[str]]]:
    """For each of `given` the texts of every method: at the last objective's corner, even, at the first's corner."""
    first, last = Preference((1.0, 0.0)), Preference((0.0, 1.0))
    mus, settings = (last, Preference.equal(2), first), writer.set.sampling
    asked = [
        Request(one, mu, method, 0, settings.temperature, settings.top_p, settings.max_new_tokens)
        for one in given
        for method in METHODS
        for mu in mus
    ]
    texts = iter(writer.write(asked))
    return [{method: [next(texts).text for _ in mus] for method in METHODS} for _ in given]


def page(writer: Writer, lines: list[str], found: list[dict[str, list[str]]]) -> str:
    """The page with all texts."""
    labels = [objective.label.lower() for objective in writer.set.objectives]
    parts = [
        f"# {len(lines)} times {writer.set.title.lower()}",
        f"Every text of `{writer.set.name}` for the lines of `train/thoughts.txt`, seed 0, unedited, made by "
        f"`train.gallery`. In each cell: all {labels[1]}, even, all {labels[0]}.",
        "| given | " + " | ".join(LABELS[method] for method in METHODS) + " |\n|---|---|---|",
    ]
    rows = []
    for line, texts in zip(lines, found, strict=True):
        cells = ["<br>".join(f"{i}. {text}" for i, text in enumerate(texts[method], start=1)) for method in METHODS]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (line, *cells)) + " |")
    return "\n\n".join(parts) + "\n" + "\n".join(rows) + "\n"


def blinded(lines: list[str], found: list[dict[str, list[str]]]) -> tuple[str, list[str]]:
    """The texts without the methods' names, and the method that stands first for each line."""
    draw, parts, key = random.Random(0), [], []
    for number, (line, texts) in enumerate(zip(lines, found, strict=True), start=1):
        order = draw.sample(METHODS, len(METHODS))
        key.append(order[0])
        parts.append(f"{number}. {line}")
        for letter, method in zip("AB", order, strict=True):
            parts += [f"   {letter}{i}: {text}" for i, text in enumerate(texts[method], start=1)]
    return "\n".join(parts) + "\n", key


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of a set with two objectives")
    parser.add_argument("--lines", type=Path, required=True, help="file with what is given, one a line")
    parser.add_argument("--out", type=Path, required=True, help="the page")
    parser.add_argument("--blind", type=Path, help="file for readers")
    args = parser.parse_args()
    writer = Writer.load(args.set, "cpu")
    if len(writer.set.objectives) != 2:
        parser.error(f"{args.set} has {len(writer.set.objectives)} objectives: use a set with two")
    lines = args.lines.read_text(encoding="utf-8").splitlines()
    found = written(writer, [writer.set.task.read(line) for line in lines])
    args.out.write_text(page(writer, lines, found), encoding="utf-8")
    if args.blind:
        texts, key = blinded(lines, found)
        args.blind.write_text(texts, encoding="utf-8")
        args.blind.with_name(f"{args.blind.name}.key").write_text(json.dumps(key) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
