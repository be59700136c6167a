"""What is chosen, checked, and the same as a link."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from app import choices as ch
from app.handlers import Handlers
from backbones.merging.preference import Preference
from backbones.tasks.assistant import Assistant
from tests.fake import GIVEN, FakeStream, chosen, fake_set, values


def handlers():
    return Handlers([fake_set(2), fake_set(3)], FakeStream())


def test_a_link_opens_the_page_as_it_was():
    shared = handlers()
    some = {"name": "fake-3", "preference": [100 / 3] * 3, "samples": 2, "temperature": 0.35, "same_noise": False}
    query = shared.link(chosen(**some))["query"]
    news = shared.reopen(query)
    assert news["problem"] == ""
    assert shared.link(values(news["chosen"]))["query"] == query
    assert ch.from_query(shared.sets, query).preference == pytest.approx([1 / 3] * 3)


def test_a_link_made_when_what_is_given_was_called_facts_still_opens():
    shared = handlers()
    query = (
        "set=fake-2&facts=name%5BZo%C3%AB%27s%5D%2C+eatType%5Bpub%5D&preference=70-30&left=bone-soup&right=mod"
        "&samples=2&temperature=0.5&top_p=0.9&seed=7&same=1"
    )
    opened = ch.from_query(shared.sets, query)
    assert opened.given == {"name": "Zoë's", "eatType": "pub"} and opened.preference == (0.7, 0.3)
    assert "given=name%5BZo" in opened.query() and "facts" not in opened.query()
    assert shared.reopen(query)["problem"] == ""


def test_without_a_link_the_page_opens_as_it_is():
    assert handlers().reopen("") == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fake-2", "../etc", "no set &#39;../etc&#39;"),
        ("70-30", "70-x", "preference is &#39;x&#39;"),
        ("70-30", "70-30-5", "one number for each of complete, concise"),
        ("seed=5", "sed=5", "lacks &#39;seed&#39;"),
        ("given=", "gven=", "lacks &#39;given&#39;"),
        ("pub", "%3Cscript%3E", "use one of"),
    ],
)
def test_a_damaged_link_says_so_and_leaves_the_page_as_it_is(old, new, message):
    shared = handlers()
    query = shared.link(chosen())["query"]
    assert old in query
    news = shared.reopen(query.replace(old, new))
    assert set(news) == {"problem"}
    assert "cannot be opened" in news["problem"] and message in news["problem"] and "<script" not in news["problem"]


def test_a_link_that_cannot_be_made_is_told_where_it_was_asked_for():
    shared, nameless = handlers(), chosen(given=GIVEN | {"name": " "})
    with pytest.raises(ValueError, match="'name' is missing"):
        shared.link(nameless)
    assert shared.follow_with_link(nameless) == {}
    assert shared.follow_with_link(chosen()) == shared.link(chosen())


def test_a_preference_is_one_type_from_where_it_enters():
    soup_set = fake_set(3)
    made = ch.check(soup_set, ["mod"], [1, 2, 1], GIVEN, 1, 1.0, 0.9, 0, True)
    assert type(made.preference) is Preference and made.preference == (0.25, 0.5, 0.25)
    assert all(type(request.preference) is Preference for request in made.requests())
    assert ch.from_query({"fake-3": soup_set}, link(made)).preference == made.preference


def link(choices):
    """The query of choices with one column."""
    return replace(choices, methods=choices.methods * 2).query()


@pytest.mark.parametrize("shares", [None, "70-30", {"a": 1}, [70, "30"], [70, True], [70, float("inf")], [70, 10**400]])
def test_what_is_no_preference_is_named(shares):
    with pytest.raises(ValueError, match="give 2 finite numbers >= 0, one per objective"):
        ch.preferred(fake_set(), shares)


def test_what_is_given_is_checked_by_the_task_of_the_set():
    chat = replace(fake_set(), name="chat", task=Assistant())
    settings = 1, 1.0, 0.9, 0, True
    made = ch.check(chat, ["mod", "mod"], [1, 1], {"prompt": " Hi\nthere "}, *settings)
    assert made.given == {"prompt": "Hi\nthere"}
    assert ch.from_query({"chat": chat}, made.query()) == made
    with pytest.raises(ValueError, match="'food' is not asked for here"):
        ch.check(chat, ["mod"], [1, 1], {"prompt": "Hi", "food": "Thai"}, *settings)
    with pytest.raises(ValueError, match="give texts by name, of prompt"):
        ch.check(chat, ["mod"], [1, 1], {"prompt": 5}, *settings)
    with pytest.raises(ValueError, match="leave out what is not text"):
        ch.check(chat, ["mod"], [1, 1], {"prompt": "a\x00b"}, *settings)


def test_a_link_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="use at most 20000"):
        ch.from_query({"fake-2": fake_set()}, urlencode({"set": "x" * 20_000}))
