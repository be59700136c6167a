"""The texts of many methods and preferences for the same prompts."""

from backbones.engine.writer import Writer
from backbones.merging.preference import Preference
from train import data, texts


def test_cells_with_the_same_merge_share_their_texts(trained, small, tmp_path, monkeypatch):
    writer, asked = Writer.load(trained / "tiny", "cpu"), []
    write = writer.write
    monkeypatch.setattr(writer, "write", lambda requests: asked.extend(requests) or write(requests))
    prompts = data.given(writer.set.task, "dev", small)[:2]
    corner, even = Preference((1.0, 0.0)), Preference.equal(2)
    cells = [("rewarded-soup", corner), ("morlhf", corner), ("bone-soup", even), ("bone-soup", corner)]
    specialist, oracle, *_ = records = texts.write(writer, prompts, 2, cells, tmp_path)
    assert len(asked) == 3 * 2 * 2
    assert [one.raw for one in specialist] == [one.raw for one in oracle]
    assert [[one.cell for one in here] for here in records] == [[cell] * 4 for cell in range(4)]
