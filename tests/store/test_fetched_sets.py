"""Sets whose base is made of a GGUF file: read, fetched for, served, exported."""

import json
import shutil
import socket

import pytest
import torch
from transformers import AutoModelForCausalLM

from app import serve
from app.settings import Settings
from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.store import conversion, fetching, hub
from backbones.store import soup_set as sets
from backbones.store.exporting import merged_adapter, merged_model
from backbones.store.manifest import Manifest, SetError
from tests.command import command
from tests.conftest import make_adapter


@pytest.fixture(scope="module")
def tuned(made, tmp_path_factory):
    """A folder of random adapters on the base that is made of it."""
    folder = tmp_path_factory.mktemp("tuned")
    conversion.convert(made[0], folder / "base")
    for seed, name in enumerate(("backbone-1", "backbone-2", "specialist-1", "specialist-2")):
        make_adapter(folder / "base", folder / "adapters" / name, seed)
    return folder / "adapters"


@pytest.fixture
def assistant(chat, tuned, named, tmp_path):
    """The folder of a set whose base is made of the file."""
    folder = tmp_path / "lining"
    shutil.copytree(chat, folder, ignore=shutil.ignore_patterns("base", "adapters"))
    fields = {"gguf": named.gguf, "hub": named.hub, "revision": named.revision, "sha256": named.sha256}
    manifest = json.loads((chat / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"base": fields | {"wheel": named.wheel}}))
    shutil.copytree(tuned, folder / "adapters")
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gguf": "../x.gguf"}, "gguf is no name of a GGUF file"),
        ({"hub": "org"}, "hub is no repository: write it as organisation/name"),
        ({"hub": "org/.."}, "hub is no repository: write it as organisation/name"),
        ({"hub": "org/name@main"}, "hub is no repository: write it as organisation/name"),
        ({"sha256": 7}, "wrong shape"),
        ({"revision": "main"}, "revision is no commit: give all of its 40 digits"),
        ({"sha256": "0"}, "sha256 is none: give all of its 64 digits"),
        ({"wheel": "--index-url=x==1"}, "wheel is no package: write it as name==version"),
        ({"file": "x"}, "wrong shape"),
    ],
)
def test_a_file_that_is_not_well_named_is_refused(assistant, change, message):
    manifest = json.loads((assistant / "manifest.json").read_text())
    manifest["base"] |= change
    (assistant / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SetError, match=message) as error:
        sets.read(assistant)
    assert "manifest.json" in str(error.value)


def test_a_set_is_read_without_its_base_and_says_how_to_get_it(elsewhere, assistant, named):
    elsewhere("http://127.0.0.1:9")
    read = sets.read(assistant)
    assert read.gguf == named and read.base_folder == named.folder and len(read.adapters) == 4
    assert Manifest.read(assistant).base["sha256"] == named.sha256
    fix = f"base not fetched: run `python -m backbones fetch {assistant}`"
    for use in (
        lambda: read.base,
        lambda: Writer.load(assistant, "cpu"),
        lambda: merged_model(read, "bone-soup", read.preference((1, 0)), assistant / "out"),
    ):
        with pytest.raises(SetError) as error:
            use()
        assert str(error.value) == fix
    checked = command("check", assistant)
    assert checked.returncode == 1 and checked.stderr == f"error: {fix}\n"
    assert command("front", assistant).stderr.endswith("has no front.json: measure it with train.evaluate\n")
    spaced = assistant.rename(assistant.parent / "my lining")
    assert sets.read(spaced).to_fetch == f"base not fetched: run `python -m backbones fetch '{spaced}'`"


def test_the_app_downloads_nothing_and_serves_the_set_once_it_is_fetched(
    elsewhere, published, assistant, made, monkeypatch, capsys
):
    def refuse(*_):
        pytest.fail("the app has opened a connection")

    elsewhere(published[0])
    settings = Settings.read({"BONESOUP_SETS": f"{assistant},restaurants", "BONESOUP_DEVICE": "cpu"})
    with monkeypatch.context() as offline:
        offline.setattr(socket.socket, "connect", refuse)
        assert list(serve.load(settings)) == ["restaurants"]
    said = capsys.readouterr().out.splitlines()[0]
    assert said.endswith(f"is left out: base not fetched: run `python -m backbones fetch {assistant}`")
    done = command("fetch", assistant)
    assert done.returncode == 0 and done.stdout.splitlines()[-1].endswith(f"the base is in {sets.read(assistant).base}")
    writers = serve.load(settings)
    assert next(iter(writers)) == sets.read(assistant).name and len(writers) == 2
    (text,) = next(iter(writers.values())).write([Request({"prompt": "Hi"}, (1, 0), max_new_tokens=4)])
    assert text.tokens > 0


def test_the_app_converts_what_lies_in_the_cache_already(elsewhere, published, assistant, named, capsys):
    """As on a Space, whose build has preloaded it; with a network that is gone."""
    elsewhere(published[0])
    hub.file(named.hub, named.revision, named.gguf)
    elsewhere()
    assert len(serve.load(Settings.read({"BONESOUP_SETS": str(assistant), "BONESOUP_DEVICE": "cpu"}))) == 1
    assert (
        "converting, which takes half a minute once" in capsys.readouterr().out and sets.read(assistant).base.is_dir()
    )


def test_the_command_takes_a_file_only_where_it_is_of_use(elsewhere, assistant, made):
    given = command("fetch", assistant, "--file", made[2])
    assert given.returncode == 0, given.stderr
    again = command("fetch", assistant)
    assert again.returncode == 0 and again.stdout.startswith(f"{sets.read(assistant).name}: the base is in ")
    refused = command("fetch", "restaurants", "--file", made[2])
    assert refused.returncode == 1 and "restaurants is made of no GGUF file: leave out --file" in refused.stderr
    assert command("fetch", "restaurants").stdout.endswith("restaurants/base\n")


def test_an_exported_adapter_names_the_file_that_everyone_can_have(elsewhere, assistant, named, made, tmp_path):
    fetching.fetched(named, made[0])
    read = sets.read(assistant)
    folder = merged_adapter(read, "bone-soup", read.preference((1, 0)), tmp_path / "out")
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == "org/tiny-GGUF"
    card = (folder / "README.md").read_text()
    assert str(tmp_path) not in card
    names, code = {}, card.split("```python\n")[1].split("```")[0]
    exec(code.replace("'org/tiny-GGUF'", repr(str(made[0].parent))).replace("'out'", repr(str(folder))), names)
    ids = names["tokenizer"]("he said", return_tensors="pt").input_ids
    whole = AutoModelForCausalLM.from_pretrained(merged_model(read, "bone-soup", (1, 0), tmp_path / "whole"))
    with torch.no_grad():
        ours, theirs = names["model"](ids).logits, whole(ids).logits.float()
        with names["model"].disable_adapter():
            base = names["model"](ids).logits
    assert 2 * (ours - theirs).norm() < (base - theirs).norm()  # apart by what rounding to NF4 costs
