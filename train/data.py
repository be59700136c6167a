"""The data of tasks: what is given, and what people wrote for it, from files or from the Hub.

A task says where its splits lie (`Task.sources`) and what a row of them gives (`Task.pair`). Files are read by their
suffix: .csv, .tsv or .jsonl.
"""

import csv
import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import datasets

from backbones.tasks.task import Given, Pair, Source, Task

HELD_OUT = 200  # prompts that the reported fronts are measured on
READERS = {".csv": ("csv", {}), ".tsv": ("csv", {"delimiter": "\t"}), ".jsonl": ("json", {})}


def rows(source: Source, data_dir: Path | None = None, file: Path | None = None) -> datasets.Dataset:
    """The rows of `file`, or of the source's own file below `data_dir`, or without either of the Hub.

    Raises FileNotFoundError for a file that is not there, ValueError for one of another type or without the
    columns, and for a source that names no other place.
    """
    if file is None and data_dir is None:
        if not source.hub:
            raise ValueError(f"the data is nowhere to be fetched: give --data-dir, the folder that holds {source.file}")
        where: str | Path = source.hub
        if source.hub.startswith("https://"):
            found = _read(source.hub)
        else:
            found = datasets.load_dataset(source.hub, source.config, split=source.split, revision=source.revision)
        found = found.rename_columns(dict(source.renamed)) if source.renamed else found
    else:
        where = file or Path(data_dir) / source.file
        if not where.is_file():
            raise FileNotFoundError(f"{where} is missing" + ("" if file else f": --data-dir must hold {source.file}"))
        found = _read(str(where))
    for column in source.columns:
        if column not in found.column_names:
            raise ValueError(f"{where} has no column {column!r}: it has {', '.join(found.column_names)}")
    return found


def _read(where: str) -> datasets.Dataset:
    """The rows of a file, or of one at an address. Raises ValueError for one of another type."""
    suffix = Path(where).suffix
    if suffix not in READERS:
        raise ValueError(f"{where} cannot be read: use a file that ends in {', '.join(READERS)}")
    kind, options = READERS[suffix]
    return datasets.load_dataset(kind, data_files=where, split="train", **options)


def pairs(task: Task, split: str, data_dir: Path | None = None, file: Path | None = None) -> list[Pair]:
    """What the rows of a split, "train" or "dev", give, in order; rows of no use left out. Raises as `rows` does."""
    found = (task.pair(row) for row in rows(task.sources[split], data_dir, file))
    return [pair for pair in found if pair is not None]


def given(task: Task, split: str, data_dir: Path | None = None, file: Path | None = None) -> list[Given]:
    """Everything distinct that is given in a split, in order of appearance. Raises as `rows` does."""
    return _distinct(task, pairs(task, split, data_dir, file))


def to_ask(task: Task, data_dir: Path | None = None, file: Path | None = None) -> list[Given]:
    """Everything distinct that training, or the file, gives to write for: `usable`, and `apart` from dev.

    Raises as `rows` and `apart` do.
    """
    return usable(task, _distinct(task, apart(task, pairs(task, "train", data_dir, file), data_dir)))


def apart(task: Task, found: Sequence[Pair], data_dir: Path | None = None) -> list[Pair]:
    """The pairs to train on whose prompts are not in dev too, which fronts are measured on; says how many are not.

    A task can lack dev, and a data folder its file: all are kept then. Raises ValueError where no pair is left, and as
    `rows` does.
    """
    dev = task.sources.get("dev")
    if dev is None or not (dev.hub if data_dir is None else (data_dir / dev.file).is_file()):
        return list(found)
    measured = {task.line(one) for one in given(task, "dev", data_dir)}
    kept = [pair for pair in found if task.line(pair.given) not in measured]
    if len(kept) < len(found):
        print(f"{len(found) - len(kept)} of {len(found)} pairs to train on are left out: their prompts are in dev too")
        if not kept:
            raise ValueError(f"all prompts to train on of the task {task.name} are in dev too: give others")
    return kept


def _distinct(task: Task, found: Sequence[Pair]) -> list[Given]:
    return list({task.line(pair.given): pair.given for pair in found}.values())


