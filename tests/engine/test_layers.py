"""Groups of layers: which are found, what is stored and multiplied once, and that all of it is the dense merge."""

import copy

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from backbones.engine import layers
from backbones.engine.soup import Soup
from backbones.store.adapters import Adapter
from benchmarks.random_models import Numbers
from tests.engine.test_architectures import SHAPE, layers_of, merged
from tests.engine.test_soup import served

IDS = torch.arange(100, 124).view(4, 6)
QKV, GATE_UP = ["q_proj", "k_proj", "v_proj"], ["gate_proj", "up_proj"]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return LlamaForCausalLM(LlamaConfig(**SHAPE, attention_bias=True)).eval()


def made(model, ranks, shared=(), lacking=()):
    """Adapters of these ranks. Those numbered in `shared` have one A in every layer; `lacking`: pairs of adapters and
    names of layers that they do not have."""
    found = []
    for k, rank in enumerate(ranks):
        deltas = {}
        for number, (name, layer) in enumerate(layers_of(model).items()):
            downs = torch.Generator().manual_seed(100 + number + (0 if k in shared else 1000 * (k + 1)))
            ups = torch.Generator().manual_seed(5000 + 100 * k + number)
            if not any(k == one and word in name for one, word in lacking):
                deltas[name] = (
                    0.2 * torch.randn(rank, layer.in_features, generator=downs),
                    0.2 * torch.randn(rank, layer.out_features, generator=ups),
                )
        found.append(Adapter(f"adapter-{k}", deltas))
    return found


SETS = {
    "one": dict(ranks=(4,)),
    "plain": dict(ranks=(4, 4, 4)),
    "of different ranks": dict(ranks=(4, 2, 7)),
    "with one A": dict(ranks=(4, 4, 4), shared=(0, 1, 2)),
    "two of three with one A": dict(ranks=(4, 4, 4), shared=(0, 2)),
    "some layers lack": dict(ranks=(4, 2, 3), lacking=((0, "q_proj"), (1, "k_proj"), (2, "up_proj"), (1, "up_proj"))),
    "one A, some layers lack": dict(ranks=(4, 4, 4), shared=(0, 1, 2), lacking=((1, "v_proj"), (2, "down_proj"))),
    "none has some": dict(ranks=(3, 2), lacking=((0, "k_proj"), (1, "k_proj"), (0, "o_proj"), (1, "o_proj"))),
}
MIXES = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (-0.75, 1.5, 0.25), (0.5, 0.0, 0.5), (0.0, 0.0, 1.0)]


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("name", SETS)
def test_every_set_of_adapters_is_its_dense_merge(model, name, dense):
    adapters = made(model, **SETS[name])
    soup = Soup(copy.deepcopy(model), Numbers(), adapters, dense)
    mixes = [mix[: len(adapters)] for mix in MIXES]
    rows = IDS[:1].expand(len(mixes), -1)
    together = served(soup, rows, mixes)
    for mix, logits in zip(mixes, together, strict=True):
        with torch.no_grad():
            expected = merged(model, adapters, mix)(IDS[:1]).logits[0]
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(served(soup, IDS[:1], [mix])[0], expected, atol=1e-4, rtol=1e-4)
    with torch.no_grad():  # outside of a pass: the base
        torch.testing.assert_close(soup.model(IDS).logits, model(IDS).logits, atol=1e-4, rtol=1e-4)


def names_of(soup):
    names = {id(module): name.rpartition(".")[2] for name, module in soup.model.named_modules()}
    return [[names[id(layer)] for layer in group.layers] for group in soup.groups]


@pytest.mark.parametrize("dense", [False, True])
def test_layers_that_read_the_same_are_a_group(model, dense):
    soup = Soup(copy.deepcopy(model), Numbers(), made(model, (4, 2)), dense)
    assert names_of(soup) == 3 * [QKV, ["o_proj"], GATE_UP, ["down_proj"]]


