"""Every shipped set, and manifests that cannot be used."""

import json
import shutil
import subprocess
import sys

import pytest

from backbones import sets
from backbones.writer import Order, Writer

FACTS = {"name": "Zig Zag", "eatType": "pub", "food": "Indian", "priceRange": "cheap", "near": "Ox Ford"}


@pytest.fixture(scope="module", params=sets.shipped())
def writer(request):
    return Writer.load(request.param, "cpu")


def test_there_is_a_shipped_set():
    assert "restaurants" in sets.shipped()


@pytest.mark.parametrize("name", sets.shipped())
def test_a_shipped_set_is_complete(name):
    soup_set = sets.read(name)
    assert sets.problems(soup_set) == []
    for method in soup_set.front["methods"].values():
        assert len(method["points"]) == 11
        for point in method["points"]:
            assert all(low <= r <= high for low, r, high in zip(point["low"], point["rewards"], point["high"]))


def test_a_shipped_set_writes_in_four_bits_and_repeats_itself(writer):
    assert writer.precision == "NF4"
    orders = [
        Order(FACTS, (mu, 1 - mu), method, seed=i)
        for i, mu in enumerate((0, 0.3, 1))
        for method in ("bone-soup", "rewarded-soup")
    ]
    texts = writer.write(orders)
    assert texts == writer.write(orders)
    assert [writer.write([order])[0].text for order in orders] == [text.text for text in texts]
    for text in texts:
        assert "Zig Zag" in text.text and "<" not in text.text
        assert set(text.rewards) == {objective.name for objective in writer.set.objectives}


def test_preferences_move_length_and_completeness(writer):
    """24 texts of 8 facts at either end: the complete end is longer and more complete, for both methods."""
    facts = FACTS | {"customer rating": "average", "area": "riverside", "familyFriendly": "no"}
    for method in ("bone-soup", "rewarded-soup"):
        ends = []
        for mu in ((0.9, 0.1), (0.1, 0.9)):
            texts = writer.write([Order(facts, mu, method, seed=seed) for seed in range(24)])
            ends.append([sum(text.rewards[name] for text in texts) / 24 for name in ("complete", "concise")])
        (complete_high, concise_low), (complete_low, concise_high) = ends
        assert complete_high > complete_low + 0.1 and concise_high > concise_low + 0.1


def test_orders_out_of_range_are_named_before_writing(writer):
    for change, message in (
        ({"preference": (1.0,)}, "one number for each of complete, concise"),
        ({"preference": (0.0, 0.0)}, "all zero"),
        ({"method": "stew"}, "unknown method 'stew'"),
        ({"facts": {"food": "Indian"}}, "'name' is missing"),
    ):
        with pytest.raises(ValueError, match=message):
            writer.write([Order(**({"facts": FACTS, "preference": (0.5, 0.5)} | change))])


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


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "backbones", *arguments], capture_output=True, text=True, timeout=120)


def test_the_command_line():
    assert "restaurants" in command("list").stdout
    assert "ok" in command("check", "restaurants").stdout
    arguments = ["generate", "restaurants", "--prompt", "name[A B], food[Indian]", "--preference", "0.7", "0.3"]
    first, again = (command(*arguments, "--samples", "2", "--seed", "4", "--json") for _ in range(2))
    assert first.stdout == again.stdout
    one, two = json.loads(first.stdout)
    assert "A B" in one["text"] and one["text"] != two["text"] and two["seed"] == 5
    assert one["coefficients"] == {"backbone-1": 1.0, "backbone-2": 0.0, "specialist-1": 0.0, "specialist-2": 0.0}
    assert set(json.loads(command("front", "restaurants", "--json").stdout)["methods"]) >= {"bone-soup"}
    wrong = command("generate", "restaurants", "--prompt", "food[Indian]", "--preference", "1", "0")
    assert wrong.returncode != 0 and wrong.stderr.strip().startswith("error: the fact 'name' is missing")
