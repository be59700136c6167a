"""Sets made of what others have trained."""

import json
import shutil

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.store import hub
from backbones.store import soup_set as sets
from backbones.store.importing import import_set, low_rank
from backbones.store.manifest import SetError
from backbones.tasks.assistant import Assistant
from backbones.tasks.task import Sampling
from tests.conftest import TEMPLATE
from tests.store.models import FACTS, IDS, OBJECTIVES, changed, scaled, served, tuned


def importing(full, parts, folder, **changes):
    arguments = {
        "base": full,
        "objectives": parts / "objectives.json",
        "beta": 0.7,
        "backbones": [parts / "adapter", parts / "rank-2"],
        "name": "mine",
        "title": "Mine",
    }
    return import_set(folder=folder, **arguments | changes)


def test_an_imported_set_is_read_back_and_writes(base, full, parts, tmp_path):
    folder = tmp_path / "new" / "set"
    reports = importing(
        full,
        parts,
        folder,
        specialists=[parts / "rank-3", parts / "rank-5"],
        oracles=[((0.5, 0.5), parts / "rank-5"), ((1, 0), parts / "rank-3")],
        sampling=Sampling(0.9, 1.0, 20),
    )
    assert {name: report.rank for name, report in reports.items()} == {
        "backbone-2": 2,
        "specialist-1": 3,
        "specialist-2": 5,
    }
    assert [path.name for path in folder.parent.iterdir()] == ["set"]
    writer = Writer.load(folder, "cpu", "float32")
    names = ("backbone-1", "backbone-2", "specialist-1", "specialist-2")
    assert tuple(writer.set.adapters) == tuple(p.name for p in writer.set.adapters.values()) == names
    assert [oracle.adapter for oracle in writer.set.oracles] == ["specialist-2", "specialist-1"]
    assert (writer.set.name, writer.set.title, writer.set.beta) == ("mine", "Mine", 0.7)
    assert [{key: getattr(o, key) for key in OBJECTIVES[0]} for o in writer.set.objectives] == OBJECTIVES
    assert writer.set.sampling == Sampling(0.9, 1.0, 20)
    texts = writer.write([Request(FACTS, (0.7, 0.3), "bone-soup", max_new_tokens=20)])
    assert set(texts[0].rewards) == {"complete", "concise"} and texts[0].tokens > 0
    # Preferences that are a row of B give the backbones, beside the base as it is served, in NF4: the adapter as PEFT
    # loads it, and the change that the checkpoint makes.
    with_adapter, with_change = (AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32) for _ in "ab")
    with_adapter = PeftModel.from_pretrained(with_adapter.dequantize(), parts / "adapter")
    before, after = (load_file(path / "model.safetensors") for path in (full, parts / "rank-2"))
    for name, weight in with_change.dequantize().named_parameters():
        weight.data += after[name] - before[name]
    for preference, alone in (((0.7, 0.3), with_adapter), ((0.3, 0.7), with_change)):
        logits = served(writer.soup, writer.set, "bone-soup", preference)
        torch.testing.assert_close(logits, alone(IDS).logits, atol=1e-3, rtol=0)


def test_an_assistant_has_its_system_prompt(full, parts, tmp_path):
    judged = [entry | {"reward_model": "judge", "template": TEMPLATE} for entry in OBJECTIVES]
    (tmp_path / "judge").mkdir()
    (tmp_path / "objectives.json").write_text(json.dumps(judged))
    changes = {"task": "assistant", "settings": {"system": "Be brief."}, "objectives": tmp_path / "objectives.json"}
    importing(full, parts, tmp_path / "set", **changes)
    soup_set = sets.read(tmp_path / "set")
    assert soup_set.task == Assistant("Be brief.") and soup_set.sampling == Assistant.sampling


