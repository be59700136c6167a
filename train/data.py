"""The data: E2E NLG, restaurant facts and human descriptions (Novikova et al. 2017, CC BY-SA 4.0), and GoEmotions,
texts with emotions (Demszky et al. 2020, Apache 2.0).

Of assistants: HH-RLHF, messages with answers that people chose or rejected (Bai et al. 2022, MIT).

Read from `--data-dir` (`e2e/{train,dev}.csv` with the columns `mr` and `ref`; `goemotions/{train,dev}.tsv` with text
and label numbers, `goemotions/labels.txt`; `hh-rlhf/{train,test}.jsonl` with transcripts in `chosen`), or fetched from
the Hub (`tuetschek/e2e_nlg`, its Parquet branch, since datasets >= 4 runs no loading scripts;
`google-research-datasets/go_emotions`; `Anthropic/hh-rlhf`).
"""

import hashlib
import random
import re
import unicodedata
from pathlib import Path

import datasets

from backbones import facts as f
from backbones.tasks import MAX_PROMPT, Task, line

Given = dict[str, str]  # the facts of a restaurant, or a message
HELD_OUT = 200  # facts that the reported fronts are measured on
HUB_SPLITS = {"train": "train", "dev": "validation"}

# The positive group of Demszky et al. 2020, figure 2.
POSITIVE_EMOTIONS = frozenset(
    "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief".split()
)


def load(split: str, data_dir: Path | None = None) -> datasets.Dataset:
    """The split "train" or "dev" with the columns `mr` and `ref`.

    Raises FileNotFoundError when `data_dir` does not hold the file.
    """
    if data_dir is None:
        pairs = datasets.load_dataset("tuetschek/e2e_nlg", revision="refs/convert/parquet", split=HUB_SPLITS[split])
        return pairs.rename_columns({"meaning_representation": "mr", "human_reference": "ref"})
    path = Path(data_dir) / "e2e" / f"{split}.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: --data-dir must hold e2e/{split}.csv")
    return datasets.load_dataset("csv", data_files=str(path), split="train")


def meaning_representations(pairs: datasets.Dataset) -> list[f.Facts]:
    """The facts of every distinct meaning representation, in order of appearance."""
    return [f.parse(mr) for mr in dict.fromkeys(pairs["mr"])]


def prompts(file: Path | None) -> list[f.Facts]:
    """The distinct facts of a CSV file with a column `mr`, or of E2E dev from the Hub.

    Raises ValueError when the file has no such column.
    """
    if file is None:
        return meaning_representations(load("dev"))
    rows = datasets.load_dataset("csv", data_files=str(file), split="train")
    if "mr" not in rows.column_names:
        raise ValueError(f"{file} has no column 'mr': it has {', '.join(rows.column_names)}")
    return meaning_representations(rows)


def messages(split: str, data_dir: Path | None = None, file: Path | None = None) -> list[Given]:
    """The distinct first messages of HH-RLHF's transcripts, "train" or "test", as they are given to an assistant.

    From JSON lines in `file` or in `data_dir`, or from the Hub. Messages that are too long to be asked are left out.
    Raises FileNotFoundError for a file that is not there, ValueError for one without transcripts.
    """
    file = file or (data_dir and Path(data_dir) / "hh-rlhf" / f"{split}.jsonl")
    if file is None:
        rows = datasets.load_dataset("Anthropic/hh-rlhf", split=split)
    elif not Path(file).is_file():
        raise FileNotFoundError(f"{file} is missing: --data-dir must hold hh-rlhf/{split}.jsonl")
    else:
        rows = datasets.load_dataset("json", data_files=str(file), split="train")
    if "chosen" not in rows.column_names:
        raise ValueError(f"{file} has no field 'chosen': it has {', '.join(rows.column_names)}")
    first = (re.match(r"\s*Human:(.*?)(?=\n\nAssistant:|\Z)", text, re.DOTALL) for text in rows["chosen"])
    texts = dict.fromkeys(match.group(1).strip() for match in first if match)
    return [{"prompt": text} for text in texts if 0 < len(text) <= MAX_PROMPT]


