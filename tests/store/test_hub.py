"""Sets, bases and adapters of the Hub, from a hub of our own over HTTP."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub import constants, snapshot_download

from app import serve
from app.settings import Settings
from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.methods import METHODS
from backbones.store import hub
from backbones.store import soup_set as sets
from backbones.store.exporting import merged_adapter
from backbones.store.manifest import Manifest, SetError
from tests.command import command
from tests.store.conftest import COMMIT

ROOT = Path(__file__).parents[2]
SHIPPED = sets.SETS / "restaurants"


@pytest.fixture(scope="module")
def repositories(served):
    """The base and a backbone in repositories of their own, and a set that names them."""
    _, folder, _ = served
    shutil.copytree(SHIPPED / "base", folder / "org" / "base")
    for name in ("backbone-1", "backbone-2"):
        shutil.copytree(SHIPPED / "adapters" / name, folder / "org" / "adapters" / "good" / name)
    (folder / "org" / "base" / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "org" / "base" / "modeling.py").write_text("raise SystemExit('code of the Hub was run')")
    mine = folder / "org" / "my-set"
    shutil.copytree(SHIPPED, mine, ignore=shutil.ignore_patterns("base", "backbone-1"))
    manifest = json.loads((SHIPPED / "manifest.json").read_text())
    manifest |= {"name": "my-set", "base": {"hub": "org/base", "revision": COMMIT}}
    backbone = {"hub": "org/adapters", "revision": COMMIT, "folder": "good/backbone-1"}
    manifest["backbones"][0] = backbone
    for oracle in manifest["oracles"]:
        if oracle["adapter"] == "adapters/backbone-1":
            oracle["adapter"] = backbone
    (mine / "manifest.json").write_text(json.dumps(manifest))
    three = folder / "org" / "three"
    shutil.copytree(sets.SETS / "restaurants-3", three, ignore=shutil.ignore_patterns("reward-models"))
    shutil.copytree(sets.SETS / "restaurants-3" / "reward-models" / "upbeat", folder / "org" / "judge")
    manifest = json.loads((three / "manifest.json").read_text())
    manifest["objectives"][2]["reward_model"] = {"hub": "org/judge", "revision": COMMIT}
    manifest |= {"name": "three", "base": {"hub": "org/base", "revision": COMMIT}}  # there it has no set beside it
    (three / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def online(served, repositories, tmp_path, monkeypatch):
    """The Hub of this process is ours, with a cache of its own; returns how to make it another."""

    def use(address):
        ours = partial(snapshot_download, endpoint=address, cache_dir=tmp_path / "cache")
        monkeypatch.setattr(hub, "snapshot_download", ours)

    use(served[0])
    served[2].clear()
    return use


def written(name):
    """Texts of a set."""
    writer = Writer.load(name, "cpu")
    given, mu = {"name": "Elm", "food": "Italian"}, writer.set.preference((0.7, 0.3))
    return [text.raw for text in writer.write([Request(given, mu, method, seed=3) for method in METHODS])]


def test_a_set_of_the_hub_writes_what_the_same_set_writes_here(served, online):
    assert written("org/my-set") == written("restaurants")
    assert not any(path.endswith((".bin", ".py")) for path in served[2])


READ = "from backbones.store import soup_set; one = soup_set.read('org/my-set'); print(one.base, one.adapters)"


def read_alone(address, home, **environ):
    """What a process of its own reads from the Hub at `address`, with its cache in `home`."""
    settings = {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    return subprocess.run(
        [sys.executable, "-c", READ], cwd=ROOT, env=os.environ | settings | environ, capture_output=True, text=True
    )


def test_what_was_fetched_lies_in_the_cache_of_hugging_face_and_needs_no_network_from_then_on(
    served, repositories, tmp_path
):
    address, _, asked = served
    there = read_alone(address, tmp_path)
    assert there.returncode == 0, there.stderr
    assert f"{tmp_path}/hub/models--org--my-set/snapshots/{COMMIT}/adapters/backbone-2" in there.stdout
    assert f"{tmp_path}/hub/models--org--adapters/snapshots/{COMMIT}/good/backbone-1" in there.stdout
    asked.clear()
    offline = read_alone("http://127.0.0.1:9", tmp_path, HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    assert offline.stdout == there.stdout and asked == []


def test_a_network_that_has_gone_is_no_loss_for_what_is_there(online, monkeypatch):
    before = sets.read("org/my-set")
    online("http://127.0.0.1:9")
    assert sets.read("org/my-set") == before
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # without it, it is tried again and again
    assert sets.read("org/my-set") == before
    for repository, folder in (("org/adapters", "good/backbone-2"), ("org/judge", "")):
        with pytest.raises(ValueError, match=f"{repository} at 0123456789.* cannot be had from the Hub: .") as error:
            hub.fetch(repository, COMMIT, folder)
        assert "\n" not in str(error.value)


def test_a_commit_is_fetched_once(served, online):
    first = hub.fetch("org/base", COMMIT)
    assert {file.name for file in first.iterdir()} == {file.name for file in (SHIPPED / "base").iterdir()}
    assert (first / "model.safetensors").read_bytes() == (SHIPPED / "base" / "model.safetensors").read_bytes()
    served[2].clear()
    assert hub.fetch("org/base", COMMIT) == first
    assert not any("/resolve/" in path for path in served[2])


def test_just_the_folder_that_is_asked_for_is_fetched(served, online):
    folder = hub.fetch("org/adapters", COMMIT, "good/backbone-1")
    assert folder.name == "backbone-1" and (folder / "adapter_model.safetensors").is_file()
    assert not any("backbone-2" in path for path in served[2])
    with pytest.raises(ValueError, match=r"org/adapters at 0123.* has no folder 'bad': correct the name"):
        hub.fetch("org/adapters", COMMIT, "bad")


def test_adapters_of_the_hub_have_the_names_of_what_they_were_tuned_for(online):
    here, there = sets.read("restaurants"), sets.read("org/my-set@main")
    assert list(there.adapters) == list(here.adapters) and there.oracles == here.oracles
    assert there.name == "my-set" and there.path.name == COMMIT


def test_the_app_serves_a_set_of_the_hub_with_its_reward_model_next_to_the_shipped_ones(online, capsys):
    settings = Settings.read({"BONESOUP_SETS": "org/three@main, restaurants, org/nothing", "BONESOUP_DEVICE": "cpu"})
    writers = serve.load(settings)
    said = capsys.readouterr().out
    assert "Bone Soup: three (10 adapters), restaurants (7 adapters) on" in said
    assert "the set org/nothing is left out: org/nothing at main cannot be had from the Hub" in said
    serve.page(writers, settings)
    (text,) = writers["three"].write([Request({"name": "Elm"}, (0, 0, 1), max_new_tokens=8)])
    assert 0 <= text.rewards["upbeat"] <= 1


@pytest.mark.parametrize(
    ("name", "base", "folder"), [("org/my-set", "org/base", ""), ("org/whole", "org/whole", "base")]
)
def test_an_exported_adapter_names_the_repository_and_commit_of_its_base(
    online, repositories, tmp_path, name, base, folder
):
    """A base in a repository of its own, and in that of the set: no path of this machine's cache."""
    if not (repositories / "org" / "whole").exists():
        shutil.copytree(SHIPPED, repositories / "org" / "whole")
    read = sets.read(name)
    out = merged_adapter(read, "bone-soup", read.preference((1, 0)), tmp_path / "out")
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == base
    card = (out / "README.md").read_text()
    where = f", revision='{COMMIT}'" + f", subfolder='{folder}'" * bool(folder)
    assert card.count(f"from_pretrained(base{where}") == 2 and str(tmp_path) not in card
    names, code = {}, card.split("```python\n")[1].split("```")[0]
    exec(code.replace(f"'{base}'", repr(str(repositories / base))).replace("'out'", repr(str(out))), names)
    assert names["model"].peft_config["default"].r == 32 and names["tokenizer"]("Elm").input_ids


def test_what_the_hub_does_not_have_is_said_in_one_line(online):
    for name in ("org/nothing", "org/my-set@0000000"):
        answer = command("generate", name, "--prompt", "name[Elm]", "--preference", 0.7, 0.3)
        assert answer.returncode == 1 and answer.stderr.startswith("error: ") and answer.stderr.count("\n") == 1
        assert f"{name.split('@')[0]} at" in answer.stderr and "cannot be had from the Hub" in answer.stderr
        assert answer.stderr.endswith(f"; nor is {name} a folder here\n")


def test_a_revision_that_is_no_commit_is_refused(tmp_path):
    manifest = json.loads((SHIPPED / "manifest.json").read_text())
    manifest["base"] = {"hub": "org/base", "revision": "main"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SetError, match=r"the revision of org/base is no commit: give all of its 40 digits"):
        sets.made(tmp_path, Manifest.read(tmp_path))


@pytest.mark.parametrize("name", ["../x", "a/b/c", "org/..", "/etc", "org/na me", "restaurants"])
def test_only_plain_names_are_taken_for_repositories(name):
    assert not hub.is_repository(name)
    with pytest.raises(ValueError, match="no repository of the Hub"):
        hub.fetch(name, "main")
