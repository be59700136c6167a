"""Whether a text makes sense for what was given: a language model that learned it from readers' marks, for training.

    python -m train.sense --task reframe --base BASE --start runs/silver-lining/start --data-dir data \
        --marks train/reframe/marks.tsv --texts train/reframe/texts.tsv train/reframe/kinds.tsv \
        --out runs/silver-lining/sense

A further reward of every adapter alike (`train.tune --sense`), no objective: small learned rewards hear a text's tone
and its subject, not whether a trouble can be met in the way that it says. Learns from texts of earlier models with the
marks 0 (wrong), 1 (weak) and 2 (makes sense), and from texts to learn from: a prompt's own make sense, another
prompt's do not. LoRA on the base with the start merged into it. `hyperparameters.json` in OUT says how well it tells 2
from 0 among the marks of one prompt in ten, which it did not learn. Interrupted, the same command resumes.
"""

import argparse
import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import datasets
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)

from backbones.store.adapters import WEIGHTS
from backbones.store.files import write_json
from backbones.tasks import TASKS
from backbones.tasks.task import Given, Pair, Task
from train import checkpoints, data, processes
from train.bases import dequantised, plain_tokenizer
from train.ranking import auc

BATCH, RATE, EPOCHS = 32, 3e-4, 2
LEFT_OUT = 10  # one prompt of so many is not learned from
AT_ONCE = 64  # texts that are judged together


class Marked(NamedTuple):
    """A text for what was given, and how much sense it makes: 0, 0.5 or 1."""

    given: Given
    text: str
    sense: float


def load(task: Task, file: Path, prompts: Sequence[Given]) -> list[Marked]:
    """The marks of `file`: TSV with the columns `given` (`data.key` of one of `prompts`), `text` and `mark` (0, 1, 2).

    Raises ValueError for a missing column, a key of none of them, another mark, and where there is nothing to learn.
    """
    known, found = {data.key(task, one): one for one in prompts}, []
    with file.open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t")
        if missing := {"given", "text", "mark"} - set(table.fieldnames or ()):
            raise ValueError(f"{file} has no column {sorted(missing)[0]!r}: it has {', '.join(table.fieldnames or ())}")
        for row in table:
            if row["given"] not in known:
                raise ValueError(f"{file}: no prompt has the key {row['given']}: use the marks of other prompts")
            if row["mark"] not in ("0", "1", "2"):
                raise ValueError(f"{file}: the mark {row['mark']!r} is none of 0, 1, 2")
            found.append(Marked(known[row["given"]], row["text"], int(row["mark"]) / 2))
    if len({task.line(one.given) for one in found}) < 2:  # one is left out
        raise ValueError(f"{file} has marks for fewer than two prompts: give more")
    return found


def matched(pairs: Sequence[Pair], count: int) -> list[Marked]:
    """`count` of the texts with their own prompts, and up to `count` with others'. Raises ValueError without texts."""
    if not pairs:
        raise ValueError("no texts to learn from are for other prompts than those left out: give more --texts")
    luck, found = random.Random(0), []
    for own, other in ((luck.choice(pairs), luck.choice(pairs)) for _ in range(count)):
        found.append(Marked(own.given, own.reference or "", 1.0))
        if other.given != own.given:
            found.append(Marked(own.given, other.reference or "", 0.0))
    return found


def reader(base: Path, start: Path) -> torch.nn.Module:
    """The base with the start merged into it and one number in place of the next word, in fp32."""
    plain = PeftModel.from_pretrained(dequantised(base, torch.float32), start).merge_and_unload()
    config = plain.config
    config.num_labels, config.pad_token_id = 1, plain_tokenizer(base).pad_token_id
    torch.manual_seed(0)  # the new layer's
    model = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    setattr(model, model.base_model_prefix, plain.base_model)
    return model


class Sense:
    """The trained judge, as a reward in [0, 1]."""

    def __init__(self, task: Task, model: torch.nn.Module, tokenizer: PreTrainedTokenizerBase):
        self.task, self.model, self.tokenizer = task, model.eval(), tokenizer

    @classmethod
    def load(cls, task: Task, base: Path, start: Path, folder: Path, device: torch.device) -> "Sense":
        """The judge in `folder`, on `device`."""
        model = PeftModel.from_pretrained(reader(base, start), folder)
        return cls(task, model.to(device), plain_tokenizer(base))

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        """How much sense each of `texts` makes for what was `given`."""
        said = [asked(self.task, one, text, self.tokenizer) for text, one in zip(texts, given, strict=True)]
        found: list[float] = []
        for i in range(0, len(said), AT_ONCE):
            batch = self.tokenizer(said[i : i + AT_ONCE], padding=True, return_tensors="pt")
            batch.pop("token_type_ids", None)
            found += self.model(**batch.to(self.model.device)).logits[:, 0].sigmoid().tolist()
        return found


