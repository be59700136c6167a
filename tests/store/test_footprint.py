"""Estimates of memory against what is really held, and files that tell nothing."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, GPTNeoConfig, LlamaConfig, LlamaForCausalLM

from app import serve
from app.settings import Settings
from backbones.engine.batch import Batch, Row
from backbones.engine.request import Request
from backbones.engine.soup import Soup
from backbones.merging.preference import Preference
from backbones.store import footprint
from backbones.store import soup_set as sets
from backbones.store.conversion import NF4
from backbones.tasks.reframe.matcher import Matching
from backbones.tasks.reward_models import Classifier
from benchmarks.random_models import held_bytes
from tests.shipped import READY


@pytest.mark.parametrize("name", READY)
def test_the_estimate_is_what_a_loaded_set_takes(name):
    soup_set = sets.read(name)
    folders = [o.reward_model for o in soup_set.objectives if o.reward_model]
    adapters = list(soup_set.adapters.values())
    needs = footprint.estimate(soup_set.base, adapters, folders, rows=2, new_tokens=8, dtype_bytes=4)
    bare = held_bytes(Soup.load(soup_set.base, {}, "cpu", torch.float32).model)
    soup = Soup.load(soup_set.base, soup_set.adapters, "cpu", torch.float32, dense=False)
    assert needs["weights"] == pytest.approx(bare, rel=0.05)
    assert needs["adapters"] == pytest.approx(held_bytes(soup.model) - bare, rel=0.05)
    dense = Soup.load(soup_set.base, soup_set.adapters, "cpu", torch.float32, dense=True)
    more = footprint.estimate(soup_set.base, adapters, folders, rows=2, new_tokens=8, dtype_bytes=4, dense=True)
    assert more["weights"] + more["adapters"] == pytest.approx(held_bytes(dense.model), rel=0.05)
    models = [
        Classifier.load(folder).model if (folder / "config.json").is_file() else Matching.load(folder).model
        for folder in folders
    ]
    assert needs["reward models"] == pytest.approx(sum(map(held_bytes, models)), rel=0.05)
    halved = footprint.estimate(soup_set.base, [], folders, rows=2, new_tokens=8, dtype_bytes=4, reward_bytes=2)
    assert halved["reward models"] == needs["reward models"] // 2
    assert needs["total"] == sum(size for part, size in needs.items() if part != "total")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_are_counted_in_the_dtype_computed_in_and_scales_as_they_are(base, dtype):
    needs = footprint.estimate(base, [], [], rows=1, new_tokens=8, dtype_bytes=dtype.itemsize)
    assert needs["weights"] == pytest.approx(held_bytes(Soup.load(base, {}, "cpu", dtype).model), rel=0.01)


def test_the_cache_is_estimated_as_it_grows(soup, base):
    batch = Batch(soup, slots=3)
    batch.add(
        [
            Row(
                Request({}, Preference.equal(2), seed=k, max_new_tokens=20),
                "a b c d",
                [[0.0] * len(soup.adapter_names)],
            )
            for k in range(3)
        ]
    )
    for _ in range(7):
        batch.step()
    held = sum(tensor.nbytes for tensor in (*batch.cache.keys, *batch.cache.values))
    for rows, size, share in ((3, 4, 1), (6, 4, 2), (3, 2, 0.5)):
        needs = footprint.estimate(base, [], [], rows, 20, size, prompt_tokens=4)
        assert needs["cache"] == pytest.approx(share * held, rel=0.05)


def test_a_base_that_is_not_quantised_is_counted_as_it_will_be(base):
    plain = base.parent / "fp32"
    quantised = footprint.estimate(plain, [], [], 1, 8, 4)["weights"]
    held = held_bytes(Soup.load(base, {}, "cpu", torch.float32).model)
    assert quantised == pytest.approx(held, rel=0.05)
    whole = sum(p.nbytes for p in LlamaForCausalLM.from_pretrained(plain).parameters())
    assert footprint.estimate(plain, [], [], 1, 8, 4, quantise=False)["weights"] == whole > 1.5 * quantised


@pytest.mark.parametrize("prefix", ["transformer.", ""])
def test_the_layers_of_gpt2_are_quantised_too_under_either_of_their_names(tmp_path, prefix):
    config = GPT2Config(vocab_size=300, n_positions=64, n_embd=128, n_layer=2, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    renamed = {prefix + name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    save_file(renamed, tmp_path / "model.safetensors", metadata={"format": "pt"})
    held = held_bytes(
        AutoModelForCausalLM.from_pretrained(
            tmp_path, dtype=torch.float32, quantization_config=NF4, device_map={"": "cpu"}
        )
    )
    assert footprint.estimate(tmp_path, [], [], 1, 8, 4)["weights"] == pytest.approx(held, rel=0.05)
    assert footprint.estimate(tmp_path, [], [], 1, 8, 4, quantise=False)["weights"] > 2 * held


def test_the_names_that_gpt_neo_has_are_known():
    config = GPTNeoConfig(
        hidden_size=64, num_layers=2, num_heads=4, attention_types=[[["global"], 2]], max_position_embeddings=128
    )
    assert footprint.cache(config.to_dict(), 3, 64, 2) == 2 * 2 * 3 * 64 * (64 + 1) * 2


def test_shards_are_added_up(base, tmp_path):
    model = LlamaForCausalLM.from_pretrained(base.parent / "fp32", dtype=torch.float32)
    model.save_pretrained(tmp_path, max_shard_size="40KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    one, many = (footprint.estimate(folder, [], [], 1, 8, 2) for folder in (base.parent / "fp32", tmp_path))
    assert one == many


def test_a_set_that_does_not_fit_is_refused_with_what_to_do(base, adapters):
    needs = footprint.estimate(base, list(adapters.values()), [], rows=64, new_tokens=80, dtype_bytes=4)
    footprint.refuse_if_too_large(needs, "cpu", free=needs["total"])
    footprint.refuse_if_too_large(needs, "cpu")  # this machine has room for two layers
    with pytest.raises(ValueError, match=r"weights .*adapters .*cache .*cpu has 1\.0 MiB left: .*BONESOUP_ROWS"):
        footprint.refuse_if_too_large(needs, "cpu", free=2**20)
    with pytest.raises(ValueError, match="fewer texts"):
        footprint.refuse_if_too_large(needs, "cpu", free=needs["total"] - 1)


def test_judges_are_counted_where_they_run_and_prompts_as_long_as_the_tasks(chat):
    chat = sets.read(chat)
    cpu, cuda = (footprint.of_set(chat, 8, device, 4) for device in ("cpu", "cuda"))
    assert cpu["reward models"] == 2 * cuda["reward models"] > 0
    short = footprint.estimate(chat.base, [], [], 8, chat.sampling.max_new_tokens, 4)
    assert cpu["cache"] == pytest.approx(2 * short["cache"], rel=0.01)  # as far as the base has positions, in chunks
    three = sets.read("restaurants-3")
    assert (
        footprint.of_set(three, 8, "cuda", 2)["reward models"]
        == 0
        < footprint.of_set(three, 8, "cpu", 4)["reward models"]
    )


@pytest.mark.parametrize("contents", [b"", b"\xff" * 8 + b"{}", b"\x02" + b"\0" * 7 + b"{"])
def test_files_that_are_no_safetensors_are_named(tmp_path, contents):
    (tmp_path / "config.json").write_text(LlamaConfig().to_json_string())
    with pytest.raises(ValueError, match=r"model\.safetensors is missing"):
        footprint.estimate(tmp_path, [], [], 1, 8, 4)
    (tmp_path / "model.safetensors").write_bytes(contents)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged or cut off \(.*\): copy or save it again"):
        footprint.estimate(tmp_path, [], [], 1, 8, 4)


def test_a_file_that_is_cut_off_is_named(base, tmp_path):
    whole = (base / "model.safetensors").read_bytes()
    (tmp_path / "config.json").write_bytes((base / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged or cut off"):
        footprint.estimate(tmp_path, [], [], 1, 8, 4)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{", r"model\.safetensors\.index\.json is damaged or cut off"),
        ("{}", r"model\.safetensors\.index\.json lacks 'weight_map'"),
        ('{"weight_map": {"a": "gone.safetensors"}}', r"gone\.safetensors cannot be read"),
    ],
)
def test_an_index_of_shards_that_is_damaged_is_named(tmp_path, index, message):
    (tmp_path / "config.json").write_text(LlamaConfig().to_json_string())
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(ValueError, match=message):
        footprint.estimate(tmp_path, [], [], 1, 8, 4)


def test_numbers_of_a_type_that_nobody_computes_in_are_named(tmp_path):
    (tmp_path / "config.json").write_text(LlamaConfig().to_json_string())
    header = json.dumps({"a.weight": {"dtype": "C64", "shape": [2], "data_offsets": [0, 16]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 16)
    with pytest.raises(ValueError, match=r"model\.safetensors holds tensors of type 'C64': save it in a floating"):
        footprint.estimate(tmp_path, [], [], 1, 8, 4)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float16, torch.int16, torch.bool, torch.float64])
def test_every_type_that_models_come_in_is_known(tmp_path, dtype):
    (tmp_path / "config.json").write_text(LlamaConfig().to_json_string(use_diff=False))
    save_file({"model.norm.weight": torch.zeros(7).to(dtype)}, tmp_path / "model.safetensors")
    floating = dtype in (torch.float16, torch.float64)
    size = footprint.estimate(tmp_path, [], [], 1, 8, 4, quantise=False)["weights"]
    assert size == 7 * (4 if floating else dtype.itemsize)


def test_an_unknown_architecture_is_refused(tmp_path):
    save_file({"a.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"config\.json has none of num_"):
        footprint.estimate(tmp_path, [], [], 1, 8, 4)


MIB = 2**20
VERSIONS = {
    "2": ("memory.max", "memory.current", "memory.stat", ""),
    "1": ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_"),
}


def in_a_container(monkeypatch, folder, version, limit, used, parts):
    """What is available there, where cgroups of this version tell of such memory."""
    *sizes, statistics, _ = (folder / name for name in VERSIONS[version])
    statistics.parent.mkdir(exist_ok=True)
    for file, size in zip(sizes, (limit, used), strict=True):
        file.write_text(f"{size}\n")
    statistics.write_text("".join(f"{part} {size}\n" for part, size in parts.items()))
    monkeypatch.setattr(footprint, "CGROUP", folder)
    return footprint.available("cpu")


@pytest.mark.parametrize("version", VERSIONS)
def test_files_that_a_container_has_read_are_free_as_they_are_given_up(monkeypatch, tmp_path, version):
    prefix = VERSIONS[version][3]
    parts = {"anon": 15 * MIB, "shmem": MIB, "slab": 2 * MIB}
    parts |= {f"{prefix}inactive_file": 8 * MIB, f"{prefix}active_file": 4 * MIB}
    assert in_a_container(monkeypatch, tmp_path, version, 40 * MIB, 30 * MIB, parts) == 22 * MIB
    assert in_a_container(monkeypatch, tmp_path, version, 40 * MIB, 40 * MIB, {"anon": 40 * MIB}) == 0


@pytest.mark.parametrize(("version", "limit"), [("2", "max"), ("1", 2**63 - 4096)])
def test_a_container_without_a_limit_has_what_the_machine_has(monkeypatch, tmp_path, version, limit):
    monkeypatch.setattr(footprint.psutil, "virtual_memory", lambda: SimpleNamespace(available=7 * MIB))
    assert in_a_container(monkeypatch, tmp_path, version, limit, 30 * MIB, {}) == 7 * MIB
    assert in_a_container(monkeypatch, tmp_path, version, 35 * MIB, 30 * MIB, {}) == 5 * MIB


def test_what_sets_loaded_before_will_still_take_is_not_free(chat, monkeypatch):
    """Their caches, and the working memory of whichever set has its turn."""
    found = sets.read(chat)
    needs = footprint.of_set(found, 8, "cpu", 4)
    before = [
        {"cache": 1000, "working memory": needs["working memory"] + 50},
        {"cache": 500, "working memory": needs["working memory"] - 50},
    ]
    enough = needs["total"] + 1500 + 50
    monkeypatch.setattr(footprint, "available", lambda device: enough)
    assert footprint.fitting(found, 8, "cpu", 4, False, before) == (needs, False)
    monkeypatch.setattr(footprint, "available", lambda device: enough - 1)
    assert footprint.fitting(found, 8, "cpu", 4, False) == (needs, False)
    with pytest.raises(ValueError, match=f"cpu has {footprint.readable(needs['total'])} left beside what"):
        footprint.fitting(found, 8, "cpu", 4, False, before)
    monkeypatch.setattr(footprint, "available", lambda device: 0)
    with pytest.raises(ValueError, match=r"cpu has 0\.0 MiB left beside what the sets before it will need: w"):
        footprint.fitting(found, 8, "cpu", 4, False, before)
    with pytest.raises(ValueError, match=r"cpu has 0\.0 MiB left: write fewer"):
        footprint.fitting(found, 8, "cpu", 4, False)


def test_the_app_leaves_out_a_set_whose_texts_would_find_no_memory_beside_those_of_the_others(monkeypatch, capsys):
    rows = {"BONESOUP_ROWS": "64", "BONESOUP_DEVICE": "cpu", "BONESOUP_PRECISION": "float32"}
    first, second = (footprint.of_set(sets.read(name), 64, "cpu", 4) for name in ("restaurants", "restaurants-3"))
    for free, served in ((second["total"] + first["cache"], 2), (second["total"] + first["cache"] - 1, 1)):
        monkeypatch.setattr(footprint, "available", lambda device, free=free: free)
        writers = serve.load(Settings.read(rows | {"BONESOUP_SETS": "restaurants, restaurants-3"}))
        assert list(writers) == ["restaurants", "restaurants-3"][:served]
        assert ("the set restaurants-3 is left out: the set needs" in capsys.readouterr().out) == (served == 1)


def test_nf4_is_the_bits_that_bitsandbytes_takes():
    assert abs(footprint.NF4_BITS - 4.127) < 1e-3


def test_a_shipped_set_is_estimated_without_torch():
    code = (
        "import sys; from backbones.store import footprint, soup_set; "
        "footprint.of_set(soup_set.read('restaurants-3'), 64, 'cpu', 4); "
        "footprint.available('cpu'); assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
