"""The reward `bright` of the task reframe: a small transformer that hears how positive a text sounds.

    python -m train.reframe.bright --data-dir data --texts train/reframe/texts.tsv --out runs/silver-lining/bright

Learns from Positive Psychology Frames (reframings against the thoughts that they answer), from the texts that the start
learns (what is bright of a thought against what is true to it), and GoEmotions (positive against the rest), all
without case and punctuation, and from texts made to fool it (`gaming`). Word vectors are those of all-MiniLM-L6-v2,
reduced, and stay as they are, so that words never seen here are heard too. Writes the model, its tokenizer, and
`hyperparameters.json` with how well it tells texts apart. Takes minutes, in one process.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn
from transformers import ModernBertForSequenceClassification, PreTrainedTokenizerFast

from backbones.store.files import write_json
from backbones.tasks.reframe.form import without_opening
from backbones.tasks.reframe.spelling import plain
from train import checkpoints, encoder, goemotions
from train.encoder import HIDDEN
from train.ranking import auc
from train.reframe import frames, gaming, threes, vocabulary
from train.reframe.frames import Frame
from train.reframe.gaming import GLOOMY, SURE
from train.reframe.threes import Three

EPOCHS, BATCH, RATE = 6, 64, 1e-3
EMOTIONS, SHORT = 20_000, 5_000  # texts of an epoch: of GoEmotions, and short ones that are made up
FREQUENT = 8_000  # word pieces whose vectors say what a principal component is

# Scores of GoEmotions: positive, negative, both, neither.
POSITIVE, NEGATIVE, BOTH, NEITHER = 0.9, 0.06, 0.5, 0.35
NEGATIVES = frozenset(
    "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse sadness".split()
)

CALM, EVEN = 0.2, 0.8  # scores of texts that are true to a thought, and that keep its trouble and add something bright
REPEATS = 2  # of these texts in an epoch: there are fewer of them than of the rest

Scored = tuple[str, float]  # a text and the score that it deserves


def emotions(split: str, data_dir: Path | None) -> list[Scored]:
    """The texts of GoEmotions."""
    rows, names = goemotions.load(split, data_dir)
    found = []
    for text, labels in zip(rows["text"], rows["labels"], strict=True):
        felt = {names[label] for label in labels}
        good, bad = bool(felt & goemotions.POSITIVE), bool(felt & NEGATIVES)
        score = BOTH if good and bad else POSITIVE if good else NEGATIVE if bad else NEITHER
        found.append((text.replace("[NAME]", "he"), score))
    return found


def worn(text: str, luck: random.Random) -> str:
    """A text in bare words, sometimes without its end or a few of them: how columns end must not tell them apart."""
    words = plain(text).split()
    if luck.random() < 0.4 and len(words) > 6:
        words = words[: -luck.randint(1, 4)]
    if luck.random() < 0.3:
        words = [word for word in words if luck.random() > 0.06] or words
    return " ".join(words)


def of_pair(thought: str, text: str, texts: Sequence[str], luck: random.Random) -> list[Scored]:
    """What an epoch learns from a thought and its reframing `text`; `texts`: all reframings."""
    gloom, bare = worn(thought, luck), plain(text)
    drawn = [(gloom, GLOOMY), (worn(text, luck), SURE), gaming.dressed(gloom, luck)]
    if luck.random() < 0.2:  # the beginning alone
        words = bare.split()
        drawn.append((" ".join(words[: max(6, round(len(words) * luck.uniform(0.5, 0.9)))]), 0.75))
    rest = without_opening(text)
    if rest != text and luck.random() < 0.5:
        drawn.append((worn(rest, luck), 0.75))
    chance = luck.random()
    if chance < 0.12:
        drawn.append(gaming.piled(bare, luck))
    elif chance < 0.2:
        drawn.append((f"{plain(luck.choice(texts))} {gloom}", 0.4))
    elif chance < 0.28:
        drawn.append((f"{gloom} but {bare}", 0.75))
    elif chance < 0.34:
        drawn.append(gaming.shuffled(bare, luck))
    return drawn


def of_three(three: Three, luck: random.Random) -> list[Scored]:
    """What an epoch learns from a thought's three texts: whole ones, so that no end of theirs is bright by itself."""
    calm, even, sure = map(plain, three[1:])
    drawn = [(calm, CALM), (even, EVEN), (sure, SURE), gaming.dressed(calm, luck)]
    if luck.random() < 0.15:
        drawn.append(gaming.shuffled(sure, luck))
    return drawn


def epoch(pairs: Sequence[Frame], told: Sequence[Three], felt: Sequence[Scored], seed: int) -> list[Scored]:
    """The texts of an epoch in bare words, drawn anew for every seed."""
    luck, texts = random.Random(seed), [text for _, text in pairs]
    drawn = [scored for thought, text in pairs for scored in of_pair(thought, text, texts, luck)]
    drawn += [scored for three in told for _ in range(REPEATS) for scored in of_three(three, luck)]
    for text, score in luck.sample(felt, min(EMOTIONS, len(felt))):
        text = worn(text, luck)
        gamed = score == NEGATIVE and luck.random() < 0.2
        drawn.append(gaming.dressed(text, luck) if gamed else (text, score))
    drawn += [gaming.short(luck) for _ in range(SHORT)]
    luck.shuffle(drawn)
    return drawn


