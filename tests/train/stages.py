"""Stages as commands: in this process, or one after the other in each process of `accelerate launch`."""

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from train import tune


@dataclass(frozen=True)
class Quick(tune.Hyperparameters):
    """Few and short texts a step."""

    prompts_per_step: int = 2
    samples_per_prompt: int = 4
    max_new_tokens: int = 8


def run(main, *arguments):
    """A stage with the arguments of its command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["stage", *map(str, arguments)])
        main()


def run_quickly(main, *arguments):
    """A stage, with few and short texts a step of reinforcement learning."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tune, "Hyperparameters", Quick)
        run(main, *arguments)


def launch(processes, stages):
    """Run `stages`, lists of a module's name and arguments, in `processes` processes of one thread each."""
    accelerate = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", processes, "--num_machines", 1]
    accelerate += ["--mixed_precision", "no", "--dynamo_backend", "no", "--num_cpu_threads_per_process", 1]
    wanted = json.dumps([list(map(str, stage)) for stage in stages])
    done = subprocess.run(
        list(map(str, [sys.executable, *accelerate, "-m", "tests.train.stages", wanted])),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-3000:]


if __name__ == "__main__":
    for module, *arguments in json.loads(sys.argv[1]):
        run(importlib.import_module(f"train.{module}").main, *arguments)
