"""Exported merges, loaded by PEFT alone, against the served forward pass."""

import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from backbones import facts, sets
from backbones.adapters import read_adapter
from backbones.export import label, merged_adapter, merged_model, zipped
from backbones.importing import low_rank
from backbones.sets import Objective, Oracle, Sampling, SoupSet
from backbones.soup import Soup
from tests.conftest import make_adapter

ROOT = Path(__file__).parent.parent
IDS = torch.arange(100, 112).view(2, 6)
FACTS = {"name": "Zig Zag", "eatType": "pub", "food": "Indian", "priceRange": "cheap", "near": "Ox Ford"}


@pytest.fixture(scope="module")
def tiny(base, adapters):
    """A set over the tiny base: backbones of ranks 4 and 8, specialists of which one has few layers."""
    return SoupSet(
        path=base.parent,
        name="tiny",
        title="Tiny",
        objectives=tuple(Objective(name, name, "", 0.5, 0.2) for name in ("complete", "concise")),
        beta=0.7,
        extrapolation=0.25,
        base=base,
        backbones=tuple(adapters[:2]),
        specialists=tuple(adapters[2:]),
        oracles=(Oracle((0.8, 0.2), adapters[2]), Oracle((0.2, 0.8), adapters[1])),
        sampling=Sampling(1.0, 0.9, 80),
        front=None,
    )


def served(soup, soup_set, ids, method, preference):
    _, row = soup_set.members(method, preference)
    with torch.no_grad(), soup.mixed(soup.mix(row.repeat(len(ids), axis=0))) as model:
        return model(ids).logits


def plain(base):
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).dequantize()


def loaded(base, folder, ids):
    """The logits of the adapter in `folder` on the de-quantised base, by PEFT alone."""
    with torch.no_grad():
        return PeftModel.from_pretrained(plain(base), folder)(ids).logits


@pytest.mark.parametrize(
    ("method", "preference", "used", "rank"),
    [
        ("bone-soup", (1, 0), [0, 1], 12),
        ("bone-soup-extrapolated", (3, 7), [1], 8),  # a row of B: one backbone
        ("bone-soup-anchored", (0.9, 0.1), [0, 2], 8),
        ("rewarded-soup", (0.7, 0.3), [2, 3], 8),
        ("no-mapping", (0.2, 0.8), [0, 1], 12),
        ("morlhf", (0.9, 0.1), [2], 4),
    ],
)
def test_peft_gives_the_served_logits(tiny, soup, tmp_path, method, preference, used, rank):
    _, (row,) = tiny.members(method, preference)
    assert np.flatnonzero(row).tolist() == used
    folder = merged_adapter(tiny, method, preference, tmp_path / "merged")
    expected = served(soup, tiny, IDS, method, preference)
    logits = loaded(tiny.base, folder, IDS)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    # The bound means something: the base and another merge are far away.
    assert (served(soup, tiny, IDS, "base", preference) - expected).abs().max() > 0.01
    assert (served(soup, tiny, IDS, "bone-soup", (0, 1)) - expected).abs().max() > 0.01
    assert json.loads((folder / "adapter_config.json").read_text())["r"] == rank


def test_a_corner_of_bone_soup_has_a_negative_coefficient_that_the_card_states(tiny, tmp_path):
    folder = merged_adapter(tiny, "bone-soup", (1, 0), tmp_path / "merged")
    card = (folder / "README.md").read_text()
    assert "| adapter-0 | 1.75 |\n| adapter-1 | -0.75 |\n" in card
    assert "tiny merged by bone-soup at the preference complete 1, concise 0" in card and "rank 12" in card


def test_peft_puts_the_adapter_on_just_the_layers_that_have_one(tiny, base, tmp_path):
    one_layer = make_adapter(base, tmp_path / "few", 7, target_modules=["q_proj", "up_proj"], layers_to_transform=[1])
    few = replace(tiny, oracles=(Oracle((1, 0), one_layer),))
    peft = PeftModel.from_pretrained(plain(base), merged_adapter(few, "morlhf", (1, 0), tmp_path / "merged"))
    layers = [name for name, layer in peft.base_model.model.named_modules() if hasattr(layer, "lora_A")]
    assert sorted(layers) == ["model.layers.1.mlp.up_proj", "model.layers.1.self_attn.q_proj"]


