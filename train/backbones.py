"""Stage 3: the set's backbones and specialists, by GRPO with LoRA.

    python -m train.backbones SET --data-dir data --work runs/restaurants

Backbone j is tuned on row j of B over the normalised rewards, specialist i on reward i alone; all with the
same budget, data order and initialisation. Interrupted, the same command resumes.
"""

import argparse
import json
import random
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import datasets
import numpy as np
import torch
from peft import LoraConfig
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.trainer_utils import get_last_checkpoint
from trl import GRPOConfig, GRPOTrainer

from backbones import coefficients, facts, rewards, sets
from train import data
from train.quantise import write_manifest


@dataclass(frozen=True)
class Hyperparameters:
    """One RL run; the same for every adapter of a set but for `reward_weights`."""

    reward_weights: list[float]
    steps: int
    prompts_per_step: int = 8
    samples_per_prompt: int = 8
    learning_rate: float = 5e-4
    kl: float = 0.2
    rank: int = 16
    alpha: int = 32
    temperature: float = 1.0
    max_new_tokens: int = 72
    seed: int = 0


def normalised_reward(objective: sets.Objective):
    """The objective's reward as TRL calls it: (completions, mr) -> [float], mean 0 and std 1 on the base."""
    reward = rewards.OBJECTIVES[objective.name]

    def normalised(completions: list[str], mr: list[str], **_) -> list[float]:
        raw = [reward(text, facts.parse(m)) for text, m in zip(completions, mr, strict=True)]
        return [(value - objective.mean) / objective.std for value in raw]

    normalised.__name__ = objective.name
    return normalised


def dequantised(base: Path) -> torch.nn.Module:
    """The values of the 4-bit weights in fp32: exactly what is served, and faster to train on the CPU.

    A plain model, since TRL would train the adapters of one that was ever quantised in bf16.
    """
    quantised = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).dequantize()
    config = AutoConfig.from_pretrained(base)
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(quantised.state_dict())
    return model


def train(name: str, run: Hyperparameters, soup_set: sets.SoupSet, prompts: datasets.Dataset, work: Path) -> None:
    """Train one adapter into `work / name`, resuming from its last checkpoint."""
    model = dequantised(soup_set.base)
    tokenizer = AutoTokenizer.from_pretrained(soup_set.base, padding_side="left")
    config = GRPOConfig(
        output_dir=str(work / name / "checkpoints"),
        max_steps=run.steps,
        per_device_train_batch_size=run.prompts_per_step * run.samples_per_prompt,
        num_generations=run.samples_per_prompt,
        max_completion_length=run.max_new_tokens,
        temperature=run.temperature,
        learning_rate=run.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=5,
        max_grad_norm=1.0,
        beta=run.kl,
        reward_weights=run.reward_weights,
        # The backbone reward must stay the same fixed mix of the rewards for every prompt and batch, and the KL
        # penalty must weigh the same against it from the first step to the last: so nothing is rescaled.
        multi_objective_aggregation="sum_then_normalize",
        scale_rewards="none",
        mask_truncated_completions=False,
        gradient_checkpointing=False,
        bf16=False,
        logging_steps=5,
        save_steps=25,
        save_total_limit=1,
        report_to="none",
        seed=run.seed,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[normalised_reward(objective) for objective in soup_set.objectives],
        args=config,
        train_dataset=prompts,
        processing_class=tokenizer,
        peft_config=LoraConfig(r=run.rank, lora_alpha=run.alpha, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    checkpoints = Path(config.output_dir)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(checkpoints) if checkpoints.is_dir() else None)
    trainer.save_model(work / name)
    (work / name / "log.json").write_text(json.dumps(trainer.state.log_history, indent=1) + "\n")
    (work / name / "hyperparameters.json").write_text(json.dumps(asdict(run), indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="folder made by train.quantise")
    parser.add_argument("--data-dir", type=Path, help="folder with e2e/train.csv; default: fetch from the Hub")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--only", help="train this adapter alone, for example specialist-1")
    args = parser.parse_args()

    soup_set = sets.read(args.set)
    n = len(soup_set.objectives)
    mixes = {
        "backbone": coefficients.backbone_matrix(n, soup_set.beta),
        "specialist": np.eye(n),
    }
    representations = data.meaning_representations(data.load("train", args.data_dir))
    random.Random(0).shuffle(representations)
    prompts = datasets.Dataset.from_list([{"prompt": facts.prompt(m), "mr": facts.mr(m)} for m in representations])

    for kind, rows in mixes.items():
        for i, row in enumerate(rows, start=1):
            name = f"{kind}-{i}"
            if args.only not in (None, name) or (args.work / name / "hyperparameters.json").is_file():
                continue
            print(f"{name}: reward weights {row.round(3).tolist()}")
            train(name, Hyperparameters(row.round(6).tolist(), args.steps), soup_set, prompts, args.work)

    names = {kind: [f"{kind}-{i + 1}" for i in range(n)] for kind in mixes}
    if not all((args.work / name / "hyperparameters.json").is_file() for kind in names for name in names[kind]):
        return
    for name in names["backbone"] + names["specialist"]:
        folder = args.set / "adapters" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("adapter_config.json", "adapter_model.safetensors", "hyperparameters.json"):
            shutil.copy(args.work / name / file, folder)
        _portable(folder / "adapter_config.json")
    manifest = json.loads((args.set / "manifest.json").read_text())
    manifest["backbones"] = [f"adapters/{name}" for name in names["backbone"]]
    manifest["specialists"] = [f"adapters/{name}" for name in names["specialist"]]
    write_manifest(args.set, manifest)


def _portable(config_file: Path) -> None:
    """Point the adapter at the base beside it instead of a path of the machine that trained it."""
    config = json.loads(config_file.read_text())
    config["base_model_name_or_path"] = "../../base"
    config_file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