def usable(task: Task, prompts: Sequence[Given]) -> list[Given]:
    """The prompts that the model would write for if visitors gave them: none that is too long, for example."""

    def takes(one: Given) -> bool:
        try:
            return task.pointer(task.check(one)) is None
        except ValueError:
            return False

    found = [one for one in prompts if takes(one)]
    if len(found) < len(prompts):
        print(f"{len(prompts) - len(found)} of {len(prompts)} prompts are left out: the model would not write for them")
    return found


def held_out(prompts: Sequence[Given], count: int) -> list[Given]:
    """`count` of the prompts, drawn without replacement and always the same, that fronts are measured on.

    Up to `HELD_OUT` they are among those that `pilot` leaves out.
    """
    return random.Random(0).sample(prompts, min(max(count, HELD_OUT), len(prompts)))[:count]


def pilot(prompts: Sequence[Given], count: int) -> list[Given]:
    """Up to `count` prompts that choices are made on: none of those that fronts are measured on.

    Raises ValueError when no others are left.
    """
    measured = held_out(prompts, HELD_OUT)
    rest = [one for one in prompts if one not in measured]
    if not rest:
        raise ValueError(f"all {len(prompts)} prompts are needed for the front: give a file with more than {HELD_OUT}")
    return rest[:count]


def to_learn(task: Task, data_dir: Path | None = None) -> list[Pair]:
    """The training pairs with a reference, of prompts that the task takes, and `apart` from dev.

    Raises ValueError where there are none, and as `apart` does.
    """
    found = apart(task, with_reference(task, "train", data_dir), data_dir)
    if not found:
        raise ValueError(f"the training data of the task {task.name} has no texts to learn from: give a file with some")
    return found


def other_texts(task: Task, files: Sequence[Path], data_dir: Path | None = None) -> list[Pair]:
    """Pairs with a reference to learn from instead of the data's own, in the order of `files`, and `apart` from dev.

    A file is one of the task's data, of which what the task does not take is left out; or TSV whose column `given` is
    `key` of what the training data gives, and whose others take the place of the data's. So texts can be published
    without the data that they belong to.

    Raises ValueError for a key of nothing that the task takes, and as `apart` does.
    """
    found: list[Pair] = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            table = csv.DictReader(lines, delimiter="\t")
            keyed = "given" in (table.fieldnames or ())
            found += _keyed(task, file, list(table), data_dir) if keyed else with_reference(task, "train", file=file)
    return apart(task, found, data_dir)


def _keyed(task: Task, file: Path, lines: Sequence[dict[str, str]], data_dir: Path | None) -> list[Pair]:
    known = {}
    for row in rows(task.sources["train"], data_dir):
        pair = task.pair(row)
        if pair:
            known.setdefault(key(task, pair.given), (pair.given, row))
    taken = {key(task, one) for one in usable(task, [one for one, _ in known.values()])}
    for line in lines:
        if line["given"] not in taken:
            raise ValueError(f"{file}: the training data gives nothing with the key {line['given']}: use other texts")
    found = [task.pair(known[line["given"]][1] | line) for line in lines]
    return [pair for pair in found if pair and pair.reference is not None]


def key(task: Task, one: Given) -> str:
    """The first twelve digits of the SHA-256 of what is given."""
    return digest(task, [one])[:12]


def to_choose(task: Task, data_dir: Path | None = None) -> list[Pair]:
    """The pairs of dev with a reference that choices are made on, as `pilot` leaves them. Raises as `to_learn` does."""
    prompts = given(task, "dev", data_dir)
    choice = {task.line(one) for one in pilot(prompts, len(prompts))}
    found = [pair for pair in with_reference(task, "dev", data_dir) if task.line(pair.given) in choice]
    if not found:
        raise ValueError(f"the dev data of the task {task.name} has no texts to choose by: give a file with some")
    return found


def with_reference(task: Task, split: str, data_dir: Path | None = None, file: Path | None = None) -> list[Pair]:
    """The pairs of a split with a reference, of prompts that are `usable`. Raises as `rows` does."""
    found = [pair for pair in pairs(task, split, data_dir, file) if pair.reference is not None]
    taken = {task.line(one) for one in usable(task, [pair.given for pair in found])}
    return [pair for pair in found if task.line(pair.given) in taken]


def digest(task: Task, prompts: Sequence[Given]) -> str:
    """SHA-256 of the prompts, one a line."""
    return hashlib.sha256("\n".join(map(task.line, prompts)).encode()).hexdigest()