def test_a_folder_is_written_the_same_twice_in_fp32_as_peft_saves_it(tiny, tmp_path):
    one, two = (merged_adapter(tiny, "bone-soup-anchored", (0.9, 0.1), tmp_path / name / "it") for name in "ab")
    files = ["README.md", "adapter_config.json", "adapter_model.safetensors"]
    assert sorted(file.name for file in one.iterdir()) == files
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in files)
    weights = load_file(one / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    plain_peft = PeftModel.from_pretrained(plain(tiny.base), one)
    plain_peft.save_pretrained(tmp_path / "again")
    assert set(load_file(tmp_path / "again" / "adapter_model.safetensors")) == set(weights)


def test_an_export_can_be_served_as_an_adapter_itself(tiny, soup, tmp_path):
    folder = merged_adapter(tiny, "bone-soup", (1, 0), tmp_path / "merged")
    again = Soup.load(tiny.base, [folder], "cpu")
    with torch.no_grad(), again.mixed(again.mix([[1.0], [1.0]])) as model:
        logits = model(IDS).logits
    torch.testing.assert_close(logits, served(soup, tiny, IDS, "bone-soup", (1, 0)), atol=1e-4, rtol=0)


def dense(soup_set, method, preference):
    """Per layer the change [out, in] of the merge, in fp64, from the adapters' own files."""
    _, (row,) = soup_set.members(method, preference)
    changes = {}
    for path, value in zip(soup_set.adapters, row, strict=True):
        for layer, (down, up) in read_adapter(path).deltas.items():
            changes[layer] = changes.get(layer, 0) + value * (up.double().T @ down.double())
    return changes


@pytest.mark.parametrize(("method", "preference"), [("bone-soup", (1, 0)), ("bone-soup-anchored", (0.8, 0.2))])
@pytest.mark.parametrize("rank", [1, 5])
def test_a_lower_rank_states_the_errors_that_the_dense_matrices_have(tiny, tmp_path, method, preference, rank):
    folder = merged_adapter(tiny, method, preference, tmp_path / "cut", rank)
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
    wide = [make_adapter(base, tmp_path / f"wide-{i}", i, r=50) for i in range(2)]
    wide = replace(tiny, backbones=tuple(wide))
    folder = merged_adapter(wide, "bone-soup", (0.6, 0.4), tmp_path / "cut", 70)  # layers have 64 inputs or outputs
    stated = json.loads((folder / "hyperparameters.json").read_text())
    assert (stated["full_rank"], stated["rank"]) == (100, 70) and max(stated["relative_errors"].values()) < 1e-5
    assert {len(down) for down, _ in read_adapter(folder).deltas.values()} == {70}
    exact = loaded(tiny.base, merged_adapter(wide, "bone-soup", (0.6, 0.4), tmp_path / "exact"), IDS)
    torch.testing.assert_close(loaded(tiny.base, folder, IDS), exact, atol=1e-3, rtol=0)


@pytest.mark.parametrize("rank", [12, 100])
def test_a_rank_that_is_high_enough_changes_nothing(tiny, tmp_path, rank):
    exact = merged_adapter(tiny, "bone-soup", (1, 0), tmp_path / "exact" / "it")
    same = merged_adapter(tiny, "bone-soup", (1, 0), tmp_path / "same" / "it", rank)
    exact_files, same_files = ({file.name: file.read_bytes() for file in path.iterdir()} for path in (exact, same))
    assert same_files == exact_files
    assert torch.equal(loaded(tiny.base, same, IDS), loaded(tiny.base, exact, IDS))
    less = loaded(tiny.base, merged_adapter(tiny, "bone-soup", (1, 0), tmp_path / "less", 11), IDS)
    assert (less - loaded(tiny.base, exact, IDS)).abs().max() > 1e-3


def test_a_rank_that_holds_nothing_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match="the rank 0 holds nothing"):
        merged_adapter(tiny, "bone-soup", (1, 0), tmp_path / "merged", 0)
    assert not (tmp_path / "merged").exists()


