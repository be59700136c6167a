"""Adapters that are damaged, or that began in a way which changed the base: refused, with the file and the fix."""

import json
import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model

from backbones.store.adapters import CONFIG, UPS, WEIGHTS, read_adapter, write_ups
from tests.conftest import make_adapter
from tests.store.models import IDS, plain, served_alone

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"


@pytest.fixture
def adapter(adapters, tmp_path):
    """A copy of one, to be damaged."""
    return shutil.copytree(adapters["adapter-0"], tmp_path / "adapter")


def with_setting(folder, key, value):
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | {key: value}))


@pytest.mark.parametrize("value", ["pissa", "pissa_niter_4", "olora", "corda", "loftq", "lora_ga", "new"])
def test_an_adapter_that_began_with_a_change_of_the_base_is_refused(adapter, value):
    with_setting(adapter, "init_lora_weights", value)
    with pytest.raises(
        ValueError, match=f"init_lora_weights is '{value}'.*path_initial_model_for_weight_conv"
    ) as error:
        read_adapter(adapter)
    assert str(error.value).startswith(str(adapter / CONFIG))


@pytest.mark.parametrize("value", [True, False, None, "gaussian", "eva", "orthogonal", "mica"])
def test_other_ways_to_begin_leave_the_base_as_it_is(adapter, value):
    with_setting(adapter, "init_lora_weights", value)
    assert read_adapter(adapter).deltas


def test_what_peft_converts_is_served_as_it_was_tuned(base, tmp_path):
    """The fix that the message names."""
    torch.manual_seed(0)
    tuned = get_peft_model(plain(base), LoraConfig(task_type="CAUSAL_LM", r=4, init_lora_weights="pissa"))
    tuned.save_pretrained(tmp_path / "before")
    for name, weight in tuned.named_parameters():
        if "lora_" in name:
            weight.data += 0.05 * torch.randn(weight.shape)
    tuned.save_pretrained(tmp_path / "as-it-is")
    with torch.no_grad():
        expected = tuned(IDS).logits
    tuned.save_pretrained(tmp_path / "converted", path_initial_model_for_weight_conversion=str(tmp_path / "before"))
    with pytest.raises(ValueError, match="init_lora_weights is 'pissa'"):
        read_adapter(tmp_path / "as-it-is")
    torch.testing.assert_close(served_alone(base, tmp_path / "converted"), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (POINTER, "is a pointer of Git LFS, not the file itself: run `git lfs pull`"),
        (b"", r"is damaged or cut off \(.*\): copy or save it again"),
        (b"{", r"is damaged or cut off \(.*\): copy or save it again"),
        (b"\xff\xfe", r"is damaged or cut off \(.*\): copy or save it again"),
    ],
)
@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_file_that_is_damaged_is_named(adapter, name, contents, message):
    (adapter / name).write_bytes(contents)
    with pytest.raises(ValueError, match=f"{name} {message}"):
        read_adapter(adapter)


def test_weights_that_are_cut_off_are_named(adapter):
    whole = (adapter / WEIGHTS).read_bytes()
    (adapter / WEIGHTS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=f"{WEIGHTS} is damaged or cut off"):
        read_adapter(adapter)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"peft_type": "LORA", "lora_alpha": 8}', "lacks 'r': copy or save it again"),
        ('{"peft_type": "LORA", "r": 4}', "lacks 'lora_alpha': copy or save it again"),
        ('{"peft_type": "LORA", "r": null, "lora_alpha": 8}', "has the wrong shape"),
        ("[4, 8]", r"has the wrong shape \(list in place of fields\)"),
    ],
)
def test_settings_that_are_incomplete_are_named(adapter, text, message):
    (adapter / CONFIG).write_text(text)
    with pytest.raises(ValueError, match=f"{CONFIG} {message}"):
        read_adapter(adapter)


@pytest.mark.parametrize("damaged", ["ups", "start"])
def test_of_an_adapter_without_an_a_of_its_own_the_damaged_file_is_named(base, tmp_path, damaged):
    """Its B, or the A beside it."""
    start = make_adapter(base, tmp_path / "start", 0)
    tensors = {f"base_model.model.layer.lora_{part}.weight": torch.ones(4, 4) for part in "AB"}
    shutil.copytree(start, tmp_path / "ups", ignore=shutil.ignore_patterns(WEIGHTS))
    write_ups(tensors, "start", tmp_path / "ups")
    file = tmp_path / "ups" / UPS if damaged == "ups" else start / WEIGHTS
    file.write_bytes(POINTER)
    with pytest.raises(ValueError, match=f"{damaged}/{file.name} is a pointer of Git LFS"):
        read_adapter(tmp_path / "ups")