def word_vectors(words: PreTrainedTokenizerFast, minilm: Path | None) -> torch.Tensor:
    """Vectors [pieces, HIDDEN] of the tokenizer's pieces: MiniLM's, by principal components, of unit variance."""
    with safe_open(vocabulary.minilm("model.safetensors", minilm), "pt") as file:
        table = file.get_tensor("embeddings.word_embeddings.weight").float()
    known = vocabulary.numbers(vocabulary.minilm("tokenizer.json", minilm))
    found = table[[known[piece] for piece in vocabulary.pieces(words)]]
    found = found - found.mean(0)
    _, _, axes = torch.linalg.svd(found[:FREQUENT], full_matrices=False)
    reduced = found @ axes[:HIDDEN].T
    return reduced / reduced.std()


def model(vectors: torch.Tensor) -> ModernBertForSequenceClassification:
    """An encoder with mean pooling and one logit; the word vectors [pieces, HIDDEN] are frozen."""
    made = encoder.model(len(vectors), ["positive"], embedding_dropout=0.15, mlp_dropout=0.1, classifier_dropout=0.2)
    made.model.embeddings.tok_embeddings.weight.data.copy_(vectors)
    made.model.embeddings.tok_embeddings.weight.requires_grad_(False)
    return made


def batches(ids: Sequence[Sequence[int]], size: int, luck: random.Random) -> list[list[int]]:
    """Numbers of texts of like length, up to `size` together, in random order."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]) + luck.random())
    cut = [order[i : i + size] for i in range(0, len(order), size)]
    luck.shuffle(cut)
    return cut


def logits(made: nn.Module, words: PreTrainedTokenizerFast, ids: Sequence[list[int]]) -> torch.Tensor:
    """Logits [texts] of one batch."""
    return made(**words.pad({"input_ids": list(ids)}, return_tensors="pt")).logits[:, 0]


def scores(made: nn.Module, words: PreTrainedTokenizerFast, texts: Sequence[str]) -> torch.Tensor:
    """Probabilities [texts]."""
    made.eval()
    ids = words([plain(text) for text in texts], truncation=True)["input_ids"]
    found = torch.empty(len(texts))
    with torch.inference_mode():
        for chosen in batches(ids, 128, random.Random(0)):
            found[chosen] = logits(made, words, [ids[i] for i in chosen]).sigmoid()
    return found


def train(made: nn.Module, words: PreTrainedTokenizerFast, epochs: Sequence[Sequence[Scored]]) -> int:
    """Train on the texts of all epochs; the number of steps."""
    learned = [parameter for parameter in made.parameters() if parameter.requires_grad]
    steps = sum(-(-len(rows) // BATCH) for rows in epochs)
    optimizer = torch.optim.AdamW(learned, lr=RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    made.train()
    for number, rows in enumerate(epochs, start=1):
        ids, total = words([text for text, _ in rows], truncation=True)["input_ids"], 0.0
        for chosen in batches(ids, BATCH, random.Random(number)):
            wanted = torch.tensor([rows[i][1] for i in chosen])
            found = logits(made, words, [ids[i] for i in chosen])
            loss = nn.functional.binary_cross_entropy_with_logits(found, wanted)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        print(f"epoch {number}: loss {total / len(rows):.4f}", flush=True)
    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder with both data sets; default: fetch them")
    parser.add_argument("--texts", type=Path, required=True, help="TSV with three texts a thought, true to bright")
    parser.add_argument("--minilm", type=Path, help="folder of all-MiniLM-L6-v2; default: fetch it from the Hub")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if checkpoints.finished(args.out):
        return
    torch.manual_seed(0)
    learn, choice = frames.load(args.data_dir)
    felt, felt_dev = emotions("train", args.data_dir), emotions("dev", args.data_dir)
    told, left_out = threes.load(args.texts, args.data_dir)
    read = [text for pair in learn for text in pair] + [text for text, _ in felt]
    words = vocabulary.tokenizer(vocabulary.minilm("tokenizer.json", args.minilm), read)
    made = model(word_vectors(words, args.minilm))
    epochs = [epoch(learn, told, felt, seed) for seed in range(EPOCHS)]
    steps = train(made, words, epochs)
    thoughts, texts = (scores(made, words, side) for side in zip(*choice, strict=True))
    heard = scores(made, words, [text for text, _ in felt_dev])
    kind = torch.tensor([score for _, score in felt_dev])
    calm, even, sure = (scores(made, words, side) for side in zip(*(three[1:] for three in left_out), strict=True))
    args.out.mkdir(parents=True, exist_ok=True)
    write_json(
        args.out / "hyperparameters.json",
        {
            "epochs": EPOCHS,
            "batch_size": BATCH,
            "learning_rate": RATE,
            "texts": sum(map(len, epochs)),
            "steps": steps,
            "auc_frames": round(auc(texts, thoughts), 4),
            "auc_goemotions": round(auc(heard[kind == POSITIVE], heard[kind < BOTH]), 4),
            "auc_texts": round(auc(torch.cat([even, sure]), calm), 4),
        },
    )
    words.save_pretrained(args.out)
    made.half().save_pretrained(args.out)


if __name__ == "__main__":
    main()
