"""The speed command on a tiny set, and what its rows are."""

import re

import pytest

from benchmarks import speed
from tests.fake import fake_set


@pytest.mark.parametrize("n", [2, 3])
def test_rows_have_preferences_of_their_own_and_methods_in_turn(n):
    soup_set = fake_set(n)
    names = [*soup_set.backbones, *soup_set.specialists]
    rows = speed.mixes(soup_set, names, 5)
    assert len({tuple(row) for row in rows}) == 5
    for i, row in enumerate(rows):
        own, other = (row[:n], row[n:])[:: 1 if i % 2 == 0 else -1]
        assert sum(own) == pytest.approx(1) and other == [0.0] * n
    assert len(set(speed.preferences(n, 200))) == 200


def test_the_command_prints_times_of_the_soup_and_of_both_ways_of_peft(monkeypatch, capsys, chat):
    monkeypatch.setattr("sys.argv", ["speed", str(chat), "--device", "cpu", "--rows", "3", "--steps", "2"])
    speed.main()
    out = capsys.readouterr().out
    assert "first token of both columns" in out and "tokens/s per column" in out
    lines = re.findall(r"^\| (.+?) \| ([\d.,]+)(?: \| ([\d.,]+))? \|$", out, re.M)
    assert [name for name, _, _ in lines] == [
        "soup: from a preference to coefficients of 3 rows",
        "PEFT set_scale, for all rows",
        'PEFT add_weighted_adapter "cat", for each row',
        "bare 4-bit base",
        "soup: 4 adapters, a mix per row",
        "PEFT set_scale: 4 adapters, one mix for all rows",
        'PEFT "cat" and adapter_names: an adapter combined for each row',
        "bare base, bitsandbytes' own path",
    ]
    assert lines[3][2] == "1" and all(float(ms.replace(",", "")) > 0 for _, ms, _ in lines)
