"""Merges of a set as adapters for servers: where preferences go, what adapters hold and are called."""

import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from backbones.engine.request import Request
from backbones.engine.soup import Soup
from backbones.merging.preference import Preference, lattice
from backbones.remote.merges import Merges, snapped
from backbones.store import soup_set as sets
from backbones.store.adapters import WEIGHTS, read_adapter
from backbones.store.exporting import merged_adapter

GIVEN = {"name": "The Mill", "food": "English"}


@settings(deadline=None, derandomize=True, database=None)  # the same examples in every run
@given(st.lists(st.floats(0, 1), min_size=2, max_size=4).filter(lambda shares: sum(shares) > 0.01))
def test_a_preference_goes_to_the_nearest_of_the_lattice(shares):
    mu = Preference.of(shares, len(shares))
    found = snapped(mu, 10)
    assert abs(sum(found) - 1) < 1e-9
    if any(found.same(one) for one in lattice(len(mu), 10)):
        assert mu.distance(found) <= min(map(mu.distance, lattice(len(mu), 10))) + 1e-9
    else:
        assert found.same(mu)


@pytest.mark.parametrize("n", [2, 3])
def test_where_fronts_were_measured_preferences_stay(n):
    for mu in lattice(n):
        assert snapped(Preference(round(share, 8) for share in mu), 40) == mu  # as links hold them


def test_an_adapter_is_the_exported_merge(merges, restaurants, tmp_path):
    name, merged = merges.adapter("bone-soup", Preference((0.7, 0.3)))
    folder = merges.written(name, merged)
    exported = merged_adapter(restaurants, "bone-soup", Preference((0.7, 0.3)), tmp_path / "exported")
    ours, theirs = load_file(folder / WEIGHTS), load_file(exported / WEIGHTS)
    assert set(ours) == set(theirs) and all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert read_adapter(folder).deltas
    before = (folder / WEIGHTS).stat().st_mtime_ns
    assert merges.written(name, merged) == folder and (folder / WEIGHTS).stat().st_mtime_ns == before
    merges.remove(name)
    assert not folder.exists()


def test_merges_that_are_the_same_share_a_name_and_others_do_not(merges):
    even = Preference((0.5, 0.5))
    soup = merges.adapter("bone-soup", even)[0]
    assert merges.adapter("bone-soup-anchored", even)[0] == soup  # inside the rows of B
    assert merges.adapter("bone-soup", Preference((0.501, 0.499)))[0] == soup
    others = {merges.adapter(*one)[0] for one in (("rewarded-soup", even), ("bone-soup", Preference((0.6, 0.4))))}
    assert soup not in others and len(others) == 2
    assert merges.adapter("base", even) == ("", ())


def test_adapters_that_were_tuned_anew_have_other_names(restaurants, tmp_path):
    copy = tmp_path / "set"
    shutil.copytree(restaurants.path, copy)
    mu = Preference((0.5, 0.5))
    before = Merges(sets.read(copy), tmp_path, 40).adapter("bone-soup", mu)[0]
    assert before == Merges(restaurants, tmp_path, 40).adapter("bone-soup", mu)[0]
    shutil.copy(copy / "adapters/backbone-2" / WEIGHTS, copy / "adapters/backbone-1" / WEIGHTS)
    assert Merges(sets.read(copy), tmp_path, 40).adapter("bone-soup", mu)[0] != before


def test_texts_end_where_those_of_the_engine_do_and_no_weights_of_the_base_are_loaded(chat, tmp_path, monkeypatch):
    soup_set = sets.read(chat)
    soup = Soup.load(soup_set.base, {}, "cpu", torch.float32)
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *_, **__: pytest.fail("weights were loaded"))
    merges = Merges(soup_set, tmp_path, 40)
    assert merges.ends == soup.ends
    (row,) = merges.rows([Request({"prompt": "Hi"}, Preference((0.5, 0.5)))])
    row.ids, row.tokens, row.done = [1], [100, 101], True
    merges.score([row])
    assert row.text.raw == soup.tokenizer.decode([100, 101]) and set(row.text.rewards) == {"helpful", "harmless"}


def test_a_base_that_does_not_say_how_it_generates_ends_texts_as_its_configuration_says(restaurants, tmp_path):
    copy = tmp_path / "set"
    shutil.copytree(restaurants.path, copy)
    (copy / "base" / "generation_config.json").unlink()
    merges = Merges(sets.read(copy), tmp_path, 40)
    assert merges.ends == Merges(restaurants, tmp_path, 40).ends == {merges.tokenizer.eos_token_id}
