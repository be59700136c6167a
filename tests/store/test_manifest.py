"""manifest.json: what is read is what was written, and what cannot be read is named."""

import json

import pytest

from backbones.store.manifest import FORMAT, Manifest, SetError
from backbones.store.soup_set import SETS, shipped
from backbones.tasks.task import Sampling

FULL = Manifest(
    name="mine",
    title="Mïne",
    objectives=[{"name": "kind", "reward_model": {"hub": "org/judge", "revision": "0" * 40}, "template": "{prompt}"}],
    beta=0.7,
    base={"hub": "org/base", "revision": "0" * 40},
    backbones=["adapters/a", {"hub": "org/adapters", "revision": "1" * 40, "folder": "b"}],
    specialists=["adapters/c"],
    oracles=[{"preference": [1, 2], "adapter": "adapters/a"}],
    extrapolation=[1.25],
    specialist_extrapolation=[0.8],
    sampling=Sampling(0.5, 0.8, 12),
    task="assistant",
    settings={"system": "Be brief."},
)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_manifest_is_written_as_it_was_read(name, tmp_path):
    manifest = Manifest.read(SETS / name)
    manifest.write(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == (SETS / name / "manifest.json").read_bytes()
    assert Manifest.read(tmp_path) == manifest


def test_every_field_comes_back(tmp_path):
    FULL.write(tmp_path)
    assert Manifest.read(tmp_path) == FULL
    written = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert written["format"] == FORMAT and written["system"] == "Be brief." and "settings" not in written
    assert "Mïne" in (tmp_path / "manifest.json").read_text(encoding="utf-8")


def test_a_set_of_before_there_were_tasks_is_of_restaurants(tmp_path):
    FULL.write(tmp_path)
    written = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    del written["task"]
    (tmp_path / "manifest.json").write_text(json.dumps(written | {"system": ""}))
    manifest = Manifest.read(tmp_path)
    assert (manifest.task, manifest.settings) == ("restaurants", {})


def test_strengths_and_a_start_that_a_set_does_not_have_are_not_written(tmp_path):
    plain = Manifest("mine", "Mine", [], 0.7)
    plain.write(tmp_path)
    written = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert Manifest.read(tmp_path) == plain and written["task"] == "restaurants"
    assert not {"start", "extrapolation", "specialist_extrapolation"} & written.keys()


@pytest.mark.parametrize("name", ["name", "format", "beta"])
def test_a_setting_must_not_be_called_as_a_field_is(tmp_path, name):
    with pytest.raises(ValueError, match=f"'{name}' is a field of every manifest .* leave it out"):
        Manifest("mine", "Mine", [], 0.7, settings={name: "x"}).write(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ("{", r"is no valid JSON \(.*\): correct it"),
        (b"\xff\xfe", "is no valid JSON"),
        ("[]", "holds no fields"),
        ("{}", "format is None, this version reads format 2"),
        ('{"format": 1}', "format is 1, this version reads format 2: make the set again"),
        ('{"format": 2}', "the field 'name' is missing: add it"),
    ],
)
def test_files_that_are_no_manifests_are_named(tmp_path, contents, message):
    (tmp_path / "manifest.json").write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    with pytest.raises(SetError, match=message) as error:
        Manifest.read(tmp_path)
    assert str(error.value).startswith(str(tmp_path / "manifest.json"))


@pytest.mark.parametrize("name", ["title", "objectives", "base", "backbones", "oracles", "sampling"])
def test_every_field_without_a_default_of_its_own_must_be_there(tmp_path, name):
    FULL.write(tmp_path)
    written = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    del written[name]
    (tmp_path / "manifest.json").write_text(json.dumps(written))
    with pytest.raises(SetError, match=f"the field '{name}' is missing: add it"):
        Manifest.read(tmp_path)
