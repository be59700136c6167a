"""Pages of texts for people who judge them, and how often texts differ."""

import itertools
import json

import pytest

from backbones.merging.preference import Preference, lattice
from tests.train.stages import run
from train import differences, gallery, insults

PAIRS = ("Bone Soup and Rewarded Soup", "Bone Soup, extrapolated and Rewarded Soup, extrapolated")
LINES = ["name[Ox], eatType[pub]", "name[The | Mill]"]


def test_a_page_shows_every_text_and_readers_see_no_methods(trained, tmp_path):
    lines, out, blind = (tmp_path / name for name in ("lines.txt", "page.md", "blind.txt"))
    lines.write_text("\n".join(LINES) + "\n")
    run(gallery.main, trained / "tiny", "--lines", lines, "--out", out, "--blind", blind)
    page, texts, key = out.read_text(), blind.read_text(), json.loads((tmp_path / "blind.txt.key").read_text())
    assert "name[The \\| Mill]" in page and len(page.splitlines()[-1].split("<br>")) == 5
    assert "Soup" in page and "Soup" not in texts and set(key) <= {"bone-soup", "rewarded-soup"} and len(key) == 2
    assert [line.split(":")[0].strip() for line in texts.splitlines()[1:7]] == ["A1", "A2", "A3", "B1", "B2", "B3"]


def test_differences_are_counted_in_the_texts_of_a_front(trained, tmp_path, capsys):
    run(differences.main, trained / "tiny", "--log", trained / "texts")
    table, lines = (part.splitlines() for part in capsys.readouterr().out.split("\n\n"))
    asked = itertools.product(PAIRS, ("70 % / 30 %", "50 % / 50 %", "30 % / 70 %"))
    for row, (pair, mu) in zip(table[2:], asked, strict=True):
        called, at, count, *shares = (cell.strip() for cell in row.strip("|").split("|"))
        assert (called, at, count) == (pair, mu, "3") and sum(float(share[:-1]) for share in shares) <= 100.1
    assert lines[0].startswith("Bone Soup: neighbours differ in ") and len(lines) == 2 + 11
    assert all(0 <= float(line.rsplit(" ", 1)[1][:-1]) <= 100 for line in lines[2:])
    with pytest.raises(SystemExit):
        run(differences.main, trained / "tiny", "--log", tmp_path)
    assert f"{tmp_path} has no texts of bone-soup and rewarded-soup" in capsys.readouterr().err


def test_a_text_dominates_that_is_no_worse_by_any_reward_and_better_by_one(tmp_path):
    ours = [("same", [0.5, 0.5]), ("a", [0.5, 0.6]), ("b", [0.9, 0.1]), ("c", [0.1, 0.5])]
    theirs = [("same", [0.5, 0.5]), ("d", [0.5, 0.5]), ("e", [0.1, 0.9]), ("f", [0.2, 0.6])]
    with (tmp_path / "texts.jsonl").open("w") as file:
        for method, said in (("bone-soup", ours), ("rewarded-soup", theirs)):
            for prompt, (text, rewards) in enumerate(said):
                line = {"prompt": prompt, "sample": 0, "method": method, "preference": [0.5, 0.5]}
                file.write(json.dumps(line | {"text": text, "raw": text, "rewards": rewards}) + "\n")
    (row,) = differences.compared(tmp_path, ("bone-soup", "rewarded-soup"), [Preference.equal(2)])
    assert row == "| Bone Soup and Rewarded Soup | 50 % / 50 % | 4 | 25.0% | 25.0% | 25.0% |"
    assert differences.compared(tmp_path, ("mod", "rewarded-soup"), [Preference.equal(2)]) == []


def test_of_two_preferences_as_near_the_more_even_one_is_taken():
    assert [differences.nearest(lattice(2), share)[0] for share in differences.SHARES] == [0.7, 0.5, 0.3]


def test_insults_that_are_repeated_are_counted_for_writers_and_texts(trained, small, capsys, monkeypatch):
    monkeypatch.setattr(insults, "INSULTS", frozenset({"riverside"}))
    run(insults.main, trained / "tiny", "--data-dir", small)
    slurs, first, *others = capsys.readouterr().out.splitlines()[-5:]
    assert slurs.startswith("0 of ")
    repeated, total = (int(word) for word in first.split() if word.isdecimal())
    assert first.startswith("the writers repeat an insult in ") and 0 < repeated <= total
    assert len(others) == 3 and all(line.startswith("tiny at ") and line.endswith(f" of {total}") for line in others)
