"""Pages of texts for people who judge them, and how often texts differ."""

import json

from tests.train.stages import run
from train import differences, gallery

LINES = ["name[Ox], eatType[pub]", "name[The | Mill]"]


def test_a_page_shows_every_text_and_readers_see_no_methods(trained, tmp_path):
    lines, out, blind = (tmp_path / name for name in ("lines.txt", "page.md", "blind.txt"))
    lines.write_text("\n".join(LINES) + "\n")
    run(gallery.main, trained / "tiny", "--lines", lines, "--out", out, "--blind", blind)
    page, texts, key = out.read_text(), blind.read_text(), json.loads((tmp_path / "blind.txt.key").read_text())
    assert "name[The \\| Mill]" in page and len(page.splitlines()[-1].split("<br>")) == 5
    assert "Soup" in page and "Soup" not in texts and set(key) <= {"bone-soup", "rewarded-soup"} and len(key) == 2
    assert [line.split(":")[0].strip() for line in texts.splitlines()[1:7]] == ["A1", "A2", "A3", "B1", "B2", "B3"]


def test_differences_are_counted_in_the_texts_of_a_front(trained, capsys):
    run(differences.main, trained / "tiny", "--log", trained / "texts")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Bone Soup: neighbours differ in ") and len(lines) == 2 + 11
    assert all(0 <= float(line.rsplit(" ", 1)[1][:-1]) <= 100 for line in lines[2:])
