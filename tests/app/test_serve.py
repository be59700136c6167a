"""Start-up: sets that cannot be served, and what a visitor sees when things go wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import gradio as gr
import pytest
import torch

from app import gradio_patches, serve
from app.page import build
from app.settings import Settings
from backbones.engine.request import Request
from backbones.engine.soup import default_dtype
from backbones.merging.preference import Preference
from backbones.store import footprint, soup_set
from backbones.store.soup_set import SETS
from tests.fake import FakeStream, fake_set

ROOT = Path(__file__).parents[2]
EVEN = Preference((0.5, 0.5))


def settings(**environ):
    return Settings.read({f"BONESOUP_{name.upper()}": value for name, value in environ.items()})


def test_a_corrupt_set_is_left_out_and_the_others_are_served(tmp_path, capsys):
    broken = tmp_path / "broken"
    shutil.copytree(SETS / "restaurants", broken)
    weights = next(broken.glob("adapters/backbone-1/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    writers = serve.load(settings(sets=f"nowhere,{broken},restaurants", device="cpu"))
    assert list(writers) == ["restaurants"]
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Bone Soup: the set nowhere is left out: no set 'nowhere'")
    assert said[1].startswith(f"Bone Soup: the set {broken} is left out: ")
    computing = str(default_dtype("cpu")).removeprefix("torch.")
    assert said[2].startswith(f"Bone Soup: restaurants (7 adapters) on cpu, base in NF4, computing in {computing}")
    assert len(said) == 3


def test_a_second_set_of_one_name_is_left_out_and_it_is_said(tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(SETS / "restaurants", other)
    writers = serve.load(settings(sets=f"restaurants,{other}", device="cpu"))
    assert {name: writer.set.path for name, writer in writers.items()} == {"restaurants": SETS / "restaurants"}
    assert (
        f"the set {other} is left out: another set is called 'restaurants' already: rename it in its manifest"
        in capsys.readouterr().out
    )


def test_nothing_that_can_be_served_is_an_error():
    with pytest.raises(ValueError, match="none of the sets nowhere, elsewhere"):
        serve.load(settings(sets="nowhere,elsewhere", device="cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_said_and_the_cpu_is_used(capsys):
    writers = serve.load(settings(sets="restaurants", device="cuda"))
    assert writers["restaurants"].device == "cpu"
    assert "there is no CUDA GPU" in capsys.readouterr().out


def test_the_precision_can_be_chosen():
    writer = serve.load(settings(sets="restaurants", device="cpu", precision="bfloat16"))["restaurants"]
    assert writer.soup.dtype == torch.bfloat16
    (text,) = writer.write([Request({"name": "Elm"}, EVEN, max_new_tokens=8)])
    assert text.tokens > 0
    assert said_of_links({"restaurants": writer}).endswith("the same texts, most of them: rounding depends on the load")


def said_of_links(writers):
    page = serve.page(writers, settings(sets="restaurants"))
    return next(block.label for block in page.blocks.values() if block.elem_id == "link")


def test_nothing_to_serve_ends_the_start_with_one_line():
    environ = os.environ | {"BONESOUP_SETS": "nowhere"}
    run = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert "error: none of the sets nowhere can be served" in run.stderr


def test_gpu_time_asked_for_on_zerogpu_follows_the_request():
    request = Request({"name": "Elm"}, EVEN, max_new_tokens=80)
    assert serve.seconds("restaurants", [request] * 2) < serve.seconds("restaurants", [request] * 56) <= 15


def test_a_set_that_cannot_fit_is_left_out_before_it_is_loaded(monkeypatch, capsys):
    monkeypatch.setattr(footprint, "available", lambda device: 20_000_000)
    monkeypatch.setattr(serve.Writer, "load", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(ValueError, match="none of the sets"):
        serve.load(settings(sets="restaurants", device="cpu", rows="64"))
    said = capsys.readouterr().out
    assert "the set needs" in said and "left: write fewer texts at one time (BONESOUP_ROWS" in said


def test_a_set_that_fits_only_in_4_bits_is_kept_in_them_and_this_is_said(monkeypatch, capsys):
    found = soup_set.read("restaurants")
    dense, packed = (footprint.of_set(found, 64, "cpu", 4, dense)["total"] for dense in (True, False))
    weights = {}
    for free in (dense, dense - 1, packed):
        monkeypatch.setattr(footprint, "available", lambda device, free=free: free)
        writers = serve.load(settings(sets="restaurants", device="cpu", rows="64"))
        weights[free] = {group.weight is not None for group in writers["restaurants"].soup.groups}
        said = capsys.readouterr().out
        assert ("(7 adapters, kept in 4 bits for lack of memory) on cpu" in said) == (free < dense)
        assert f"at most {footprint.readable(dense if free == dense else packed)} with" in said
        assert said_of_links(writers).endswith("the same texts appear")
    assert weights == {dense: {True}, dense - 1: {False}, packed: {False}}
    monkeypatch.setattr(footprint, "available", lambda device: packed - 1)
    with pytest.raises(ValueError, match="none of the sets"):
        serve.load(settings(sets="restaurants", device="cpu", rows="64"))


def test_calls_of_programs_do_not_push_out_what_visitors_have_written():
    page = build([fake_set()], FakeStream())
    page.state_session_capacity = 40
    visitors = gradio_patches.Visitors()
    visitors.set_blocks(page)
    history = next(key for key, block in page.blocks.items() if isinstance(block, gr.State))
    visitors["visitor"][history] = ["a text"]
    for i in range(100):
        assert visitors[f"program {i}"].blocks_config.fns
    assert visitors["visitor"][history] == ["a text"]
    assert (
        len(visitors.session_data) <= gradio_patches.NEWEST + 1
        and len(visitors.time_last_used) <= gradio_patches.NEWEST + 1
    )


def test_the_page_is_launched_with_it():
    page = build([fake_set()], FakeStream())
    app, _, _ = serve.launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    assert isinstance(app.state_holder, gradio_patches.Visitors) and page.state_holder is app.state_holder
    assert app.state_holder.capacity == serve.LAUNCH["state_session_capacity"]
    page.close()


def test_gradio_is_the_one_that_the_patches_were_written_for():
    assert f"gradio {gr.__version__}" in gradio_patches.__doc__