METHODS = ("bone-soup", "bone-soup-anchored", "morlhf")


@pytest.mark.parametrize("method", METHODS)
def test_transformers_alone_gives_the_served_logits_of_a_merged_model_in_fp32(tiny, soup, tmp_path, method):
    folder = merged_model(tiny, method, (0.9, 0.1), tmp_path / "model", torch.float32)
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(IDS).logits
    expected = served(soup, tiny, IDS, method, (0.9, 0.1))
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert (served(soup, tiny, IDS, "base", (1, 0)) - expected).abs().max() > 0.1


def apart(logits, expected):
    """Root mean square of the difference, relative to that of the expected logits."""
    return float((logits.float() - expected).norm() / expected.norm())


@pytest.mark.parametrize("method", METHODS)
def test_transformers_alone_gives_the_served_logits_of_a_merged_model_up_to_bf16(tiny, soup, tmp_path, method):
    folder = merged_model(tiny, method, (0.9, 0.1), tmp_path / "model")
    exact = load_file(merged_model(tiny, method, (0.9, 0.1), tmp_path / "exact", torch.float32) / "model.safetensors")
    weights = load_file(folder / "model.safetensors")
    assert set(weights) == set(exact)  # added in fp32 and rounded once
    assert all(torch.equal(weights[name], weight.bfloat16()) for name, weight in exact.items())
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    with torch.no_grad():
        logits = model(IDS).logits
    expected = served(soup, tiny, IDS, method, (0.9, 0.1))
    assert apart(logits, expected) < 0.03 < 0.3 < apart(served(soup, tiny, IDS, "base", (1, 0)), expected)


def test_a_merged_model_has_the_tokenizer_and_a_card_that_loads_it(tiny, tmp_path, monkeypatch):
    folder = merged_model(tiny, "bone-soup", (1, 0), tmp_path / "model")
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
    folder = merged_model(replace(tiny, base=tmp_path / "base"), "bone-soup", (1, 0), tmp_path / "out", torch.float32)
    before, after = load_file(full / "model.safetensors"), load_file(folder / "model.safetensors")
    changes = dense(tiny, "bone-soup", (1, 0))
    assert set(before) == set(after) and len(changes) == 14
    for name, weight in before.items():
        change = changes.get(name.removesuffix(".weight"), torch.zeros(()))
        torch.testing.assert_close(after[name], (weight + change).float(), atol=1e-5, rtol=1e-5)


def test_a_merged_model_that_cannot_be_is_refused_and_leaves_nothing(tiny, tmp_path):
    with pytest.raises(ValueError, match="'mod' mixes the specialists"):
        merged_model(tiny, "mod", (1, 0), tmp_path / "model")
    shutil.copytree(tiny.backbones[0], tmp_path / "odd")
    weights = load_file(tmp_path / "odd" / "adapter_model.safetensors")
    renamed = {key.replace("q_proj", "qq_proj"): tensor for key, tensor in weights.items()}
    save_file(renamed, tmp_path / "odd" / "adapter_model.safetensors")
    odd = replace(tiny, oracles=(Oracle((1, 0), tmp_path / "odd"),))
    with pytest.raises(ValueError, match=r"layer 'model\.layers\.0\.self_attn\.qq_proj' does not fit the base"):
        merged_model(odd, "morlhf", (1, 0), tmp_path / "model")
    assert not (tmp_path / "model").exists()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine").touch()
    with pytest.raises(ValueError, match="exists and is no empty folder"):
        merged_model(tiny, "bone-soup", (1, 0), tmp_path / "model")


@pytest.mark.parametrize("preference", [(1, 0), (0.4, 0.6)])
def test_a_merged_model_imported_again_gives_the_served_logits(tiny, soup, tmp_path, preference):
    plain(tiny.base).save_pretrained(tmp_path / "base", save_original_format=False)
    after = merged_model(tiny, "bone-soup", preference, tmp_path / "after", torch.float32)
    report = low_rank(tmp_path / "base", after, tmp_path / "adapter")
    assert report.rank == 12 and len(report.ranks) == 14
    again = Soup.load(tiny.base, [tmp_path / "adapter"], "cpu")  # beside the 4-bit base
    with torch.no_grad(), again.mixed(again.mix([[1.0], [1.0]])) as model:
        logits = model(IDS).logits
    expected = served(soup, tiny, IDS, "bone-soup", preference)
    torch.testing.assert_close(logits, expected, atol=1e-3, rtol=0)
    assert (served(soup, tiny, IDS, "base", preference) - expected).abs().max() > 0.01


