"""Full checkpoints as low-rank adapters."""

import json
import shutil

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from backbones.store.adapters import read_adapter
from backbones.store.importing import low_rank
from tests.store.models import IDS, changed, model, scaled, tuned

Q_PROJ = "model.layers.0.self_attn.q_proj"


def logits(folder, adapter=None):
    loaded = model(folder)
    with torch.no_grad():
        return (PeftModel.from_pretrained(loaded, adapter) if adapter else loaded)(IDS).logits


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
