"""Sets whose adapters all began at one, with its down-projections: the start has the rest of the coefficients, and a
merge is an adapter of the rank of one."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from backbones.engine.soup import Soup
from backbones.merging.methods import METHODS, Merge, Oracle
from backbones.store.adapters import CONFIG, UPS, WEIGHTS, read_adapter, write_ups
from backbones.store.exporting import merged_adapter
from backbones.store.footprint import estimate
from backbones.store.importing import import_set
from backbones.store.manifest import Manifest
from backbones.store.soup_set import made
from tests.conftest import make_adapter
from tests.store.models import OBJECTIVES, loaded, served

NAMES = ("start", "backbone-1", "backbone-2", "specialist-1", "specialist-2")


@pytest.fixture(scope="module")
def begun(tiny, base, tmp_path_factory):
    """The tiny set with adapters that differ in their up-projections alone, and its soup."""
    folder = tmp_path_factory.mktemp("begun")
    folders = {name: make_adapter(base, folder / name, seed) for seed, name in enumerate(NAMES)}
    first = load_file(folders["start"] / "adapter_model.safetensors")
    for path in folders.values():
        weights = load_file(path / "adapter_model.safetensors")
        weights |= {name: tensor for name, tensor in first.items() if "lora_A" in name}
        save_file(weights, path / "adapter_model.safetensors", metadata={"format": "pt"})
    soup_set = replace(
        tiny,
        folders=folders,
        start="start",
        backbones=NAMES[1:3],
        specialists=NAMES[3:],
        oracles=(Oracle(tiny.preference((1, 0)), NAMES[3]),),
    )
    return soup_set, Soup.load(base, soup_set.adapters, "cpu", torch.float32)


def test_the_start_has_what_is_left_of_the_coefficients(begun):
    soup_set, _ = begun
    mu = soup_set.preference((0.9, 0.1))
    for method in METHODS:
        merge, plain = soup_set.merge(method, mu), METHODS[method].merge(mu, soup_set)
        rest = 1 - sum(plain.coefficients.values())
        assert merge.coefficients.get("start", 0) == pytest.approx(rest)
        assert (merge.remark == plain.remark) == (method != "base")
        assert sum(merge.coefficients.values()) == pytest.approx(1)
    lone = soup_set.merge("base", mu)
    assert lone.coefficients == {"start": 1.0} and lone.remark.startswith("the start alone")
    rest = 1 - 0.9 * 1.25 - 0.1 * 0.8
    assert soup_set.merge("bone-soup-extrapolated", mu).coefficients["start"] == pytest.approx(rest)
    stretched = soup_set.merge("rewarded-soup-extrapolated", mu).coefficients
    assert stretched == pytest.approx({"start": 1 - 1.35 - 0.09, "specialist-1": 1.35, "specialist-2": 0.09})
    assert "start" not in soup_set.merge("bone-soup", mu).coefficients
    assert Merge({"a": 0.5}).begun_at(None) == Merge({"a": 0.5})


@pytest.mark.parametrize(
    "method",
    ["bone-soup", "bone-soup-extrapolated", "bone-soup-anchored", "rewarded-soup-extrapolated", "nearest-soup", "base"],
)
def test_a_merge_is_an_adapter_of_the_rank_of_one_with_the_served_logits(begun, tmp_path, method):
    soup_set, soup = begun
    folder = merged_adapter(soup_set, method, soup_set.preference((0.9, 0.1)), tmp_path / "merged")
    assert json.loads((folder / "adapter_config.json").read_text())["r"] == 4
    expected = served(soup, soup_set, method, (0.9, 0.1))
    torch.testing.assert_close(loaded(soup_set.base, folder), expected, atol=1e-4, rtol=0)


def test_layers_multiply_the_shared_down_projections_once(begun):
    for group in begun[1].groups:
        rank = 4 * len(group.layers)
        assert len(group.down) == group.shared == rank and len(group.layout) == rank * len(NAMES)


def test_the_manifest_names_the_start(begun, base, tmp_path):
    soup_set, _ = begun
    shutil.copytree(base, tmp_path / "base")
    shutil.copytree(soup_set.folders["start"].parent, tmp_path / "adapters")
    manifest = Manifest(
        name="begun",
        title="Begun",
        objectives=OBJECTIVES,
        beta=0.7,
        backbones=[f"adapters/{name}" for name in NAMES[1:3]],
        start="adapters/start",
    )
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
    read = made(tmp_path, manifest)
    assert read.start == "start" and tuple(read.adapters) == NAMES[:3]
    assert made(tmp_path, replace(manifest, start=None)).start is None


def test_adapters_of_a_set_are_read_with_the_start_first(begun):
    soup_set, soup = begun
    assert tuple(soup_set.adapters) == NAMES == tuple(soup.adapter_names)


@pytest.fixture
def ups(begun, tmp_path):
    """The folder of an adapter that has B alone, beside the start, and that of the whole one."""
    folders = begun[0].folders
    shutil.copytree(folders["start"], tmp_path / "start")
    (tmp_path / "ups").mkdir()
    shutil.copy(folders["backbone-1"] / CONFIG, tmp_path / "ups")
    write_ups(load_file(folders["backbone-1"] / WEIGHTS), "start", tmp_path / "ups")
    return tmp_path / "ups", folders["backbone-1"]


def test_an_adapter_without_an_a_of_its_own_is_read_with_that_of_the_start(ups):
    alone, whole = ups
    assert (alone / UPS).stat().st_size < 0.7 * (whole / WEIGHTS).stat().st_size
    read, expected = (read_adapter(folder).deltas for folder in ups)
    assert read.keys() == expected.keys()
    for layer, (down, up) in read.items():
        assert down.equal(expected[layer][0]) and up.equal(expected[layer][1])


def test_nothing_else_reads_such_an_adapter_by_mistake(ups, base, tmp_path):
    with pytest.raises(Exception, match="ups"):  # which exception depends on whether there is a network
        PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(ups[0]))
    (tmp_path / "objectives.json").write_text(json.dumps(OBJECTIVES))
    with pytest.raises(ValueError, match="holds B alone: take the adapter out of its set with the command export"):
        import_set(
            folder=tmp_path / "set",
            objectives=tmp_path / "objectives.json",
            base=base,
            backbones=[ups[0], ups[0]],
            beta=0.7,
            name="again",
            title="Again",
        )


@pytest.mark.parametrize("start", ["", "elsewhere", "../start", "ups/../start"])
def test_the_start_is_a_folder_beside_the_adapter(ups, start):
    write_ups(load_file(ups[1] / WEIGHTS), start, ups[0])
    with pytest.raises(ValueError, match=f"are to be those of '{start}', which is no adapter beside it"):
        read_adapter(ups[0])


def test_memory_is_estimated_for_the_a_of_all_adapters_once(ups, base):
    alone, whole = ups
    parts = [estimate(base, folders, [], 1, 8, 4)["adapters"] for folders in ([alone], [whole])]
    sizes = {name: tensor.numel() for name, tensor in load_file(whole / WEIGHTS).items()}
    assert parts[1] == 4 * sum(sizes.values())
    assert parts[0] == 4 * sum(size for name, size in sizes.items() if "lora_B" in name)
