"""The scaling command at its smallest size."""

import json
import math
import re

import torch

from benchmarks import peft_peer, scaling

SMALL = "--sizes 0.005 --device cpu --adapters 4 --rank 4 --batches 1 3 --prompt 5 --tokens 3 --sweep 3 --repeats 1"
VARIANTS = 5


def run(monkeypatch, capsys, file):
    monkeypatch.setattr(scaling, "WARM_UP", 1)
    monkeypatch.setattr("sys.argv", ["scaling", *SMALL.split(), "--json", str(file)])
    scaling.main()
    return capsys.readouterr().out, json.loads(file.read_text())


def numbers(figures):
    for value in figures.values() if isinstance(figures, dict) else figures:
        if isinstance(value, (dict, list)):
            yield from numbers(value)
        else:
            yield value


def test_the_command_prints_every_table_and_writes_finite_positive_figures(monkeypatch, capsys, tmp_path):
    out, results = run(monkeypatch, capsys, tmp_path / "scaling.json")
    (figures,) = results["sizes"].values()
    assert all(f"\n| {head} |\n" in out for head in scaling.HEADS.values())
    assert (
        len(re.findall(r"^\|.*\|$", out, re.M)) == 2 * 5 + 8 + 7 + 2 * VARIANTS + 4 + 4
    )  # heads and rules, then lines
    words = {row[1] for row in figures["decoding"]}
    values = [value for value in numbers(figures) if value not in words]
    assert len(words) == VARIANTS
    assert len(values) == 2 + 7 + 2 * VARIANTS * 6 + 4 + 4
    assert all(math.isfinite(value) and value > 0 for value in values)
    assert {row[0] for row in figures["decoding"]} == {1, 3}
    assert [row[4] for row in figures["decoding"][::VARIANTS]] == [1, 1]  # the bare base against itself


def test_a_measurement_that_fails_is_shown_and_the_others_go_on(monkeypatch, capsys, tmp_path):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(peft_peer, "made_of", full)
    out, results = run(monkeypatch, capsys, tmp_path / "scaling.json")
    (figures,) = results["sizes"].values()
    failed = [row for row in figures["decoding"] if row[2] == "out of memory"]
    one, each = "PEFT, 4 adapters, one mix for all rows", 'PEFT, 4 adapters combined by "cat" for each row'
    assert [row[1] for row in failed] == [one, each] * 2
    assert sum(value == "out of memory" for value in figures["slider"].values()) == 4
    assert sum(value == "out of memory" for value in figures["sweep"].values()) == 2
    assert f"| {one} | out of memory |" in out
    assert all(isinstance(row[2], float) for row in figures["decoding"] if row not in failed)


def test_adapters_that_cannot_be_combined_leave_the_others_alone(monkeypatch, capsys, tmp_path):
    combine = peft_peer.combine

    def full(wrapped, mix, name, kind="cat"):
        combine(wrapped, mix, name, kind)
        if name == f"{peft_peer.ROW}2":
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(peft_peer, "combine", full)
    _, results = run(monkeypatch, capsys, tmp_path / "scaling.json")
    (figures,) = results["sizes"].values()
    failed = [row for row in figures["decoding"] if row[2] == "out of memory"]
    assert [row[:2] for row in failed] == [[3, 'PEFT, 4 adapters combined by "cat" for each row']]
    assert [value for value in figures["sweep"].values() if value == "out of memory"] == ["out of memory"]
    assert all(isinstance(value, float) for value in figures["slider"].values())
