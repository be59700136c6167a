"""Stage 5: the set's backbones, specialists and oracles, by GRPO with LoRA.

    python -m train.tune SET --data-dir data --work runs/restaurants

Backbone j is tuned on row j of B over the normalised rewards, specialist i on reward i alone, an oracle on its
preference; all with the same budget, data order, initialisation and seed. Interrupted, the same command resumes.
`--only NAME` trains one adapter, so that several can be trained at once; `--list` prints the names. Under
`accelerate launch` the texts of a step are shared out between the processes.
"""

import argparse
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from peft import LoraConfig, PeftModel
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from backbones.merging.coefficients import backbone_matrix
from backbones.merging.preference import Preference
from backbones.store import folders
from backbones.store import soup_set as sets
from backbones.store.adapters import WEIGHTS, fingerprint
from backbones.store.files import write_json
from backbones.store.manifest import Manifest
from backbones.store.soup_set import SoupSet
from train import adapters, checkpoints, data, processes
from train.bases import dequantised, plain_tokenizer, training_dtype
from train.finite import Finite
from train.rewards import normalised_rewards, sensible, variety
from train.rollouts import Rollouts
from train.sense import Sense

KINDS = ("backbone", "specialist", "oracle")
STEPS = 200

# Preferences with an oracle of their own, in the order of the manifest. The specialists are the oracles of the corners,
# and the backbones those of the rows of B.
ORACLES: dict[int, list[tuple[float, ...]]] = {
    2: [(0.9, 0.1), (0.5, 0.5), (0.1, 0.9)],
    3: [(0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (1 / 3, 1 / 3, 1 / 3), (0.0, 0.5, 0.5)],
}


@dataclass(frozen=True)
class Hyperparameters:
    """One RL run; the same for every adapter of a set but for `reward_weights`."""

    reward_weights: list[float]
    steps: int
    prompts_per_step: int = 8
    samples_per_prompt: int = 8
    learning_rate: float = 1e-3
    kl: float = 0.02
    rank: int = 16
    alpha: int = 32
    temperature: float = 1.0
    max_new_tokens: int = 72
    sense: float = 0.0  # weight of the judge of `train.sense`
    judge: str = ""  # the SHA-256 of that, its first digits
    other_prompts: str = ""  # the file of further prompts
    seed: int = 0


def mixes(n: int, beta: float, oracles: Sequence[Sequence[float]] | None = None) -> dict[str, list[float]]:
    """Reward weights [n] of every adapter of a set by name. `oracles`: their preferences; default: `ORACLES`."""
    named = {f"backbone-{j}": row for j, row in enumerate(backbone_matrix(n, beta), start=1)}
    named |= {f"specialist-{i}": row for i, row in enumerate(np.eye(n), start=1)}
    named |= {f"oracle-{k}": mu for k, mu in enumerate(oracles or ORACLES.get(n, []), start=1)}
    return {name: Preference(map(float, row)).rounded for name, row in named.items()}


def freeze_down_projections(model: PeftModel) -> None:
    """Train the B of every layer of the adapter alone, A staying as it is (LoRA-FA; Zhang et al. 2023, 2308.03303).

    So all adapters of a set have the A of their start, and their merges its rank. As buffers, since PEFT makes all
    parameters of an adapter trainable whenever it switches to it.
    """
    for module in model.modules():
        if isinstance(module, LoraLayer):
            down = module.lora_A["default"]
            weight = down.weight.detach()
            del down.weight
            down.register_buffer("weight", weight)


def train(
    name: str,
    run: Hyperparameters,
    soup_set: SoupSet,
    prompts: datasets.Dataset,
    work: Path,
    qlora: bool,
    *,
    at_once: int | None = None,
    judge: Path | None = None,
) -> None:
    """Train one adapter into `work / name`, resuming from its last checkpoint. It begins at the set's start.

    `at_once`: texts that gradients are computed of together, to save memory; `judge`: the folder of `train.sense`.
    """
    state, task = processes.state(), soup_set.task
    if qlora:
        model = AutoModelForCausalLM.from_pretrained(
            soup_set.base, dtype=training_dtype(), device_map={"": state.device}
        )
    else:
        model = dequantised(soup_set.base, training_dtype())
    tokenizer = plain_tokenizer(soup_set.base)
    start = soup_set.start and soup_set.folders[soup_set.start]
    rollouts = None if qlora else Rollouts(model, tokenizer, run.temperature, run.max_new_tokens)
    if start:  # given a PeftModel, the trainer measures KL from a copy of its adapter
        model = PeftModel.from_pretrained(model, start, is_trainable=True)
    texts = run.prompts_per_step * run.samples_per_prompt
    at_once = at_once or texts // state.num_processes
    if texts % (state.num_processes * at_once):
        raise SystemExit(
            f"{texts} texts a step cannot be shared by {state.num_processes} processes, {at_once} at once: use divisors"
        )
    further = [(variety, task.variety)] if task.variety else []
    if judge and start:
        further.append((sensible(Sense.load(task, soup_set.base, start, judge, state.device)), run.sense))
    config = GRPOConfig(
        output_dir=str(work / name / "checkpoints"),
        max_steps=run.steps,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=texts // (state.num_processes * at_once),
        num_generations=run.samples_per_prompt,
        max_completion_length=run.max_new_tokens,
        temperature=run.temperature,
        learning_rate=run.learning_rate,
        lr_scheduler_type="linear",  # down to 0: the noise of late steps would be amplified where B^-1 extrapolates
        warmup_steps=5,
        max_grad_norm=1.0,
        beta=run.kl,
        reward_weights=[*run.reward_weights, *(weight for _, weight in further)],
        # The backbone reward must stay the same fixed mix of the rewards for every prompt and batch, and the KL
        # penalty must weigh the same against it from the first step to the last: so nothing is rescaled.
        multi_objective_aggregation="sum_then_normalize",
        scale_rewards="none",
        mask_truncated_completions=False,
        gradient_checkpointing=False,
        bf16=False,  # the dtypes are set above; autocast would cast the weights again at every step
        use_cpu=not torch.cuda.is_available(),
        logging_steps=5,
        logging_first_step=True,
        save_steps=5,
        save_total_limit=1,
        report_to="tensorboard",
        seed=run.seed,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[*normalised_rewards(task, soup_set.objectives), *(reward for reward, _ in further)],
        args=config,
        train_dataset=prompts,
        processing_class=tokenizer,
        rollout_func=rollouts,
        callbacks=[Finite()],
        peft_config=None
        if start
        else LoraConfig(r=run.rank, lora_alpha=run.alpha, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    if start:
        freeze_down_projections(trainer.model)
    checkpoints.train(trainer)
    trainer.save_model(work / name)
    if state.is_main_process:
        (work / name / "log.json").write_text(json.dumps(trainer.state.log_history, indent=1) + "\n")
        how = ({"variety": task.variety} if task.variety else {}) | {
            "dtype": str(training_dtype()).removeprefix("torch."),
            "processes": state.num_processes,
        }
        write_json(work / name / "hyperparameters.json", asdict(run) | how)
    state.wait_for_everyone()


def require_same(folder: Path, run: Hyperparameters, made_for: Mapping[str, Any]) -> None:
    """Keep what an adapter is trained with, and for, in its folder of checkpoints. Exits where that holds another
    run's."""
    file, wanted = folder / "run.json", json.loads(json.dumps(asdict(run)))
    if other := checkpoints.differs(file, wanted, made_for):
        raise SystemExit(f"{folder} was trained with {other}: use another --work")
    checkpoints.keep(file, wanted | made_for)


def training_prompts(soup_set: SoupSet, data_dir: Path | None, others: Path | None = None) -> datasets.Dataset:
    """Columns `prompt` and `given`: all that training gives (`data.to_ask`), in an order that is always the same.

    `others`: a file with further prompts, which are repeated until they are about a quarter of all.
    """
    task = soup_set.task
    given = data.to_ask(task, data_dir)
    if others:
        more = data.to_ask(task, data_dir, others)
        if not more:
            raise ValueError(f"{others} gives nothing that the task {task.name} takes: use another file of prompts")
        given += more * max(1, round(len(given) / (3 * len(more))))
    random.Random(0).shuffle(given)
    tokenizer = AutoTokenizer.from_pretrained(soup_set.base)
    return datasets.Dataset.from_list([{"prompt": task.prompt(g, tokenizer), "given": g} for g in given])


def install(folder: Path, work: Path, named: dict[str, list[float]], beta: float) -> None:
    """Copy the trained adapters into the set `folder` and name them in its manifest, with the beta of the backbones."""
    manifest = Manifest.read(folder)
    base = folders.base_from_adapters(folder, manifest.base)
    start = folder / manifest.start if isinstance(manifest.start, str) else None
    for name in named:
        adapters.bring(work / name, folder / "adapters" / name, base, start)
    oracles = sorted(named.items(), key=lambda item: item[1], reverse=True)
    replace(
        manifest,
        beta=beta,
        backbones=[f"adapters/{name}" for name in named if name.startswith("backbone")],
        specialists=[f"adapters/{name}" for name in named if name.startswith("specialist")],
        oracles=[{"preference": mu, "adapter": f"adapters/{name}"} for name, mu in oracles],
    ).write(folder)


def preference(text: str) -> tuple[float, ...]:
    """Of the command line: numbers with commas between them."""
    return tuple(map(float, text.split(",")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path, help="folder made by train.new_set")
    parser.add_argument("--data-dir", type=Path, help="folder with the task's data; default: fetch from the Hub")
    parser.add_argument("--work", type=Path, help="folder for checkpoints and logs")
    parser.add_argument("--only", metavar="NAME", help="train this adapter alone, for example specialist-1")
    parser.add_argument("--list", action="store_true", help="print the adapters' names and do nothing")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="default: all")
    parser.add_argument("--oracles", nargs="+", type=preference, metavar="MU", help="preferences, as 0.75,0.25")
    parser.add_argument("--beta", type=float, help="default: the set's")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--kl", type=float, default=Hyperparameters.kl, help="weight of the KL penalty")
    parser.add_argument("--learning-rate", type=float, default=Hyperparameters.learning_rate)
    parser.add_argument(
        "--rank", type=int, default=Hyperparameters.rank, help="alpha is twice that; a start has its own"
    )
    parser.add_argument("--prompts", type=int, default=Hyperparameters.prompts_per_step, help="a step, 8 texts each")
    parser.add_argument("--max-new-tokens", type=int, default=Hyperparameters.max_new_tokens)
    parser.add_argument("--temperature", type=float, default=Hyperparameters.temperature)
    parser.add_argument("--other-prompts", type=Path, help="file with further prompts: the task's columns")
    parser.add_argument("--at-once", type=int, help="texts that gradients are computed of together; default: all")
    parser.add_argument("--sense", type=Path, help="folder of train.sense, whose judge is a further reward")
    parser.add_argument("--sense-weight", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--qlora", action="store_true", help="train on the 4-bit weights themselves, for large bases")
    args = parser.parse_args()

    soup_set = sets.read(args.set)
    beta = args.beta or soup_set.beta
    named = mixes(len(soup_set.objectives), beta, args.oracles)
    named = {name: row for name, row in named.items() if name.split("-")[0] in args.kinds}
    if args.list:
        print("\n".join(named))
        return
    if args.work is None:
        parser.error("--work is needed: a folder for checkpoints and logs")
    if args.sense and not soup_set.start:
        parser.error(
            f"{args.set} has no start, which a judge of sense is trained on: make it with train.new_set --start"
        )
    if args.sense and not (args.sense / WEIGHTS).is_file():
        parser.error(f"{args.sense} holds no judge: make it with train.sense")
    try:
        prompts = training_prompts(soup_set, args.data_dir, args.other_prompts)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None
    rank, alpha = args.rank, 2 * args.rank
    if soup_set.start:
        config = LoraConfig.from_pretrained(soup_set.folders[soup_set.start])
        rank, alpha = config.r, config.lora_alpha
    made_for = checkpoints.made_for(soup_set) | {
        "prompts (SHA-256)": hashlib.sha256("\n".join(prompts["prompt"]).encode()).hexdigest()[:12],
        "qlora": args.qlora,
    }
    for name, row in named.items():
        if args.only not in (None, name):
            continue
        run = Hyperparameters(
            row,
            args.steps,
            learning_rate=args.learning_rate,
            kl=args.kl,
            rank=rank,
            alpha=alpha,
            prompts_per_step=args.prompts,
            max_new_tokens=args.max_new_tokens,
            temperature=args.temperature,
            sense=args.sense_weight if args.sense else 0.0,
            judge=fingerprint([args.sense])[:12] if args.sense else "",
            other_prompts=args.other_prompts.name if args.other_prompts else "",
            seed=args.seed,
        )
        require_same(args.work / name, run, made_for)
        if (args.work / name / "hyperparameters.json").is_file():
            continue
        print(f"{name}: reward weights {row}")
        train(name, run, soup_set, prompts, args.work, args.qlora, at_once=args.at_once, judge=args.sense)
    if args.only is None and processes.state().is_main_process:
        install(args.set, args.work, named, beta)


if __name__ == "__main__":
    main()
