"""Models without their weights, which tell their layers."""

from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel


def without_weights(base: Path) -> PreTrainedModel:
    """The model in the folder `base` on the meta device."""
    with torch.device("meta"):
        config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
        return AutoModelForCausalLM.from_config(config)


def linear_layers(model: PreTrainedModel, kinds: tuple[type[nn.Module], ...] = (nn.Linear,)) -> list[str]:
    """Names of a model's linear layers, the head excepted. `kinds`: their classes."""
    head = model.get_output_embeddings()
    return [name for name, module in model.named_modules() if isinstance(module, kinds) and module is not head]
