"""Every shipped set, and manifests that cannot be used."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from backbones import sets
from backbones.coefficients import METHODS, backbone_matrix, bone_soup, simplex_lattice
from backbones.scoring import Scorer
from backbones.writer import Order, Writer
from train.card import EXAMPLES
from train.evaluate import PARTS

FACTS = {"name": "Zig Zag", "eatType": "pub", "food": "Indian", "priceRange": "cheap", "near": "Ox Ford"}


@pytest.fixture(scope="module", params=sets.shipped())
def writer(request):
    return Writer.load(request.param, "cpu")


def test_the_shipped_sets():
    assert sets.shipped() == ["restaurants", "restaurants-3"]


@pytest.mark.parametrize("name", sets.shipped())
def test_a_shipped_set_is_complete(name):
    soup_set = sets.read(name)
    assert sets.problems(soup_set) == []
    n, parts = len(soup_set.objectives), PARTS[len(soup_set.objectives)]
    assert set(soup_set.front["methods"]) == set(METHODS)
    for method, result in soup_set.front["methods"].items():
        preferences = [tuple(point["preference"]) for point in result["points"]]
        if method == "morlhf":
            assert set(preferences) == {oracle.preference for oracle in soup_set.oracles}
        elif method != "base":
            np.testing.assert_allclose(preferences, simplex_lattice(n, parts), atol=1e-6)
        for point in result["points"]:
            assert all(low <= r <= high for low, r, high in zip(point["low"], point["rewards"], point["high"]))


@pytest.mark.parametrize("name", sets.shipped())
def test_beta_and_extrapolation_are_those_that_the_pilot_fronts_prefer(name):
    soup_set = sets.read(name)
    pilot = json.loads((soup_set.path / "pilot.json").read_text())
    assert pilot["prompts_sha256"] != soup_set.front["conditions"]["prompts_sha256"]
    for choice in ("beta", "extrapolation"):
        fronts = pilot[choice]["fronts"]
        best = max(fronts, key=lambda candidate: fronts[candidate]["hypervolume"])
        assert float(best) == pilot[choice]["chosen"] == getattr(soup_set, choice)


@pytest.mark.parametrize("name", sets.shipped())
def test_every_adapter_of_a_shipped_set_had_the_same_budget_on_its_own_reward_weights(name):
    soup_set = sets.read(name)
    runs = [json.loads((folder / "hyperparameters.json").read_text()) for folder in soup_set.adapters]
    assert all(run | {"reward_weights": None} == runs[0] | {"reward_weights": None} for run in runs)
    n = len(soup_set.objectives)
    weights = np.array([run["reward_weights"] for run in runs])
    np.testing.assert_allclose(weights[:n], backbone_matrix(n, soup_set.beta), atol=1e-6)
    np.testing.assert_allclose(weights[n : 2 * n], np.eye(n))


def test_a_shipped_set_writes_in_four_bits_and_repeats_itself(writer):
    assert writer.precision == "NF4"
    n = len(writer.set.objectives)
    orders = [
        Order(FACTS, tuple(mu), method, seed=i)
        for i, mu in enumerate((*np.eye(n)[:2], np.full(n, 1 / n)))
        for method in METHODS
    ]
    texts = writer.write(orders)
    assert texts == writer.write(orders)
    assert [writer.write([order])[0].text for order in orders] == [text.text for text in texts]
    for text in texts:
        assert "Zig Zag" in text.text and "<" not in text.text
        assert list(text.rewards) == [objective.name for objective in writer.set.objectives]
        assert all(0 <= reward <= 1 for reward in text.rewards.values())


def test_methods_meet_where_their_definitions_do(writer):
    """At a corner RS, MOD, anchored and the oracle are one specialist; at a row of B Bone Soup is one backbone."""
    n = len(writer.set.objectives)
    corner, row = np.eye(n)[0], backbone_matrix(n, writer.set.beta)[0]
    for mu, methods in (
        (corner, ("rewarded-soup", "mod", "bone-soup-anchored", "morlhf")),
        (row, ("bone-soup", "bone-soup-anchored", "morlhf")),
    ):
        orders = [Order(FACTS, tuple(mu), method, seed=seed) for seed in range(4) for method in methods]
        texts = [text.raw for text in writer.write(orders)]
        for seed in range(4):
            assert len(set(texts[seed * len(methods) : (seed + 1) * len(methods)])) == 1


def test_a_preference_for_an_objective_raises_its_reward(writer):
    """24 texts of 8 facts near every corner: each reward is highest near its own corner, for both methods."""
    facts = FACTS | {"customer rating": "average", "area": "riverside", "familyFriendly": "no"}
    n = len(writer.set.objectives)
    for method in ("bone-soup", "rewarded-soup"):
        means = []
        for corner in np.eye(n):
            mu = tuple(0.8 * corner + 0.2 / n)
            texts = writer.write([Order(facts, mu, method, seed=seed) for seed in range(24)])
            means.append(np.mean([list(text.rewards.values()) for text in texts], axis=0))
        means = np.array(means)  # (corners, objectives)
        for i in range(n):
            assert (means[i, i] > np.delete(means[:, i], i) + 0.1).all(), (method, means)


def test_the_learned_reward_hears_warm_from_plain_from_critical_and_is_not_moved_by_piling_up():
    soup_set = sets.read("restaurants-3")
    scorer = Scorer(soup_set.objectives)
    scored = scorer.score([text for _, text in EXAMPLES], [{"name": "Ox"}] * len(EXAMPLES))
    by_kind = {}
    for (kind, _), score in zip(EXAMPLES, scored):
        by_kind.setdefault(kind.split(",")[0].split(":")[0], []).append(score["upbeat"])
    assert len(EXAMPLES) == 20
    assert np.mean(by_kind["warm"]) > np.mean(by_kind["plain"]) + 0.4
    assert np.mean(by_kind["warm"]) > np.mean(by_kind["critical"]) + 0.4
    assert 0.1 < np.mean(by_kind["plain"]) < 0.45
    assert max(by_kind["gaming"][:4]) < min(by_kind["warm"])


def test_orders_out_of_range_are_named_before_writing(writer):
    for change, message in (
        ({"preference": (1.0,)}, "one number for each of complete, concise"),
        ({"preference": (0.0,) * len(writer.set.objectives)}, "all zero"),
        ({"method": "stew"}, "unknown method 'stew'"),
        ({"facts": {"food": "Indian"}}, "'name' is missing"),
    ):
        with pytest.raises(ValueError, match=message):
            writer.write([Order(**({"facts": FACTS, "preference": (1,) * len(writer.set.objectives)} | change))])


@pytest.fixture
def copied(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(sets.SETS / "restaurants", folder)
    return folder


def edit(folder, **fields):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.update(fields)
    (folder / "manifest.json").write_text(json.dumps({k: v for k, v in manifest.items() if v is not None}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"beta": 0.4}, "beta is 0.4"),
        ({"beta": None}, "field 'beta' is missing"),
        ({"format": 99}, "format is 99"),
        ({"backbones": ["adapters/nowhere", "adapters/backbone-2"]}, "nowhere is missing"),
        ({"base": "../../base"}, "outside the set"),
        ({"objectives": [{"name": "kind", "label": "", "description": "", "mean": 0, "std": 1}] * 2}, "'kind' has no"),
        (
            {"objectives": [{"name": "upbeat", "label": "", "description": "", "mean": 0, "std": 1}] * 2},
            "name a reward_model just for learned",
        ),
        ({"oracles": [{"preference": [-1, 2], "adapter": "adapters/backbone-1"}]}, "negative"),
        ({"sampling": {"heat": 1}}, "wrong shape"),
    ],
)
def test_manifests_that_cannot_be_used_name_file_and_fault(copied, fields, message):
    edit(copied, **fields)
    with pytest.raises(sets.SetError, match=message) as error:
        sets.read(copied)
    assert "manifest.json" in str(error.value)


def test_what_keeps_a_set_from_being_shipped(copied):
    (copied / "front.json").unlink()
    (copied / "extra.bin").write_bytes(b"")
    (copied / "large.safetensors").write_bytes(b"\0" * 10_000_001)
    found = "\n".join(sets.problems(sets.read(copied)))
    assert "front.json is missing" in found and "extra.bin is a pickle" in found and "10,000,001 bytes" in found


def test_broken_json_and_unknown_sets_are_named(copied):
    (copied / "front.json").write_text("{")
    with pytest.raises(sets.SetError, match=r"front\.json is no valid JSON"):
        sets.read(copied)
    with pytest.raises(sets.SetError, match="no set 'nowhere'"):
        sets.read("nowhere")


def test_checking_a_set_that_works_says_what_it_lacks_to_be_shipped(copied):
    (copied / "front.json").unlink()
    done = command("check", str(copied))
    assert done.returncode == 0 and ": ok (backbone-1, " in done.stdout
    assert (
        "before it is shipped:" in done.stdout and "front.json is missing: make it with train.evaluate" in done.stdout
    )


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "backbones", *arguments], capture_output=True, text=True, timeout=120)


def test_the_command_line():
    assert "restaurants" in command("list").stdout
    checked = command("check", "restaurants").stdout
    assert "ok" in checked and "shipped" not in checked and "weights 4." in checked and "total" in checked
    facts = "name[A B], eatType[pub], food[Indian], priceRange[cheap], customer rating[low], area[riverside], near[C D]"
    arguments = ["generate", "restaurants", "--prompt", facts, "--preference", "0.7", "0.3"]
    first, again = (command(*arguments, "--samples", "2", "--seed", "4", "--json") for _ in range(2))
    assert first.stdout == again.stdout
    one, two = json.loads(first.stdout)
    assert "A B" in one["text"] and one["text"] != two["text"] and two["seed"] == 5
    beta = sets.read("restaurants").beta
    expected = bone_soup(np.array([0.7, 0.3]), beta)
    assert list(one["coefficients"].values())[:2] == pytest.approx(expected.tolist(), abs=1e-6)
    assert not any(list(one["coefficients"].values())[2:])
    assert set(json.loads(command("front", "restaurants", "--json").stdout)["methods"]) >= {"bone-soup"}
    wrong = command("generate", "restaurants", "--prompt", "food[Indian]", "--preference", "1", "0")
    assert wrong.returncode != 0 and wrong.stderr.strip().startswith("error: the fact 'name' is missing")
