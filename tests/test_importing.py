"""Full checkpoints as low-rank adapters, and sets made of what others have trained."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from backbones import hub, sets
from backbones.adapters import read_adapter
from backbones.importing import import_set, low_rank
from backbones.writer import Order, Writer

ROOT = Path(__file__).parent.parent
IDS = torch.arange(100, 112).view(2, 6)
FACTS = {"name": "Zig Zag", "eatType": "pub", "food": "Indian", "priceRange": "cheap", "near": "Ox Ford"}
OBJECTIVES = [
    {"name": "complete", "label": "Complete", "description": "States the facts", "mean": 0.5, "std": 0.2},
    {"name": "concise", "label": "Concise", "description": "Uses few words", "mean": 0.4, "std": 0.1},
]
Q_PROJ = "model.layers.0.self_attn.q_proj"


def model(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def logits(folder, adapter=None):
    loaded = model(folder)
    with torch.no_grad():
        return (PeftModel.from_pretrained(loaded, adapter) if adapter else loaded)(IDS).logits


@pytest.fixture(scope="module")
def full(base, tmp_path_factory):
    """The tiny base before it was quantised, in fp32, with its tokenizer."""
    folder = tmp_path_factory.mktemp("full") / "base"
    shutil.copytree(base.parent / "fp32", folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def tuned(full, folder, seed, max_shard_size="5GB", rank=4, **settings):
    """A full checkpoint: the base with a random adapter of rank `rank` merged into it by PEFT."""
    torch.manual_seed(seed)
    lora = {"lora_alpha": 8, "target_modules": "all-linear", "init_lora_weights": False} | settings
    peft = get_peft_model(model(full), LoraConfig(task_type="CAUSAL_LM", r=rank, **lora))
    peft.merge_and_unload().save_pretrained(folder, max_shard_size=max_shard_size)
    return folder


def changed(full, folder, change):
    """A full checkpoint: the base after `change` of its state dict."""
    shutil.copytree(full, folder)
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("shards", [("5GB", "5GB"), ("5GB", "60KB"), ("60KB", "5GB"), ("60KB", "60KB")])
def test_a_merged_adapter_comes_back_with_its_rank_and_its_logits(full, tmp_path, shards):
    before, after = tmp_path / "before", tuned(full, tmp_path / "after", 0, shards[1])
    model(full).save_pretrained(before, max_shard_size=shards[0])
    for folder, size in zip((before, after), shards, strict=True):
        assert len(list(folder.glob("*.safetensors"))) == 1 if size == "5GB" else len(list(folder.glob("*-of-*"))) > 3
    report = low_rank(before, after, tmp_path / "adapter")
    assert set(report.ranks.values()) == {4} == {report.rank} and len(report.ranks) == 2 * 7
    assert 0 < report.residuals[report.worst] == max(report.residuals.values()) < 1e-4  # rounding in fp32
    expected = logits(after)
    torch.testing.assert_close(logits(before, tmp_path / "adapter"), expected, atol=1e-4, rtol=0)
    assert (logits(before) - expected).abs().max() > 0.1


def test_layers_of_different_rank_share_the_largest_and_unchanged_ones_are_left_out(full, tmp_path):
    few = {"target_modules": ["q_proj", "down_proj"], "layers_to_transform": [1]}
    q_proj, down_proj = "model.layers.1.self_attn.q_proj", "model.layers.1.mlp.down_proj"
    after = tuned(full, tmp_path / "after", 1, rank_pattern={"down_proj": 9}, **few)
    report = low_rank(full, after, tmp_path / "adapter")
    assert report.ranks == {q_proj: 4, down_proj: 9}
    deltas = read_adapter(tmp_path / "adapter").deltas
    assert {layer: len(down) for layer, (down, _) in deltas.items()} == {q_proj: 9, down_proj: 9}
    torch.testing.assert_close(logits(full, tmp_path / "adapter"), logits(after), atol=1e-4, rtol=0)


def test_the_folder_states_what_was_done(full, tmp_path):
    report = low_rank(full, tuned(full, tmp_path / "after", 0), tmp_path / "adapter", rank=2, tolerance=0.01)
    stated = json.loads((tmp_path / "adapter" / "hyperparameters.json").read_text())
    assert (stated["base"], stated["checkpoint"], stated["tolerance"], stated["rank"]) == ("base", "after", 0.01, 2)
    assert stated["largest_residual"] == max(report.residuals.values()) > 0.1
    assert stated["layers"][Q_PROJ] == {"rank": 2, "residual": report.residuals[Q_PROJ]}


@pytest.mark.parametrize("rank", [1, 8, 63])
def test_a_difference_of_full_rank_is_cut_with_the_residual_stated(full, tmp_path, rank):
    torch.manual_seed(3)
    difference = 0.02 * torch.randn(64, 64)
    after = changed(full, tmp_path / "after", lambda weights: weights[f"{Q_PROJ}.weight"].add_(difference))
    report = low_rank(full, after, tmp_path / "adapter", rank)
    assert report.ranks == {Q_PROJ: rank}
    down, up = read_adapter(tmp_path / "adapter").deltas[Q_PROJ]
    left = torch.linalg.norm(difference - up.T @ down) / torch.linalg.norm(difference)
    values = np.linalg.svd(difference.numpy().astype(float), compute_uv=False)
    assert report.residuals[Q_PROJ] == pytest.approx(np.sqrt(1 - (values[:rank] ** 2).sum() / (values**2).sum()), 1e-3)
    assert report.residuals[Q_PROJ] == pytest.approx(float(left), 1e-3) and left > 1e-4


def test_without_a_rank_it_is_the_smallest_that_the_tolerance_allows(full, tmp_path):
    torch.manual_seed(3)
    difference = 0.02 * torch.randn(64, 64)
    after = changed(full, tmp_path / "after", lambda weights: weights[f"{Q_PROJ}.weight"].add_(difference))
    report = low_rank(full, after, tmp_path / "chosen", tolerance=0.3)
    fewer = low_rank(full, after, tmp_path / "fewer", rank=report.rank - 1)
    assert report.residuals[Q_PROJ] < 0.3 <= fewer.residuals[Q_PROJ]
    assert low_rank(full, after, tmp_path / "all", rank=1000).ranks == {Q_PROJ: 64}
    assert low_rank(full, after, tmp_path / "exact", tolerance=1e-6).residuals == {Q_PROJ: 0}


def scaled(name, factor):
    return lambda weights: weights[name].mul_(factor)


@pytest.mark.parametrize("name", ["model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"])
def test_what_an_adapter_cannot_hold_is_refused_by_name(full, tmp_path, name):
    after = changed(full, tmp_path / "after", scaled(name, 1.01))
    with pytest.raises(ValueError, match=rf"after: {name} differs from the base by 0.01 .* train with it frozen"):
        low_rank(full, after, tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()


def test_rounding_of_what_an_adapter_cannot_hold_passes(full, tmp_path):
    after = changed(tuned(full, tmp_path / "tuned", 0), tmp_path / "after", scaled("model.norm.weight", 1.0005))
    assert low_rank(full, after, tmp_path / "adapter").rank == 4
    with pytest.raises(ValueError, match=r"model\.norm\.weight differs"):
        low_rank(full, after, tmp_path / "strict", tolerance=1e-4)


def test_a_head_tied_to_the_embeddings_may_be_saved_or_not_but_not_changed(full, tmp_path):
    tied = tmp_path / "tied"
    shutil.copytree(full, tied)
    config = json.loads((tied / "config.json").read_text())
    (tied / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    without = changed(tied, tmp_path / "without", lambda weights: weights.pop("lm_head.weight"))
    after = tuned(without, tmp_path / "after", 0)
    assert "lm_head.weight" not in load_file(after / "model.safetensors")
    assert low_rank(without, after, tmp_path / "one").rank == 4

    def copied(factor):
        return lambda weights: weights.update({"lm_head.weight": factor * weights["model.embed_tokens.weight"]})

    assert low_rank(without, changed(after, tmp_path / "saved", copied(1)), tmp_path / "two").rank == 4
    assert low_rank(changed(without, tmp_path / "base", copied(1)), after, tmp_path / "both").rank == 4
    with pytest.raises(ValueError, match=r"lm_head\.weight differs from the base by 0\.5"):
        low_rank(without, changed(after, tmp_path / "other", copied(1.5)), tmp_path / "three")


def test_a_value_head_of_the_training_is_no_part_of_the_model(full, tmp_path):
    def add(weights):
        weights["v_head.summary.weight"] = torch.ones(1, 64)

    after = changed(tuned(full, tmp_path / "tuned", 0), tmp_path / "after", add)
    assert low_rank(full, after, tmp_path / "adapter").rank == 4


def resized(weights):
    weights["model.embed_tokens.weight"] = torch.cat([weights["model.embed_tokens.weight"], torch.zeros(1, 64)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: None, "has the weights of its base .* nothing to import"),
        (resized, r"model\.embed_tokens\.weight is \[\d+, 64\], .* vocabulary of the same size"),
        (lambda weights: weights.pop(f"{Q_PROJ}.weight"), f"has no tensor '{Q_PROJ}.weight'"),
        (lambda weights: weights[f"{Q_PROJ}.weight"].fill_(torch.nan), f"{Q_PROJ}.weight is not finite"),
    ],
)
def test_checkpoints_that_are_none_of_this_base_are_refused(full, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        low_rank(full, changed(full, tmp_path / "after", change), tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()


def test_files_that_cannot_be_read_safely_or_exactly_are_refused(base, full, tmp_path):
    after = tuned(full, tmp_path / "after", 0, "60KB")
    for pair in ((base, after), (full, base)):
        with pytest.raises(ValueError, match=r"nf4 is quantised, .* give it unquantised"):
            low_rank(*pair, tmp_path / "adapter")
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    with pytest.raises(ValueError, match=r"config\.json is missing"):
        low_rank(full, pickled, tmp_path / "adapter")
    shutil.copy(full / "config.json", pickled)
    with pytest.raises(ValueError, match=r"pickled has no model\.safetensors"):
        low_rank(full, pickled, tmp_path / "adapter")
    (pickled / "pytorch_model.bin").write_bytes(b"never read")
    with pytest.raises(ValueError, match=r"has the pickle pytorch_model\.bin, .* as safetensors"):
        low_rank(full, pickled, tmp_path / "adapter")
    shard = max(after.glob("*-of-*"))
    shard.unlink()
    with pytest.raises(ValueError, match=f"{shard.name} is missing"):
        low_rank(full, after, tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()


def test_arguments_out_of_range_are_refused(full, tmp_path):
    for arguments in ({"rank": 0}, {"tolerance": 0.0}, {"tolerance": 1.0}):
        with pytest.raises(ValueError, match="use a rank of 1 or more and a tolerance between 0 and 1"):
            low_rank(full, full, tmp_path / "adapter", **arguments)
    with pytest.raises(ValueError, match="exists and is no empty folder"):
        low_rank(full, full, full)


@pytest.fixture(scope="module")
def parts(full, tmp_path_factory):
    """What others have trained: an adapter and three checkpoints of ranks 2, 3 and 5; the list of objectives."""
    folder = tmp_path_factory.mktemp("parts")
    torch.manual_seed(9)
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(model(full), config).save_pretrained(folder / "adapter")
    for rank in (2, 3, 5):
        tuned(full, folder / f"rank-{rank}", rank, rank=rank)
    (folder / "objectives.json").write_text(json.dumps(OBJECTIVES))
    return folder


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
        sampling=sets.Sampling(0.9, 1.0, 20),
    )
    assert {name: report.rank for name, report in reports.items()} == {
        "backbone-2": 2,
        "specialist-1": 3,
        "specialist-2": 5,
    }
    assert [path.name for path in folder.parent.iterdir()] == ["set"]
    writer = Writer.load(folder, "cpu")
    names = ("backbone-1", "backbone-2", "specialist-1", "specialist-2")
    assert tuple(path.name for path in writer.set.adapters) == names
    assert [oracle.adapter.name for oracle in writer.set.oracles] == ["specialist-2", "specialist-1"]
    assert (writer.set.name, writer.set.title, writer.set.beta) == ("mine", "Mine", 0.7)
    assert [{key: getattr(o, key) for key in OBJECTIVES[0]} for o in writer.set.objectives] == OBJECTIVES
    assert writer.set.sampling == sets.Sampling(0.9, 1.0, 20)
    texts = writer.write([Order(FACTS, (0.7, 0.3), "bone-soup", max_new_tokens=20)])
    assert set(texts[0].rewards) == {"complete", "concise"} and texts[0].tokens > 0
    # Preferences that are a row of B give the backbones, beside the base as it is served, in NF4: the adapter as PEFT
    # loads it, and the change that the checkpoint makes.
    with_adapter, with_change = (AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32) for _ in "ab")
    with_adapter = PeftModel.from_pretrained(with_adapter.dequantize(), parts / "adapter")
    before, after = (load_file(path / "model.safetensors") for path in (full, parts / "rank-2"))
    for name, weight in with_change.dequantize().named_parameters():
        weight.data += after[name] - before[name]
    for preference, alone in (((0.7, 0.3), with_adapter), ((0.3, 0.7), with_change)):
        _, row = writer.set.members("bone-soup", preference)
        with torch.no_grad(), writer.soup.mixed(writer.soup.mix(row.repeat(2, axis=0))) as served:
            torch.testing.assert_close(served(IDS).logits, alone(IDS).logits, atol=1e-3, rtol=0)


def test_an_assistant_has_its_system_prompt(full, parts, tmp_path):
    importing(full, parts, tmp_path / "set", task="assistant", system="Be brief.")
    task = sets.read(tmp_path / "set").task
    assert (task.name, task.system) == ("assistant", "Be brief.")


def test_the_set_names_no_path_of_this_machine(full, parts, tmp_path):
    importing(full, parts, tmp_path / "set", oracles=[((0.5, 0.5), parts / "rank-3")])
    texts = [file.read_text() for file in (tmp_path / "set").rglob("*.json")]
    assert len(texts) > 8 and not any(str(full.parent) in text or str(tmp_path) in text for text in texts)
    config = json.loads((tmp_path / "set" / "adapters" / "oracle-1" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "../../base"


def test_adapters_of_a_quantised_base_keep_it(base, adapters, parts, tmp_path):
    assert importing(base, parts, tmp_path / "set", backbones=adapters[:2]) == {}
    assert Writer.load(tmp_path / "set", "cpu").precision == "NF4"


def test_a_base_of_the_hub_stays_there(full, parts, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(hub, "fetch", lambda *arguments: asked.append(arguments[:2]) or full)
    commit = "0123456789" * 4
    importing(f"some/model@{commit}", parts, tmp_path / "set")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert manifest["base"] == {"hub": "some/model", "revision": commit}
    assert set(asked) == {("some/model", commit)} and not (tmp_path / "set" / "base").exists()


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
        ({"beta": 0.4}, sets.SetError, r"made/manifest\.json: .*beta"),
        ({"objectives": [OBJECTIVES[0], OBJECTIVES[1] | {"name": "rude"}]}, sets.SetError, "'rude' has no reward"),
        ({"objectives": [OBJECTIVES[0], {"name": "concise"}]}, sets.SetError, "wrong shape"),
        ({"objectives": {"complete": 1}}, ValueError, "is no list of objectives"),
        ({"objectives": OBJECTIVES[:1]}, ValueError, "2 backbones for 1 objectives"),
        ({"objectives": [OBJECTIVES[0], OBJECTIVES[1] | {"reward_model": "gone"}]}, ValueError, "gone is no folder"),
        ({"specialists": ["adapter"]}, ValueError, "1 specialists for 2 objectives"),
        ({"oracles": [((1, 0, 0), "adapter")]}, sets.SetError, "oracle backbone-1"),
        ({"backbones": ["adapter", "nothing"]}, ValueError, "nothing is no folder"),
        ({"backbones": ["adapter", "broken"]}, ValueError, r"broken/adapter_model\.safetensors is missing"),
        ({"backbones": ["adapter", "embedding"]}, ValueError, r"model\.embed_tokens\.weight differs"),
        ({"task": "poems"}, sets.SetError, "the task is 'poems'"),
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
    assert ".import-" not in str(caught.value)
    assert not list((tmp_path / "sets").iterdir())


def test_a_folder_that_holds_something_is_not_touched(full, parts, tmp_path):
    (tmp_path / "set").mkdir()
    importing(full, parts, tmp_path / "set")  # empty: taken
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="set exists and is no empty folder: name a new one"):
        importing(full, parts, tmp_path / "set")
    assert sorted(tmp_path.rglob("*")) == before


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "backbones", "import", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )


def test_the_command_line_makes_a_set_and_states_the_residuals(full, parts, tmp_path):
    arguments = ["--base", full, "--objectives", parts / "objectives.json", "--beta", 0.7, "--name", "mine"]
    arguments += ["--title", "Mine", "--backbone", parts / "adapter", "--backbone", parts / "rank-5", "--rank", 3]
    arguments += ["--specialist", parts / "rank-2", parts / "rank-3", "--to", tmp_path / "set"]
    done = command(*arguments, "--oracle", f"0.5,0.5={parts / 'rank-5'}", "--max-new-tokens", 30)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert last == f"{tmp_path / 'set'}: the set mine"
    assert [line.split(",")[0] for line in lines] == [
        "backbone-2: rank 3",
        "specialist-1: rank 3",
        "specialist-2: rank 3",
    ]
    stated = json.loads((tmp_path / "set" / "adapters" / "backbone-2" / "hyperparameters.json").read_text())
    residual = max(layer["residual"] for layer in stated["layers"].values())
    assert f"largest relative residual {residual:.3g} (model.layers." in lines[0] and residual > 0.1
    soup_set = sets.read(tmp_path / "set")
    assert soup_set.oracles[0].preference == (0.5, 0.5) and soup_set.oracles[0].adapter.name == "backbone-2"
    assert soup_set.sampling.max_new_tokens == 30
    again = command(*arguments)
    assert again.returncode == 1 and again.stderr.strip().endswith("exists and is no empty folder: name a new one")
    wrong = command(*arguments, "--oracle", "half=")
    assert wrong.returncode == 1 and "error: --oracle 'half='" in wrong.stderr
