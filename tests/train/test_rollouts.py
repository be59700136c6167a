"""Texts of a step of reinforcement learning: they are the tuned model's, not the base's."""

from types import SimpleNamespace

import torch
from peft import LoraConfig, get_peft_model

from train.bases import dequantised, plain_tokenizer
from train.rollouts import Rollouts


def test_texts_are_written_with_the_adapter_as_it_is_now(base):
    torch.manual_seed(0)
    model, tokenizer = dequantised(base, torch.float32), plain_tokenizer(base)
    rollouts = Rollouts(model, tokenizer, 1.0, 12)
    tuned = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    accelerator = SimpleNamespace(
        device=torch.device("cpu"), unwrap_model=lambda model: model, num_processes=1, process_index=0
    )
    trainer = SimpleNamespace(
        model=tuned,
        accelerator=accelerator,
        args=SimpleNamespace(seed=0, max_steps=2),
        state=SimpleNamespace(global_step=0),
    )
    prompts = ["red is ", "red is ", "blue is "]
    before = rollouts(prompts, trainer)
    assert before == rollouts(prompts, trainer)  # the noise is that of the step
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    after = rollouts(prompts, trainer)
    assert after["completion_ids"] != before["completion_ids"]
    assert after["completion_ids"][0] != after["completion_ids"][1]
    for ids, prompt in zip(after["prompt_ids"], prompts, strict=True):
        assert ids == tokenizer(prompt)["input_ids"]
    for ids in before["completion_ids"] + after["completion_ids"]:
        assert len(ids) == 12 or ids[-1] == tokenizer.eos_token_id
        assert tokenizer.eos_token_id not in ids[:-1]
    ids = torch.tensor([after["prompt_ids"][0]])
    with torch.no_grad():
        torch.testing.assert_close(rollouts.merged(ids).logits, tuned(ids).logits, rtol=1e-4, atol=1e-4)
