"""Tiny sets and models of others."""

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from backbones.engine.soup import Soup
from backbones.merging.methods import Oracle
from backbones.merging.preference import Preference
from backbones.store import soup_set as sets
from backbones.store.soup_set import SoupSet
from backbones.tasks.objectives import Objective
from backbones.tasks.restaurants.task import Restaurants
from backbones.tasks.task import Sampling
from tests.store.models import make_parts


@pytest.fixture(scope="package")
def full(base, tmp_path_factory) -> Path:
    """The tiny base before it was quantised, in fp32, with its tokenizer."""
    folder = tmp_path_factory.mktemp("full") / "base"
    shutil.copytree(base.parent / "fp32", folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


@pytest.fixture(scope="package")
def parts(full, tmp_path_factory) -> Path:
    """What others have trained, see `make_parts`."""
    return make_parts(full, tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="package")
def tiny(base, adapters) -> SoupSet:
    """A set over the tiny base: backbones of ranks 4 and 8, specialists of which one has few layers."""
    names = tuple(adapters)
    return SoupSet(
        path=base.parent,
        name="tiny",
        title="Tiny",
        task=Restaurants(),
        objectives=tuple(Objective(name, name, "", 0.5, 0.2) for name in ("complete", "concise")),
        beta=0.7,
        extrapolation=0.25,
        base=base,
        folders=adapters,
        backbones=names[:2],
        specialists=names[2:],
        oracles=(Oracle(Preference((0.8, 0.2)), names[2]), Oracle(Preference((0.2, 0.8)), names[1])),
        sampling=Sampling(1.0, 0.9, 80),
    )


@pytest.fixture(scope="package")
def restaurants() -> tuple[SoupSet, Soup]:
    """The shipped set, and its soup."""
    soup_set = sets.read("restaurants")
    return soup_set, Soup.load(soup_set.base, soup_set.adapters, "cpu", torch.float32)
