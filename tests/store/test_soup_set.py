"""Sets as they are read: adapters by name, what they merge to, and sets that cannot be used."""

import json
import shutil

import pytest

from backbones.merging.methods import METHODS
from backbones.merging.preference import Preference
from backbones.store import soup_set as sets
from backbones.store.manifest import Manifest, SetError


@pytest.fixture
def copied(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(sets.SETS / "restaurants", folder)
    return folder


def edit(folder, **fields):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.update(fields)
    (folder / "manifest.json").write_text(json.dumps({k: v for k, v in manifest.items() if v is not None}))


def test_adapters_are_called_by_what_they_were_tuned_for_whatever_their_folders_are_called(copied):
    for number, name in enumerate(("backbone-1", "specialist-2", "oracle-2")):
        (copied / "adapters" / name).rename(copied / "adapters" / f"run-{number}")
    text = (copied / "manifest.json").read_text()
    for number, name in enumerate(("backbone-1", "specialist-2", "oracle-2")):
        text = text.replace(f"adapters/{name}", f"adapters/run-{number}")
    (copied / "manifest.json").write_text(text)
    (copied / "front.json").unlink()
    moved, shipped = sets.read(copied), sets.read("restaurants")
    assert list(moved.adapters) == list(shipped.adapters)
    assert [folder.name for folder in moved.adapters.values()] == [
        "run-0",
        "backbone-2",
        "specialist-1",
        "run-1",
        "oracle-1",
        "run-2",
        "oracle-3",
    ]
    assert (moved.backbones, moved.specialists, moved.oracles) == (
        shipped.backbones,
        shipped.specialists,
        shipped.oracles,
    )


def test_oracles_at_corners_and_rows_of_b_are_adapters_that_are_there_already():
    oracles = {oracle.preference: oracle.adapter for oracle in sets.read("restaurants").oracles}
    assert oracles[1.0, 0.0] == "specialist-1" and oracles[0.2, 0.8] == "backbone-2" and oracles[0.5, 0.5] == "oracle-2"
    assert all(type(mu) is Preference for mu in oracles)


def test_preferences_are_checked_against_the_objectives_of_the_set():
    soup_set = sets.read("restaurants-3")
    assert soup_set.preference([2, 1, 1]) == (0.5, 0.25, 0.25)
    with pytest.raises(ValueError, match=r"\[1, 1\] needs one number for each of complete, concise, upbeat"):
        soup_set.preference((1, 1))
    with pytest.raises(ValueError, match="negative"):
        soup_set.preference((1, 1, -1))
    with pytest.raises(ValueError, match="needs one number for each of complete, concise, upbeat"):
        soup_set.merge("bone-soup", Preference.equal(2))
    with pytest.raises(ValueError, match="unknown method 'stew': the set restaurants-3 has bone-soup, "):
        soup_set.merge("stew", Preference.equal(3))


@pytest.mark.parametrize("name", sets.shipped())
def test_what_a_set_merges_is_among_its_adapters(name):
    soup_set = sets.read(name)
    for method in METHODS:
        merge = soup_set.merge(method, soup_set.preference([1] * len(soup_set.objectives)))
        assert set(merge.coefficients) <= set(soup_set.adapters)
        plain = METHODS[method].merge(Preference.equal(len(soup_set.objectives)), soup_set)
        assert merge == plain.begun_at(soup_set.start)


def test_a_pilot_has_backbones_alone(copied):
    edit(copied, specialists=[], oracles=[])
    (copied / "front.json").unlink()
    soup_set = sets.read(copied)
    assert soup_set.methods == ("bone-soup", "bone-soup-extrapolated", "no-mapping", "base")
    assert list(soup_set.adapters) == ["backbone-1", "backbone-2"]
    assert soup_set.front is None and soup_set.points("bone-soup") == ()
    with pytest.raises(ValueError, match="unknown method 'mod': the set restaurants has bone-soup"):
        soup_set.merge("mod", Preference.equal(2))
    found = "\n".join(sets.problems(soup_set))
    assert "0 specialists for 2 objectives" in found and "no oracles" in found and "front.json is missing" in found


@pytest.mark.parametrize(
    ("given", "strengths"),
    [(0.25, (1.25, 1.25)), (0.0, (1.0, 1.0)), (None, (1.0, 1.0)), ([], (1.0, 1.0)), ([2, 0.9], (2.0, 0.9))],
)
def test_a_strength_for_every_corner_or_of_files_from_before_one_for_all(copied, given, strengths):
    edit(copied, extrapolation=given, specialist_extrapolation=[1, 1.5])
    soup_set = sets.read(copied)
    assert (soup_set.extrapolation, soup_set.specialist_extrapolation) == (strengths, (1.0, 1.5))
    corner = soup_set.merge("bone-soup", Preference((0.0, 1.0))).coefficients
    stretched = {name: strengths[1] * value for name, value in corner.items()}
    assert soup_set.merge("bone-soup-extrapolated", Preference((0.0, 1.0))).coefficients == pytest.approx(stretched)


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
        (
            {"objectives": [{"name": "concise", "label": "", "description": "", "mean": 0, "std": 0}] * 2},
            "std of 'concise' is 0: measure it",
        ),
        ({"oracles": [{"preference": [-1, 2], "adapter": "adapters/backbone-1"}]}, "oracle backbone-1: .*negative"),
        ({"oracles": [{"preference": [1, 2, 3], "adapter": "adapters/oracle-2"}]}, "oracle oracle-1: .*one per"),
        ({"oracles": [{"preference": [1, 2]}]}, "field 'adapter' is missing: add it"),
        ({"oracles": ["adapters/oracle-1"]}, "wrong shape"),
        ({"base": {"hub": "org/base"}}, "field 'revision' is missing: add it"),
        ({"sampling": {"heat": 1}}, "wrong shape"),
        (
            {"backbones": ["adapters/backbone-1"]},
            "1 backbones for 2 objectives: give one for each, or none",
        ),
        (
            {"specialists": [f"adapters/{name}" for name in ("specialist-1", "specialist-2", "oracle-1")]},
            "3 specialists for 2 objectives: give one for each, or none",
        ),
        ({"sampling": {"temperature": "hot"}}, "sampling: temperature is 'hot': use a number from 0 to 2"),
        ({"sampling": {"max_new_tokens": 0}}, "sampling: max_new_tokens is 0: use a whole number from 1"),
        ({"extrapolation": [1.25]}, r"extrapolation is \[1.25\]: give 2 numbers above 0, one for the corner of each"),
        ({"extrapolation": [1.25, 0]}, r"extrapolation is \[1.25, 0\]: give 2 numbers above 0"),
        ({"extrapolation": [1, float("inf")]}, r"extrapolation is \[1, inf\]: give 2"),
        ({"extrapolation": -1.5}, "extrapolation is -1.5: give 2 numbers above 0"),
        ({"specialist_extrapolation": ["strong", 1]}, r"specialist_extrapolation is \['strong', 1\]: give 2"),
        ({"system": "Be brief."}, "the task restaurants has no setting 'system': leave it out"),
    ],
)
def test_manifests_that_cannot_be_used_name_file_and_fault(copied, fields, message):
    edit(copied, **fields)
    with pytest.raises(SetError, match=message) as error:
        sets.read(copied)
    assert "manifest.json" in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "poetry"}, "use restaurants or reframe or assistant"),
        ({"template": "{prompt}"}, "must hold {prompt} and {text}"),
        ({"template": "{prompt}{text}{x}"}, "must hold {prompt} and {text}"),
        ({"reward_model": None}, "no reward_model"),
        ({"template": ""}, "has no reward"),
    ],
)
def test_manifests_of_assistants_are_checked(chat, tmp_path, change, message):
    manifest = json.loads((chat / "manifest.json").read_text())
    (manifest if "task" in change else manifest["objectives"][0]).update(change)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SetError, match=message):
        sets.made(chat, Manifest.read(tmp_path))


