"""Steps whose gradient is not finite are left out."""

import torch
from transformers import TrainerCallback


class Finite(TrainerCallback):
    """Leaves the weights as they are where a gradient has a NaN or an infinity, instead of losing the whole run.

    On a GPU in bf16 it happened in two of thirteen runs of 25 steps, while the loss was finite.
    """

    def on_pre_optimizer_step(self, args, state, control, model=None, **_) -> None:
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        if not all(torch.isfinite(gradient).all() for gradient in gradients):
            print(f"step {state.global_step}: the gradient is not finite, and the step is left out")
            model.zero_grad(set_to_none=True)