def given(task: Task, file: Path | None) -> list[Given]:
    """What a set is measured on: distinct facts or messages of a file, or of the Hub. Raises as they do."""
    return prompts(file) if task.name == "restaurants" else messages("test", file=file)


def held_out(prompts: list[Given], count: int) -> list[Given]:
    """`count` facts, drawn without replacement and always the same, that fronts are measured on.

    Up to `HELD_OUT` they are among those that `pilot` leaves out.
    """
    return random.Random(0).sample(prompts, min(max(count, HELD_OUT), len(prompts)))[:count]


def pilot(prompts: list[Given], count: int) -> list[Given]:
    """Up to `count` facts that choices are made on: none of those that fronts are measured on.

    Raises ValueError when no others are left.
    """
    measured = {line(facts) for facts in held_out(prompts, HELD_OUT)}
    rest = [facts for facts in prompts if line(facts) not in measured]
    if not rest:
        raise ValueError(f"all {len(prompts)} facts are needed for the front: give a file with more than {HELD_OUT}")
    return rest[:count]


def digest(prompts: list[Given]) -> str:
    """SHA-256 of the facts or messages, one a line."""
    return hashlib.sha256("\n".join(map(line, prompts)).encode()).hexdigest()


def tidy(ref: str) -> str:
    """One description with even spacing and a full stop at its end."""
    text = re.sub(r"\s+([.,;:!?])", r"\1", " ".join(ref.split()))
    return text if not text or text[-1] in ".!?" else text.rstrip(",;:") + "."


def delexicalise(ref: str, facts: f.Facts) -> str | None:
    """The description with its names replaced by placeholders.

    None when the name cannot be found (misspelt or left out), since a model trained on such a text
    would write names of its own. Case and accents are ignored, and so is a leading "The".
    """
    text = _replace(tidy(ref), facts["name"], f.NAME)
    if "near" in facts:
        text = _replace(text, facts["near"], f.NEAR)
    return text if f.NAME in text else None


def examples(pairs: datasets.Dataset) -> datasets.Dataset:
    """Columns `prompt` and `completion` for supervised fine-tuning; unusable references left out."""
    rows = []
    for pair in pairs:
        facts = f.parse(pair["mr"])
        text = delexicalise(pair["ref"], facts)
        if text:
            rows.append({"prompt": f.prompt(facts), "completion": text})
    return datasets.Dataset.from_list(rows)


def _replace(text: str, name: str, placeholder: str) -> str:
    plain = _plain(text)
    article, _, rest = name.partition(" ")
    pattern = rf"(?:the\s+)?{re.escape(_plain(rest))}" if article == "The" and rest else re.escape(_plain(name))
    pieces, end = [], 0
    for match in re.finditer(rf"(?<![\w<]){pattern}(?![\w>])", plain):
        pieces += [text[end : match.start()], placeholder]
        end = match.end()
    return "".join(pieces) + text[end:]


def _plain(text: str) -> str:
    """Lower case without accents, of the same length as `text`."""
    return "".join(unicodedata.normalize("NFD", char)[0].lower()[0] for char in text)


def emotions(split: str, data_dir: Path | None = None) -> tuple[datasets.Dataset, list[str]]:
    """The split "train" or "dev" of GoEmotions with the columns `text` and `labels`, and the labels' names.

    Raises FileNotFoundError when `data_dir` does not hold the files.
    """
    if data_dir is None:
        rows = datasets.load_dataset("google-research-datasets/go_emotions", "simplified", split=HUB_SPLITS[split])
        return rows.select_columns(["text", "labels"]), rows.features["labels"].feature.names
    folder = Path(data_dir) / "goemotions"
    for file in (folder / f"{split}.tsv", folder / "labels.txt"):
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: --data-dir must hold goemotions/{file.name}")
    with (folder / f"{split}.tsv").open(encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    columns = {"text": [row[0] for row in rows], "labels": [[int(i) for i in row[1].split(",")] for row in rows]}
    return datasets.Dataset.from_dict(columns), (folder / "labels.txt").read_text().split()
