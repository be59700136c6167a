"""The E2E NLG data: restaurant facts and human descriptions (Novikova et al. 2017, CC BY-SA 4.0).

Read from `--data-dir` (`e2e/train.csv`, `e2e/dev.csv` with the columns `mr` and `ref`), or fetched
from the Hub (`tuetschek/e2e_nlg`, its Parquet branch, since datasets >= 4 runs no loading scripts).
"""

import re
import unicodedata
from pathlib import Path

import datasets

from backbones import facts as f

HUB_SPLITS = {"train": "train", "dev": "validation"}


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
