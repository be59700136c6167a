"""Exported models, loaded by transformers alone, against the served forward pass."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.quantizers.quantizer_bnb_4bit import Bnb4BitHfQuantizer

from backbones.merging.preference import lattice
from backbones.store.exporting import greatest_rank, merged_adapter, merged_model, plain_base
from backbones.store.importing import low_rank
from tests.store.models import IDS, apart, dense, plain, served, served_alone, with_oracle

METHODS = ("bone-soup", "bone-soup-anchored", "morlhf")


def exported(soup_set, method, values, folder, dtype=torch.bfloat16):
    """The folder of `merged_model` at the preference `values`."""
    return merged_model(soup_set, method, soup_set.preference(values), folder, dtype)


@pytest.mark.parametrize("method", METHODS)
def test_transformers_alone_gives_the_served_logits_of_a_merged_model_in_fp32(tiny, soup, tmp_path, method):
    folder = exported(tiny, method, (0.9, 0.1), tmp_path / "model", torch.float32)
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(IDS).logits
    expected = served(soup, tiny, method, (0.9, 0.1))
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert (served(soup, tiny, "base", (1, 0)) - expected).abs().max() > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_transformers_alone_gives_the_served_logits_of_a_merged_model_up_to_bf16(tiny, soup, tmp_path, method):
    folder = exported(tiny, method, (0.9, 0.1), tmp_path / "model")
    exact = load_file(exported(tiny, method, (0.9, 0.1), tmp_path / "exact", torch.float32) / "model.safetensors")
    weights = load_file(folder / "model.safetensors")
    assert set(weights) == set(exact)  # added in fp32 and rounded once
    assert all(torch.equal(weights[name], weight.bfloat16()) for name, weight in exact.items())
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    with torch.no_grad():
        logits = model(IDS).logits
    expected = served(soup, tiny, method, (0.9, 0.1))
    assert apart(logits, expected) < 0.03 < 0.3 < apart(served(soup, tiny, "base", (1, 0)), expected)


def test_a_merged_model_has_the_tokenizer_and_a_card_that_loads_it(tiny, tmp_path, monkeypatch):
    folder = exported(tiny, "bone-soup", (1, 0), tmp_path / "model")
    text = "<name> is a cheap pub near <near>."
    tokenizers = (AutoTokenizer.from_pretrained(path) for path in (folder, tiny.base))
    one, two = (tokenizer([text, "a"], padding=True).input_ids for tokenizer in tokenizers)
    assert one[0] == two[0]
    card = (folder / "README.md").read_text()
    assert "| adapter-0 | 1.75 |\n| adapter-1 | -0.75 |\n" in card and "one model in bfloat16" in card
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(card.split("```python\n")[1].split("```")[0], names)
    assert names["model"].dtype == torch.bfloat16 and names["tokenizer"]([text]).input_ids == [two[0]]


def test_a_model_of_an_unquantised_base(tiny, base, tmp_path):
    """An unquantised base is saved as it was, and the merge is the sum of its weights and the changes."""
    full = base.parent / "fp32"
    shutil.copytree(base, tmp_path / "base", ignore=shutil.ignore_patterns("config.json", "*.safetensors"))
    for name in ("config.json", "model.safetensors"):
        shutil.copy(full / name, tmp_path / "base")
    folder = exported(
        replace(tiny, base_folder=tmp_path / "base"), "bone-soup", (1, 0), tmp_path / "out", torch.float32
    )
    before, after = load_file(full / "model.safetensors"), load_file(folder / "model.safetensors")
    changes = dense(tiny, "bone-soup", (1, 0))
    assert set(before) == set(after) and len(changes) == 14
    for name, weight in before.items():
        change = changes.get(name.removesuffix(".weight"), torch.zeros(()))
        torch.testing.assert_close(after[name], (weight + change).float(), atol=1e-5, rtol=1e-5)


def test_a_merged_model_that_cannot_be_is_refused_and_leaves_nothing(tiny, tmp_path):
    with pytest.raises(ValueError, match="'mod' mixes the specialists"):
        exported(tiny, "mod", (1, 0), tmp_path / "model")
    shutil.copytree(tiny.folders["adapter-0"], tmp_path / "odd")
    weights = load_file(tmp_path / "odd" / "adapter_model.safetensors")
    renamed = {key.replace("q_proj", "qq_proj"): tensor for key, tensor in weights.items()}
    save_file(renamed, tmp_path / "odd" / "adapter_model.safetensors")
    odd = with_oracle(tiny, tmp_path / "odd")
    with pytest.raises(ValueError, match=r"layer 'model\.layers\.0\.self_attn\.qq_proj' does not fit the base"):
        exported(odd, "morlhf", (1, 0), tmp_path / "model")
    assert not (tmp_path / "model").exists()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine").touch()
    with pytest.raises(ValueError, match="exists and is no empty folder"):
        exported(tiny, "bone-soup", (1, 0), tmp_path / "model")


@pytest.mark.parametrize("preference", [(1, 0), (0.4, 0.6)])
def test_a_merged_model_imported_again_gives_the_served_logits(tiny, soup, tmp_path, preference):
    plain(tiny.base).save_pretrained(tmp_path / "base", save_original_format=False)
    after = exported(tiny, "bone-soup", preference, tmp_path / "after", torch.float32)
    report = low_rank(tmp_path / "base", after, tmp_path / "adapter")
    assert report.rank == 12 and len(report.ranks) == 14
    logits = served_alone(tiny.base, tmp_path / "adapter")  # beside the 4-bit base
    expected = served(soup, tiny, "bone-soup", preference)
    torch.testing.assert_close(logits, expected, atol=1e-3, rtol=0)
    assert (served(soup, tiny, "base", preference) - expected).abs().max() > 0.01


def test_the_base_for_servers_has_the_4_bit_values_that_are_served(tiny, soup, tmp_path):
    folder = plain_base(tiny, tmp_path / "base")
    exact = dict(plain(tiny.base).named_parameters())
    weights = load_file(folder / "model.safetensors")
    assert all(torch.equal(weight, exact[name].bfloat16()) for name, weight in weights.items()) and weights
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(IDS).logits
    assert apart(logits, served(soup, tiny, "base", (1, 0))) < 0.03
    with pytest.raises(ValueError, match="is no empty folder"):
        plain_base(tiny, folder)


def test_the_base_for_servers_of_one_that_is_quantised_when_it_is_loaded_has_those_values_too(tiny, tmp_path):
    whole = replace(tiny, base_folder=tiny.base.parent / "fp32")  # what tiny's base was quantised from
    folders = plain_base(whole, tmp_path / "whole"), plain_base(tiny, tmp_path / "quantised")
    one, other = (load_file(folder / "model.safetensors") for folder in folders)
    assert set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_models_are_computed_on_the_cpu_wherever_transformers_would_load_a_4_bit_base(tiny, tmp_path, monkeypatch):
    """As it does on a machine with a GPU, whose place the meta device takes here."""
    monkeypatch.setattr(Bnb4BitHfQuantizer, "update_device_map", lambda self, given: given or {"": "meta"})
    folders = exported(tiny, "bone-soup", (1, 0), tmp_path / "model"), plain_base(tiny, tmp_path / "base")
    for folder in folders:
        weights = load_file(folder / "model.safetensors").values()
        assert weights and all(weight.isfinite().all() for weight in weights)


def test_the_greatest_rank_is_the_greatest_that_merges_are_exported_with(tiny, tmp_path):
    ranks = []
    for method in ("bone-soup", "rewarded-soup", "bone-soup-anchored", "nearest-soup"):
        for i, mu in enumerate(lattice(len(tiny.objectives))):
            config = merged_adapter(tiny, method, mu, tmp_path / f"{method}-{i}") / "adapter_config.json"
            ranks.append(json.loads(config.read_text())["r"])
    assert greatest_rank(tiny) == max(ranks) > min(ranks)
    assert greatest_rank(replace(tiny, backbones=(), specialists=(), oracles=())) == 0
