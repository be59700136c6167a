"""The reward `true` of the task reframe: a small model of how much of what a thought says, a text says too.

    python -m train.reframe.true --base BASE --data-dir data --texts train/reframe/texts.tsv \
        --out runs/silver-lining/true

`Matcher` says how. Learned on Positive Psychology Frames: a thought's own reframing against those of similar thoughts,
and against texts with a name, a number or a negation changed. And on the texts that the start is tuned on: what says
the same again against what adds something bright to it, and against the same with an addition for its own sake. Word
vectors are those of a language model, SmolLM2 in the shipped set, reduced; of all-MiniLM-L6-v2 it has the vocabulary
alone, so that one's similarities stay free to judge by. Writes the model, its tokenizer, and `hyperparameters.json`
with how well it tells texts apart. Takes minutes, in one process.
"""

import argparse
import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from backbones.store.files import write_json
from backbones.tasks.reframe.matcher import FILE, MATCHER_WIDTH, NEGATIONS, Matcher
from backbones.tasks.reframe.spelling import plain
from train import checkpoints
from train.bases import dequantised
from train.ranking import auc
from train.reframe import frames, threes, vocabulary
from train.reframe.frames import Frame
from train.reframe.negatives import added, falsified, half, negated, neighbours
from train.reframe.threes import Three

EPOCHS, BATCH, RATE = 4, 64, 2e-3
LAYER = 4  # of the language model: later ones think of the next word
FREQUENT = 8_000  # word pieces whose vectors say what a principal component is
SIMILAR = 12  # thoughts that count as similar
# What texts of a `Three` deserve, and calm and even ones with an addition, a word changed, a negation.
EVEN, BRIGHT, CALM_ADDED, EVEN_ADDED, CHANGED, NEGATED = 0.7, 0.3, 0.6, 0.5, 0.3, 0.25
PULL = 1e-4  # towards where the model began: words seen too seldom keep their rarity

Row = tuple[str, str, float]  # a thought, a text, and how much of the thought it says


@dataclass(frozen=True)
class Lesson:
    """Pairs of thoughts and their reframings, the numbers of pairs with a similar thought, thoughts with three texts,
    the numbers of those with a similar one, and words that are rare."""

    pairs: Sequence[Frame]
    near: Sequence[Sequence[int]]
    threes: Sequence[Three]
    near_threes: Sequence[Sequence[int]]
    names: Sequence[str]
    rare: frozenset[str]

    def __len__(self) -> int:
        return len(self.pairs) + len(self.threes)

    def of(self, i: int, luck: random.Random) -> list[Row]:
        """A thought with texts, and how much of it each says. Only what is said can tell them apart."""
        return self._of_pair(i, luck) if i < len(self.pairs) else self._of_three(i - len(self.pairs), luck)

    def _of_three(self, i: int, luck: random.Random) -> list[Row]:
        thought, calm, even, bright = self.threes[i]
        other = self.threes[luck.choice(self.near_threes[i])]
        drawn = [(calm, 1.0), (even, EVEN), (bright, BRIGHT), (luck.choice([other.calm, other.bright]), 0.0)]
        drawn.append((added(luck.choice([calm, thought]), other.even, luck), CALM_ADDED))
        drawn.append((added(even, other.even, luck), EVEN_ADDED))
        if changed := falsified(luck.choice([calm, even]), self.names, self.rare, luck):
            drawn.append((changed, CHANGED))
        if luck.random() < 0.5 and (changed := negated(calm, luck)):
            drawn.append((changed, NEGATED))
        return [(thought, said, label) for said, label in drawn]

    def _of_pair(self, i: int, luck: random.Random) -> list[Row]:
        thought, text = self.pairs[i]
        drawn = [(text, 1.0)]
        if luck.random() < 0.15:
            drawn.append((thought, 1.0))
        drawn += [(self.pairs[luck.choice(self.near[i])][1], 0.0) for _ in range(2)]
        drawn += [(luck.choice(self.pairs)[1], 0.0) for _ in range(2)]
        changed = falsified(luck.choice([text, text, thought]), self.names, self.rare, luck)
        if changed:
            drawn.append((changed, 0.35))
        if luck.random() < 0.3 and (changed := negated(luck.choice([text, thought]), luck)):
            drawn.append((changed, 0.3))
        if luck.random() < 0.3:
            drawn.append((half(text, self.pairs[luck.choice(self.near[i])][1]), 0.4))
        return [(thought, said, label) for said, label in drawn]


