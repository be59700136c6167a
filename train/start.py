"""The adapter that all others of a set begin at: supervised tuning of a pretrained, quantised base with LoRA.

    python -m train.start --task reframe --base BASE --data-dir data --out runs/silver-lining/start

For any task whose data holds texts that people wrote. Trained on the values of the 4-bit weights, for one epoch.
`hyperparameters.json` in OUT says what the loss is on the dev pairs that no front is measured on. Interrupted, the same
command resumes. Under `accelerate launch` every batch is shared out between the processes.

    python -m train.start --task reframe --base BASE --data-dir data --epochs 1.5 --out runs/silver-lining/start \
        --texts train/reframe/texts.tsv train/reframe/kinds.tsv

learns other texts, see `data.other_texts`; the loss is that on the first tenth of them, which are not learned.
"""

import argparse
from pathlib import Path

import torch
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from backbones.store.adapters import WEIGHTS
from backbones.store.files import write_json
from backbones.tasks import TASKS
from train import checkpoints, data, processes
from train.bases import dequantised, plain_tokenizer, training_dtype
from train.sft import examples

BATCH = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--base", type=Path, required=True, help="folder of a model in 4 bits with its tokenizer")
    parser.add_argument("--data-dir", type=Path, help="folder with the task's data; default: fetch from the Hub")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--texts", type=Path, nargs="+", help="files with texts to learn instead of those of the data")
    parser.add_argument("--epochs", type=float, default=1)
    args = parser.parse_args()
    if checkpoints.finished(args.out, WEIGHTS):
        return
    task = TASKS[args.task]()
    try:
        words = plain_tokenizer(args.base)
        if args.texts:
            pairs = data.other_texts(task, args.texts, args.data_dir)
            split = pairs[len(pairs) // 10 :], pairs[: len(pairs) // 10]
        else:
            split = data.to_learn(task, args.data_dir), data.to_choose(task, args.data_dir)
        learned, choice = (examples(part, task, words) for part in split)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None

    lora = LoraConfig(
        r=8,
        lora_alpha=16,
        lora_dropout=0.0,  # random numbers for every layer would take a quarter of the time
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    config = SFTConfig(
        output_dir=str(args.out / "checkpoints"),
        num_train_epochs=args.epochs,
        per_device_train_batch_size=BATCH // processes.state().num_processes,
        per_device_eval_batch_size=2 * BATCH,
        learning_rate=8e-4,
        lr_scheduler_type="cosine",
        warmup_steps=50,
        weight_decay=0.0,
        max_grad_norm=1.0,
        max_length=None,
        completion_only_loss=True,
        train_sampling_strategy="group_by_length",
        bf16=False,  # the dtypes are set below; autocast would cast the weights again at every step
        gradient_checkpointing=False,
        logging_steps=10,
        save_steps=25,
        save_total_limit=1,
        use_cpu=not torch.cuda.is_available(),
        report_to="tensorboard",
        seed=0,
    )
    dtype = training_dtype()
    trainer = SFTTrainer(
        model=dequantised(args.base, dtype),
        args=config,
        train_dataset=learned,
        eval_dataset=choice,
        processing_class=words,
        peft_config=lora,
    )
    checkpoints.train(trainer)
    loss = trainer.evaluate()["eval_loss"]
    trainer.save_model(args.out)
    if not trainer.is_world_process_zero():
        return
    write_json(
        args.out / "hyperparameters.json",
        {
            "epochs": config.num_train_epochs,
            "batch_size": BATCH,
            "learning_rate": config.learning_rate,
            "scheduler": str(config.lr_scheduler_type),
            "warmup_steps": config.warmup_steps,
            "rank": lora.r,
            "alpha": lora.lora_alpha,
            "dropout": lora.lora_dropout,
            "dtype": str(dtype).removeprefix("torch."),
            "seed": config.seed,
            "examples": len(learned),
            "choice_examples": len(choice),
            "steps": trainer.state.global_step,
            "choice_loss": round(loss, 4),
        }
        | ({"texts": [file.name for file in args.texts]} if args.texts else {}),
    )


if __name__ == "__main__":
    main()
