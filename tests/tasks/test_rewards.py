"""The rewards: their values by hand, and the ways to cheat them that must not pay."""

import pytest

from backbones.tasks.restaurants.facts import parse
from backbones.tasks.restaurants.rewards import complete, concise, upbeat, well_formed

FACTS = parse("name[Ox], eatType[pub], food[English], priceRange[cheap], familyFriendly[yes]")
GOOD = "<name> is a cheap, family-friendly pub that serves English food."


def test_all_facts_and_no_others_is_complete():
    assert complete(GOOD, FACTS) == 1.0


def test_a_missed_fact_costs_its_share():
    assert complete("<name> is a cheap pub that serves English food.", FACTS) == pytest.approx(4 / 5)


def test_an_invented_fact_adds_to_the_denominator():
    text = "<name> is a cheap, family-friendly pub that serves English food on the riverside."
    assert complete(text, FACTS) == pytest.approx(5 / 6)


def test_a_contradiction_misses_the_fact_and_adds_to_the_denominator():
    text = "<name> is an expensive, family-friendly pub that serves English food."
    assert complete(text, FACTS) == pytest.approx(4 / 6)


def test_naming_every_value_does_not_pay():
    text = "<name> is a pub and a coffee shop that is cheap, expensive and moderately priced, English and French."
    assert complete(text, FACTS) < 0.5


def test_concise_falls_linearly_with_the_number_of_words():
    assert concise("<name> is a pub.", FACTS) == 1.0
    assert concise("<name> is a cheap English pub, which is good for all the family.", FACTS) == pytest.approx(31 / 40)
    assert concise(" ".join(["<name> is a very nice pub."] + ["it serves food now."] * 10), FACTS) < 0.01


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "<name>.",
        "<name> cheap.",
        "pub, English, cheap, family-friendly",
        "<name>, pub, English, cheap, family-friendly.",
        "<name> <name> <name> <name>.",
        "<name> is cheap cheap cheap cheap cheap.",
        "<name> is a pub. <name> is a pub. <name> is a pub.",
        "<name> is a cheap English pub that is",
        "<name> is a cheap English pub near the.",
        "It is a cheap English pub.",
        "<name> is cheap pub,,, English.",
        "<name> is cheap English pub.",
    ],
)
def test_degenerate_texts_lose_at_least_half_of_every_reward(text):
    assert well_formed(text) <= 0.5
    assert max(complete(text, FACTS), concise(text, FACTS), upbeat(text, 1.0)) <= 0.5


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "<name> is a pub.",
        "There's a cheap pub called <name> near <near>.",
        "Visit <name>, a family-friendly pub! It serves English food.",
        "For cheap English food, go to <name>. Kids are welcome.",
    ],
)
def test_plain_sentences_are_well_formed(text):
    assert well_formed(text) == 1.0


def test_upbeat_is_the_models_probability_until_praise_is_piled_up():
    assert upbeat("<name> is a lovely, cosy pub with great food.", 0.9) == 0.9
    assert upbeat("<name> is a great pub with great food.", 0.9) == 0.45
    assert upbeat("<name> is a great, lovely, wonderful and perfect pub.", 0.9) == 0.45
    assert upbeat("<name> is a great, great, great pub.", 0.9) <= 0.9 / 4
