"""The peer is fair: PEFT computes what the soup computes, by both of its ways."""

import pytest
import torch

from backbones.engine.soup import Soup
from benchmarks import peft_peer
from benchmarks.random_models import Numbers, layer_shapes, random_adapters, random_model, twin
from tests.engine.test_soup import served as logits_of

IDS = torch.arange(100, 115).view(5, 3)
MIXES = [  # the fixture's adapters differ in rank and in layers, and the second has rsLoRA
    [1.75, -0.75, 0.0, 0.0],
    [0.0, 1.25, -0.5, 0.0],
    [0.0, 0.0, 0.0, 0.0],
    [0.0, -0.5, 0.0, 0.0],
    [0.5, 0.25, -0.25, 2.0],
]
SAME = {"atol": 1e-3, "rtol": 0.0}


@pytest.fixture(scope="module")
def wrapped(base, adapters):
    return peft_peer.loaded(Soup.load(base, {}, "cpu", torch.float32).model, adapters)


def served(soup, mixes):
    return logits_of(soup, IDS, mixes)


@torch.no_grad()
def test_an_adapter_combined_for_each_row_computes_what_the_soup_computes(soup, wrapped):
    names = peft_peer.combine_rows(wrapped, MIXES)
    with peft_peer.each_row(wrapped, names):
        logits = wrapped(IDS).logits
    public = wrapped(IDS, adapter_names=names).logits
    peft_peer.forget_rows(wrapped)
    torch.testing.assert_close(logits, served(soup, MIXES), **SAME)
    assert torch.equal(logits, public)
    for i, mix in enumerate(MIXES):  # and no other row
        others = [served(soup, [other] * len(MIXES))[i] for other in MIXES if other != mix]
        assert all((logits[i] - other).abs().max() > 0.01 for other in others)


@torch.no_grad()
@pytest.mark.parametrize("mix", MIXES)
def test_set_scale_computes_what_the_soup_computes(soup, wrapped, mix):
    peft_peer.set_scales(wrapped, mix)
    torch.testing.assert_close(wrapped(IDS).logits, served(soup, [mix] * len(IDS)), **SAME)


@torch.no_grad()
def test_combined_adapters_change_nothing_outside_their_block_and_are_forgotten(soup, wrapped):
    loaded = list(wrapped.peft_config)
    names = peft_peer.combine_rows(wrapped, MIXES)
    with pytest.raises(ZeroDivisionError), peft_peer.each_row(wrapped, names):
        raise ZeroDivisionError
    peft_peer.set_scales(wrapped, MIXES[0])
    torch.testing.assert_close(wrapped(IDS).logits, served(soup, [MIXES[0]] * len(IDS)), **SAME)
    peft_peer.forget_rows(wrapped)
    assert list(wrapped.peft_config) == loaded
    again = peft_peer.combine_rows(wrapped, MIXES)
    with peft_peer.each_row(wrapped, again):
        torch.testing.assert_close(wrapped(IDS).logits, served(soup, MIXES), **SAME)
    peft_peer.forget_rows(wrapped)


@torch.no_grad()
def test_random_adapters_too_and_the_bare_base_is_left_alone():
    model = random_model("0.005", "cpu", torch.float32)
    before, adapters = model(IDS).logits, random_adapters(model, 4, 8)
    soup = Soup(twin(model), Numbers(), adapters)
    wrapped = peft_peer.made_of(twin(model), adapters, list(layer_shapes(model)))
    with peft_peer.each_row(wrapped, peft_peer.combine_rows(wrapped, MIXES)):
        each = wrapped(IDS).logits
    peft_peer.set_scales(wrapped, MIXES[4])
    torch.testing.assert_close(each, served(soup, MIXES), **SAME)
    torch.testing.assert_close(wrapped(IDS).logits, served(soup, [MIXES[4]] * len(IDS)), **SAME)
    assert (each - before)[2].abs().max() < 1e-3 < 0.01 < (each - before)[0].abs().max()
    assert torch.equal(model(IDS).logits, before)
