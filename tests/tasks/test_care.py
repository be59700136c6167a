"""Care for people in distress: which thoughts get the pointer to help, and which only sound alike.

`serious.txt` and `harmless.txt` hold thoughts, one a line. The first of each were written before there were rules.
Eight times, fresh ones were written after the rules, and the rules mended after counting: each heading says what was
right before. So a passing test says little of thoughts that are in neither file; those counts say more. The seventh and
eighth lists look for what the rules lack, and are harder than what people commonly write: of the last 80 serious ones,
half of them only hints, 21 were heard, and of the last 88 harmless ones, worded as closely as they come, 9 were caught.
"""

from pathlib import Path

import pytest

from backbones.tasks.reframe import care


def thoughts(name):
    """Those of a file."""
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_lists_hold_as_many_as_they_are_said_to():
    for name, first, last in (
        ("serious.txt", 74, 85 + 48 + 114 + 63 + 4 + 1),
        ("harmless.txt", 78, 94 + 48 + 122 + 88 + 5 + 2),
    ):
        assert len(set(thoughts(name))) == first + 4 * 30 + last


def test_thoughts_about_self_harm_or_suicide_are_heard():
    assert [thought for thought in thoughts("serious.txt") if not care.concerns(thought)] == []


def test_thoughts_that_only_sound_alike_are_left_to_the_model():
    assert [thought for thought in thoughts("harmless.txt") if care.concerns(thought)] == []


@pytest.mark.parametrize(
    "written",
    [
        "I WANT TO KILL MYSELF",
        "i want to k i l l myself",
        "i want to k1ll my self!!!",
        "i want to k**l myself",
        "ikillmyself #killmyself",
        "i want to ki\u200bll myself",
        "i want to kıll myself",
        "I don’t want to live",
        "I don´t want to live",
        "𝐈 𝐰𝐚𝐧𝐭 𝐭𝐨 𝐝𝐢𝐞",
        "i wаnt to diе",  # with Cyrillic letters
        "i  want\n to   dieeeee",
        "self-harm",
        "im killin myself tonight",
        "i wnat to die",
        "thinkin abt endin my life",
        "i want to hurt miself",
    ],
)
def test_a_thought_is_heard_however_it_is_written(written):
    assert care.concerns(written)


def test_a_turn_of_phrase_hides_nothing_beside_it():
    assert not care.concerns("I nearly killed myself laughing.")
    assert care.concerns("I nearly killed myself laughing, and tonight I will kill myself")
    assert care.concerns("I cut myself shaving. Then I cut myself on purpose.")


@pytest.mark.parametrize(
    "thought",
    [
        "I cut myself when I was sad",
        "I cut myself while crying",
        "I cut myself on the arm",
        "I hurt myself in secret",
        "I hurt myself at night",
        "I shot myself in the foot on purpose because I want to die",
        "I burned myself out and I want to kill myself",
        "I will die tonight",
    ],
)
def test_a_harmless_beginning_is_no_alibi(thought):
    assert care.concerns(thought)


@pytest.mark.parametrize(
    "thought", ["", " ", "...", "?", "日本語", "a" * 240, "i " * 120, "want to " * 30, "kill " * 48]
)
def test_what_says_nothing_is_harmless_and_takes_no_time(thought):
    assert not care.concerns(thought)


def test_small_words_of_german_are_not_taken_for_english():
    assert not care.concerns("Ich bin im Stau und die Kinder schreien")
    assert care.concerns("Ich bin im Zug und will sterben")
    assert care.concerns("im going to die tonight")


def test_only_some_rules_look_beyond_the_end_of_a_clause():
    assert care.concerns("I relapsed. The blade, after a year.")
    assert not care.concerns("I want to be heard. Dead tired.")


def test_the_pointer_is_short_and_says_where_help_is():
    assert "findahelpline.com" in care.POINTER and len(care.POINTER) < 300
