"""The texts of a step of reinforcement learning, written by the engine that serves."""

import copy

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
    """Texts for the prompts of a step, as `rollout_func` of the trainer.

    They are written with the adapter merged into a copy of the base, and rows leave the batch as they end: several
    times as fast on a CPU as a model that computes the adapter apart for all rows until the last has ended.
    """

    def __init__(self, base: torch.nn.Module, tokenizer: PreTrainedTokenizerBase, temperature: float, longest: int):
        self.base, self.merged = base, copy.deepcopy(base)
        self.soup = Soup(self.merged, tokenizer, [])
        self.temperature, self.longest = temperature, longest

    def __call__(self, prompts: list[str], trainer: GRPOTrainer) -> dict[str, list]:
        """A text for every prompt; each comes as often as it is to have texts. The noise is that of the run's seed."""
        self.merge(trainer.accelerator.unwrap_model(trainer.model))
        process, processes = trainer.accelerator.process_index, trainer.accelerator.num_processes
        first = ((trainer.args.seed * trainer.args.max_steps + trainer.state.global_step) * processes + process) * len(prompts)
        rows = [
            Row(
                Request(
                    {}, Preference.equal(2), seed=first + i, temperature=self.temperature, top_p=1.0,
                    max_new_tokens=self.longest,
                ),
                prompt,
                [[]],
            )
            for i, prompt in enumerate(prompts)
        ]  # fmt: skip
        for _ in stream(self.soup, rows):
            pass
        end = self.soup.tokenizer.eos_token_id
        texts = [row.tokens + [end] * (len(row.tokens) < self.longest) for row in rows]
        return {"prompt_ids": [row.ids for row in rows], "completion_ids": texts, "logprobs": None}

    def merge(self, model: PeftModel) -> None:
        """Bring the merged weights up to those of the adapter."""
        with torch.no_grad():
            for name, layer in model.get_base_model().named_modules():
                if isinstance(layer, LoraLayer):
                    weight = layer.get_base_layer().weight
                    whole = weight.float() + layer.get_delta_weight("default").float()
                    self.merged.get_submodule(name).weight.copy_(whole)
