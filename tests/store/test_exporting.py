"""Exported merges, loaded by PEFT alone, against the served forward pass."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from safetensors.torch import load_file

from backbones.store import exporting
from backbones.store.adapters import read_adapter
from backbones.store.exporting import label, merged_adapter, merged_model, zipped
from backbones.tasks.restaurants import facts
from tests.conftest import make_adapter
from tests.store.models import FACTS, dense, loaded, plain, served, served_alone, with_oracle

ROOT = Path(__file__).parents[2]


def exported(soup_set, method, values, folder, rank=None):
    """The folder of `merged_adapter` at the preference `values`."""
    return merged_adapter(soup_set, method, soup_set.preference(values), folder, rank)


@pytest.mark.parametrize(
    ("method", "preference", "used", "rank"),
    [
        ("bone-soup", (1, 0), [0, 1], 12),
        ("bone-soup", (3, 7), [1], 8),  # a row of B: one backbone
        ("bone-soup-extrapolated", (0, 1), [0, 1], 12),
        ("rewarded-soup-extrapolated", (0, 1), [3], 4),
        ("nearest-soup", (0.5, 0.5), [2, 1], 12),
        ("bone-soup-anchored", (0.9, 0.1), [0, 2], 8),
        ("rewarded-soup", (0.7, 0.3), [2, 3], 8),
        ("no-mapping", (0.2, 0.8), [0, 1], 12),
        ("morlhf", (0.9, 0.1), [2], 4),
    ],
)
def test_peft_gives_the_served_logits(tiny, soup, tmp_path, method, preference, used, rank):
    merged = tiny.merge(method, tiny.preference(preference)).coefficients
    assert [name for name, value in merged.items() if value] == [f"adapter-{k}" for k in used]
    folder = exported(tiny, method, preference, tmp_path / "merged")
    expected = served(soup, tiny, method, preference)
    logits = loaded(tiny.base, folder)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    # The bound means something: the base and another merge are far away.
    assert (served(soup, tiny, "base", preference) - expected).abs().max() > 0.01
    assert (served(soup, tiny, "bone-soup", (0, 1)) - expected).abs().max() > 0.01
    assert json.loads((folder / "adapter_config.json").read_text())["r"] == rank


def test_a_corner_of_bone_soup_has_a_negative_coefficient_that_the_card_states(tiny, tmp_path):
    folder = exported(tiny, "bone-soup", (1, 0), tmp_path / "merged")
    card = (folder / "README.md").read_text()
    assert "| adapter-0 | 1.75 |\n| adapter-1 | -0.75 |\n" in card
    assert "tiny merged by bone-soup at the preference complete 1, concise 0" in card and "rank 12" in card


def test_peft_puts_the_adapter_on_just_the_layers_that_have_one(tiny, base, tmp_path):
    one_layer = make_adapter(base, tmp_path / "few", 7, target_modules=["q_proj", "up_proj"], layers_to_transform=[1])
    few = with_oracle(tiny, one_layer)
    peft = PeftModel.from_pretrained(plain(base), exported(few, "morlhf", (1, 0), tmp_path / "merged"))
    layers = [name for name, layer in peft.base_model.model.named_modules() if hasattr(layer, "lora_A")]
    assert sorted(layers) == ["model.layers.1.mlp.up_proj", "model.layers.1.self_attn.q_proj"]


def test_a_folder_is_written_the_same_twice_in_fp32_as_peft_saves_it(tiny, tmp_path):
    one, two = (exported(tiny, "bone-soup-anchored", (0.9, 0.1), tmp_path / name / "it") for name in "ab")
    files = ["README.md", "adapter_config.json", "adapter_model.safetensors"]
    assert sorted(file.name for file in one.iterdir()) == files
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in files)
    weights = load_file(one / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    plain_peft = PeftModel.from_pretrained(plain(tiny.base), one)
    plain_peft.save_pretrained(tmp_path / "again")
    assert set(load_file(tmp_path / "again" / "adapter_model.safetensors")) == set(weights)


def test_an_export_can_be_served_as_an_adapter_itself(tiny, soup, tmp_path):
    folder = exported(tiny, "bone-soup", (1, 0), tmp_path / "merged")
    torch.testing.assert_close(
        served_alone(tiny.base, folder), served(soup, tiny, "bone-soup", (1, 0)), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(("method", "preference"), [("bone-soup", (1, 0)), ("bone-soup-anchored", (0.8, 0.2))])
@pytest.mark.parametrize("rank", [1, 5])
def test_a_lower_rank_states_the_errors_that_the_dense_matrices_have(tiny, tmp_path, method, preference, rank):
    folder = exported(tiny, method, preference, tmp_path / "cut", rank)
    stated = json.loads((folder / "hyperparameters.json").read_text())
    cut, changes = read_adapter(folder).deltas, dense(tiny, method, preference)
    assert set(stated["relative_errors"]) == set(changes) == set(cut)
    for layer, change in changes.items():
        down, up = cut[layer]
        assert len(down) == len(up) == rank
        left = torch.linalg.norm(change - up.double().T @ down.double()) / torch.linalg.norm(change)
        values = torch.linalg.svdvals(change)
        assert stated["relative_errors"][layer] == pytest.approx(float(left), abs=1e-5)
        assert float(left) == pytest.approx(
            float(values[rank:].norm() / values.norm()), abs=1e-5
        )  # no rank does better
    largest = max(stated["relative_errors"].values())
    assert largest > 0.1 and f"of a layer's change: {largest:.3g})" in (folder / "README.md").read_text()
    full = stated["full_rank"]
    assert f"one LoRA adapter of rank {rank}, cut from {full} (" in (folder / "README.md").read_text()


def test_ranks_beyond_the_size_of_a_layer_are_filled_up(tiny, base, tmp_path):
    folders = {f"wide-{i}": make_adapter(base, tmp_path / f"wide-{i}", i, r=50) for i in range(2)}
    wide = replace(tiny, folders=tiny.folders | folders, backbones=tuple(folders))
    folder = exported(wide, "bone-soup", (0.6, 0.4), tmp_path / "cut", 70)  # layers have 64 inputs or outputs
    stated = json.loads((folder / "hyperparameters.json").read_text())
    assert (stated["full_rank"], stated["rank"]) == (100, 70) and max(stated["relative_errors"].values()) < 1e-5
    assert {len(down) for down, _ in read_adapter(folder).deltas.values()} == {70}
    exact = loaded(tiny.base, exported(wide, "bone-soup", (0.6, 0.4), tmp_path / "exact"))
    torch.testing.assert_close(loaded(tiny.base, folder), exact, atol=1e-3, rtol=0)


@pytest.mark.parametrize("rank", [12, 100])
def test_a_rank_that_is_high_enough_changes_nothing(tiny, tmp_path, rank):
    exact = exported(tiny, "bone-soup", (1, 0), tmp_path / "exact" / "it")
    same = exported(tiny, "bone-soup", (1, 0), tmp_path / "same" / "it", rank)
    exact_files, same_files = ({file.name: file.read_bytes() for file in path.iterdir()} for path in (exact, same))
    assert same_files == exact_files
    assert torch.equal(loaded(tiny.base, same), loaded(tiny.base, exact))
    less = loaded(tiny.base, exported(tiny, "bone-soup", (1, 0), tmp_path / "less", 11))
    assert (less - loaded(tiny.base, exact)).abs().max() > 1e-3


def test_a_rank_that_holds_nothing_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match="the rank 0 holds nothing"):
        exported(tiny, "bone-soup", (1, 0), tmp_path / "merged", 0)
    assert not (tmp_path / "merged").exists()


@pytest.fixture(scope="module")
def shipped(restaurants, tmp_path_factory):
    """The merge of the shipped set at (0.7, 0.3), written from the root of the repository."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return exported(restaurants[0], "bone-soup", (0.7, 0.3), tmp_path_factory.mktemp("x") / "restaurants-70")


