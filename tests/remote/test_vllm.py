"""The real thing: two vLLM servers, where BONESOUP_TEST_VLLM names its command; minutes on a CPU."""

import os
import signal

import pytest

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.methods import BASELINE, BONE_SOUP
from backbones.merging.preference import lattice
from backbones.remote.dispatcher import Dispatcher
from benchmarks.examples import examples
from benchmarks.remote import CAPACITY, finished, same, serving

COMMAND = os.environ.get("BONESOUP_TEST_VLLM")
pytestmark = [pytest.mark.vllm, pytest.mark.skipif(not COMMAND, reason="BONESOUP_TEST_VLLM names no vLLM")]
GIVEN = {"name": "The Mill", "food": "English", "area": "riverside"}


@pytest.fixture(scope="module")
def servers(restaurants, tmp_path_factory):
    with serving(COMMAND, restaurants, tmp_path_factory.mktemp("vllm")) as running:
        yield running


def test_it_writes_as_the_engine_does_keeps_what_it_may_and_loses_nothing_when_a_server_dies(merges, servers):
    dispatcher = Dispatcher({"restaurants": merges}, [one.url for one in servers], CAPACITY)
    given = [GIVEN, *examples(merges.set.task, 4)]
    asked = [Request(one, mu, BONE_SOUP, 3, temperature=0) for one in given for mu in lattice(2)]
    theirs = finished(dispatcher.stream("restaurants", asked))
    ours = Writer.load("restaurants", "cpu", "float32").write(asked)
    assert same(theirs, ours) > 0.8 * len(asked)
    assert all(0 <= value <= 1 for text in theirs for value in text.rewards.values())
    assert all(len(server.held) <= CAPACITY for server in dispatcher.servers)
    sampled = [Request(GIVEN, mu, method, 3) for mu in lattice(2) for method in (BONE_SOUP, BASELINE)]
    killed = False
    for texts in dispatcher.stream("restaurants", sampled):
        if not killed and isinstance(texts, list) and any(text.done for text in texts):
            servers[0].end(signal.SIGKILL)
            killed = True
    assert killed and all(text.done and text.tokens for text in texts) and any(text.note for text in texts)
