"""Every shipped set: that it is complete, was made as it says, writes, and follows preferences."""

import json

import numpy as np
import pytest

from backbones.engine import stored
from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.coefficients import backbone_matrix
from backbones.merging.methods import METHODS
from backbones.merging.preference import lattice
from backbones.store import soup_set as sets
from backbones.store.manifest import Manifest
from backbones.tasks.reframe.task import EXAMPLES
from backbones.tasks.restaurants.probes import PROBES
from backbones.tasks.scoring import Scorer
from tests.shipped import GIVEN, READY
from train import pilot as stage
from train import sweep


@pytest.fixture(scope="module", params=READY)
def writer(request):
    return Writer.load(request.param, "cpu")


@pytest.fixture
def given(writer):
    return GIVEN[writer.set.task.name]


def test_the_shipped_sets():
    assert sets.shipped() == ["silver-lining", "restaurants", "restaurants-3"]
    assert set(READY) >= {"restaurants", "restaurants-3"}


@pytest.mark.parametrize("name", sets.shipped())
def test_a_shipped_set_is_complete(name):
    soup_set = sets.read(name)
    assert sets.problems(soup_set) == []
    assert soup_set.methods == tuple(METHODS)
    assert set(soup_set.front.methods) == set(METHODS)
    for method, result in soup_set.front.methods.items():
        preferences = [point.preference for point in result.points]
        if method == "morlhf":
            tuned = {tuple(oracle.preference.rounded) for oracle in soup_set.oracles}
            assert {tuple(mu.rounded) for mu in preferences} == tuned
        elif method != "base":
            np.testing.assert_allclose(preferences, lattice(len(soup_set.objectives)), atol=1e-6)
        for point in result.points:
            assert all(low <= r <= high for low, r, high in zip(point.low, point.rewards, point.high, strict=True))


@pytest.mark.parametrize("name", sets.shipped())
def test_beta_and_extrapolations_are_those_that_the_pilot_prefers(name):
    soup_set = sets.read(name)
    pilot = json.loads((soup_set.path / "pilot.json").read_text())
    assert pilot["prompts_sha256"] != soup_set.front.conditions["prompts_sha256"]
    # That of silver-lining was chosen in a training before, as docs/training.md says.
    assert "beta" in pilot or (name, soup_set.beta) == ("silver-lining", 0.8)
    for choice in pilot.keys() & {"beta", "extrapolation", "specialist_extrapolation"}:
        chosen = pilot[choice]["chosen"]
        if "fronts" in pilot[choice]:
            fronts = pilot[choice]["fronts"]
            assert chosen == float(max(fronts, key=lambda candidate: fronts[candidate]["hypervolume"]))
        else:
            assert chosen == [stage.strongest(corner) for corner in pilot[choice]["corners"].values()]
        assert getattr(Manifest.read(soup_set.path), choice) == chosen


@pytest.mark.parametrize("name", sets.shipped())
def test_every_adapter_of_a_shipped_set_had_the_same_budget_on_its_own_reward_weights(name):
    soup_set = sets.read(name)
    tuned = {name: folder for name, folder in soup_set.adapters.items() if name != soup_set.start}
    runs = [json.loads((folder / "hyperparameters.json").read_text()) for folder in tuned.values()]
    alike = [run | {"reward_weights": None} | {"seeds": len(run.get("seeds", "0"))} for run in runs]
    assert all(run == alike[0] for run in alike)
    n = len(soup_set.objectives)
    weights = np.array([run["reward_weights"] for run in runs])
    np.testing.assert_allclose(weights[:n], backbone_matrix(n, soup_set.beta), atol=1e-6)
    np.testing.assert_allclose(weights[n : 2 * n], np.eye(n))
    by_name = dict(zip(tuned, weights, strict=True))
    for oracle in soup_set.oracles:
        np.testing.assert_allclose(by_name[oracle.adapter], oracle.preference, atol=1e-6)


@pytest.mark.parametrize("name", sets.shipped())
def test_the_folders_of_a_shipped_set_have_the_names_of_its_adapters(name):
    soup_set = sets.read(name)
    assert {folder.name: folder for folder in soup_set.adapters.values()} == soup_set.adapters
    assert {folder.name for folder in (soup_set.path / "adapters").iterdir()} == set(soup_set.adapters)


