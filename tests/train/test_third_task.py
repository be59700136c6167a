"""A third task is one file, `tests.toy`, and one line: it trains, is measured, writes and shows on the page."""

import json

import pytest
from gradio_client import Client

from app.page import build
from app.serve import launch
from backbones.engine.request import Request
from backbones.engine.scheduler import Scheduler
from backbones.engine.writer import Writer
from backbones.store import soup_set as sets
from backbones.tasks import TASKS
from tests.toy import COLOURS, MEASURED, Colours
from tests.train.stages import run, run_quickly
from train import card, evaluate, new_set, tune


@pytest.fixture(scope="module")
def made(base, tmp_path_factory):
    """The folder of a set: new_set, tune, evaluate and card have worked on it."""
    folder = tmp_path_factory.mktemp("colours")
    data, work, out = folder / "data", folder / "work", folder / "set"
    (data / "colours").mkdir(parents=True)
    for split, colours in (("train", COLOURS), ("dev", MEASURED)):
        rows = [json.dumps({"colour": colour, "text": f"{colour} is {like}."}) for colour, like in colours.items()]
        (data / "colours" / f"{split}.jsonl").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "colours", Colours)  # the one line
        run(new_set.main, base, out, "--task", "colours", "--data-dir", data, "--max-new-tokens", 12)
        run_quickly(tune.main, out, "--data-dir", data, "--work", work, "--steps", 2)
        front = ("--out", out / "front.json", "--log", work / "texts")
        run(evaluate.main, out, "--data-dir", data, *front, "--count", 3, "--samples", 1)
        run(card.main, out)
        yield out


def test_it_trains_and_is_measured(made):
    soup_set = sets.read(made)
    assert isinstance(soup_set.task, Colours) and soup_set.title == "Colours: names it and short"
    assert set(soup_set.front.methods) == set(soup_set.methods)
    assert all(point.example.given in MEASURED for point in soup_set.points("bone-soup"))
    assert all(set(point.judged) == {"vader", "openings"} for point in soup_set.points("bone-soup"))
    card = (made / "README.md").read_text()
    assert "one sentence on a colour" in card and "1 for no characters, falling to 0 at 200" in card


def test_it_serves_and_shows_on_the_page(made):
    writer = Writer.load(made, "cpu")
    (text,) = writer.write([Request({"colour": "red"}, writer.set.preference((1, 3)), seed=3, max_new_tokens=12)])
    assert text.text and set(text.rewards) == {"names", "short"}
    page = build([writer.set], Scheduler({writer.set.name: writer}).stream)
    labels = {block.label for block in page.blocks.values() if getattr(block, "label", None)}
    assert "Colour" in labels and "Food" not in labels
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    try:
        (answer,) = Client(url, verbose=False).predict(
            {"colour": "red"}, [1, 3], "bone-soup", "", 1, 3, api_name="/generate"
        )
    finally:
        page.close()
    assert set(answer["rewards"]) == {"names", "short"} and answer["text"]
