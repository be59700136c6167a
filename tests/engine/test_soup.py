"""The served forward pass against dense merges, and rows against their neighbours."""

import json
import shutil
import threading

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from backbones.engine import soup as engine
from backbones.engine.soup import Soup, windows
from backbones.store.adapters import read_adapter
from tests.conftest import make_adapter
from tests.engine.tiny import again, several, tokens

IDS = torch.arange(100, 112).view(2, 6)
MIXES = [
    (0.0, 0.0, 0.0, 0.0),
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, 1.0, 0.0),
    (1.75, -0.75, 0.0, 0.0),
    (0.5, 0.0, -0.25, 2.0),
]


def served(soup, ids, rows):
    """Logits of `ids` (rows, T) with the merging coefficients `rows` [rows, adapters]."""
    mix = soup.mix(len(rows))
    mix.write(0, rows)
    with torch.no_grad(), mix.over(0, len(rows)):
        return soup.model(ids).logits


def dense(base, adapters, coefficients):
    """Logits of the de-quantised base with sum_k c_k B_k A_k s_k added into its weights, by PEFT's own deltas."""
    total = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, device_map={"": "cpu"}).dequantize()
    for folder, c in zip(adapters.values(), coefficients, strict=True):
        plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, device_map={"": "cpu"}).dequantize()
        peft = PeftModel.from_pretrained(plain, folder)
        for name, layer in peft.base_model.model.named_modules():
            if hasattr(layer, "get_delta_weight"):
                total.get_submodule(name).weight.data += c * layer.get_delta_weight("default")
    with torch.no_grad():
        return total(IDS).logits


@pytest.mark.parametrize(
    ("device", "fast", "dtype"),
    [("cuda", False, torch.bfloat16), ("cpu", True, torch.bfloat16), ("cpu", False, torch.float32)],
)
def test_the_cpu_computes_in_bf16_where_it_multiplies_in_it(device, fast, dtype, monkeypatch):
    monkeypatch.setattr(engine, "FAST_BF16", fast)
    assert engine.default_dtype(device) == dtype


@pytest.mark.parametrize("coefficients", MIXES)
def test_served_logits_equal_a_dense_merge(base, adapters, soup, coefficients):
    torch.testing.assert_close(
        served(soup, IDS, [coefficients] * 2), dense(base, adapters, coefficients), atol=2e-4, rtol=1e-4
    )


def test_one_hot_differs_from_the_base_and_from_the_other_adapters(soup):
    logits = [served(soup, IDS, [row] * 2) for row in MIXES]
    for i, one in enumerate(logits):
        assert all((one - other).abs().max() > 0.01 for other in logits[i + 1 :])


def test_rows_of_a_mixed_batch_equal_the_same_rows_alone(soup):
    ids = IDS[:1].repeat(len(MIXES), 1)
    together = served(soup, ids, MIXES)
    for i, row in enumerate(MIXES):
        torch.testing.assert_close(together[i : i + 1], served(soup, ids[:1], [row]), atol=1e-5, rtol=1e-5)


def test_an_unused_adapter_is_not_read(soup):
    """Poisoned with NaN, an adapter whose coefficient is zero in the whole batch changes nothing."""
    before = served(soup, IDS, [MIXES[3], MIXES[1]])
    kept = [(group, group.down.clone()) for group in soup.groups]
    for group, _ in kept:
        group.down[[adapter > 1 for adapter, _ in group.layout]] = float("nan")
    after = served(soup, IDS, [MIXES[3], MIXES[1]])
    for group, down in kept:
        group.down.copy_(down)
    assert torch.equal(before, after)


def test_threads_do_not_see_each_others_mix(soup):
    alone = [served(soup, IDS, [row] * 2) for row in MIXES]
    results, barrier = [None] * len(MIXES), threading.Barrier(len(MIXES))

    def work(i):
        mix = soup.mix(2)
        mix.write(0, [MIXES[i]] * 2)
        with mix.over(0, 2), torch.no_grad():
            barrier.wait()
            results[i] = soup.model(IDS).logits

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(MIXES))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, result in zip(alone, results, strict=True):
        torch.testing.assert_close(one, result, atol=1e-5, rtol=1e-5)


