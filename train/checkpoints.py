"""Runs that go on where they were interrupted."""

from pathlib import Path

from transformers import Trainer
from transformers.trainer_utils import get_last_checkpoint


def finished(out: Path, weights: str = "model.safetensors") -> bool:
    """Whether `out` holds a trained model already, of which the file `weights` is written last; says so."""
    if (out / weights).is_file():
        print(f"{out} already holds a trained model: delete it to train again")
        return True
    return False


def train(trainer: Trainer) -> None:
    """Train, from the last checkpoint in the trainer's output folder where there is one."""
    folder = Path(trainer.args.output_dir)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(folder) if folder.is_dir() else None)
