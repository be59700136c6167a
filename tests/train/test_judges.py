"""Scores that nothing was trained on."""

import pytest

from backbones.tasks.reframe.task import Reframe
from tests.toy import Colours
from train.judges import judges

THOUGHT = "I lost all of my notes in the library."


def test_positive_texts_openings_and_copies_are_told_apart():
    found = judges(Reframe())
    assert set(found) == {"vader", "openings", "copied"}  # without a model that is not shipped
    assert found["vader"](["I love this wonderful day."], [THOUGHT]) > 0.5
    assert found["vader"](["I hate this horrible day."], [THOUGHT]) < -0.5
    texts = ["I hope that it ends.", "I hope that I win.", "It will end.", "Notes can be made again."]
    assert found["openings"](texts, [THOUGHT] * 4) == 0.75
    assert found["copied"]([THOUGHT, "A friend lends me hers."], [THOUGHT] * 2) == pytest.approx(0.5)
    of_the_text = found["copied"](["I lost all of my keys."], [THOUGHT])  # and not of the thought
    assert of_the_text == pytest.approx(2 / 3)


def test_copies_are_of_what_is_a_text_alone():
    assert set(judges(Colours())) == {"vader", "openings"}
