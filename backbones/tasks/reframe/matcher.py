"""The model behind True: how much of a thought a text says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedTokenizerFast

from backbones.tasks.reframe.spelling import plain

MATCHER_WIDTH = 128
LONGEST = 64  # word pieces read of a text
FILE = "model.safetensors"
NEGATIONS = ("not", "no", "never", "nothing", "nobody", "none", "without")


class Matcher(nn.Module):
    """How much of a thought a text says: every word looks for its like on the other side.

    `table` [pieces, MATCHER_WIDTH], frozen word vectors; `weight` and `added` [pieces, 1], how much it matters that a
    word of the thought is missing, or that one of the text is new. `stems` [pieces], the same
    for words that begin alike. The logit is linear in what was found, so no odd
    mixture of words can be worth more than saying it all.
    """

    FEATURES = 8

    def __init__(self, table: torch.Tensor, rarity: torch.Tensor):
        super().__init__()
        self.register_buffer("table", table)
        self.weight = nn.Embedding.from_pretrained(rarity[:, None].clone(), freeze=False)
        self.added = nn.Embedding.from_pretrained(rarity[:, None].clone(), freeze=False)
        self.align = nn.Linear(MATCHER_WIDTH, MATCHER_WIDTH, bias=False)
        nn.init.eye_(self.align.weight)
        self.topic = nn.Linear(MATCHER_WIDTH, MATCHER_WIDTH, bias=False)
        nn.init.eye_(self.topic.weight)
        self.denial = nn.Parameter(torch.tensor(0.5))  # what a match loses where one side denies it
        self.near = nn.Parameter(torch.tensor([8.0, 0.7]))  # slope and threshold of being alike
        self.head = nn.Linear(self.FEATURES, 1)
        self.head.weight.data.copy_(torch.tensor([[2.0, 4.0, 2.0, 0.0, 0.5, 0.0, -0.5, 2.0]]))
        nn.init.constant_(self.head.bias, -5.0)
        self.register_buffer("stems", torch.arange(len(table)))
        self.register_buffer("nots", torch.zeros(len(table), dtype=torch.bool))
        self.register_buffer("numbers", torch.zeros(len(table), dtype=torch.bool))

    @staticmethod
    def ids(words, rows: list[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Word pieces [rows, T] of thoughts and of texts, padded with 0; specials left out."""

        def padded(texts: list[str]) -> torch.Tensor:
            found = words([plain(text) for text in texts], add_special_tokens=False)["input_ids"]
            width = min(LONGEST, max(1, max(map(len, found))))
            return torch.tensor([(row + [0] * width)[:width] for row in found])

        return padded([a for a, _ in rows]), padded([b for _, b in rows])

    def denied(self, pieces: torch.Tensor) -> torch.Tensor:
        """Whether one of the three pieces before each is a negation: bool [rows, T]."""
        nots = nn.functional.pad(self.nots[pieces].float(), (3, 0))[:, :-1]
        return nn.functional.max_pool1d(nots[:, None], 3, 1)[:, 0] > 0

    def forward(self, pieces: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Logits [rows]."""
        a, b = pieces
        here, there = a > 3, b > 3  # what is no padding and not unknown
        x = nn.functional.normalize(self.align(self.table[a]), dim=-1)
        y = nn.functional.normalize(self.align(self.table[b]), dim=-1)
        like = torch.sigmoid(self.near[0] * (x @ y.mT - self.near[1]))  # [rows, Ta, Tb]
        like = torch.where(self.stems[a][:, :, None] == self.stems[b][:, None], like.clamp(min=0.9), like)
        like = torch.where(a[:, :, None] == b[:, None], 1.0, like)
        odds = self.denied(a)[:, :, None] != self.denied(b)[:, None]
        like = torch.where(odds, like * (1 - self.denial.clamp(0, 1)), like) * (here[:, :, None] & there[:, None])
        w = nn.functional.softplus(self.weight(a)[..., 0]) * here
        v = nn.functional.softplus(self.added(b)[..., 0]) * there
        found, kept = like.amax(2), like.amax(1)
        recall = (w * found).sum(1) / w.sum(1).clamp(min=1e-3)
        precision = (v * kept).sum(1) / v.sum(1).clamp(min=1e-3)
        numbers = self.numbers[b] & there
        invented = (numbers * (1 - kept)).sum(1)
        of_a = (w[..., None].square() * self.table[a]).sum(1)
        of_b = (v[..., None].square() * self.table[b]).sum(1)
        topic = nn.functional.cosine_similarity(self.topic(of_a), self.topic(of_b), dim=-1)
        features = [recall, recall.clamp(min=1e-4).sqrt(), precision, recall * precision, (w * found).sum(1).log1p(),
                    (v * (1 - kept)).sum(1).log1p(), invented, topic]  # fmt: skip
        return self.head(torch.stack(features, 1))[:, 0]


class Matching:
    """A trained `Matcher` with its tokenizer, on the CPU, where a text takes well under a millisecond."""

    def __init__(self, model: Matcher, words: PreTrainedTokenizerFast):
        self.model, self.words = model.eval().requires_grad_(False), words

    @classmethod
    def load(cls, folder: Path) -> Self:
        """From a folder with `model.safetensors` and a tokenizer."""
        weights = {name: w.float() if w.is_floating_point() else w for name, w in load_file(folder / FILE).items()}
        model = Matcher(weights["table"], torch.zeros(len(weights["table"])))
        model.load_state_dict(weights)
        return cls(model, PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True))

    def logits(self, thoughts: Sequence[str], texts: Sequence[str]) -> list[float]:
        """How much of each thought its text says."""
        if not texts:
            return []
        with torch.inference_mode():
            return self.model(Matcher.ids(self.words, list(zip(thoughts, texts, strict=True)))).tolist()
