"""Random models and the scaling command at its smallest size; estimates of memory against what is really held."""

import json
import math
import re

import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from backbones import memory, random_models, scaling, sets
from backbones.generation import Batch
from backbones.random_models import Numbers, held_bytes, layer_shapes, peft_model, random_adapters, random_model, twin
from backbones.scoring import Scorer
from backbones.soup import Soup

SMALL = "--sizes 0.005 --device cpu --adapters 4 --rank 4 --batches 1 3 --prompt 5 --tokens 6 --sweep 3 --repeats 1"
IDS = torch.arange(12).view(2, 6)
MIX = [1.75, -0.75, 0.5, 0.2]


@pytest.fixture(scope="module")
def model():
    return random_model("0.005", "cpu", torch.float32)


def run(monkeypatch, capsys, file):
    monkeypatch.setattr("sys.argv", ["scaling", *SMALL.split(), "--json", str(file)])
    scaling.main()
    return capsys.readouterr().out, json.loads(file.read_text())


def numbers(figures):
    for value in figures.values() if isinstance(figures, dict) else figures:
        if isinstance(value, (dict, list)):
            yield from numbers(value)
        else:
            yield value


def test_the_command_prints_every_table_and_writes_finite_positive_figures(monkeypatch, capsys, tmp_path):
    out, results = run(monkeypatch, capsys, tmp_path / "scaling.json")
    (figures,) = results["sizes"].values()
    assert all(f"\n| {head} |\n" in out for head in scaling.HEADS.values())
    assert len(re.findall(r"^\|.*\|$", out, re.M)) == 2 * 5 + 8 + 7 + 8 + 3 + 4  # heads and rules, then lines
    words = {row[1] for row in figures["decoding"]}
    values = [value for value in numbers(figures) if value not in words]
    assert len(values) == 2 + 7 + 8 * 6 + 3 + 4
    assert all(math.isfinite(value) and value > 0 for value in values)
    assert {row[0] for row in figures["decoding"]} == {1, 3}
    assert [row[4] for row in figures["decoding"][::4]] == [1, 1]  # the bare base against itself


def test_a_measurement_that_fails_is_shown_and_the_others_go_on(monkeypatch, capsys, tmp_path):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(random_models, "peft_model", full)
    out, results = run(monkeypatch, capsys, tmp_path / "scaling.json")
    (figures,) = results["sizes"].values()
    failed = [row for row in figures["decoding"] if row[2] == "out of memory"]
    assert [row[1] for row in failed] == ["PEFT, 4 adapters"] * 2
    assert sum(value == "out of memory" for value in figures["slider"].values()) == 4
    assert "| PEFT, 4 adapters | out of memory |" in out
    assert all(isinstance(row[2], float) for row in figures["decoding"] if row not in failed)


def test_a_model_has_the_parameters_that_its_size_says():
    for size in random_models.SHAPES:
        assert 0.95 < random_models.parameters(size) / (float(size) * 1e9) < 1.05, size


def test_a_random_model_is_quantised_but_for_its_head(model):
    config = model.config
    linear = sum(out * inputs for out, inputs in layer_shapes(model).values())
    embeddings = config.vocab_size * config.hidden_size
    norms = (2 * config.num_hidden_layers + 1) * config.hidden_size
    assert linear + embeddings + norms == random_models.parameters("0.005")
    assert held_bytes(model) == pytest.approx(linear * memory.NF4_BITS / 8 + 4 * (embeddings + norms), rel=0.02)
    assert all(p.device.type == "cpu" for p in (*model.parameters(), *model.buffers()))
    with torch.no_grad():
        same, other = random_model("0.005", "cpu", torch.float32), random_model("0.005", "cpu", torch.float32, seed=9)
        assert torch.equal(model(IDS).logits, same(IDS).logits)
        assert not torch.allclose(model(IDS).logits, other(IDS).logits, atol=0.1)


def test_an_unknown_size_is_refused():
    with pytest.raises(ValueError, match=r"unknown size '7': use one of 0\.005"):
        random_model("7", "cpu", torch.float32)


def test_soup_and_peft_do_the_same_work_and_leave_the_bare_base_alone(model):
    """What is compared computes the same logits; the adapters do change them."""
    before = model(IDS).logits
    adapters = random_adapters(model, 4, 8)
    soup = Soup(twin(model), Numbers(), adapters)
    wrapped = peft_model(twin(model), adapters, list(layer_shapes(model)))
    random_models.set_scales(wrapped, MIX)
    with torch.no_grad(), soup.mixed(soup.mix([MIX] * 2)) as merged:
        served = merged(IDS).logits
    torch.testing.assert_close(served, wrapped(IDS).logits, atol=1e-4, rtol=1e-4)
    assert (served - before).abs().max() > 0.01
    assert torch.equal(model(IDS).logits, before)


