"""Models of others and merged ones, made as their tools make them, and their logits."""

import json
import shutil
from dataclasses import replace

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from backbones.engine.soup import Soup
from backbones.merging.methods import Oracle
from backbones.merging.preference import Preference
from backbones.store.adapters import read_adapter

IDS = torch.arange(100, 112).view(2, 6)
FACTS = {"name": "Zig Zag", "eatType": "pub", "food": "Indian", "priceRange": "cheap", "near": "Ox Ford"}
OBJECTIVES = [
    {"name": "complete", "label": "Complete", "description": "States the facts", "mean": 0.5, "std": 0.2},
    {"name": "concise", "label": "Concise", "description": "Uses few words", "mean": 0.4, "std": 0.1},
]


def model(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def plain(base):
    """The de-quantised base."""
    return model(base).dequantize()


def tuned(full, folder, seed, max_shard_size="5GB", rank=4, **settings):
    """A full checkpoint: the base with a random adapter of rank `rank` merged into it by PEFT."""
    torch.manual_seed(seed)
    lora = {"lora_alpha": 8, "target_modules": "all-linear", "init_lora_weights": False} | settings
    peft = get_peft_model(model(full), LoraConfig(task_type="CAUSAL_LM", r=rank, **lora))
    peft.merge_and_unload().save_pretrained(folder, max_shard_size=max_shard_size)
    return folder


def changed(full, folder, change):
    """A full checkpoint: the base after `change` of its state dict."""
    shutil.copytree(full, folder)
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def scaled(name, factor):
    """A change for `changed`: of one tensor."""
    return lambda weights: weights[name].mul_(factor)


def make_parts(full, folder):
    """What others have trained: an adapter and three checkpoints of ranks 2, 3 and 5; the list of objectives."""
    torch.manual_seed(9)
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(model(full), config).save_pretrained(folder / "adapter")
    for rank in (2, 3, 5):
        tuned(full, folder / f"rank-{rank}", rank, rank=rank)
    (folder / "objectives.json").write_text(json.dumps(OBJECTIVES))
    return folder


def loaded(base, folder, ids=IDS):
    """The logits of the adapter in `folder` on the de-quantised base, by PEFT alone."""
    with torch.no_grad():
        return PeftModel.from_pretrained(plain(base), folder)(ids).logits


def served(soup, soup_set, method, values, ids=IDS):
    """The logits of a merge as it is served."""
    merged = soup_set.merge(method, soup_set.preference(values)).coefficients
    return mixed(soup, [merged.get(name, 0.0) for name in soup.adapter_names], ids)


def served_alone(base, adapter, ids=IDS):
    """The logits of one adapter as it is served."""
    return mixed(Soup.load(base, {"alone": adapter}, "cpu", torch.float32), [1.0], ids)


def mixed(soup, coefficients, ids):
    mix = soup.mix(len(ids))
    mix.write(0, [list(coefficients)] * len(ids))
    with torch.no_grad(), mix.over(0, len(ids)):
        return soup.model(ids).logits


def with_oracle(soup_set, folder):
    """The set with the adapter in `folder` as its only oracle, at the first corner."""
    oracle = Oracle(Preference((1.0, 0.0)), "oracle-1")
    return replace(soup_set, folders=soup_set.folders | {"oracle-1": folder}, oracles=(oracle,))


def dense(soup_set, method, values):
    """Per layer the change [out, in] of the merge, in fp64, from the adapters' own files."""
    changes = {}
    for name, value in soup_set.merge(method, soup_set.preference(values)).coefficients.items():
        for layer, (down, up) in read_adapter(soup_set.folders[name]).deltas.items():
            changes[layer] = changes.get(layer, 0) + value * (up.double().T @ down.double())
    return changes


def apart(logits, expected):
    """Root mean square of the difference, relative to that of the expected logits."""
    return float((logits.float() - expected).norm() / expected.norm())