def test_a_shipped_set_writes_in_four_bits_and_repeats_itself(writer, given):
    assert writer.precision == "NF4"
    n = len(writer.set.objectives)
    requests = [
        Request(given, tuple(mu), method, seed=i)
        for i, mu in enumerate((np.eye(n)[0], np.full(n, 1 / n)))
        for method in METHODS
    ]
    texts = writer.write(requests)
    assert texts == writer.write(requests)
    for request, text in zip(requests[::4], texts[::4], strict=True):  # alone as beside the others
        assert writer.write([request])[0].text == text.text
    for text in texts:
        assert given.get("name", "") in text.text and "<" not in text.text and text.text
        assert list(text.rewards) == [objective.name for objective in writer.set.objectives]
        assert all(0 <= reward <= 1 for reward in text.rewards.values())


def test_the_texts_that_a_shipped_set_comes_with_are_what_it_writes_now():
    for name in READY:
        soup_set = sets.read(name)
        texts = stored.read(soup_set)
        n, task = len(soup_set.objectives), soup_set.task
        arrival = task.check({field.name: field.default for field in task.fields})
        assert [text.request for text in texts] == sweep.requests(soup_set, arrival)
        assert len(texts) == 2 * len(lattice(n))
        again = Writer.load(name, "cpu", "float32").write([text.request for text in texts[::9]])
        for old, new in zip(texts[::9], again, strict=True):
            assert (old.raw, old.tokens) == (new.raw, new.tokens)
            assert old.rewards == pytest.approx(new.rewards, abs=1e-4)


def test_methods_meet_where_their_definitions_do(writer, given):
    """At a corner RS, MOD, anchored and the oracle are one specialist; at a row of B Bone Soup is one backbone."""
    n = len(writer.set.objectives)
    corner, row = np.eye(n)[0], backbone_matrix(n, writer.set.beta)[0]
    for mu, methods in (
        (corner, ("rewarded-soup", "mod", "bone-soup-anchored", "morlhf")),
        (row, ("bone-soup", "bone-soup-anchored", "morlhf")),
    ):
        requests = [Request(given, tuple(mu), method, seed=seed) for seed in range(4) for method in methods]
        texts = [text.raw for text in writer.write(requests)]
        for seed in range(4):
            assert len(set(texts[seed * len(methods) : (seed + 1) * len(methods)])) == 1


def test_a_preference_for_an_objective_raises_its_reward(writer, given):
    """12 texts of six thoughts, or of 8 facts, near every corner: each reward is highest near its own corner, for both
    methods."""
    several = [{"thought": thought} for thought in EXAMPLES[:6]]
    if "name" in given:
        several = [given | {"customer rating": "average", "area": "riverside", "familyFriendly": "no"}]
    n = len(writer.set.objectives)
    for method in ("bone-soup", "rewarded-soup"):
        means = []
        for corner in np.eye(n):
            mu = tuple(0.8 * corner + 0.2 / n)
            asked = [Request(several[seed % len(several)], mu, method, seed=seed) for seed in range(12)]
            texts = writer.write(asked)
            means.append(np.mean([list(text.rewards.values()) for text in texts], axis=0))
        means = np.array(means)  # (corners, objectives)
        for i in range(n):
            assert (means[i, i] > np.delete(means[:, i], i) + 0.1).all(), (method, means)


def test_the_learned_reward_hears_warm_from_plain_from_critical_and_is_not_moved_by_piling_up():
    soup_set = sets.read("restaurants-3")
    scorer = Scorer(soup_set.task, soup_set.objectives)
    scored = scorer.score([probe.text for probe in PROBES], [{"name": "Ox"}] * len(PROBES))
    by_kind = {}
    for probe, score in zip(PROBES, scored, strict=True):
        by_kind.setdefault(probe.kind.split(",")[0].split(":")[0], []).append(score["upbeat"])
    assert len(PROBES) == 20
    assert np.mean(by_kind["warm"]) > np.mean(by_kind["plain"]) + 0.4
    assert np.mean(by_kind["warm"]) > np.mean(by_kind["critical"]) + 0.4
    assert 0.1 < np.mean(by_kind["plain"]) < 0.45
    assert max(by_kind["gaming"][:4]) < min(by_kind["warm"])


def test_requests_out_of_range_are_named_before_writing(writer, given):
    names = ", ".join(objective.name for objective in writer.set.objectives)
    n, needed = len(writer.set.objectives), next(iter(given))
    for change, message in (
        ({"preference": (1.0,)}, f"one number for each of {names}"),
        ({"preference": (0.0,) * n}, "all zero"),
        ({"method": "stew"}, "unknown method 'stew'"),
        ({"given": given | {needed: ""}}, f"'{needed}' is missing|{needed} is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            writer.write([Request(**({"given": given, "preference": (1,) * n} | change))])