def test_a_front_of_other_objectives_is_named(copied):
    front = json.loads((copied / "front.json").read_text())
    (copied / "front.json").write_text(json.dumps(front | {"objectives": ["concise", "complete"]}))
    with pytest.raises(
        SetError, match=r"front\.json: its objectives are \['concise', 'complete'\], the manifest's are"
    ):
        sets.read(copied)


def test_what_keeps_a_set_from_being_shipped(copied):
    (copied / "front.json").unlink()
    (copied / "extra.bin").write_bytes(b"")
    (copied / "large.safetensors").write_bytes(b"\0" * 10_000_001)
    (copied / "README.md").unlink()
    (copied / "adapters" / "oracle-1" / "hyperparameters.json").unlink()
    found = "\n".join(sets.problems(sets.read(copied)))
    assert "front.json is missing" in found and "extra.bin is a pickle" in found and "10,000,001 bytes" in found
    assert "README.md is missing: write it" in found and "oracle-1/hyperparameters.json is missing" in found


def test_broken_json_and_unknown_sets_are_named(copied):
    (copied / "front.json").write_text("{")
    with pytest.raises(SetError, match=r"front\.json is no valid JSON") as error:
        sets.read(copied)
    assert str(error.value).startswith(str(copied / "front.json"))
    with pytest.raises(SetError, match=r"no set 'nowhere': name a folder with a manifest\.json, .* or silver-lining, "):
        sets.read("nowhere")
