"""The processes that a stage runs in, one or those of `accelerate launch`."""

import torch
from accelerate import PartialState


def state() -> PartialState:
    """This process and its siblings; they talk through gloo where there is no GPU."""
    return PartialState(cpu=not torch.cuda.is_available())
