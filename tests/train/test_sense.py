"""The judge of sense: learned from marks, and a further reward of every adapter alike."""

import json
import shutil

import pytest
import torch

from backbones.store import soup_set as sets
from backbones.store.adapters import WEIGHTS
from backbones.tasks.task import Pair
from tests.toy import COLOURS, Colours
from tests.train.stages import run, run_quickly
from train import data, new_set, rewards, sense, start, tune

MARKS = [("0", "nonsense"), ("1", "so what"), ("2", "well said")]


@pytest.fixture(scope="module")
def colours(colours_data):
    """The folder of the data of the toy task, with further texts and readers' marks beside it."""
    texts = 3 * [f"{colour}\t{colour} is {like}." for colour, like in COLOURS.items()]
    (colours_data / "texts.tsv").write_text("\n".join(["colour\ttext", *texts]) + "\n")
    keys = [data.key(Colours(), {"colour": colour}) for colour in COLOURS]
    marks = [f"{key}\t{said}\t{mark}" for key in keys for mark, said in MARKS]
    (colours_data / "marks.tsv").write_text("\n".join(["given\ttext\tmark", *marks]) + "\n")
    return colours_data


@pytest.fixture(scope="module")
def begun(base, colours, tmp_path_factory):
    """The folder of a start, and that of a judge which learned twenty times what was marked."""
    out = tmp_path_factory.mktemp("begun")
    told = ("--task", "colours", "--base", base, "--data-dir", colours)
    run(start.main, *told, "--out", out / "start", "--texts", colours / "texts.tsv")
    run(
        *(sense.main, *told, "--start", out / "start", "--out", out / "sense"),
        *("--marks", colours / "marks.tsv", "--texts", colours / "texts.tsv", "--epochs", 20),
    )
    return out


def judge_of(base, begun):
    return sense.Sense.load(Colours(), base, begun / "start", begun / "sense", torch.device("cpu"))


def test_it_learns_what_readers_marked(base, begun):
    how = json.loads((begun / "sense" / "hyperparameters.json").read_text())
    assert how["marks"] + how["marks_left_out"] == len(COLOURS) * len(MARKS) and how["marks_left_out"] == len(MARKS)
    wrong, weak, good = judge_of(base, begun)([said for _, said in MARKS], [{"colour": next(iter(COLOURS))}] * 3)
    assert 0 <= wrong < weak < good <= 1


def test_a_text_is_judged_alike_alone_and_among_longer_ones(base, begun):
    judge, one = judge_of(base, begun), {"colour": next(iter(COLOURS))}
    alone, among = judge(["well said"], [one]), judge(["well said", "well " * 20 + "said"], [one, one])
    assert among[0] == pytest.approx(alone[0], abs=1e-4)


def test_texts_that_others_were_written_for_make_no_sense():
    pairs = [Pair({"colour": colour}, f" {like}.") for colour, like in COLOURS.items()]
    own = {(pair.given["colour"], pair.reference) for pair in pairs}
    found = sense.matched(pairs, 30)
    assert [mark for *_, mark in found].count(1.0) == 30 and [mark for *_, mark in found].count(0.0) > 15
    for given, text, mark in found:
        assert mark == ((given["colour"], text) in own)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("given\ttext\tmark\n" + "0" * 12 + "\twell\t2\n", "no prompt has the key 0{12}"),
        ("given\ttext\tmark\n{key}\twell\t3\n", "the mark '3' is none of 0, 1, 2"),
        ("given\ttext\tmark\n{key}\twell\t2\n", "marks for fewer than two prompts"),
        ("given\ttext\n", "has no column 'mark'"),
    ],
)
def test_marks_of_nothing_and_others_are_refused(table, words, tmp_path):
    task, one = Colours(), {"colour": next(iter(COLOURS))}
    (tmp_path / "marks.tsv").write_text(table.format(key=data.key(task, one)))
    with pytest.raises(ValueError, match=words):
        sense.load(task, tmp_path / "marks.tsv", [one])