def word_vectors(pieces: Sequence[str], base: Path) -> torch.Tensor:
    """Vectors [pieces, MATCHER_WIDTH] of unit length: what layer `LAYER` of the base makes of a word, reduced."""
    model = dequantised(base, torch.float32).model.eval()
    model.layers, model.norm = model.layers[:LAYER], torch.nn.Identity()
    tokens = AutoTokenizer.from_pretrained(base, padding_side="right")
    order = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))
    found = torch.empty(len(pieces), model.config.hidden_size)
    with torch.inference_mode():
        for start in range(0, len(order), 512):
            chosen = order[start : start + 512]
            said = [f"The word {pieces[i].removeprefix('##')}" for i in chosen]
            batch = tokens(said, padding=True, return_tensors="pt")
            batch.pop("token_type_ids", None)
            last = batch["attention_mask"].sum(1) - 1
            hidden = model(**batch, use_cache=False).last_hidden_state  # [chosen, T, hidden]
            found[chosen] = hidden[torch.arange(len(chosen)), last]
    found = (found - found.mean(0)) / found.std(0)
    _, _, axes = torch.linalg.svd(found[:FREQUENT], full_matrices=False)
    return torch.nn.functional.normalize(found @ axes[:MATCHER_WIDTH].T, dim=-1)


def stems(pieces: Sequence[str]) -> torch.Tensor:
    """Numbers [pieces], the same for whole words with the same first five letters: stress, stressed, stressful."""
    first: dict[str, int] = {}
    return torch.tensor(
        [first.setdefault(piece[:5], i) if len(piece) >= 5 and piece.isalpha() else i for i, piece in enumerate(pieces)]
    )


def rarities(words: PreTrainedTokenizerFast, texts: Sequence[str]) -> torch.Tensor:
    """Inverse document frequencies [pieces] of word pieces in bare texts."""
    counts = Counter(number for ids in words(list(texts))["input_ids"] for number in set(ids))
    return torch.tensor([math.log(len(texts) / (counts[i] + 1)) for i in range(len(words))])


def matcher(words: PreTrainedTokenizerFast, rarity: torch.Tensor, base: Path) -> Matcher:
    """The model before training."""
    pieces = vocabulary.pieces(words)
    made = Matcher(word_vectors(pieces, base), rarity)
    made.nots[words.convert_tokens_to_ids(list(NEGATIONS))] = True
    made.stems.copy_(stems(pieces))
    made.numbers[[i for i, piece in enumerate(pieces) if piece.removeprefix("##").isdigit()]] = True
    return made


def train(made: Matcher, words: PreTrainedTokenizerFast, lesson: Lesson, rarity: torch.Tensor) -> None:
    """Train on the lesson; every epoch draws other texts."""
    luck = random.Random(0)
    steps = len(lesson) // BATCH  # of an epoch; what is left over comes in another one
    optimizer = torch.optim.AdamW(made.parameters(), lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * steps, pct_start=0.1)
    unturned = torch.eye(MATCHER_WIDTH)
    made.train()
    for number in range(1, EPOCHS + 1):
        order = list(range(len(lesson)))
        luck.shuffle(order)
        total = 0.0
        for start in range(0, steps * BATCH, BATCH):
            rows = [row for i in order[start : start + BATCH] for row in lesson.of(i, luck)]
            logits = made(made.ids(words, [(thought, text) for thought, text, _ in rows]))
            wanted = torch.tensor([label for *_, label in rows])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)
            for turned in (made.align.weight, made.topic.weight):
                loss = loss + PULL * (turned - unturned).square().sum()
            for weight in (made.weight.weight, made.added.weight):
                loss = loss + PULL * (weight[:, 0] - rarity).square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {number}: loss {total / steps:.4f}", flush=True)


