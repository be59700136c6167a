"""Random models: their size, their quantisation, and layers that several models share."""

import pytest
import torch

from backbones.engine.batch import Batch
from backbones.engine.soup import Soup
from backbones.store.footprint import NF4_BITS
from benchmarks import random_models
from benchmarks.random_models import Numbers, held_bytes, layer_shapes, random_adapters, random_model, random_rows, twin

IDS = torch.arange(12).view(2, 6)


@pytest.fixture(scope="module")
def model():
    return random_model("0.005", "cpu", torch.float32)


def test_a_model_has_the_parameters_that_its_size_says():
    for size in random_models.SHAPES:
        assert 0.95 < random_models.parameters(size) / (float(size) * 1e9) < 1.05, size


def test_a_random_model_is_quantised_but_for_its_head(model):
    config = model.config
    linear = sum(out * inputs for out, inputs in layer_shapes(model).values())
    embeddings = config.vocab_size * config.hidden_size
    norms = (2 * config.num_hidden_layers + 1) * config.hidden_size
    assert linear + embeddings + norms == random_models.parameters("0.005")
    assert held_bytes(model) == pytest.approx(linear * NF4_BITS / 8 + 4 * (embeddings + norms), rel=0.02)
    assert all(p.device.type == "cpu" for p in (*model.parameters(), *model.buffers()))
    with torch.no_grad():
        same, other = random_model("0.005", "cpu", torch.float32), random_model("0.005", "cpu", torch.float32, seed=9)
        assert torch.equal(model(IDS).logits, same(IDS).logits)
        assert not torch.allclose(model(IDS).logits, other(IDS).logits, atol=0.1)


def test_an_unknown_size_is_refused():
    with pytest.raises(ValueError, match=r"unknown size '7': use one of 0\.005"):
        random_model("7", "cpu", torch.float32)


def test_adapters_beside_a_twin_leave_the_model_alone_and_rows_write_so_many_tokens(model):
    before = model(IDS).logits
    soup = Soup(twin(model), Numbers(), random_adapters(model, 2, 8))
    rows = random_rows([(1.0, 0.0), (0.0, 2.0)], prompt=5, tokens=7)
    batch = Batch(soup)
    batch.add(rows)
    while batch.live:
        batch.step()
    assert [len(row.tokens) for row in rows] == [7, 7]
    assert torch.equal(model(IDS).logits, before)
