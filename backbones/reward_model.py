"""The learned reward model of a set: a sequence classifier, run on finished texts.

A folder as transformers saves it. It reads a text as its training data was written: names are masked.
"""

from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from backbones.facts import NAME, NEAR

MASKED_NAME = "[NAME]"  # what GoEmotions writes for names of persons


class RewardModel:
    """A classifier and its tokenizer; one label of it is the reward."""

    def __init__(self, model: torch.nn.Module, tokenizer, label: str):
        self.model, self.tokenizer = model.eval().requires_grad_(False), tokenizer
        self.label = model.config.label2id[label]

    @classmethod
    def load(cls, folder: Path, label: str = "positive") -> "RewardModel":
        """Load in fp32 onto the CPU, where a text takes a few milliseconds and the GPU stays free."""
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
        return cls(model, AutoTokenizer.from_pretrained(folder, local_files_only=True), label)

    def probabilities(self, texts: list[str]) -> list[float]:
        """The probability of the label for every text with placeholders, in [0, 1]."""
        plain = [text.replace(NAME, MASKED_NAME).replace(NEAR, MASKED_NAME) or MASKED_NAME for text in texts]
        words = self.tokenizer(plain, padding=True, truncation=True, return_tensors="pt")
        words.pop("token_type_ids", None)
        with torch.inference_mode():
            return self.model(**words).logits[:, self.label].sigmoid().tolist()