def test_the_set_names_no_path_of_this_machine(full, parts, tmp_path):
    importing(full, parts, tmp_path / "set", oracles=[((0.5, 0.5), parts / "rank-3")])
    texts = [file.read_text() for file in (tmp_path / "set").rglob("*.json")]
    assert len(texts) > 8 and not any(str(full.parent) in text or str(tmp_path) in text for text in texts)
    config = json.loads((tmp_path / "set" / "adapters" / "oracle-1" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "../../base"


def test_adapters_of_a_quantised_base_keep_it(base, adapters, parts, tmp_path):
    assert importing(base, parts, tmp_path / "set", backbones=list(adapters.values())[:2]) == {}
    assert Writer.load(tmp_path / "set", "cpu").precision == "NF4"


def test_a_base_of_the_hub_stays_there(full, parts, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(hub, "fetch", lambda *arguments: asked.append(arguments[:2]) or full)
    commit = "0123456789" * 4
    importing(f"some/model@{commit}", parts, tmp_path / "set")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert manifest["base"] == {"hub": "some/model", "revision": commit}
    assert set(asked) == {("some/model", commit)} and not (tmp_path / "set" / "base").exists()
    for name in ("backbone-1", "backbone-2"):  # copied and converted
        config = json.loads((tmp_path / "set" / "adapters" / name / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == "some/model"


def test_a_reward_model_comes_along_without_pickles(full, parts, tmp_path):
    reward_model = tmp_path / "in" / "upbeat-model"
    reward_model.mkdir(parents=True)
    (reward_model / "config.json").write_text("{}")
    (reward_model / "training_args.bin").write_bytes(b"")
    upbeat = OBJECTIVES[1] | {"name": "upbeat", "reward_model": "upbeat-model"}
    (tmp_path / "in" / "objectives.json").write_text(json.dumps([OBJECTIVES[0], upbeat]))
    importing(full, parts, tmp_path / "set", objectives=tmp_path / "in" / "objectives.json")
    copied = sets.read(tmp_path / "set").objectives[1].reward_model
    assert copied == tmp_path / "set" / "reward-models" / "upbeat"
    assert [file.name for file in copied.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"beta": 0.4}, SetError, r"made/manifest\.json: .*beta"),
        ({"objectives": [OBJECTIVES[0], OBJECTIVES[1] | {"name": "rude"}]}, SetError, "'rude' has no reward"),
        ({"objectives": [OBJECTIVES[0], {"name": "concise"}]}, SetError, "wrong shape"),
        ({"objectives": {"complete": 1}}, ValueError, "is no list of objectives"),
        ({"objectives": OBJECTIVES[:1]}, ValueError, "2 backbones for 1 objectives"),
        ({"objectives": [OBJECTIVES[0], OBJECTIVES[1] | {"reward_model": "gone"}]}, ValueError, "gone is no folder"),
        ({"specialists": ["adapter"]}, ValueError, "1 specialists for 2 objectives"),
        ({"oracles": [((1, 0, 0), "adapter")]}, SetError, "oracle backbone-1"),
        ({"backbones": ["adapter", "nothing"]}, ValueError, "nothing is no folder"),
        ({"backbones": ["adapter", "broken"]}, ValueError, r"broken/adapter_model\.safetensors is missing"),
        ({"backbones": ["adapter", "embedding"]}, ValueError, r"model\.embed_tokens\.weight differs"),
        ({"task": "poems"}, SetError, "the task is 'poems'"),
        ({"task": "assistant"}, SetError, "'complete' has no reward: name a reward_model and a template"),
        ({"settings": {"system": "Hi"}}, SetError, "the task restaurants has no setting 'system'"),
        ({"settings": {"beta": "2"}}, ValueError, "'beta' is a field of every manifest"),
        ({"base": "some/model"}, ValueError, "some/model is no folder"),
        ({"base": "adapter"}, ValueError, "lacks safetensors or a tokenizer"),
    ],
)
def test_an_import_that_fails_leaves_nothing(full, parts, tmp_path, changes, error, message):
    if isinstance(changes.get("objectives"), list | dict):
        (tmp_path / "objectives.json").write_text(json.dumps(changes["objectives"]))
        changes = changes | {"objectives": tmp_path / "objectives.json"}
    for kind in ("backbones", "specialists"):
        if kind in changes:
            changes = changes | {kind: [parts / name for name in changes[kind]]}
    if "oracles" in changes:
        changes = changes | {"oracles": [(mu, parts / name) for mu, name in changes["oracles"]]}
    if changes.get("base") == "adapter":
        changes = {"base": parts / "adapter"}
    if not (parts / "broken").exists():
        (parts / "broken").mkdir()
        shutil.copy(parts / "adapter" / "adapter_config.json", parts / "broken")
        changed(full, parts / "embedding", scaled("model.embed_tokens.weight", 2))
    (tmp_path / "sets").mkdir()
    with pytest.raises(error, match=message) as caught:
        importing(full, parts, tmp_path / "sets" / "made", **changes)
    assert ".new-" not in str(caught.value)
    assert not list((tmp_path / "sets").iterdir())


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("config.json", b"{", r"config\.json is damaged or cut off"),
        ("config.json", b"[]", r"config\.json has the wrong shape"),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1", r"safetensors .*: run `git lfs pull`"),
        ("model.safetensors", None, r"model\.safetensors is damaged or cut off"),
        ("model.safetensors.index.json", b"", r"index\.json is damaged or cut off"),
        ("model.safetensors.index.json", b'{"metadata": {}}', r"index\.json lacks 'weight_map'"),
    ],
)
def test_a_damaged_file_of_a_checkpoint_is_named(full, parts, tmp_path, name, contents, message):
    damaged = tmp_path / "damaged"
    shutil.copytree(parts / "rank-2", damaged)
    whole = (parts / "rank-2" / "model.safetensors").read_bytes()
    (damaged / name).write_bytes(whole[: len(whole) // 2] if contents is None else contents)
    with pytest.raises(ValueError, match=f"damaged/.*{message}"):
        importing(full, parts, tmp_path / "set", backbones=[parts / "adapter", damaged])
    assert not (tmp_path / "set").exists()


def test_a_shard_that_is_damaged_is_named(full, tmp_path):
    """Its header is read when the first of its tensors is."""
    checkpoint = tuned(full, tmp_path / "checkpoint", 0, "60KB")
    shard = sorted(checkpoint.glob("*-of-*"))[-1]
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(ValueError, match=f"checkpoint/{shard.name} is damaged or cut off"):
        low_rank(full, checkpoint, tmp_path / "adapter")


def test_a_folder_that_holds_something_is_not_touched(full, parts, tmp_path):
    (tmp_path / "set").mkdir()
    importing(full, parts, tmp_path / "set")  # empty: taken
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="set exists and is no empty folder: name a new one"):
        importing(full, parts, tmp_path / "set")
    assert sorted(tmp_path.rglob("*")) == before
