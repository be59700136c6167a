"""Stage 2: the learned reward of a set: a small transformer that scores how upbeat a text sounds.

    python -m train.classifier --data-dir data --out runs/upbeat

Trained from scratch on GoEmotions (Demszky et al. 2020): any of its twelve positive emotions against the rest.
The 28 emotions themselves are auxiliary labels; only the label "positive" is served. Writes the tokenizer, the
model, and `hyperparameters.json` with the accuracy on the dev split. Interrupted, the same command resumes.
Under `accelerate launch` every batch is shared out between the processes.
"""

import argparse
from pathlib import Path

import datasets
import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import DataCollatorWithPadding, PreTrainedTokenizerFast, Trainer, TrainingArguments

from backbones.store.files import write_json
from backbones.tasks.restaurants.task import MASKED_NAME
from train import checkpoints, encoder, goemotions, processes

VOCABULARY = 8192
BATCH = 64
SMOOTHING = 0.1  # of the label "positive": annotators disagree, and a reward that is sure of itself has no slope


def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A lower-case WordPiece tokenizer; masked names are one token."""
    words = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer(lowercase=True)
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.train_from_iterator(
        (text.replace(MASKED_NAME, "") for text in texts),
        trainers.WordPieceTrainer(
            vocab_size=VOCABULARY, special_tokens=[*encoder.SPECIAL, MASKED_NAME], show_progress=False
        ),
    )
    return encoder.tokenizer(words)


def encoded(split: datasets.Dataset, words: PreTrainedTokenizerFast, names: list[str]) -> datasets.Dataset:
    """`input_ids` and multi-hot `labels` [1 + names], the label "positive" first."""

    ids = words(list(split["text"]), truncation=True)["input_ids"]
    hot = np.zeros((len(split), 1 + len(names)), dtype=np.float32)
    for row, labels in zip(hot, split["labels"]):
        row[[1 + label for label in labels]] = 1
        positive = any(names[label] in goemotions.POSITIVE for label in labels)
        row[0] = 1 - SMOOTHING if positive else SMOOTHING
    return datasets.Dataset.from_dict({"input_ids": ids, "labels": hot})


def accuracy(prediction) -> dict[str, float]:
    """Share of texts on whose "positive" label the model is right at the threshold 1/2."""
    return {"accuracy": float(np.mean((prediction.predictions[:, 0] > 0) == (prediction.label_ids[:, 0] > 0.5)))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder with goemotions/; default: fetch from the Hub")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--max-steps", type=int, default=-1, help="stop early, for a trial")
    args = parser.parse_args()
    if checkpoints.finished(args.out):
        return

    train, names = goemotions.load("train", args.data_dir)
    dev, _ = goemotions.load("dev", args.data_dir)
    words = tokenizer(train["text"])
    config = TrainingArguments(
        output_dir=str(args.out / "checkpoints"),
        num_train_epochs=args.epochs,
        max_steps=args.max_steps,
        per_device_train_batch_size=BATCH // processes.state().num_processes,
        per_device_eval_batch_size=256,
        learning_rate=1e-3,
        lr_scheduler_type="cosine",
        warmup_steps=200,
        weight_decay=0.1,
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        logging_steps=100,
        save_steps=500,
        save_total_limit=1,
        use_cpu=not torch.cuda.is_available(),
        report_to="tensorboard",
        seed=0,
    )
    torch.manual_seed(config.seed)
    trainer = Trainer(
        model=encoder.model(
            len(words),
            ["positive", *names],
            embedding_dropout=0.3,
            attention_dropout=0.1,
            mlp_dropout=0.3,
            classifier_dropout=0.5,
            problem_type="multi_label_classification",
        ),
        args=config,
        train_dataset=encoded(train, words, names),
        eval_dataset=encoded(dev, words, names),
        data_collator=DataCollatorWithPadding(words),
        processing_class=words,
        compute_metrics=accuracy,
    )
    checkpoints.train(trainer)
    metrics = trainer.evaluate()
    if not trainer.is_world_process_zero():
        return
    words.save_pretrained(args.out)
    trainer.model.half().save_pretrained(args.out)
    write_json(
        args.out / "hyperparameters.json",
        {
            "epochs": args.epochs,
            "batch_size": BATCH,
            "learning_rate": config.learning_rate,
            "weight_decay": config.weight_decay,
            "seed": config.seed,
            "examples": len(train),
            "dev_examples": len(dev),
            "dev_accuracy": round(metrics["eval_accuracy"], 4),
            "positive_share": round(float(np.mean([row[0] > 0.5 for row in trainer.eval_dataset["labels"]])), 4),
        },
    )


if __name__ == "__main__":
    main()
