"""The texts of a step of reinforcement learning, written by the engine that serves."""

import copy
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import PreTrainedTokenizerBase
from trl import GRPOTrainer

from backbones.engine.batch import Row, stream
from backbones.engine.request import Request
from backbones.engine.soup import Soup
from backbones.merging.preference import Preference


class Rollouts:
    """Writes the texts of a step, as the trainer's `rollout_func`: at most `longest` tokens each, from all tokens.

    The adapter is merged into a copy of the base for it, and rows leave the batch as they end: on CPUs several times as
    fast as a model that computes the adapter apart, for all rows until the last has ended.
    """

    def __init__(self, base: torch.nn.Module, tokenizer: PreTrainedTokenizerBase, temperature: float, longest: int):
        self.merged, self.tokenizer = copy.deepcopy(base).float(), tokenizer  # in bf16 small changes would vanish
        self.temperature, self.longest = temperature, longest
        self.soup: Soup | None = None  # made on the device that the trainer has chosen by the first step

    def __call__(self, prompts: list[str], trainer: GRPOTrainer) -> dict[str, Any]:
        """One text for each of `prompts`, of which every one comes as often as it is to have texts."""
        accelerator, args = trainer.accelerator, trainer.args
        self.soup = self.soup or Soup(self.merged.to(accelerator.device), self.tokenizer, [])
        self._merge(accelerator.unwrap_model(trainer.model))
        step = args.seed * args.max_steps + trainer.state.global_step  # another one for every seed of a training
        first = (step * accelerator.num_processes + accelerator.process_index) * len(prompts)
        rows = [Row(self._request(first + i), prompt, [[]]) for i, prompt in enumerate(prompts)]
        for _ in stream(self.soup, rows, len(rows)):
            pass
        texts = [row.tokens + ([] if row.end is None else [row.end]) for row in rows]
        return {"prompt_ids": [row.ids for row in rows], "completion_ids": texts, "logprobs": None}

    def _request(self, seed: int) -> Request:
        return Request({}, Preference.equal(2), "", seed, self.temperature, 1.0, self.longest)

    def _merge(self, model: PeftModel) -> None:
        """Bring the merged weights up to the adapter's."""
        with torch.no_grad():
            for name, layer in model.get_base_model().named_modules():
                if isinstance(layer, LoraLayer):
                    merged = layer.get_base_layer().weight.float() + layer.get_delta_weight("default").float()
                    self.merged.get_submodule(name).weight.copy_(merged)
