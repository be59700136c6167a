"""The data of tasks from files, and the parts of it that are measured on and chosen on."""

import json

import pytest

from backbones.tasks.reframe.task import Reframe
from backbones.tasks.restaurants.task import Restaurants
from tests.toy import Colours
from train import data

ROWS = [{"colour": "red", "text": "red is like a rose."}, {"colour": "blue", "text": "blue is like the sea."}]


def test_files_are_read_by_their_suffix(tmp_path):
    tables = {
        "a.csv": "colour,text\nred,red is like a rose.\nblue,blue is like the sea.\nred,red is like a rose.\n",
        "a.tsv": "colour\ttext\nred\tred is like a rose.\nblue\tblue is like the sea.\nred\tred is like a rose.\n",
        "a.jsonl": "\n".join(json.dumps(row) for row in [*ROWS, ROWS[0]]),
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
        pairs = data.pairs(Colours(), "train", file=tmp_path / name)
        assert [pair.reference for pair in pairs] == [row["text"] for row in (*ROWS, ROWS[0])]
        assert data.given(Colours(), "train", file=tmp_path / name) == [{"colour": "red"}, {"colour": "blue"}]
    (tmp_path / "a.txt").write_text("red")
    with pytest.raises(ValueError, match=r"a.txt cannot be read: use a file that ends in .csv, .tsv, .jsonl"):
        data.given(Colours(), "train", file=tmp_path / "a.txt")


def test_a_data_folder_holds_the_files_that_the_task_names(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"colours/dev.jsonl is missing: --data-dir must hold colours/dev.jsonl"
    ):
        data.given(Colours(), "dev", tmp_path)
    with pytest.raises(ValueError, match=r"nowhere to be fetched: give --data-dir, .* that holds colours/dev.jsonl"):
        data.given(Colours(), "dev")
    with pytest.raises(FileNotFoundError, match=r"mine.csv is missing"):
        data.given(Colours(), "dev", file=tmp_path / "mine.csv")
    (tmp_path / "colours").mkdir()
    (tmp_path / "colours" / "dev.jsonl").write_text(json.dumps({"colour": "red", "shade": "dark"}))
    with pytest.raises(ValueError, match=r"dev.jsonl has no column 'text': it has colour, shade"):
        data.given(Colours(), "dev", tmp_path)


def test_data_of_the_hub_gets_the_names_of_files(monkeypatch):
    rows = [{"meaning_representation": "name[Ox], food[French]", "human_reference": "Ox is French"}]
    asked = []

    def load(*where, **options):
        asked.append((where, options))
        return data.datasets.Dataset.from_list(rows)

    monkeypatch.setattr(data.datasets, "load_dataset", load)
    (pair,) = data.pairs(Restaurants(), "dev")
    assert pair.given == {"name": "Ox", "food": "French"} and pair.reference == "<name> is French."
    where, options = asked[0]
    assert where == ("tuetschek/e2e_nlg", None) and options["split"] == "validation"


def test_what_gets_a_pointer_is_not_learned_from(tmp_path, monkeypatch):
    (tmp_path / "colours").mkdir()
    for split, rows in (("train", ROWS), ("dev", ROWS[1:])):
        (tmp_path / "colours" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setattr(Colours, "pointer", lambda self, given: "Ask." if given["colour"] == "blue" else None)
    (pair,) = data.with_reference(Colours(), "train", tmp_path)
    assert pair.reference == ROWS[0]["text"] and data.with_reference(Colours(), "dev", tmp_path) == []
    assert data.to_learn(Colours(), tmp_path) == [pair]


def test_what_fronts_are_measured_on_is_not_trained_on(tmp_path, capsys):
    (tmp_path / "colours").mkdir()
    for split, rows in (("train", [*ROWS, ROWS[1]]), ("dev", ROWS[1:])):
        (tmp_path / "colours" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said = "2 of 3 pairs to train on are left out: their prompts are in dev too\n"
    assert data.to_ask(Colours(), tmp_path) == [{"colour": "red"}] and capsys.readouterr().out == said
    assert [pair.reference for pair in data.to_learn(Colours(), tmp_path)] == [ROWS[0]["text"]]
    assert capsys.readouterr().out == said
    keyed, whole = tmp_path / "keyed.tsv", tmp_path / "whole.tsv"
    keyed.write_text(f"given\ttext\n{data.key(Colours(), {'colour': 'blue'})}\tblue is deep.\n")
    whole.write_text("colour\ttext\nblue\tblue is cold.\nred\tred is hot.\n")
    (pair,) = data.other_texts(Colours(), [keyed, whole], tmp_path)
    assert pair.reference == "red is hot." and capsys.readouterr().out == said
    assert data.to_ask(Colours(), tmp_path, whole) == [{"colour": "red"}]
    with pytest.raises(ValueError, match="all prompts to train on of the task colours are in dev too: give others"):
        data.other_texts(Colours(), [keyed], tmp_path)


def test_where_there_is_no_dev_all_prompts_are_trained_on(tmp_path, monkeypatch):
    (tmp_path / "colours").mkdir()
    (tmp_path / "colours" / "train.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    whole = tmp_path / "whole.tsv"
    whole.write_text("colour\ttext\nblue\tblue is cold.\n")
    for sources in (Colours.sources, {"train": Colours.sources["train"]}):
        monkeypatch.setattr(Colours, "sources", sources)
        assert data.to_ask(Colours(), tmp_path) == [{"colour": "red"}, {"colour": "blue"}]
        assert len(data.other_texts(Colours(), [whole])) == 1  # nor can it be fetched


def test_pilot_and_reported_fronts_share_no_prompts():
    prompts = [{"name": f"Place {i}"} for i in range(300)]
    for count in (5, 200):
        held_out = data.held_out(prompts, count)
        assert len(held_out) == count and not any(p in held_out for p in data.pilot(prompts, 100))
    with pytest.raises(ValueError, match="all 150 prompts"):
        data.pilot(prompts[:150], 100)


def test_a_digest_tells_prompts_apart():
    one, other = [{"name": "Ox"}, {"name": "Elm"}], [{"name": "Elm"}, {"name": "Ox"}]
    assert len(data.digest(Restaurants(), one)) == 64
    assert data.digest(Restaurants(), one) != data.digest(Restaurants(), other)


def test_texts_are_published_without_what_they_belong_to(tmp_path):
    (tmp_path / "colours").mkdir()
    (tmp_path / "colours" / "train.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    file, (red, blue) = tmp_path / "texts.tsv", (data.key(Colours(), {"colour": name}) for name in ("red", "blue"))
    file.write_text(f"given\ttext\n{blue}\tblue is deep.\n{red}\tred is hot.\n")
    pairs = data.other_texts(Colours(), [file], tmp_path)
    assert [(pair.given["colour"], pair.reference) for pair in pairs] == [
        ("blue", "blue is deep."),
        ("red", "red is hot."),
    ]
    file.write_text(f"given\ttext\n{data.key(Colours(), {'colour': 'green'})}\tgreen is new.\n")
    with pytest.raises(ValueError, match=r"texts.tsv: the training data gives nothing with the key [0-9a-f]{12}"):
        data.other_texts(Colours(), [file], tmp_path)
    other = tmp_path / "other.tsv"
    other.write_text("original_text\treframed_text\nI want to die.\tI rest.\nIt rains.\tRain ends.\n")
    pairs = data.other_texts(Reframe(), [other], tmp_path)
    assert [(pair.given["thought"], pair.reference) for pair in pairs] == [("It rains.", " Rain ends.")]
    other.write_text("color\ttext\npink\tpink is warm.\n")
    with pytest.raises(ValueError, match=r"other.tsv has no column 'colour'"):
        data.other_texts(Colours(), [other], tmp_path)