def test_a_group_has_only_the_layers_that_adapters_have(model):
    soup = Soup(copy.deepcopy(model), Numbers(), made(model, **SETS["none has some"]))
    assert names_of(soup) == 3 * [["q_proj", "v_proj"], GATE_UP, ["down_proj"]]


@pytest.mark.parametrize("dense", [False, True])
def test_one_a_for_all_adapters_is_stored_and_multiplied_once(model, dense, monkeypatch):
    soup = Soup(copy.deepcopy(model), Numbers(), made(model, **SETS["with one A"]), dense)
    assert [len(group.down) for group in soup.groups] == 3 * [12, 4, 8, 4]
    assert all(group.shared == len(group.down) for group in soup.groups)
    widths, linear = [], layers.linear
    monkeypatch.setattr(
        layers, "linear", lambda x, weight, *bias: widths.append(len(weight)) or linear(x, weight, *bias)
    )
    served(soup, IDS[:3], MIXES[1:4])
    sizes = [[64, 32, 32], [64], [96, 96], [64]]
    both = [sum(own) + 4 * len(own) for own in sizes]  # the layers and A in one product
    assert widths == 3 * (both if dense else [4 * len(own) for own in sizes])


def test_one_a_is_found_layer_by_layer(model):
    adapters = made(model, (4, 4), shared=(0, 1))
    name = "model.layers.1.self_attn.o_proj"
    down, up = adapters[1].deltas[name]
    adapters[1].deltas[name] = (down + 0.1, up)
    soup = Soup(copy.deepcopy(model), Numbers(), adapters)
    assert [len(group.down) for group in soup.groups] == [12, 4, 8, 4, 12, 8, 8, 4, 12, 4, 8, 4]
    with torch.no_grad():
        expected = merged(model, adapters, (0.4, 0.6))(IDS).logits
    torch.testing.assert_close(served(soup, IDS, [(0.4, 0.6)] * 4), expected, atol=1e-4, rtol=1e-4)


def test_the_products_of_a_pass_are_as_many_for_any_rows_and_prompts(model, monkeypatch):
    soup = Soup(copy.deepcopy(model), Numbers(), made(model, **SETS["of different ranks"]), dense=True)
    counts, linear = [], layers.linear
    monkeypatch.setattr(layers, "linear", lambda *args: counts.append(1) or linear(*args))
    for rows in (1, 4):
        counts.clear()
        served(soup, IDS[:rows], [MIXES[2]] * rows)
        assert len(counts) == 3 * 4 * 2  # of four groups in three layers the weights, and the adapters' A


def test_an_adapter_of_a_layer_that_the_base_does_not_run_is_refused(model):
    unused = copy.deepcopy(model)
    unused.spare = torch.nn.Linear(64, 64)
    adapters = made(unused, (4,))
    with pytest.raises(ValueError, match="does not run spare"):
        Soup(unused, Numbers(), adapters)


@pytest.mark.skipif(not layers.ORDERS, reason="this processor does not multiply in bf16")
@pytest.mark.parametrize("name", ["of different ranks", "with one A"])
def test_weights_in_the_order_of_the_processor_give_the_same_numbers(model, name, monkeypatch):
    adapters = made(model, **SETS[name])
    adapters = [
        Adapter(one.name, {layer: tuple(t.bfloat16() for t in delta) for layer, delta in one.deltas.items()})
        for one in adapters
    ]
    ordered = Soup(copy.deepcopy(model).bfloat16(), Numbers(), adapters, dense=True)
    monkeypatch.setattr(layers, "ORDERS", False)
    plain = Soup(copy.deepcopy(model).bfloat16(), Numbers(), adapters, dense=True)
    assert all(group.ordered for group in ordered.groups) and not any(group.ordered for group in plain.groups)
    mix = [MIXES[2]] * len(IDS)
    assert torch.equal(served(ordered, IDS, mix), served(plain, IDS, mix))
    with torch.inference_mode():  # and outside of any pass
        assert torch.equal(ordered.model(IDS).logits, plain.model(IDS).logits)
