"""Stage 1: a BPE tokenizer and a small Llama, trained from scratch on facts and their descriptions.

    python -m train.sft --data-dir data --out runs/restaurants/sft

Writes the tokenizer, the fp32 model and `hyperparameters.json`. Interrupted, the same command resumes
from the last checkpoint. Under `accelerate launch` every batch is shared out between the processes.
"""

import argparse
import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig, SFTTrainer

from backbones import facts
from train import data, processes

VOCABULARY = 2048
BATCH = 64
MAX_LENGTH = 128  # tokens of facts and text; the longest references are cut


def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of `VOCABULARY` entries; facts and placeholders are one token each."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<pad>", "<eos>", *facts.prompt_tokens()]
    placeholders = [AddedToken(token, special=False, normalized=False) for token in (facts.NAME, facts.NEAR)]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder with e2e/train.csv; default: fetch from the Hub")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--max-steps", type=int, default=-1, help="stop early, for a trial")
    args = parser.parse_args()
    if (args.out / "model.safetensors").is_file():
        print(f"{args.out} already holds a trained model: delete it to train again")
        return

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
    train = data.examples(data.load("train", args.data_dir))
    dev = data.examples(data.load("dev", args.data_dir))
    words = tokenizer(train["completion"])
    torch.manual_seed(config.seed)
    trainer = SFTTrainer(
        model=model(len(words), words.pad_token_id, words.eos_token_id),
        args=config,
        train_dataset=train,
        eval_dataset=dev,
        processing_class=words,
    )
    checkpoints = Path(config.output_dir)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(checkpoints) if checkpoints.is_dir() else None)
    metrics = trainer.evaluate()
    trainer.model.config.use_cache = True  # the trainer turns it off; what is saved is for generating
    trainer.save_model(args.out)
    if not trainer.is_world_process_zero():
        return
    (args.out / "hyperparameters.json").write_text(
        json.dumps(
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
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
