"""Where the base of a set lies: in it, in the set beside it, on the Hub, or made of a GGUF file."""

import json
import shutil

import pytest

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.store import soup_set as sets
from backbones.store.folders import base_from_adapters, base_on_hub
from backbones.store.manifest import FILE, Manifest, SetError

GGUF = {"gguf": "x.gguf", "hub": "org/x-GGUF", "revision": "0" * 40, "sha256": "1" * 64}


@pytest.fixture
def two(tmp_path):
    """A folder with copies of both sets of restaurants."""
    for name in ("restaurants", "restaurants-3"):
        shutil.copytree(sets.SETS / name, tmp_path / name)
    return tmp_path


def edit(folder, base):
    manifest = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps(manifest | {"base": base}))


def test_the_shipped_sets_of_restaurants_share_one_base():
    one, other = sets.read("restaurants"), sets.read("restaurants-3")
    assert one.base.samefile(other.base) and not (other.path / "base").exists()
    assert "hyperparameters.json" not in "\n".join(sets.problems(other))


def test_copies_beside_each_other_share_theirs(two):
    assert sets.read(two / "restaurants-3").base == two / "restaurants" / "base"
    shutil.rmtree(two / "restaurants" / "base")
    with pytest.raises(SetError, match=r"the folder .*restaurants/base is missing: restore it"):
        sets.read(two / "restaurants-3")


def test_a_set_that_was_copied_alone_says_what_is_missing(two, monkeypatch):
    shutil.rmtree(two / "restaurants")
    monkeypatch.chdir(two / "restaurants-3")
    for path in (two / "restaurants-3", "."):
        with pytest.raises(SetError) as error:
            sets.read(path)
        assert str(error.value).endswith(
            f"its base is that of the set 'restaurants', which is not beside it: copy that set to {two}, or give this "
            "one a base of its own"
        )
    shutil.copytree(sets.SETS / "restaurants" / "base", two / "restaurants-3" / "base")
    edit(two / "restaurants-3", "base")
    writer = Writer.load(two / "restaurants-3", "cpu")
    (text,) = writer.write([Request({"name": "Elm"}, (1, 0, 0), max_new_tokens=8)])
    assert text.raw == Writer.load("restaurants-3", "cpu").write([text.request])[0].raw


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("../restaurants", "which is not beside it"),
        ("restaurants/base", "which is not beside it"),
        ("", "which is not beside it"),
        (".", "which is not beside it"),
        ("..", "which is not beside it"),
        ("nothing", "'nothing', which is not beside it"),
        ("third", "'third', so it names itself: name another"),
        ("restaurants-3", "'restaurants-3' has the base of another set itself: name 'restaurants' here"),
        (3, "the set 3: give the name of a folder beside it"),
    ],
)
def test_only_a_set_beside_it_with_a_base_of_its_own_is_taken(two, named, message):
    shutil.copytree(two / "restaurants-3", two / "third")
    shutil.copy(two / "third" / FILE, two)  # so that ".." is a folder with a manifest too
    edit(two / "third", {"set": named})
    with pytest.raises(SetError, match=message):
        sets.read(two / "third")


def test_two_sets_share_what_is_fetched(two):
    edit(two / "restaurants", GGUF)
    one, other = sets.read(two / "restaurants"), sets.read(two / "restaurants-3")
    assert one.gguf == other.gguf and one.base_folder == other.base_folder
    assert other.to_fetch.endswith(f"fetch {two / 'restaurants-3'}`")
    edit(two / "restaurants", GGUF | {"revision": "main"})
    with pytest.raises(SetError, match=r"/restaurants/manifest.json: the base's revision is no commit"):
        sets.read(two / "restaurants-3")


@pytest.mark.parametrize(
    ("base", "named"),
    [
        ("base", "../../base"),
        ("models/base", "../../models/base"),
        ({"set": "restaurants"}, "../../../restaurants/base"),
        ({"hub": "org/base", "revision": "0" * 40}, "org/base"),
        (GGUF, "org/x-GGUF"),
    ],
)
def test_adapters_name_the_base_by_a_way_that_holds_everywhere(two, monkeypatch, base, named):
    monkeypatch.chdir(two)
    for path in (two / "mine", two.relative_to(two) / "mine"):
        assert base_from_adapters(path, base) == named


def test_where_on_the_hub_a_base_lies_is_known(two):
    on_hub = {"hub": "org/base", "revision": "0" * 40}
    for base, expected in (("base", None), (GGUF, None), (on_hub, on_hub)):
        edit(two / "restaurants", base)
        assert base_on_hub(two / "restaurants-3", {"set": "restaurants"}) == expected


@pytest.mark.parametrize("name", sets.shipped())
def test_adapters_of_a_shipped_set_name_its_base(name):
    path = sets.SETS / name
    expected = base_from_adapters(path, Manifest.read(path).base)
    for folder in sets.read(name).adapters.values():
        assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == expected


def test_the_set_that_the_page_opens_with_is_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "SETS", tmp_path)
    for name in ("restaurants", sets.FIRST, "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).write_text("{}")
    assert sets.shipped() == [sets.FIRST, "a", "restaurants"]