@pytest.mark.parametrize("name", sets.shipped())
def test_the_estimate_is_what_a_loaded_set_takes(name):
    soup_set = sets.read(name)
    folders = [o.reward_model for o in soup_set.objectives if o.reward_model]
    needs = memory.estimate(soup_set.base, list(soup_set.adapters), folders, rows=2, new_tokens=8, dtype_bytes=4)
    bare = held_bytes(Soup.load(soup_set.base, [], "cpu").model)
    soup = Soup.load(soup_set.base, list(soup_set.adapters), "cpu")
    assert needs["weights"] == pytest.approx(bare, rel=0.05)
    assert needs["adapters"] == pytest.approx(held_bytes(soup.model) - bare, rel=0.05)
    models = Scorer(soup_set.objectives).models.values()
    assert needs["reward models"] == pytest.approx(sum(held_bytes(m.model) for m in models), rel=0.05)
    halved = memory.estimate(soup_set.base, [], folders, rows=2, new_tokens=8, dtype_bytes=4, reward_bytes=2)
    assert halved["reward models"] == needs["reward models"] // 2
    assert needs["total"] == sum(size for part, size in needs.items() if part != "total")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_are_counted_in_the_dtype_computed_in_and_scales_as_they_are(base, dtype):
    needs = memory.estimate(base, [], [], rows=1, new_tokens=8, dtype_bytes=dtype.itemsize)
    assert needs["weights"] == pytest.approx(held_bytes(Soup.load(base, [], "cpu", dtype).model), rel=0.01)


def test_the_cache_is_estimated_as_it_grows(model, tmp_path):
    (tmp_path / "config.json").write_text(model.config.to_json_string(use_diff=False))
    save_file({"model.norm.weight": torch.ones(256)}, tmp_path / "model.safetensors")
    batch = Batch(Soup(model, Numbers(), []))
    batch.add(random_models.random_requests([()] * 3, prompt=5, tokens=20))
    for _ in range(7):
        batch.step()
    held = sum(k.nbytes + v.nbytes for k, v, _ in batch.state.cache)
    for rows, size, share in ((3, 4, 1), (6, 4, 2), (3, 2, 0.5)):
        needs = memory.estimate(tmp_path, [], [], rows=rows, new_tokens=7, dtype_bytes=size, prompt_tokens=5)
        assert needs["cache"] == share * held


def test_a_base_that_is_not_quantised_is_counted_as_it_will_be(base):
    plain = base.parent / "fp32"
    quantised = memory.estimate(plain, [], [], 1, 8, 4)["weights"]
    held = held_bytes(Soup.load(base, [], "cpu").model)
    assert quantised == pytest.approx(held, rel=0.05)
    whole = sum(p.nbytes for p in LlamaForCausalLM.from_pretrained(plain).parameters())
    assert memory.estimate(plain, [], [], 1, 8, 4, quantise=False)["weights"] == whole > 1.5 * quantised


def test_shards_are_added_up(base, tmp_path):
    model = LlamaForCausalLM.from_pretrained(base.parent / "fp32", dtype=torch.float32)
    model.save_pretrained(tmp_path, max_shard_size="40KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    one, many = (memory.estimate(folder, [], [], 1, 8, 2) for folder in (base.parent / "fp32", tmp_path))
    assert one == many


def test_a_set_that_does_not_fit_is_refused_with_what_to_do(base, adapters):
    needs = memory.estimate(base, adapters, [], rows=64, new_tokens=80, dtype_bytes=4)
    memory.refuse_if_too_large(needs, "cpu", free=needs["total"])
    memory.refuse_if_too_large(needs, "cpu")  # this machine has room for two layers
    with pytest.raises(ValueError, match=r"needs .*weights .*adapters .*cache .*cpu has 1\.0 MiB free.*BONESOUP_ROWS"):
        memory.refuse_if_too_large(needs, "cpu", free=2**20)
    with pytest.raises(ValueError, match="fewer texts"):
        memory.refuse_if_too_large(needs, "cpu", free=needs["total"] - 1)


@pytest.mark.parametrize("contents", [b"", b"\xff" * 8 + b"{}", b"\x02" + b"\0" * 7 + b"{"])
def test_files_that_are_no_safetensors_are_named(tmp_path, contents):
    (tmp_path / "config.json").write_text(LlamaConfig().to_json_string())
    with pytest.raises(ValueError, match=r"model\.safetensors is missing"):
        memory.estimate(tmp_path, [], [], 1, 8, 4)
    (tmp_path / "model.safetensors").write_bytes(contents)
    with pytest.raises(ValueError, match=r"model\.safetensors is no safetensors file"):
        memory.estimate(tmp_path, [], [], 1, 8, 4)


def test_an_unknown_architecture_is_refused(tmp_path):
    save_file({"a.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"config\.json has none of num_"):
        memory.estimate(tmp_path, [], [], 1, 8, 4)


def test_nf4_is_the_bits_that_bitsandbytes_takes():
    assert abs(memory.NF4_BITS - 4.127) < 1e-3
