"""The page's handlers on a stream without a model."""

import itertools

import gradio as gr
import numpy as np
import pytest

from app.handlers import Handlers, dice, mix
from backbones import facts as f
from backbones.coefficients import METHODS
from tests.fake import FakeStream, fake_set

FACTS = ("Zoë's <Bar", "pub", "English", "cheap", "low", "riverside", "no", "")
GOOD = ("Zoë's", *FACTS[1:])


def handlers(stream=None):
    return Handlers([fake_set(2), fake_set(3)], stream or FakeStream())


def call(
    handlers,
    facts=GOOD,
    preference=(70, 30, 50),
    samples=1,
    marks=(),
    same=True,
    seed=5,
    name="fake-2",
    methods=("bone-soup", "rewarded-soup"),
):
    settings = (samples, 1.0, 0.9, seed, same)
    return handlers.write(name, *methods, "0-1", *facts, *settings, list(marks), *preference)


def test_both_methods_get_the_same_facts_preference_and_seeds():
    stream = FakeStream()
    list(call(handlers(stream), samples=3))
    (orders,) = stream.orders
    assert [o.method for o in orders] == ["bone-soup"] * 3 + ["rewarded-soup"] * 3
    assert [o.seed for o in orders] == [5, 6, 7] * 2
    assert {o.preference for o in orders} == {(0.7, 0.3)}
    assert all(o.facts == orders[0].facts for o in orders)


def test_other_random_numbers_per_column_on_request():
    stream = FakeStream()
    list(call(handlers(stream), same=False, samples=2))
    assert len({o.seed for o in stream.orders[0]}) == 4


def test_texts_stream_into_both_columns_and_marks_come_last():
    *partial, last = call(handlers(), samples=2)
    assert "caret" in partial[0][0] and "bone-soup" in partial[-1][0] and "rewarded-soup" in partial[-1][1]
    marks = last[3]
    assert [(m["method"], len(m["texts"])) for m in marks] == [("bone-soup", 2), ("rewarded-soup", 2)]


def test_visitors_do_not_share_marks():
    shared, mine = handlers(), []
    *_, last = call(shared, marks=mine)
    assert len(last[3]) == 2 and mine == []
    *_, again = call(shared, marks=last[3])
    assert len(again[3]) == 4 and len(last[3]) == 2


def test_stopping_closes_the_stream():
    stream = FakeStream()
    running = call(handlers(stream))
    list(itertools.islice(running, 2))
    running.close()
    assert stream.closed == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"facts": ("", *GOOD[1:])}, "'name' is missing"),
        ({"facts": FACTS}, "leave out the characters"),
        ({"preference": (0, 0, 50)}, "all zero"),
        ({"name": "stew"}, "no set 'stew'"),
        ({"samples": 9}, "samples is 9"),
        ({"seed": None}, "seed is empty"),
    ],
)
def test_bad_input_is_named_before_anything_is_generated(change, message):
    stream = FakeStream()
    with pytest.raises(gr.Error, match=message):
        list(call(handlers(stream), **change))
    assert stream.orders == []


def test_looking_gives_coefficients_before_generating():
    stream = FakeStream()
    preference, mix, _ = handlers(stream).look("fake-2", "bone-soup", "mod", "0-1", [], 100, 0, 50)
    assert "100 %" in preference and "+1.75" in mix and "-0.75" in mix and stream.orders == []


def test_looking_at_two_zeros_says_what_to_do():
    assert "all zero" in handlers().look("fake-2", "bone-soup", "mod", "0-1", [], 0, 0, 50)[0]


def test_names_are_escaped_in_texts():
    facts = ('Tom & Jerry "quote"', *GOOD[1:])
    *_, last = call(handlers(), facts=facts)
    assert "Tom &amp; Jerry &quot;quote&quot;" in last[0] and "Tom & Jerry" not in last[0]


def test_dice_gives_facts_that_can_be_written_about():
    for _ in range(50):
        assert "name" in f.check(dict(zip(f.SLOTS, dice())))


def test_either_column_can_hold_any_method_of_either_set():
    for name, n in (("fake-2", 2), ("fake-3", 3)):
        for method in METHODS:
            stream = FakeStream()
            *_, last = call(handlers(stream), name=name, methods=(method, "base"))
            assert stream.set_names == [name]
            assert [o.method for o in stream.orders[0]] == [method, "base"]
            assert {len(o.preference) for o in stream.orders[0]} == {n}
            assert len(last[3][0]["texts"][0][1]) == n


def test_only_marks_of_the_set_shown_are_drawn():
    shared = handlers()
    *_, last = call(shared)
    *_, both = call(shared, name="fake-3", marks=last[3])
    assert len(both[3]) == 4
    written = [trace for trace in both[2].data if trace.name.endswith(", written")]
    assert len(written) == 2


def test_another_set_brings_its_sliders_methods_planes_and_results():
    first, second, third, left, right, axes, results = handlers().choose("fake-3", "mod", "bone-soup")
    assert [s["visible"] for s in (first, second, third)] == [True] * 3 and third["label"] == "Upbeat"
    assert (left["value"], right["value"]) == ("mod", "bone-soup")
    assert axes["visible"] and [value for _, value in axes["choices"]] == ["0-1", "0-2", "1-2"]
    assert "better" in results
    *_, hidden, _, _, axes, _ = handlers().choose("fake-2", "mod", "bone-soup")
    assert not hidden["visible"] and not axes["visible"]


def test_what_a_method_makes_of_a_preference():
    soup_set = fake_set()
    assert mix(soup_set, "bone-soup", np.array([1, 0]))[0] == [("backbone-1", 1.75), ("backbone-2", -0.75)]
    assert mix(soup_set, "rewarded-soup", np.array([0.6, 0.4]))[0] == [("specialist-1", 0.6), ("specialist-2", 0.4)]
    assert mix(soup_set, "bone-soup-anchored", np.array([1, 0]))[0] == [("specialist-1", 1.0), ("specialist-2", 0.0)]
    assert mix(soup_set, "morlhf", np.array([0.8, 0.2])) == ([("specialist-1", 1.0)], "tuned for 100 % / 0 %")
    assert mix(soup_set, "base", np.array([0.8, 0.2]))[0] == []


def test_coefficients_for_programs():
    row = handlers().coefficients("fake-3", [1, 0, 0])
    assert row["bone-soup"] == pytest.approx({"backbone-1": 17 / 11, "backbone-2": -3 / 11, "backbone-3": -3 / 11})
    with pytest.raises(gr.Error, match="one per objective"):
        handlers().coefficients("fake-2", [1, 0, 0])