def test_peft_gives_the_served_logits_of_a_shipped_set(restaurants, shipped):
    soup_set, soup = restaurants
    ids = soup.tokenizer([facts.prompt(FACTS)], return_tensors="pt").input_ids
    expected = served(soup, soup_set, "bone-soup", (0.7, 0.3), ids)
    logits = loaded(soup_set.base, shipped, ids)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert (served(soup, soup_set, "bone-soup", (0.6, 0.4), ids) - expected).abs().max() > 0.01


def test_the_folder_names_its_base_relative_to_the_repository(shipped, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = json.loads((shipped / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "backbones/sets/restaurants/base"
    model = AutoPeftModelForCausalLM.from_pretrained(shipped)
    assert model.peft_config["default"].r == 32


def test_the_lines_of_the_card_load_it(restaurants, shipped, monkeypatch):
    soup_set, soup = restaurants
    monkeypatch.chdir(ROOT)
    code = (shipped / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert f"'{shipped.name}'" in code
    names = {}
    exec(code.replace(f"'{shipped.name}'", repr(str(shipped))), names)
    ids = names["tokenizer"]([facts.prompt(FACTS)], return_tensors="pt").input_ids
    with torch.no_grad():
        logits = names["model"](ids).logits
    expected = served(soup, soup_set, "bone-soup", (0.7, 0.3), ids)
    # Loosely, since bitsandbytes computes in bf16 on some CPUs; the base alone is further away.
    apart = (logits - expected).abs().mean()
    assert apart < 0.05 < (served(soup, soup_set, "base", (0.7, 0.3), ids) - expected).abs().mean()


def test_a_base_outside_the_working_directory_is_named_by_its_full_path(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = exported(tiny, "bone-soup", (1, 0), Path("merged"))
    named = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert named == str(tiny.base.resolve()) and Path(named).is_absolute()


@pytest.mark.parametrize(
    ("method", "preference", "message"),
    [
        ("mod", (1, 0), "'mod' mixes the specialists at every token"),
        ("base", (1, 0), "'base' is the base without an adapter"),
        ("stew", (1, 0), "unknown method 'stew'"),
        ("bone-soup", (1, 0, 0), "one number for each of complete, concise"),
        ("bone-soup", (-1, 2), "negative"),
    ],
)
def test_what_is_no_single_merge_is_refused_by_name_and_leaves_nothing(tiny, tmp_path, method, preference, message):
    with pytest.raises(ValueError, match=message):
        exported(tiny, method, preference, tmp_path / "merged")
    with pytest.raises(ValueError, match=message):
        zipped(tiny, method, tiny.preference(preference), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [merged_adapter, merged_model])
def test_an_export_that_is_interrupted_leaves_nothing_and_can_be_done_again(tiny, tmp_path, monkeypatch, write):
    def interrupted(*_):
        raise KeyboardInterrupt

    target, mu = tmp_path / "out" / "merged", tiny.preference((0.7, 0.3))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(exporting, "_card", interrupted)  # of all that is written, the last
        write(tiny, "bone-soup", mu, target)
    assert not list(tmp_path.rglob("*.safetensors")) and not target.exists()
    assert write(tiny, "bone-soup", mu, target) == target
    assert list(target.parent.iterdir()) == [target] and "'merged'" in (target / "README.md").read_text()


def test_the_zip_holds_just_the_folder_and_reads_back(tiny, soup, tmp_path):
    folder = exported(tiny, "bone-soup", (0.7, 0.3), tmp_path / "tiny-bone-soup-70-30")
    file = zipped(tiny, "bone-soup", tiny.preference((7, 3)), tmp_path / "zips")
    assert list((tmp_path / "zips").iterdir()) == [file] and file.name == "tiny-bone-soup-70-30.zip"
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
        archive.extractall(tmp_path / "out")
    assert held == {f"{folder.name}/{path.name}": path.read_bytes() for path in folder.iterdir()}
    logits = loaded(tiny.base, tmp_path / "out" / folder.name)
    torch.testing.assert_close(logits, served(soup, tiny, "bone-soup", (0.7, 0.3)), atol=1e-4, rtol=0)


def test_a_zip_cut_off_half_way_leaves_the_one_before(tiny, tmp_path, monkeypatch):
    file = zipped(tiny, "bone-soup", tiny.preference((0.7, 0.3)), tmp_path)
    before = file.read_bytes()
    write = zipfile.ZipFile.write

    def cut_off(archive, path, name):
        if name.endswith(".safetensors"):
            raise OSError("the disk is full")
        write(archive, path, name)

    monkeypatch.setattr(zipfile.ZipFile, "write", cut_off)
    with pytest.raises(OSError, match="disk is full"):
        zipped(tiny, "bone-soup", tiny.preference((0.7, 0.3)), tmp_path)
    assert list(tmp_path.iterdir()) == [file] and file.read_bytes() == before


@pytest.mark.parametrize(
    ("preference", "name"),
    [((1, 0), "tiny-morlhf-100-0"), ((1, 2), "tiny-morlhf-33.33-66.67"), ((0.29, 0.71), "tiny-morlhf-29-71")],
)
def test_names_hold_the_preference_in_percent(tiny, preference, name):
    assert label(tiny, "morlhf", tiny.preference(preference)) == name
