"""Tasks: what they ask for, what people read, their data, and what every task has."""

import pytest

from backbones.tasks import TASKS
from backbones.tasks.assistant import Assistant
from backbones.tasks.objectives import Objective
from backbones.tasks.restaurants import facts as f
from backbones.tasks.restaurants.task import ARRIVAL, Restaurants
from backbones.tasks.task import Field, Pair, Sampling, Span, Task

FACTS = {"name": "The Mill", "eatType": "pub", "priceRange": "cheap", "area": "riverside", "near": "Clare Hall"}
RAW = "<name> is an expensive pub near <near>."
RESTAURANTS = Restaurants()


class Letters(Task):
    """A task that keeps all it need not say."""

    name = "letters"
    fields = (
        Field("to", "To", placeholder="name somebody", limit=5),
        Field("tone", "Tone", ("warm", "cold"), default="warm"),
    )

    def prompt(self, given, tokenizer):
        return given["to"]

    def pair(self, row):
        return None


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_task_says_what_it_is(task):
    assert TASKS[task.name] is task
    assert task.about and task.usage and task.fields and set(task.sources) == {"train", "dev"}
    arrival = {field.name: field.default for field in task.fields}
    assert arrival[task.fields[0].name] or task.fields[0].placeholder
    for field in task.fields:
        assert field.label and (not field.values or field.default in ("", *field.values))
    made = task()
    if arrival[task.fields[0].name]:
        assert made.read(made.line(arrival)) == {name: value for name, value in arrival.items() if value}
    for _ in range(20):
        example = made.example()
        if example is not None:
            given = made.check(example)
            assert made.read(made.line(given)) == given


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_task_makes_do_with_its_first_field(task):
    """The page lets visitors leave all others empty."""
    made, first = task(), task.fields[0]
    given = made.check({first.name: first.default or "something"})
    assert made.read(made.line(given)) == given and made.sentence(given)
    if task is not Assistant:  # whose prompt is the tokenizer's
        assert made.prompt(given, None)
    for rule in task.rules.values():
        assert all(0 <= rule(text, given) <= 1 for text in ("", "a", "\n", "It is. " * 99))


def test_a_given_line_is_read_back():
    assert (
        RESTAURANTS.line(FACTS) == "name[The Mill], eatType[pub], priceRange[cheap], area[riverside], near[Clare Hall]"
    )
    assert RESTAURANTS.read(RESTAURANTS.line(FACTS)) == FACTS
    assert RESTAURANTS.read("name[The\n Mill]" + " " * 5000) == {"name": "The Mill"}
    assert Assistant().read(Assistant().line({"prompt": "Hi,\nyou"})) == {"prompt": "Hi,\nyou"}


def test_texts_of_restaurants_are_shown_with_their_names_and_what_they_state():
    assert RESTAURANTS.text(RAW, FACTS) == "The Mill is an expensive pub near Clare Hall."
    spans = RESTAURANTS.spans(RAW, FACTS)
    assert "".join(span.text for span in spans) == RESTAURANTS.text(RAW, FACTS)
    assert [span for span in spans if span.kind] == [
        Span("The Mill", "stated", "name: stated"),
        Span("expensive", "wrong", "price: not among the facts"),
        Span("pub", "stated", "kind: stated"),
        Span("Clare Hall", "stated", "near: stated"),
    ]
    assert all(span.text for span in RESTAURANTS.spans("<name>", FACTS))


def test_remarks_on_a_text_of_restaurants_are_what_is_stated_missed_and_made_up():
    remarks = [(remark.kind, remark.label) for remark in RESTAURANTS.remarks(RAW, FACTS)]
    assert remarks == [
        ("stated", "name"),
        ("stated", "kind"),
        ("stated", "near"),
        ("missed", "price: cheap"),
        ("missed", "area: riverside"),
        ("wrong", "price: expensive"),
    ]
    *_, form = RESTAURANTS.remarks("<name> is a pub", FACTS)
    assert (form.kind, form.label) == ("wrong", "form: rewards × 0.5") and "halves" in form.title


def test_facts_of_restaurants_are_a_sentence_whatever_is_among_them():
    assert RESTAURANTS.sentence(ARRIVAL) == (
        "The Golden Lantern, a moderate Italian coffee shop by the riverside, rated high, family-friendly, "
        "near the Old Mill"
    )
    others = {"name": "Elm", "food": "English", "priceRange": "less than £20", "area": "city centre"}
    others |= {"customer rating": "3 out of 5", "familyFriendly": "no", "near": ""}
    assert RESTAURANTS.sentence(others) == (
        "Elm, an English place to eat in the city centre, less than £20, rated 3 out of 5, not family-friendly"
    )
    assert RESTAURANTS.sentence({"name": "", "area": "moon"}) == "(no name), a place to eat"


def test_a_verdict_on_a_text_of_restaurants_counts_facts_and_words_and_gives_learned_rewards():
    objectives = [
        Objective(name, name.title(), "", 0.5, 0.2, "folder" if name == "upbeat" else None)
        for name in ("complete", "concise", "upbeat")
    ]
    rewards = {"complete": 0.3, "concise": 0.9, "upbeat": 0.416}
    assert RESTAURANTS.verdict(RAW, FACTS, rewards, objectives) == (
        "3 of 5 facts and 1 made up in 9 words, upbeat 0.42"
    )
    assert RESTAURANTS.verdict("<name> is a pub.", {"name": "Elm"}, rewards, objectives[:2]).startswith("1 of 1 facts")


