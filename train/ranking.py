"""How well scores tell good texts from bad ones."""

import torch


def auc(good: torch.Tensor, bad: torch.Tensor) -> float:
    """The chance that one of the scores `good` is above one of `bad`, ties counted half. NaN where one has none."""
    return float((good[:, None] > bad).float().mean() + (good[:, None] == bad).float().mean() / 2)