def scores(made: Matcher, words: PreTrainedTokenizerFast, rows: Sequence[Frame]) -> torch.Tensor:
    """Logits [rows]."""
    made.eval()
    with torch.inference_mode():
        return torch.cat([made(made.ids(words, list(rows[i : i + 64]))) for i in range(0, len(rows), 64)])


def report(
    made: Matcher,
    words: PreTrainedTokenizerFast,
    choice: Sequence[Frame],
    like: Sequence[int],
    left_out: Sequence[Three],
) -> dict[str, float]:
    """How well reframings are told from those of random other thoughts, and of the most similar ones, `like`; and
    texts that say the same as their thought from the same with an addition."""
    other = list(range(len(choice)))
    random.Random(1).shuffle(other)
    other = [j if j != i else (j + 1) % len(choice) for i, j in enumerate(other)]
    own, far, close = (
        scores(made, words, [(thought, choice[j][1]) for (thought, _), j in zip(choice, numbers, strict=True)])
        for numbers in (range(len(choice)), other, like)
    )
    luck = random.Random(2)
    longer = [added(three.calm, left_out[i - 1].even, luck) for i, three in enumerate(left_out)]
    calm = scores(made, words, [(three.thought, three.calm) for three in left_out])
    more = scores(made, words, [(three.thought, text) for three, text in zip(left_out, longer, strict=True)])
    found = {"auc_random": auc(own, far), "auc_similar": auc(own, close), "auc_added": auc(calm, more)}
    return {name: round(value, 4) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of a model in 4 bits, for its word vectors")
    parser.add_argument("--data-dir", type=Path, help="folder with positive-frames/; default: fetch it")
    parser.add_argument("--texts", type=Path, required=True, help="TSV with three texts a thought, true to bright")
    parser.add_argument("--minilm", type=Path, help="folder of all-MiniLM-L6-v2; default: fetch it from the Hub")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if checkpoints.finished(args.out):
        return
    torch.manual_seed(0)
    learn, choice = frames.load(args.data_dir)
    told, left_out = threes.load(args.texts, args.data_dir)
    read = [plain(text) for pair in learn for text in pair]
    counts = Counter(word for text in read for word in dict.fromkeys(text.split()))
    idf = defaultdict(lambda: math.log(len(read)), {word: math.log(len(read) / n) for word, n in counts.items()})
    names = [word for word, count in counts.items() if 3 <= count <= 60 and len(word) > 3]
    near, near_told = (neighbours([plain(one[0]).split() for one in side], idf, SIMILAR) for side in (learn, told))
    like = [first for first, *_ in neighbours([plain(thought).split() for thought, _ in choice], idf, 1)]
    words = vocabulary.tokenizer(vocabulary.minilm("tokenizer.json", args.minilm), read)
    rarity = rarities(words, read)
    made = matcher(words, rarity, args.base)
    train(made, words, Lesson(learn, near, told, near_told, names, frozenset(names)), rarity)
    args.out.mkdir(parents=True, exist_ok=True)
    how = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": RATE, "examples": len(learn), "threes": len(told)}
    write_json(args.out / "hyperparameters.json", how | report(made, words, choice, like, left_out))
    words.save_pretrained(args.out)
    weights = {name: w.half() if w.is_floating_point() else w for name, w in made.state_dict().items()}
    save_file({name: w.contiguous() for name, w in weights.items()}, args.out / FILE)


if __name__ == "__main__":
    main()
