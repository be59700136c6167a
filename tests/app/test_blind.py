"""What a blind round asks, without a browser."""

from app import blind, shown
from backbones.engine.request import Request
from backbones.merging.preference import Preference
from tests.fake import GIVEN, HEAVY, fake_set, text

EVEN = Preference.equal(2)


def asked(*methods, mu=EVEN, given=GIVEN, n=2):
    return blind.question(
        fake_set(n), [text(Request(given, mu, method), f"<name> is {method} .") for method in methods]
    )


def test_a_question_says_what_was_asked_for_and_has_both_sides_with_their_rewards():
    found = asked("bone-soup", "rewarded-soup", mu=Preference((0.8, 0.2)))
    assert (found["asked"], found["preference"]) == ("80 % complete and 20 % concise", [80, 20])
    assert found["given"].startswith("Zoë's, a cheap English pub") and found["set"] == "fake-2"
    assert found["sides"][0] == {
        "method": "bone-soup",
        "label": "Bone Soup",
        "colour": "#0072B2",
        "text": "Zoë's is bone-soup .",
        "rewards": {"Complete": 0.5, "Concise": 0.5},
    }
    assert asked("mod", "base", mu=Preference((1, 0)))["asked"] == "100 % complete"
    thirds = asked("mod", "base", mu=Preference.equal(3), n=3)
    assert thirds["asked"] == "33 % complete, 33 % concise and 33 % upbeat"


def test_it_is_the_same_pair_whichever_column_a_method_is_in():
    one, other = asked("mod", "rewarded-soup"), asked("rewarded-soup", "mod")
    assert one == other and [side["method"] for side in one["sides"]] == ["rewarded-soup", "mod"]


def test_nothing_is_asked_of_one_method_or_where_help_stands_in_place_of_a_text():
    assert asked("mod", "mod") is None
    assert asked("bone-soup", "rewarded-soup", given={"name": HEAVY}) is None


def test_pages_without_a_sweep_ask_nothing():
    assert all("question" not in page for page in shown.columns(fake_set(), ("mod", "base"), None))