def test_what_a_task_need_not_say():
    task = Letters()
    assert task.check({"tone": "", "to": " Ann "}) == {"to": "Ann"}
    assert task.read("Ann") == {"to": "Ann"} and task.line({"to": "Ann", "tone": "cold"}) == "Ann"
    assert (task.example(), task.sampling, task.remarks("", {})) == (None, Sampling(1.0, 0.9, 80), [])
    assert task.pointer({"to": "Ann"}) is None
    assert task.sentence({"to": "Ann", "tone": ""}) == "Ann"
    kind = Objective("kind", "Kind", "", 0.5, 0.2)
    assert task.verdict("Dear Ann", {"to": "Ann"}, {"kind": 0.934}, [kind]) == "Kind 0.93"
    assert task.text(" Dear Ann\n", {}) == "Dear Ann" and task.spans(" Dear Ann\n", {}) == [Span("Dear Ann")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"to": "Ann", "tone": "hot"}, "tone is 'hot': use one of warm, cold"),
        ({"to": "Annabel"}, "the to has 7 characters: use at most 5"),
        ({"tone": "warm"}, "the to is empty: name somebody"),
        ({"to": " \n"}, "the to is empty"),
        ({"to": None}, "the to is empty"),
        ({"to": "Ann", "wax": "red"}, "'wax' is not asked for here: give to, tone"),
    ],
)
def test_what_is_given_is_checked_by_its_fields(given, message):
    with pytest.raises(ValueError, match=message):
        Letters().check(given)
    assert Letters().check({"to": "Ann", "wax": ""}) == {"to": "Ann"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": "1"}, "temperature is '1': use a number from 0 to 2"),
        ({"temperature": True}, "temperature is True: use a number from 0 to 2"),
        ({"temperature": 2.1}, "temperature is 2.1: use a number from 0 to 2"),
        ({"temperature": float("nan")}, "temperature is nan: use a number from 0 to 2"),
        ({"top_p": 0}, "top_p is 0: use a number from 0.01 to 1"),
        ({"top_p": None}, "top_p is None: use a number from 0.01 to 1"),
        ({"max_new_tokens": 0}, "max_new_tokens is 0: use a whole number from 1"),
        ({"max_new_tokens": 8.5}, "max_new_tokens is 8.5: use a whole number from 1"),
        ({"max_new_tokens": True}, "max_new_tokens is True: use a whole number from 1"),
    ],
)
def test_how_texts_are_sampled_is_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        Sampling(**settings)
    assert Sampling(0, 1, 1) == Sampling(0.0, 1.0, 1)


def test_settings_are_those_of_the_task():
    assert Assistant().settings == Assistant("").settings == {}
    assert Assistant("Be brief.").settings == {"system": "Be brief."}
    assert Assistant("Be brief.") == Assistant(system="Be brief.") != Assistant()
    assert RESTAURANTS == Restaurants() != Assistant() and hash(RESTAURANTS) == hash(Restaurants())
    for task in (Restaurants, Assistant):
        with pytest.raises(ValueError, match=f"the task {task.name} has no setting 'colour': leave it out"):
            task(colour="red")


def objective(**fields):
    return Objective(**{"name": "helpful", "label": "", "description": "", "mean": 1.0, "std": 0.25} | fields)


def test_logits_have_another_reference_point_than_rewards_between_0_and_1(tmp_path):
    rules = [objective(name="complete"), objective(name="concise")]
    judged = [objective(template="{prompt}{text}", reward_model=tmp_path), objective(name="complete")]
    assert RESTAURANTS.reference_point(rules) == ([0.0, 0.0], "none: every reward lies in [0, 1]")
    point, why = Assistant().reference_point(judged)
    assert point == [0.5, 0.5] and "two standard deviations below" in why


def test_rows_of_the_data_become_pairs():
    row = {"mr": "name[The Mill], eatType[pub]", "ref": "the mill is a pub"}
    assert RESTAURANTS.pair(row) == Pair({"name": "The Mill", "eatType": "pub"}, "<name> is a pub.")
    assert RESTAURANTS.pair(row | {"ref": "Milly's is a pub."}).reference is None
    assert RESTAURANTS.pair({"mr": row["mr"]}).reference is None
    transcript = "\n\nHuman: Hi, \nyou\n\nAssistant: Hi\n\nHuman: So?\n\nAssistant: So."
    assert Assistant().pair({"chosen": transcript}) == Pair({"prompt": "Hi, \nyou"})
    for useless in ("no transcript", "\n\nHuman: \n\nAssistant: Hi", f"Human: {'x' * 4001}"):
        assert Assistant().pair({"chosen": useless}) is None


def test_restaurants_arrive_with_every_fact_and_hide_names_from_the_model():
    assert RESTAURANTS.check(ARRIVAL) == ARRIVAL
    assert [field.name for field in Restaurants.fields] == list(f.SLOTS)
    assert RESTAURANTS.prompt(FACTS, None) == "<name>eatType[pub]priceRange[cheap]area[riverside]<near><text>"
    assert RESTAURANTS.prompt(FACTS, None).endswith(f.TEXT) and f.TEXT in Restaurants.special_tokens
    assert Restaurants.placeholders == (f.NAME, f.NEAR)