def asked(task: Task, given: Given, text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """What the judge reads: the prompt with its text. It answers at the last token of that."""
    return f"{task.prompt(given, tokenizer)} {text.strip()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--base", type=Path, required=True, help="folder of a model in 4 bits with its tokenizer")
    parser.add_argument("--start", type=Path, required=True, help="folder of the adapter that train.start made")
    parser.add_argument("--data-dir", type=Path, help="folder with the task's data; default: fetch from the Hub")
    parser.add_argument("--marks", type=Path, required=True, help="TSV with the columns given, text and mark")
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="files with texts to learn from")
    parser.add_argument("--epochs", type=float, default=EPOCHS)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if checkpoints.finished(args.out, WEIGHTS):
        return
    task = TASKS[args.task]()
    try:
        pairs = data.other_texts(task, args.texts, args.data_dir)
        known = data.apart(task, data.pairs(task, "train", args.data_dir), args.data_dir)
        prompts = [pair.given for pair in (*known, *pairs)]
        marks = load(task, args.marks, prompts)
        order = list(dict.fromkeys(task.line(one.given) for one in marks))
        apart = set(order[::LEFT_OUT])
        left_out = [one for one in marks if task.line(one.given) in apart]
        learned = [one for one in marks if task.line(one.given) not in apart]
        rows = learned + matched([pair for pair in pairs if task.line(pair.given) not in apart], len(learned) // 2)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None
    words = plain_tokenizer(args.base)
    encoded = [words(asked(task, one.given, one.text, words))["input_ids"] for one in rows]
    config = TrainingArguments(
        output_dir=str(args.out / "checkpoints"),
        num_train_epochs=args.epochs,
        per_device_train_batch_size=BATCH // processes.state().num_processes,
        learning_rate=RATE,
        lr_scheduler_type="cosine",
        warmup_steps=20,
        weight_decay=0.0,
        max_grad_norm=1.0,
        train_sampling_strategy="group_by_length",
        logging_steps=10,
        save_steps=25,
        save_total_limit=1,
        use_cpu=not torch.cuda.is_available(),
        report_to="tensorboard",
        label_names=["labels"],
        average_tokens_across_devices=False,  # the loss is a mean over texts
        seed=0,
    )
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,
        target_modules="all-linear",
        task_type="SEQ_CLS",
        modules_to_save=["score"],
    )
    trainer = Trainer(
        model=get_peft_model(reader(args.base, args.start), lora),
        args=config,
        train_dataset=datasets.Dataset.from_dict({"input_ids": encoded, "labels": [one.sense for one in rows]}),
        data_collator=DataCollatorWithPadding(words),
        processing_class=words,
        compute_loss_func=_loss,
    )
    checkpoints.train(trainer)
    if not trainer.is_world_process_zero():
        return
    args.out.mkdir(parents=True, exist_ok=True)
    judge = Sense(task, trainer.model, words)
    heard = torch.tensor(judge([one.text for one in left_out], [one.given for one in left_out]))
    marked = torch.tensor([one.sense for one in left_out])
    good, bad = heard[marked == 1], heard[marked == 0]
    write_json(
        args.out / "hyperparameters.json",
        {
            "epochs": args.epochs,
            "batch_size": BATCH,
            "learning_rate": RATE,
            "rank": lora.r,
            "alpha": lora.lora_alpha,
            "examples": len(rows),
            "marks": len(learned),
            "marks_left_out": len(left_out),
            "steps": trainer.state.global_step,
            "seed": config.seed,
            "auc": round(auc(good, bad), 4) if len(good) and len(bad) else None,
        },
    )
    trainer.save_model(args.out)  # last, as `finished` asks for it


def _loss(outputs, labels: torch.Tensor, num_items_in_batch=None) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(outputs.logits[:, 0].float(), labels.float())


if __name__ == "__main__":
    main()
