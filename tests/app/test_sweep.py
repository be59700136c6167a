"""Sweeps: their requests, what there is of them so far, and those that come with sets; where the page opens."""

from dataclasses import replace

import pytest

from app import choices as ch
from app import sweep as sweeps
from backbones.engine import stored
from backbones.merging.preference import Preference, lattice
from backbones.store import soup_set as sets
from backbones.store.manifest import SetError
from tests.fake import chosen, fake_set, text, with_sweep


def choices(**some):
    soup_set = fake_set(2)
    return chosen(**some).checked({soup_set.name: soup_set})


def test_what_there_is_of_a_sweep_is_in_the_order_of_the_grid():
    asked = choices(preference=(22, 78))
    texts = [text(one, "<name> .") for one in sweeps.requests(asked)]
    whole = sweeps.finished(asked, texts)
    for column, method in zip(whole.columns, asked.methods, strict=True):
        assert [one.text.request.preference for one in column] == sweeps.grid(2)
        assert {one.text.request.method for one in column} == {method}
    assert [one.text for column in whole.at(Preference((0.22, 0.78))) for one in column] == texts[:2]
    texts[1] = replace(texts[1], done=False)
    part = sweeps.finished(asked, texts)
    assert [len(column) for column in part.columns] == [10, 10] and part.at(Preference((0.2, 0.8))) == ([], [])


def test_a_sweep_is_one_of_the_same_choices_but_for_preference_and_number_of_texts():
    assert choices().alike(choices(preference=(1, 9), samples=3))
    for other in ({"seed": 6}, {"temperature": 0.5}, {"methods": ("mod", "base")}, {"given": {"name": "Elm"}}):
        assert not choices().alike(choices(**other))


@pytest.mark.parametrize("n", [2, 3])
def test_a_set_comes_with_a_sweep_of_what_the_page_holds_at_first(tmp_path, n):
    assert sweeps.of_set(fake_set(n)) is None
    soup_set = with_sweep(fake_set(n), tmp_path)
    sweep = sweeps.of_set(soup_set)
    assert [[one.text.request.preference for one in column] for column in sweep.columns] == 2 * [sweeps.grid(n)]
    given = {field.name: field.default for field in soup_set.task.fields}
    arrival = chosen(soup_set.name, given=given, preference=lattice(n)[1], seed=0)
    assert sweep.choices.alike(arrival.checked({soup_set.name: soup_set}))
    assert "Lantern" in sweep.at(sweeps.grid(n)[0])[0][0].text.text


@pytest.mark.parametrize("old", ['"format": 1', '"seed": 0', '"method"', '"complete": 0.5', "name"])
def test_a_damaged_sweep_is_named_with_the_command_that_makes_it(tmp_path, old):
    soup_set = with_sweep(fake_set(), tmp_path)
    file = tmp_path / stored.FILE
    file.write_text(file.read_text().replace(old, '"x": 7'))
    with pytest.raises(SetError, match=r"sweep.json cannot be read .*: make it again with train.sweep"):
        sweeps.of_set(soup_set)


def test_the_page_opens_where_the_measured_lead_is_greatest_among_those_for_the_first_objective():
    assert ch.first_preference(fake_set(2)) == pytest.approx((0.5, 0.5))  # as its fronts are bent
    assert ch.first_preference(replace(fake_set(3), front=None)) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    soup_set = sets.read("restaurants")
    mu = ch.first_preference(soup_set)
    leads = {
        ours.preference: sum(
            share * (a - b) for share, a, b in zip(ours.preference, ours.rewards, theirs.rewards, strict=True)
        )
        for ours, theirs in zip(soup_set.points("bone-soup"), soup_set.points("rewarded-soup"), strict=True)
    }
    best = max((one for one in leads if one[0] >= 0.5), key=leads.get)
    assert mu.same(best) and leads[best] > 0 and mu in sweeps.grid(2)


def test_it_does_not_open_where_both_methods_write_the_same():
    soup_set = sets.read("silver-lining")
    said = {(one.request.method, tuple(one.request.preference)): one.raw for one in stored.read(soup_set)}
    same = [mu for (method, mu), raw in said.items() if raw == said["rewarded-soup", mu] and method == "bone-soup"]
    assert (0.5, 0.5) in same and tuple(ch.first_preference(soup_set)) not in same


def test_it_knows_which_texts_are_the_same_at_thirds_and_sixths_too(tmp_path):
    soup_set = with_sweep(fake_set(3), tmp_path)
    before = ch.first_preference(soup_set)
    texts = [
        replace(one, raw="The same .") if one.request.preference.same(before) else one for one in stored.read(soup_set)
    ]
    stored.write(soup_set, texts)
    assert not ch.first_preference(soup_set).same(before)


def test_a_sweep_is_of_two_methods(tmp_path):
    soup_set = with_sweep(fake_set(), tmp_path)
    file = tmp_path / stored.FILE
    file.write_text(file.read_text().replace('"rewarded-soup"', '"bone-soup"'))
    with pytest.raises(SetError, match=r"has not the texts of two methods: make it again with train.sweep"):
        sweeps.of_set(soup_set)


def test_texts_without_rewards_are_no_sweep(tmp_path):
    soup_set = replace(fake_set(), path=tmp_path)
    pointer = replace(text(sweeps.requests(choices())[0], "Talk to a person."), rewards={})
    with pytest.raises(ValueError, match="a text has no rewards, since the task points to help"):
        stored.write(soup_set, [pointer])
    assert not (tmp_path / stored.FILE).exists()
