"""The task reframe: what it asks for, what its rules give, and what is left out of training."""

import pytest

from backbones.tasks.reframe import care, form
from backbones.tasks.reframe.task import LONGEST, Reframe
from train import data, rewards

TASK = Reframe()
THOUGHT = "So my laptop got stolen at the library right before finals and I lost all my notes."


def test_a_thought_is_one_line_of_at_most_240_characters():
    assert TASK.check({"thought": " it\n rains  "}) == {"thought": "it rains"}
    assert TASK.check({"thought": "é" * LONGEST})
    with pytest.raises(ValueError, match="the thought has 241 characters: use at most 240"):
        TASK.check({"thought": "x" * (LONGEST + 1)})
    with pytest.raises(ValueError, match="the thought is empty"):
        TASK.check({"thought": " \n"})
    assert TASK.prompt({"thought": "it rains"}, None) == "Thought: it rains\nReframed:"


def test_rows_give_pairs_whose_reframing_ends_and_does_not_copy():
    def pair(thought, text):
        return TASK.pair({"original_text": thought, "reframed_text": text})

    assert pair("It  rains", "The garden \ngrows").reference == " The garden grows."
    assert pair("It rains", "The garden grows!").reference == " The garden grows!"
    assert pair("It rains!", "it RAINS.").reference is None
    assert pair("It rains!", " ").reference is None


def test_what_visitors_could_not_ask_is_no_prompt_but_counts_when_prompts_are_drawn():
    """Else one long thought would change which of the others are held out."""
    prompts = [{"thought": "x" * length} for length in (240, 241, 3)]
    assert data.usable(TASK, prompts) == [prompts[0], prompts[2]]
    assert data.usable(TASK, [{"thought": "I want to kill myself"}, prompts[2]]) == [prompts[2]]


def test_a_thought_about_self_harm_gets_the_pointer():
    assert TASK.pointer({"thought": "I want to kill myself"}) == care.POINTER
    assert TASK.pointer({"thought": "this commute is killing me"}) is None


@pytest.mark.parametrize(
    ("text", "defects"),
    [
        ("I can take the next flight.", 0),
        ("I missed it. The next one leaves soon.", 0),
        ("Take the next", 1),
        ("One is late. Two are late. Three are here.", 1),
        ("I am am glad.", 1),
        ("I hope, hope, hope it is is fine:)", 6),
        ("#blessed that the flight is late.", 1),
        ("Flight airport gate delay coffee.", 1),
        ("Will it be fine?", 1),
    ],
)
def test_every_defect_of_form_halves(text, defects):
    assert form.form(text, "my flight is late") == 0.5**defects
    assert form.form("", "") == form.form("So sad.", "") == 0


def test_a_copy_costs_whatever_follows_it_and_words_of_ones_own_do_not():
    assert form.own_words(THOUGHT, THOUGHT) == pytest.approx(form.COPY)
    assert form.own_words(THOUGHT, f"{THOUGHT} I wrote them in my head all night.") == pytest.approx(form.COPY)
    assert form.own_words("So tired", "So tired.") == pytest.approx(form.COPY)
    assert form.own_words(THOUGHT, f"I hope that {THOUGHT}") == pytest.approx(form.COPY)  # a stock opening hides none
    assert form.own_words(THOUGHT, "Someone stole my laptop, so a friend lends me her notes.") == 1


def test_a_shuffled_thought_keeps_little_and_a_paraphrase_all():
    shuffled = "Notes finals before lost right I got library the stolen laptop at."
    assert form.in_order(THOUGHT, shuffled) == pytest.approx(form.JUMBLED)
    assert form.in_order(THOUGHT, THOUGHT) == 1
    assert form.in_order(THOUGHT, "My laptop was stolen in the library, and I lost my notes.") == 1
    assert form.in_order(THOUGHT, "Notes lost.") == 1  # too few words to tell


def test_going_on_costs_and_saying_more_in_as_many_words_does_not():
    thought = "The meeting could have been an email."
    assert form.no_longer(thought, "An email would do, but now it is over.") == 1
    assert form.no_longer(thought, f"{thought[:-1]}, and I am proud of that.") == pytest.approx(1 - 3.3 * form.TOO_LONG)
    assert form.no_longer(thought, " and ".join([thought] * 9)) == form.PADDED
    assert form.no_longer("Tired.", "I am tired and I want to sleep.") == 1


def test_remarks_say_what_costs_a_text_its_rewards():
    labels = [remark.label for remark in TASK.remarks(THOUGHT, {"thought": THOUGHT})]
    assert labels == ["copied: 100%"]
    assert TASK.remarks("A friend lends me her notes.", {"thought": THOUGHT}) == []
    late = {"thought": "My flight is delayed and nobody tells us anything."}
    assert TASK.remarks("Nobody told us about the flight, but I can ask the airline.", late) == []
    longer = "Nobody told us about the flight, but I can ask the airline and read a good book."
    assert [remark.label for remark in TASK.remarks(longer, late)] == ["goes on"]


def test_one_opening_ending_or_phrase_for_other_prompts_costs_and_within_a_prompt_it_does_not():
    texts = ["I hope that it ends.", "I hope that it was fun.", "We won and it was fun.", "Rain."]
    given = [{"thought": "a"}, {"thought": "a"}, {"thought": "b"}, {"thought": "c"}]
    assert rewards.variety(texts, given) == [0.0, -0.5, pytest.approx(-1 / 3), 0.0]
    assert rewards.variety(texts[:2], given[:2]) == [0.0, 0.0]
    assert rewards.variety(texts[:1], [{"thought": "a", "mood": None}]) == [0.0]  # datasets add what a prompt lacks
    texts = ["Rain, and I will be proud of it.", "Then I will be proud of her.", "Mud."]
    given = [{"thought": "a"}, {"thought": "b"}, {"thought": "c"}]
    assert rewards.variety(texts, given) == [-0.5, -0.5, 0.0]
    given[0] = {"thought": "Will I be proud? I will be proud."}  # its own words
    assert rewards.variety(texts, given)[:2] == [-0.5, -0.5]  # "will be proud of" is not among them
    given[0] = {"thought": "I will be proud of it."}
    assert rewards.variety(texts, given)[:2] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (" The Bitch next door\nis  loud.", "The B**** next door is loud."),
        ("What a stupid, stupid day.", "What a stupid, stupid day."),
        ("Moby Dickens and a pricky pear.", "Moby Dickens and a pricky pear."),
    ],
)
def test_texts_show_no_slur(raw, shown):
    assert Reframe().text(raw, {"thought": "x"}) == shown
