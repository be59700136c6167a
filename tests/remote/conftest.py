"""Stand-ins for vLLM servers, and a set that they write."""

from dataclasses import replace

import pytest

from backbones.remote.dispatcher import Dispatcher
from backbones.remote.merges import Merges
from backbones.store import soup_set as sets
from tests.remote.stand_in import StandIn

CAPACITY = 4


@pytest.fixture(scope="session")
def restaurants():
    return replace(sets.read("restaurants"), withheld=frozenset({"mod"}))


@pytest.fixture
def merges(restaurants, tmp_path):
    """The set, with a folder of its own for adapters."""
    return Merges(restaurants, tmp_path / "adapters", 40)


@pytest.fixture
def started():
    """Starts stand-ins, which end with the test."""
    running = []

    def start(**settings):
        running.append(StandIn(**{"models": ["restaurants"], "capacity": CAPACITY} | settings))
        return running[-1]

    yield start
    for one in running:
        one.kill()


@pytest.fixture(scope="module")
def both():
    """Two that go on from test to test."""
    pair = [StandIn(models=["restaurants"], capacity=CAPACITY, delay=0.005) for _ in range(2)]
    yield pair
    for one in pair:
        one.kill()


@pytest.fixture
def pair(both):
    """Two that hold nothing and were asked for nothing."""
    for one in both:
        one.reset()
    yield both
    assert [one.told()["wrong"] for one in both] == [[], []]


@pytest.fixture
def dispatcher(merges, pair):
    return Dispatcher({"restaurants": merges}, [one.url for one in pair], CAPACITY)
