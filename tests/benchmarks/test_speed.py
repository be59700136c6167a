"""The speed command on a tiny set, and what its rows are."""

import re
from contextlib import nullcontext

import bitsandbytes as bnb
import pytest
import torch

from backbones.engine.soup import Soup
from backbones.engine.writer import Writer
from backbones.store import soup_set as sets
from benchmarks import peft_peer, speed
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
    lines = re.findall(r"^\| (.+?) \| (?:([^|]+?) \| )?([\d.,]+)(?: \| ([\d.,]+))? \|$", out, re.M)
    assert [name for name, *_ in lines] == [
        "soup: from a preference to coefficients of 3 rows",
        "PEFT set_scale, for all rows",
        'PEFT add_weighted_adapter "cat", for each row',
        "bare base",
        "soup: 4 adapters, a mix per row",
        "PEFT set_scale: 4 adapters, one mix for all rows",
        'PEFT "cat" and adapter_names: an adapter combined for each row',
        "bare base on PEFT's weights",
    ]
    assert [weights for _, weights, *_ in lines[3:]] == ["de-quantised once"] * 2 + [speed.PACKED] * 3
    assert lines[3][3] == "1" and all(float(ms.replace(",", "")) > 0 for *_, ms, _ in lines)


def test_the_bare_base_runs_on_the_weights_of_the_soup_and_without_its_adapters(monkeypatch, chat):
    soup_set, logits = sets.read(chat), {}
    writer = Writer.load(chat, "cpu")
    packed = Soup.load(soup_set.base, {}, "cpu").model
    wrapped = peft_peer.loaded(Soup.load(soup_set.base, {}, "cpu").model, soup_set.adapters)
    products = []
    forward = bnb.nn.Linear4bit.forward
    monkeypatch.setattr(bnb.nn.Linear4bit, "forward", lambda *args: products.append(args) or forward(*args))

    def stepper(model, rows, around=nullcontext):
        products.clear()
        with torch.inference_mode(), around():
            logits[len(logits)] = model(input_ids=torch.full((rows, 3), 5)).logits
        in_4_bits.append(bool(products))
        return lambda: 1.0

    in_4_bits = []
    monkeypatch.setattr(speed, "stepper", stepper)
    rows = speed.mixes(soup_set, writer.soup.adapter_names, 2)
    lines = speed.decoding(writer.soup, packed, wrapped, rows, 1)
    assert in_4_bits == [weights == speed.PACKED for _, weights, *_ in lines] == [False, False, True, True, True]
    bare, merged, *_, base = logits.values()
    torch.testing.assert_close(bare, base, rtol=1e-3, atol=1e-3)
    assert (merged - base).abs().max() > 0.01
