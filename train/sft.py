"""Stage 1: a BPE tokenizer and a small Llama, trained from scratch on what people wrote for a task.

    python -m train.sft --task restaurants --data-dir data --out runs/restaurants/sft

Writes the tokenizer, the fp32 model and `hyperparameters.json`. Interrupted, the same command resumes
from the last checkpoint. Under `accelerate launch` every batch is shared out between the processes.
"""

import argparse
from pathlib import Path

import datasets
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

from backbones.store.files import write_json
from backbones.tasks import TASKS
from backbones.tasks.task import Pair, Task
from train import checkpoints, data, processes

VOCABULARY = 2048
BATCH = 64
MAX_LENGTH = 128  # tokens of prompt and text; the longest references are cut


def tokenizer(texts: list[str], task: Task | type[Task]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of `VOCABULARY` entries; the task's special tokens and placeholders are one each."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<pad>", "<eos>", *task.special_tokens]
    placeholders = [AddedToken(token, special=False, normalized=False) for token in task.placeholders]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(placeholders),
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    names = str.maketrans({"<": " ", ">": " "})  # placeholders are no text to learn merges from
    bpe.train_from_iterator((text.translate(names) for text in texts), trainer)
    bpe.add_tokens(placeholders)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<pad>", eos_token="<eos>", clean_up_tokenization_spaces=False
    )


def model(vocabulary: int, pad: int, eos: int) -> LlamaForCausalLM:
    """A Llama of about 5 M parameters; linear sizes are multiples of 64, as NF4 blocks need."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=256,
            intermediate_size=704,
            num_hidden_layers=6,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=eos,
            pad_token_id=pad,
        )
    )


def examples(pairs: list[Pair], task: Task, words: PreTrainedTokenizerFast) -> datasets.Dataset:
    """Columns `prompt` and `completion`; pairs without a reference left out."""
    return datasets.Dataset.from_list(
        [
            {"prompt": task.prompt(pair.given, words), "completion": pair.reference}
            for pair in pairs
            if pair.reference is not None
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default="restaurants")
    parser.add_argument("--data-dir", type=Path, help="folder with the task's data; default: fetch from the Hub")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--max-steps", type=int, default=-1, help="stop early, for a trial")
    args = parser.parse_args()
    if checkpoints.finished(args.out):
        return
    task = TASKS[args.task]()
    try:
        pairs = {split: data.with_reference(task, split, args.data_dir) for split in ("train", "dev")}
        pairs["train"] = data.apart(task, pairs["train"], args.data_dir)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None
    references = [pair.reference for pair in pairs["train"]]
    if not references:
        parser.error(f"the data of the task {task.name} has no texts to learn from: start with a model that writes")

    config = SFTConfig(
        output_dir=str(args.out / "checkpoints"),
        num_train_epochs=args.epochs,
        max_steps=args.max_steps,
        per_device_train_batch_size=BATCH // processes.state().num_processes,
        learning_rate=1.5e-3,
        lr_scheduler_type="cosine",
        warmup_steps=100,
        weight_decay=0.1,
        max_grad_norm=1.0,
        max_length=MAX_LENGTH,
        completion_only_loss=True,
        train_sampling_strategy="group_by_length",
        bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),  # slower than fp32 on the CPU
        gradient_checkpointing=False,
        per_device_eval_batch_size=128,
        eval_strategy="epoch",
        logging_steps=50,
        save_steps=250,
        save_total_limit=1,
        use_cpu=not torch.cuda.is_available(),
        report_to="tensorboard",
        seed=0,
    )
    words = tokenizer(references, task)
    train, dev = (examples(pairs[split], task, words) for split in ("train", "dev"))
    torch.manual_seed(config.seed)
    trainer = SFTTrainer(
        model=model(len(words), words.pad_token_id, words.eos_token_id),
        args=config,
        train_dataset=train,
        eval_dataset=dev,
        processing_class=words,
    )
    checkpoints.train(trainer)
    metrics = trainer.evaluate()
    trainer.model.config.use_cache = True  # the trainer turns it off; what is saved is for generating
    trainer.save_model(args.out)
    if not trainer.is_world_process_zero():
        return
    write_json(
        args.out / "hyperparameters.json",
        {
            "epochs": args.epochs,
            "batch_size": BATCH,
            "learning_rate": config.learning_rate,
            "scheduler": str(config.lr_scheduler_type),
            "warmup_steps": config.warmup_steps,
            "weight_decay": config.weight_decay,
            "max_length": MAX_LENGTH,
            "seed": config.seed,
            "examples": len(train),
            "steps": trainer.state.global_step,
            "dev_loss": round(metrics["eval_loss"], 4),
        },
    )


if __name__ == "__main__":
    main()
