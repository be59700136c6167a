"""The page whose texts servers write: what is served, offered and said; on a stand-in for a server."""

import shutil
from dataclasses import replace

import gradio as gr
import pytest

from app import remote
from app.api import Programs
from app.handlers import Handlers
from app.history import as_csv, entries
from app.page import lay_out
from app.settings import Settings
from app.views import texts as rendered
from app.views import waiting
from backbones.remote.dispatcher import Dispatcher
from backbones.store.soup_set import SETS
from tests.fake import RESTAURANTS, chosen, fake_set, text
from tests.remote.stand_in import StandIn


@pytest.fixture(scope="module")
def server():
    one = StandIn(models=["restaurants", "elsewhere"])
    yield one
    one.kill()


def settings(*urls, sets="restaurants", folder="/tmp"):
    environ = {"ENGINE": ",".join(urls), "SETS": sets, "ENGINE_FOLDER": str(folder)}
    return Settings.read({f"BONESOUP_{name}": value for name, value in environ.items()})


def test_sets_that_no_server_serves_are_left_out_and_it_is_said(server, tmp_path, capsys):
    asked = settings(server.url, "http://127.0.0.1:9", sets="restaurants-3,nowhere,restaurants", folder=tmp_path)
    assert list(remote.load(asked)) == ["restaurants"]
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [
        f"Bone Soup: {server.url} serves elsewhere, restaurants",
        "Bone Soup: http://127.0.0.1:9 does not answer",
    ]
    assert said[2].endswith("no server serves it: start `vllm serve` with --served-model-name restaurants-3")
    assert said[3].startswith("Bone Soup: the set nowhere is left out: no set 'nowhere'")
    assert said[4] == f"Bone Soup: restaurants written by servers, adapters in {tmp_path}"


def test_a_second_set_of_one_name_is_left_out_and_it_is_said(server, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(SETS / "restaurants", other)
    merges = remote.load(settings(server.url, sets=f"restaurants,{other}", folder=tmp_path))
    assert {name: one.set.path for name, one in merges.items()} == {"restaurants": SETS / "restaurants"}
    assert f"the set {other} is left out: another set is called 'restaurants' already" in capsys.readouterr().out


def test_without_a_set_there_is_one_error_that_names_the_servers():
    with pytest.raises(ValueError, match=r"none of the sets restaurants can be served by http://127\.0\.0\.1:9"):
        remote.load(settings("http://127.0.0.1:9"))


def test_the_page_says_what_servers_do_and_offers_no_mod(server, tmp_path):
    asked = settings(server.url, folder=tmp_path)
    merges = remote.load(asked)
    page = remote.page(merges, asked)
    held = {block.elem_id: block for block in page.blocks.values() if getattr(block, "elem_id", None)}
    assert "multiples of 2.5 %" in held["remark"].value and "MOD" in held["remark"].value
    methods = [method for _, method in held["method-left"].choices]
    assert "mod" not in methods and "bone-soup" in methods
    assert "most of them" in held["link"].label
    with gr.Blocks() as other:
        lay_out([fake_set()])
    assert not any(getattr(block, "elem_id", None) == "remark" for block in other.blocks.values())


def test_programs_get_texts_of_servers_with_what_is_to_be_known_of_them(server, tmp_path):
    merges = remote.load(settings(server.url, folder=tmp_path))
    stream = Dispatcher(merges, [server.url], 4).stream
    programs = Programs(Handlers([one.set for one in merges.values()], stream))
    (one,) = programs.generate({"name": "The Mill"}, [73.1, 26.9])
    assert one["text"] and one["note"].startswith("Written at 72.5 % / 27.5 %")
    assert set(one["rewards"]) == {"complete", "concise"}
    (other,) = programs.generate({"name": "The Mill"}, [70, 30])
    assert "note" not in other
    assert len(programs.sweep({"name": "The Mill"})) == 22
    with pytest.raises(ValueError, match="no method 'mod'"):
        programs.generate({"name": "The Mill"}, [70, 30], "mod")


def test_the_page_writes_and_sweeps_through_servers(server, tmp_path):
    merges = remote.load(settings(server.url, folder=tmp_path))
    handlers = Handlers([one.set for one in merges.values()], Dispatcher(merges, [server.url], 4).stream)
    given = {"name": "The Mill", "food": "English"}
    *_, last = handlers.write(chosen("restaurants", given=given, preference=(73.1, 26.9)), [])
    assert [entry.text.note[:10] for entry in last["texts"]] == ["Written at"] * 2
    *_, last = handlers.sweep(chosen("restaurants", given=given), None)
    assert [len(column) for column in last["swept"].columns] == [11, 11]


def test_a_text_that_waits_for_a_server_and_for_nobody_before_it_says_so():
    assert "Nothing is before yours. It starts by itself." in waiting("bone-soup", 0)


def test_notes_stand_above_the_texts_once_and_in_files():
    request = chosen().checked({"fake-2": fake_set()}).requests()[0]
    one = replace(text(request, "A pub ."), note="Written <at> 70 %.")
    html = rendered(RESTAURANTS, "bone-soup", [one, one], fake_set().objectives, "Before.")
    assert html.count("Before. Written &lt;at&gt; 70 %.") == 1 and html.count("Written") == 1
    table = as_csv(entries("fake-2", [one, replace(one, note="")], "write"), {"fake-2": fake_set()})
    assert "note" in table.splitlines()[0] and table.count("Written <at>") == 1
