"""Reward models: sequence classifiers as transformers saves them, run on finished texts."""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


class Classifier:
    """A small classifier of texts; the probability of one label is the reward."""

    def __init__(self, model: torch.nn.Module, tokenizer, label: str):
        self.model, self.tokenizer = model.eval().requires_grad_(False), tokenizer
        self.label = model.config.label2id[label]

    @classmethod
    def load(cls, folder: Path, label: str = "positive") -> "Classifier":
        """Load in fp32 onto the CPU, where a text takes a few milliseconds and the GPU stays free."""
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
        return cls(model, AutoTokenizer.from_pretrained(folder, local_files_only=True), label)

    def probabilities(self, texts: Sequence[str]) -> list[float]:
        """The probability of the label for every text, in [0, 1]."""
        words = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        words.pop("token_type_ids", None)
        with torch.inference_mode():
            return self.model(**words).logits[:, self.label].sigmoid().tolist()


class Judge:
    """A classifier of what was given together with the text; one of its logits is the reward."""

    def __init__(self, model: torch.nn.Module, tokenizer, template: str, output: int):
        self.model, self.tokenizer = model.eval().requires_grad_(False), tokenizer
        self.template, self.output = template, output
        if not 0 <= output < model.config.num_labels:
            raise ValueError(f"the reward model has {model.config.num_labels} outputs: {output} is none of them")

    @classmethod
    def load(cls, folder: Path, template: str, output: int, device: str) -> "Judge":
        """Load onto `device`, in bf16 on CUDA and in fp32 on the CPU. Raises ValueError for an output it lacks."""
        dtype = torch.bfloat16 if torch.device(device).type == "cuda" else torch.float32
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, local_files_only=True
        ).to(device)
        tokenizer = AutoTokenizer.from_pretrained(folder, truncation_side="left", local_files_only=True)
        if tokenizer.pad_token is None:  # GPT-2's, for instance
            tokenizer.pad_token = tokenizer.eos_token
        model.config.pad_token_id = tokenizer.pad_token_id  # where a causal model finds the last token it judges
        return cls(model, tokenizer, template, output)

    def rewards(self, prompts: Sequence[str], texts: Sequence[str]) -> list[float]:
        """The logit for every prompt and its text; of what is too long the end is read."""
        read = [self.template.format(prompt=p, text=t.strip()) for p, t in zip(prompts, texts, strict=True)]
        limit = min(self.tokenizer.model_max_length, self.model.config.max_position_embeddings)
        words = self.tokenizer(read, padding=True, truncation=True, max_length=limit, return_tensors="pt")
        words.pop("token_type_ids", None)
        with torch.inference_mode():
            return self.model(**words.to(self.model.device)).logits[:, self.output].float().tolist()