@pytest.fixture(scope="module")
def restaurants():
    soup_set = sets.read("restaurants")
    return soup_set, Soup.load(soup_set.base, list(soup_set.adapters), "cpu")


@pytest.fixture(scope="module")
def exported(restaurants, tmp_path_factory):
    """The merge of the shipped set at (0.7, 0.3), written from the root of the repository."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return merged_adapter(restaurants[0], "bone-soup", (0.7, 0.3), tmp_path_factory.mktemp("x") / "restaurants-70")


def test_peft_gives_the_served_logits_of_a_shipped_set(restaurants, exported):
    soup_set, soup = restaurants
    ids = soup.tokenizer([facts.prompt(FACTS)], return_tensors="pt").input_ids
    expected = served(soup, soup_set, ids, "bone-soup", (0.7, 0.3))
    logits = loaded(soup_set.base, exported, ids)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert (served(soup, soup_set, ids, "bone-soup", (0.6, 0.4)) - expected).abs().max() > 0.01


def test_the_folder_names_its_base_relative_to_the_repository(exported, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = json.loads((exported / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "backbones/sets/restaurants/base"
    model = AutoPeftModelForCausalLM.from_pretrained(exported)
    assert model.peft_config["default"].r == 32


def test_the_lines_of_the_card_load_it(restaurants, exported, monkeypatch):
    soup_set, soup = restaurants
    monkeypatch.chdir(ROOT)
    code = (exported / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert f"'{exported.name}'" in code
    names = {}
    exec(code.replace(f"'{exported.name}'", repr(str(exported))), names)
    ids = names["tokenizer"]([facts.prompt(FACTS)], return_tensors="pt").input_ids
    with torch.no_grad():
        logits = names["model"](ids).logits
    expected = served(soup, soup_set, ids, "bone-soup", (0.7, 0.3))
    # Loosely, since bitsandbytes computes in bf16 on some CPUs; the base alone is further away.
    apart = (logits - expected).abs().mean()
    assert apart < 0.05 < (served(soup, soup_set, ids, "base", (0.7, 0.3)) - expected).abs().mean()


def test_a_base_outside_the_working_directory_is_named_by_its_full_path(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = merged_adapter(tiny, "bone-soup", (1, 0), Path("merged"))
    named = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert named == str(tiny.base.resolve()) and Path(named).is_absolute()


@pytest.mark.parametrize(
    ("method", "preference", "message"),
    [
        ("mod", (1, 0), "'mod' mixes the specialists at every token"),
        ("base", (1, 0), "'base' is the base without an adapter"),
        ("stew", (1, 0), "unknown method 'stew'"),
        ("bone-soup", (1, 0, 0), "one per objective"),
        ("bone-soup", (-1, 2), "negative"),
    ],
)
def test_what_is_no_single_merge_is_refused_by_name_and_leaves_nothing(tiny, tmp_path, method, preference, message):
    with pytest.raises(ValueError, match=message):
        merged_adapter(tiny, method, preference, tmp_path / "merged")
    with pytest.raises(ValueError, match=message):
        zipped(tiny, method, preference, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_zip_holds_just_the_folder_and_reads_back(tiny, soup, tmp_path):
    folder = merged_adapter(tiny, "bone-soup", (0.7, 0.3), tmp_path / "tiny-bone-soup-70-30")
    file = zipped(tiny, "bone-soup", (7, 3), tmp_path / "zips")
    assert list((tmp_path / "zips").iterdir()) == [file] and file.name == "tiny-bone-soup-70-30.zip"
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
        archive.extractall(tmp_path / "out")
    assert held == {f"{folder.name}/{path.name}": path.read_bytes() for path in folder.iterdir()}
    logits = loaded(tiny.base, tmp_path / "out" / folder.name, IDS)
    torch.testing.assert_close(logits, served(soup, tiny, IDS, "bone-soup", (0.7, 0.3)), atol=1e-4, rtol=0)


def test_a_zip_cut_off_half_way_leaves_the_one_before(tiny, tmp_path, monkeypatch):
    file = zipped(tiny, "bone-soup", (0.7, 0.3), tmp_path)
    before = file.read_bytes()
    write = zipfile.ZipFile.write

    def cut_off(archive, path, name):
        if name.endswith(".safetensors"):
            raise OSError("the disk is full")
        write(archive, path, name)

    monkeypatch.setattr(zipfile.ZipFile, "write", cut_off)
    with pytest.raises(OSError, match="disk is full"):
        zipped(tiny, "bone-soup", (0.7, 0.3), tmp_path)
    assert list(tmp_path.iterdir()) == [file] and file.read_bytes() == before


@pytest.mark.parametrize(
    ("preference", "name"),
    [((1, 0), "tiny-morlhf-100-0"), ((1, 2), "tiny-morlhf-33.33-66.67"), ((0.29, 0.71), "tiny-morlhf-29-71")],
)
def test_names_hold_the_preference_in_percent(tiny, preference, name):
    assert label(tiny, "morlhf", preference) == name


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "backbones", "export", "restaurants", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )


def test_the_command_line_writes_a_folder_and_overwrites_none(exported, tmp_path):
    folder = tmp_path / "new" / exported.name
    done = command("--preference", 0.7, 0.3, "--to", folder)
    assert done.returncode == 0 and done.stdout == f"{folder}: a PEFT adapter of rank 32\n"
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert before == {file.name: file.read_bytes() for file in exported.iterdir()}
    again = command("--preference", 0, 1, "--to", folder)
    assert again.returncode != 0 and again.stderr.strip() == (
        f"error: {folder} exists and is no empty folder: name a new one"
    )
    assert before == {file.name: file.read_bytes() for file in folder.iterdir()}
    refused = command("--preference", 1, 0, "--method", "mod", "--to", tmp_path / "mod")
    assert refused.returncode != 0 and refused.stderr.startswith("error: 'mod' mixes")
    assert not (tmp_path / "mod").exists()


def test_the_command_line_cuts_the_rank_and_states_the_error(restaurants, tmp_path):
    done = command("--preference", 0.7, 0.3, "--rank", 8, "--to", tmp_path / "cut")
    assert done.returncode == 0, done.stderr
    stated = json.loads((tmp_path / "cut" / "hyperparameters.json").read_text())
    changes = dense(restaurants[0], "bone-soup", (0.7, 0.3))
    values = [torch.linalg.svdvals(change) for change in changes.values()]
    largest = max(float(v[8:].norm() / v.norm()) for v in values)
    assert max(stated["relative_errors"].values()) == pytest.approx(largest, abs=1e-4)
    assert done.stdout == (
        f"{tmp_path / 'cut'}: a PEFT adapter of rank 8, largest relative error "
        f"{max(stated['relative_errors'].values()):.3g}\n"
    )


def test_the_command_line_writes_a_model(restaurants, tmp_path):
    soup_set, soup = restaurants
    done = command("--preference", 0.7, 0.3, "--as", "model", "--to", tmp_path / "model")
    assert done.returncode == 0 and done.stdout == f"{tmp_path / 'model'}: a model in bfloat16\n"
    ids = soup.tokenizer([facts.prompt(FACTS)], return_tensors="pt").input_ids
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(tmp_path / "model")(ids).logits
    expected = served(soup, soup_set, ids, "bone-soup", (0.7, 0.3))
    assert apart(logits, expected) < 0.01 < 0.02 < apart(served(soup, soup_set, ids, "base", (1, 0)), expected)
    refused = command("--preference", 0.7, 0.3, "--as", "model", "--rank", 8, "--to", tmp_path / "other")
    assert refused.returncode == 1 and refused.stderr.startswith("error: --rank goes with --as adapter")
