"""The slot matcher on sentences, each for a way of saying or denying a value, and on the hand-checked sample."""

import time

import pytest

from backbones.tasks.restaurants.facts import parse
from backbones.tasks.restaurants.slots import match, statements
from benchmarks.slot_matcher import measure, sample

SAID = [
    ("<name> is a pub.", {("eatType", "pub")}),
    ("<name> is a coffee shop, not a pub.", {("eatType", "coffee shop")}),
    ("<name> is a bar near the <near> restaurant.", {("eatType", "pub")}),
    ("<name> serves pub food.", set()),
    ("<name> offers sushi.", {("food", "Japanese")}),
    ("<name> sells fish and chips.", {("food", "English")}),
    ("<name> serves burgers and french fries.", {("food", "Fast food")}),
    ("<name> is cheap.", {("priceRange", "cheap")}),
    ("<name> is not cheap.", {("priceRange", "moderate or high")}),
    ("<name> is low-priced.", {("priceRange", "cheap")}),
    ("<name> is inexpensive.", {("priceRange", "cheap")}),
    ("<name> is affordable.", {("priceRange", "cheap or moderate")}),
    ("<name> costs less than £20.", {("priceRange", "cheap")}),
    ("<name> costs £20-25.", {("priceRange", "moderate")}),
    ("Prices at <name> are between £20 and £25.", {("priceRange", "moderate")}),
    ("<name> has a moderate price range.", {("priceRange", "moderate")}),
    ("<name> costs more than £30.", {("priceRange", "high")}),
    ("<name> costs £30 or more.", {("priceRange", "high")}),
    ("<name> is high-priced.", {("priceRange", "high")}),
    ("<name> costs £15.", {("priceRange", "other")}),
    ("<name> is highly rated.", {("customer rating", "high")}),
    ("<name> has five stars.", {("customer rating", "high")}),
    ("<name> has a 5 out of 5 customer rating.", {("customer rating", "high")}),
    ("<name> has a customer rating of 4 out of 5.", {("customer rating", "other")}),
    ("<name> has a customer rating of 1 out of 5.", {("customer rating", "low")}),
    ("<name> has an average customer rating.", {("customer rating", "average")}),
    ("Customers rate <name> 3 out of 5.", {("customer rating", "average")}),
    ("<name> is rated by the customers as 5 out of 5.", {("customer rating", "high")}),
    ("The rating for the restaurant is low.", {("eatType", "restaurant"), ("customer rating", "low")}),
    ("Reviews from the customers of the pub: poor.", {("eatType", "pub"), ("customer rating", "low")}),
    ("<name> is not well rated.", {("customer rating", "low")}),
    ("<name> is high-priced and low-rated.", {("priceRange", "high"), ("customer rating", "low")}),
    ("<name> has high customer ratings and prices.", {("customer rating", "high"), ("priceRange", "high")}),
    ("<name> is on the riverside.", {("area", "riverside")}),
    ("<name> is by the river.", {("area", "riverside")}),
    ("<name> is in the centre of the city.", {("area", "city centre")}),
    ("<name> is outside the city centre.", set()),
    ("<name> is kid friendly.", {("familyFriendly", "yes")}),
    ("<name> welcomes families with children.", {("familyFriendly", "yes")}),
    ("<name> is not family-friendly.", {("familyFriendly", "no")}),
    ("<name> does not allow kids.", {("familyFriendly", "no")}),
    ("<name> is for adults only.", {("familyFriendly", "no")}),
    ("<name> is child-free.", {("familyFriendly", "no")}),
    ("No children at <name>.", {("familyFriendly", "no")}),
    ("<name> is a family-owned pub.", {("eatType", "pub")}),
    ("<name> is not only cheap but child friendly.", {("priceRange", "cheap"), ("familyFriendly", "yes")}),
]


@pytest.mark.parametrize(("text", "stated"), SAID, ids=[text for text, _ in SAID])
def test_what_a_sentence_states(text, stated):
    found = {(s.slot, s.value) for s in statements(text) if s.slot not in ("name", "near")}
    assert found == stated


def test_a_phrase_that_is_repeated_takes_no_longer_than_its_length():
    begun = time.perf_counter()
    assert {s.slot for s in statements("<name> is rated" + " by the restaurant" * 40)} == {"name", "eatType"}
    assert {s.slot for s in statements("<name> is rated" + " for the" * 40)} == {"name"}
    assert time.perf_counter() - begun < 10  # milliseconds; where words can be read in two ways, days


def test_a_statement_says_where_it_is():
    text = "<name> is a cheap pub near <near>."
    assert [text[s.start : s.end] for s in statements(text)] == ["<name>", "cheap", "pub", "<near>"]


def test_correct_missed_and_wrong_facts():
    found = match(
        "<name> is a cheap French pub by <near>, cheap and cheap.",
        parse("name[Ox], eatType[pub], priceRange[high], area[riverside], near[Elm]"),
    )
    assert found.correct == ("name", "eatType", "near")
    assert found.missed == ("priceRange", "area")
    assert [(s.slot, s.value) for s in found.wrong] == [("priceRange", "cheap"), ("food", "French")]


def test_a_fact_stated_rightly_and_wrongly_counts_as_both():
    found = match("<name> is cheap. It is expensive.", parse("name[Ox], priceRange[cheap]"))
    assert found.correct == ("name", "priceRange")
    assert [s.value for s in found.wrong] == ["high"]


def test_restaurant_is_wrong_only_where_another_kind_is_left_out():
    pub = parse("name[Ox], eatType[pub]")
    assert match("<name> is a restaurant.", pub).wrong
    assert not match("<name> is a pub, a restaurant for all.", pub).wrong
    assert not match("<name> is a restaurant.", parse("name[Ox], food[French]")).wrong


def test_both_wordings_of_a_price_and_a_rating_are_right():
    facts = parse("name[Ox], priceRange[less than £20], customer rating[5 out of 5]")
    assert match("<name> is cheap and highly rated.", facts).missed == ()


def test_precision_and_recall_on_texts_checked_by_hand():
    measured = measure(sample())
    assert measured["all"]["stated"] >= 450
    for slot, figures in measured.items():
        assert figures["precision"] > 0.97, slot
        assert figures["recall"] > 0.97, slot
