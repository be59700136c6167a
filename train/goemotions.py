"""GoEmotions, texts with emotions (Demszky et al. 2020, Apache 2.0), which `train.classifier` learns from.

Read from `--data-dir` (`goemotions/{train,dev}.tsv` with text and label numbers, `goemotions/labels.txt`), or fetched
from the Hub.
"""

from pathlib import Path

import datasets

HUB, HUB_SPLITS = "google-research-datasets/go_emotions", {"train": "train", "dev": "validation"}

# The positive group of Demszky et al. 2020, figure 2.
POSITIVE = frozenset(
    "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief".split()
)


def load(split: str, data_dir: Path | None = None) -> tuple[datasets.Dataset, list[str]]:
    """The split "train" or "dev" with the columns `text` and `labels`, and the labels' names.

    Raises FileNotFoundError when `data_dir` does not hold the files.
    """
    if data_dir is None:
        rows = datasets.load_dataset(HUB, "simplified", split=HUB_SPLITS[split])
        return rows.select_columns(["text", "labels"]), rows.features["labels"].feature.names
    folder = Path(data_dir) / "goemotions"
    for file in (folder / f"{split}.tsv", folder / "labels.txt"):
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: --data-dir must hold goemotions/{file.name}")
    with (folder / f"{split}.tsv").open(encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    columns = {"text": [row[0] for row in rows], "labels": [[int(i) for i in row[1].split(",")] for row in rows]}
    return datasets.Dataset.from_dict(columns), (folder / "labels.txt").read_text().split()
