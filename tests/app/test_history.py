"""What a visitor has written: kept, averaged, taken away as files."""

import csv
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from app import history
from app.handlers import Handlers
from backbones.engine.request import Request
from backbones.merging.preference import Preference
from backbones.store import soup_set
from backbones.tasks.assistant import Assistant
from tests.fake import GIVEN, FakeStream, chosen, fake_set, text

SETS = {"fake-2": fake_set()}


def entry(given=GIVEN, raw="<name> is a pub.", set_name="fake-2", task=None, **settings):
    request = Request(given, Preference((0.7, 0.3)), **settings)
    return history.Entry(set_name, text(request, raw, *([task] if task else [])), "write")


def rows(entries, sets=SETS):
    return list(csv.DictReader(io.StringIO(history.as_csv(entries, sets), newline="")))


def test_texts_are_taken_away_with_all_it_takes_to_write_them_again():
    shared = Handlers([fake_set(2), fake_set(3)], FakeStream())
    given = GIVEN | {"name": "=SUM(A1)"}
    *_, last = shared.write(chosen(given=given), [])
    *_, swept = shared.sweep(chosen(), None)
    with open(shared.take("json", last["texts"], swept["swept"])["file"]) as file:
        entries = json.load(file)
    assert len(entries) == 2 + 22 and entries[0]["given"]["name"] == "=SUM(A1)" and entries[0]["seed"] == 5
    assert list(entries[0]) == [
        *("set", "method", "preference", "given", "seed", "temperature", "top_p"),
        *("text", "pointer", "rewards", "source", "id"),
    ]
    with open(shared.take("csv", last["texts"], None)["file"], encoding="utf-8-sig") as file:
        assert file.buffer.peek(3).startswith(b"\xef\xbb\xbf")
        found = list(csv.DictReader(io.StringIO(file.read())))
    assert [row["method"] for row in found] == ["bone-soup", "rewarded-soup"]
    assert found[0]["preference"] == "70 % / 30 %" and float(found[0]["reward complete"]) == 0.5
    assert found[0]["given"].startswith("name[=SUM(A1)], eatType[pub]")
    assert found[0]["text"].startswith("'=SUM")  # no formula in a spreadsheet
    with pytest.raises(ValueError, match="press Write first"):
        shared.take("csv", [], None)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "＝", "\tx", "\rx"])
def test_no_cell_that_a_visitor_or_a_set_fills_is_a_formula(start):
    said, task = f"{start}1+1", Assistant()
    sets = {said: replace(fake_set(), name=said, task=task)}
    one = entry({"prompt": said}, said, said, task)
    one = replace(one, text=replace(one.text, text=said))
    (row,) = rows([one], sets)
    for column in ("set", "given", "text"):
        assert row[column] == f"'{said}", column
    assert json.loads(history.as_json([one]))[0]["given"] == {"prompt": said}  # data is left as it is


def test_cells_that_are_no_formulas_are_left_as_they_are():
    (row,) = rows([entry(raw="<name> is 1 - 1 = 0.")])
    assert row["text"] == "Zoë's is 1 - 1 = 0." and row["preference"] == "70 % / 30 %"


def test_the_merged_adapter_is_taken_away_and_old_files_go():
    shipped = Handlers([replace(soup_set.read("restaurants"), name="fake-2")], FakeStream())
    path = shipped.adapter(0, chosen())["file"]
    assert path.endswith("fake-2-bone-soup-70-30.zip")
    with zipfile.ZipFile(path) as file:
        assert any(name.endswith("adapter_model.safetensors") for name in file.namelist())
    for _ in range(30):
        shipped.take("csv", [entry()], None)
    assert len(list(shipped.files.glob("*/*"))) == 20
    with pytest.raises(ValueError, match="mod"):
        shipped.adapter(1, chosen(methods=("bone-soup", "mod")))


def test_a_history_does_not_grow_without_bound():
    texts = []
    for seed in range(history.MAX_TEXTS + 5):
        texts = history.add(texts, [entry(seed=seed)])
    assert len(texts) == history.MAX_TEXTS and texts[-1].id == history.MAX_TEXTS + 5


def test_means_have_standard_errors():
    one = entry()
    entries = [
        replace(one, text=replace(one.text, rewards={"complete": value, "concise": 1.0})) for value in (0.2, 0.4, 0.9)
    ]
    (mean,) = history.means(entries, ["complete", "concise"])
    assert mean.rewards == pytest.approx([0.5, 1.0]) and mean.preference == (0.7, 0.3)
    assert mean.error == pytest.approx([np.std([0.2, 0.4, 0.9], ddof=1) / np.sqrt(3), 0])
    assert len(history.means([one, entry(GIVEN | {"name": "Elm"}), entry(method="mod")], ["complete"])) == 3