def test_it_is_a_further_reward_of_every_adapter(base, begun, colours, tmp_path):
    folder, told = tmp_path / "set", ("--data-dir", colours)
    first = shutil.copytree(begun / "start", tmp_path / "start")
    run(new_set.main, base, folder, "--task", "colours", "--start", first, *told, "--max-new-tokens", 12)
    options = ("--steps", 1, "--kinds", "specialist", "--at-once", 4, "--other-prompts", colours / "texts.tsv")
    judged = ("--sense", begun / "sense", "--sense-weight", 2.0)
    run_quickly(tune.main, folder, *told, "--work", tmp_path / "work", *options, *judged)
    for adapter in sets.read(folder).specialists:
        how = json.loads((folder / "adapters" / adapter / "hyperparameters.json").read_text())
        assert how["sense"] == 2.0 and how["other_prompts"] == "texts.tsv" and len(how["judge"]) == 12
        first = json.loads((tmp_path / "work" / adapter / "log.json").read_text())[0]
        own = sum(how["reward_weights"][i] * first[f"rewards/{name}/mean"] for i, name in enumerate(("names", "short")))
        assert 0 < first["rewards/sense/mean"] < 1
        assert first["reward"] == pytest.approx(own + 2.0 * first["rewards/sense/mean"], abs=1e-4)


def test_what_makes_enough_sense_is_paid_no_more():
    heard = rewards.sensible(lambda texts, given: [0.1, 0.5, 0.9])
    assert heard(["a", "b", "c"], [{"colour": "red", "size": None}] * 3) == [0.2, 1.0, 1.0]


def test_further_prompts_are_about_a_quarter(base, colours, tmp_path, monkeypatch):
    folder = tmp_path / "set"
    run(new_set.main, base, folder, "--task", "colours", "--data-dir", colours, "--max-new-tokens", 12)
    (tmp_path / "more.tsv").write_text("colour\ttext\nred\tIt is red.\n")
    plain, more = (
        tune.training_prompts(sets.read(folder), colours, others)["given"] for others in (None, tmp_path / "more.tsv")
    )
    assert len(more) - len(plain) == round(len(plain) / 3)
    monkeypatch.setattr(data, "usable", lambda task, prompts: [one for one in prompts if len(prompts) > 1])
    with pytest.raises(ValueError, match="gives nothing that the task colours takes"):
        tune.training_prompts(sets.read(folder), colours, tmp_path / "more.tsv")


@pytest.mark.parametrize(("start", "words"), [(True, "holds no judge"), (False, "has no start")])
def test_a_judge_needs_a_start_and_must_be_there(start, words, base, begun, colours, tmp_path, capsys):
    folder, told = tmp_path / "set", ("--data-dir", colours)
    options = ("--start", begun / "start") if start else ()
    run(new_set.main, base, folder, "--task", "colours", *options, *told, "--max-new-tokens", 12)
    with pytest.raises(SystemExit):
        run_quickly(tune.main, folder, *told, "--work", tmp_path / "work", "--sense", tmp_path)
    assert words in capsys.readouterr().err and not (tmp_path / "work").exists()


def test_where_padding_is_also_the_end_of_texts_it_reads_all_the_same(base, begun):
    """As in SmolLM2: the answer is then at the last token of the text."""
    judge, one = judge_of(base, begun), {"colour": next(iter(COLOURS))}
    texts, given = [said for _, said in MARKS], [one] * len(MARKS)
    before = judge(texts, given)
    judge.tokenizer.pad_token = judge.tokenizer.eos_token
    judge.model.get_base_model().config.pad_token_id = judge.tokenizer.eos_token_id
    assert judge(texts, given) == pytest.approx(before, abs=1e-4)


def test_the_judge_is_made_once(base, begun, colours):
    before = (begun / "sense" / WEIGHTS).stat().st_mtime_ns
    told = ("--task", "colours", "--base", base, "--data-dir", colours, "--start", begun / "start")
    run(
        *(sense.main, *told, "--out", begun / "sense"),
        *("--marks", colours / "marks.tsv", "--texts", colours / "texts.tsv"),
    )
    assert (begun / "sense" / WEIGHTS).stat().st_mtime_ns == before