def test_the_weights_stay_untouched(base, adapters, soup):
    packed = Soup.load(base, adapters, "cpu", torch.float32, dense=False)
    weights = dict(packed.model.named_parameters())
    assert any(p.dtype == torch.uint8 for p in weights.values())
    weights |= {str(i): group.weight for i, group in enumerate(soup.groups)}
    before = {name: p.detach().clone() for name, p in weights.items()}
    for one in (packed, soup):
        served(one, IDS, [MIXES[4]] * 2)
    assert all(torch.equal(before[name], p) for name, p in weights.items())


@pytest.mark.parametrize(
    ("key", "value"),
    [("use_dora", True), ("bias", "all"), ("modules_to_save", ["lm_head"]), ("peft_type", "IA3")],
)
def test_settings_that_cannot_be_honoured_are_refused_by_name(base, tmp_path, key, value):
    folder = make_adapter(base, tmp_path / "adapter", 0)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(ValueError, match=key):
        read_adapter(folder)


def test_a_missing_adapter_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"adapter_config\.json is missing"):
        read_adapter(tmp_path)


def test_an_adapter_of_another_base_is_refused(base, adapters, tmp_path):
    folder = make_adapter(base, tmp_path / "adapter", 0)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"r": 5}))
    with pytest.raises(ValueError, match="rank"):
        Soup.load(base, {"adapter": folder}, "cpu")


@pytest.mark.parametrize("kind", ["chunked_attention", "linear_attention", "recurrent"])
def test_a_base_with_layers_that_cannot_be_served_is_refused_by_their_kind(base, tmp_path, monkeypatch, kind):
    shutil.copytree(base, tmp_path / "base")
    file = tmp_path / "base" / "config.json"
    if kind == "recurrent":  # a model that says no more than that it has a state
        monkeypatch.setattr(LlamaForCausalLM, "_is_stateful", True)
    else:
        file.write_text(json.dumps(json.loads(file.read_text()) | {"layer_types": ["full_attention", kind]}))
    with pytest.raises(ValueError, match=f"the base has layers of kind {kind}, which cannot be served: use one"):
        Soup.load(tmp_path / "base", {}, "cpu")


def test_kinds_of_layers_that_can_be_served_are_told_apart():
    model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=2, hidden_size=64, intermediate_size=8, vocab_size=9))
    assert windows(model) == {"": None}
    model.config.sliding_window = 5
    assert windows(model) == {"": 5}
    model.config.layer_types = ["full_attention", "sliding_attention"]
    assert windows(model) == {"full_attention": None, "sliding_attention": 5}


def test_a_base_that_is_not_quantised_is_loaded_in_nf4(base, adapters, soup):
    again = Soup.load(base.parent / "fp32", adapters, "cpu", torch.float32)
    assert again.model.config.quantization_config.bnb_4bit_quant_type == "nf4"
    ids, row = torch.tensor([[5, 6, 7]]), [[0.5, -0.5, 1.0, 0.25]]
    torch.testing.assert_close(served(again, ids, row), served(soup, ids, row))


def test_bf16_on_the_cpu_is_near_fp32(base, adapters, soup):
    """8 bits of every activation are kept: errors of up to 0.05 of the spread of logits (0.013 to 0.031 measured)."""
    for dense in (True, False):
        rounded = Soup.load(base, adapters, "cpu", torch.bfloat16, dense)
        assert rounded.dtype == torch.bfloat16
        logits, expected = served(rounded, IDS[:1].repeat(5, 1), MIXES), served(soup, IDS[:1].repeat(5, 1), MIXES)
        errors = (logits.float() - expected).square().mean((1, 2)).sqrt() / expected.std((1, 2))
        assert errors.max() < 0.05, (dense, errors)
        written = tokens(rounded, [again(row, max_new_tokens=8) for row in several(6)])
        assert all(written)


def test_the_head_reads_the_last_tokens_side_by_side(soup):
    """Else torch copies the head's weights for every row of prompts, which takes longer than all the rest."""
    seen = []
    hook = soup.model.lm_head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    tokens(soup, several(5))
    hook.remove()
    assert {one.shape[0] for one in seen} >= {5} and all(one.is_contiguous() for one in seen)
