"""Facts: reading, checking, prompts and names; and the descriptions that a model learns from."""

import pytest

from backbones.tasks.restaurants import facts as f
from backbones.tasks.restaurants.references import delexicalise, tidy

MR = "name[The Mill], eatType[pub], food[English], priceRange[£20-25], near[Clare Hall, west]"


def test_parse_and_write_are_inverse():
    assert f.mr(f.parse(MR)) == MR
    assert f.parse(" near[X],name[Y] ,  food[Fast food]") == {"name": "Y", "food": "Fast food", "near": "X"}


@pytest.mark.parametrize(
    ("mr", "message"),
    [
        ("name[x], food[Tuscan]", "food is 'Tuscan': use one of Chinese"),
        ("food[English]", "'name' is missing"),
        ("name[x], wifi[yes]", "unknown fact 'wifi'"),
        ("name[x] food[English]", "cannot read the facts"),
        ("", "cannot read the facts"),
        ("name[x], name[y]", "given twice"),
        ("name[<name>]", "leave out the characters"),
        (f"name[{'x' * 61}]", "61 characters: use at most 60"),
        ("a [x], " * 40 + "!", "cannot read the facts"),  # in less than the age of the universe
        ("a  " * 2000, "cannot read the facts"),
    ],
)
def test_facts_that_cannot_be_used_are_named(mr, message):
    with pytest.raises(ValueError, match=message):
        f.parse(mr)


def test_prompts_hide_names_and_texts_get_them_back():
    facts = f.parse(MR)
    assert f.prompt(facts) == "<name>eatType[pub]food[English]priceRange[£20-25]<near><text>"
    assert f.fill("<name> is near <near>; <name>!", facts) == "The Mill is near Clare Hall, west; The Mill!"


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("the mill is a pub by Clare Hall", "<name> is a pub by <near>."),
        ("A pub , Mill , near clare hall !", "A pub, <name>, near <near>!"),
        ("Milly's is a pub.", None),
    ],
)
def test_names_in_references_become_placeholders(ref, expected):
    assert delexicalise(ref, {"name": "The Mill", "near": "Clare Hall"}) == expected


def test_accents_do_not_hide_a_name():
    assert delexicalise("Near Cafe Rouge is Ox.", {"name": "Ox", "near": "Café Rouge"}) == "Near <near> is <name>."


@pytest.mark.parametrize(
    ("ref", "expected"), [("A  pub ,\ncheap", "A pub, cheap."), ("A pub,", "A pub."), ("A pub !", "A pub!"), (" ", "")]
)
def test_descriptions_are_tidied(ref, expected):
    assert tidy(ref) == expected
