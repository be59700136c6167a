"""Scores that nothing was trained on, so that a front can be judged by others than the rewards that made it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from backbones.tasks.reframe.form import copied_share
from backbones.tasks.reframe.task import Reframe
from backbones.tasks.task import Task
from backbones.tasks.words import words
from train.reframe import vocabulary

OPENING = 3  # words
MINILM = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
BATCH = 64
Measure = Callable[[Sequence[str], Sequence[str]], float]  # texts, and what was given as lines -> one figure for all


def judges(task: Task, minilm: Path | None = None) -> dict[str, Measure]:
    """What judges the texts of a task, by name.

    vader: how positive, mean compound of VADER's rules (Hutto and Gilbert, ICWSM 2014), -1 to 1. openings: distinct
    first three words, as a share of the texts. Where what is given is itself a text, copied: share of the text's runs
    of four words that this has; minilm: mean cosine to it of all-MiniLM-L6-v2. Raises as `vocabulary.minilm` does.
    """
    vader = SentimentIntensityAnalyzer()
    found: dict[str, Measure] = {
        "vader": lambda texts, _: _mean(vader.polarity_scores(text)["compound"] for text in texts),
        "openings": lambda texts, _: len({tuple(words(text)[:OPENING]) for text in texts}) / len(texts),
    }
    if isinstance(task, Reframe):
        found["copied"] = lambda texts, lines: _mean(map(copied_share, texts, lines))
        files = [vocabulary.minilm(name, minilm) for name in MINILM]  # of the Hub they come one by one, to one folder
        found["minilm"] = Similarity(files[0].parent)
    return found


class Similarity:
    """Mean cosine of sentence embeddings: token embeddings averaged, as the model's card has it."""

    def __init__(self, folder: Path):
        self.model = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
        self.words = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.known: dict[str, torch.Tensor] = {}  # methods often write the same, and all for the same thoughts

    def __call__(self, texts: Sequence[str], lines: Sequence[str]) -> float:
        """The mean over texts and the lines that they are for."""
        return float((self._embedded(texts) * self._embedded(lines)).sum(dim=1).mean())

    def _embedded(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors (texts, size)."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        for start in range(0, len(new), BATCH):
            some = new[start : start + BATCH]
            batch = self.words(some, padding=True, truncation=True, max_length=128, return_tensors="pt")
            with torch.inference_mode():
                hidden = self.model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            means = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
            self.known |= dict(zip(some, torch.nn.functional.normalize(means, dim=1), strict=True))
        return torch.stack([self.known[text] for text in texts])


def _mean(values) -> float:
    found = list(values)
    return sum(found) / len(found)
