"""The page's handlers on a stream without a model."""

import itertools

import gradio as gr
import pytest

from app.handlers import Handlers, dice
from backbones import facts as f
from tests.fake import FakeStream, fake_set

FACTS = ("Zoë's <Bar", "pub", "English", "cheap", "low", "riverside", "no", "")
GOOD = ("Zoë's", *FACTS[1:])


def call(handlers, facts=GOOD, preference=(70, 30), samples=1, marks=(), same=True, seed=5, temperature=1.0):
    return handlers.write(*facts, *preference, samples, temperature, 0.9, seed, same, list(marks))


def test_both_methods_get_the_same_facts_preference_and_seeds():
    stream = FakeStream()
    list(call(Handlers(fake_set(), stream), samples=3))
    (orders,) = stream.orders
    assert [o.method for o in orders] == ["bone-soup"] * 3 + ["rewarded-soup"] * 3
    assert [o.seed for o in orders] == [5, 6, 7] * 2
    assert {o.preference for o in orders} == {(0.7, 0.3)}
    assert all(o.facts == orders[0].facts for o in orders)


def test_other_random_numbers_per_column_on_request():
    stream = FakeStream()
    list(call(Handlers(fake_set(), stream), same=False, samples=2))
    assert len({o.seed for o in stream.orders[0]}) == 4


def test_texts_stream_into_both_columns_and_marks_come_last():
    *partial, last = call(Handlers(fake_set(), FakeStream()), samples=2)
    assert "caret" in partial[0][0] and "bone-soup" in partial[-1][0] and "rewarded-soup" in partial[-1][1]
    marks = last[3]
    assert [(m["method"], len(m["texts"])) for m in marks] == [("bone-soup", 2), ("rewarded-soup", 2)]


def test_visitors_do_not_share_marks():
    handlers = Handlers(fake_set(), FakeStream())
    mine = []
    *_, last = call(handlers, marks=mine)
    assert len(last[3]) == 2 and mine == []
    *_, again = call(handlers, marks=last[3])
    assert len(again[3]) == 4 and len(last[3]) == 2


def test_stopping_closes_the_stream():
    stream = FakeStream()
    running = call(Handlers(fake_set(), stream))
    list(itertools.islice(running, 2))
    running.close()
    assert stream.closed == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"facts": ("", *GOOD[1:])}, "'name' is missing"),
        ({"facts": FACTS}, "leave out the characters"),
        ({"preference": (0, 0)}, "all zero"),
        ({"samples": 9}, "samples is 9"),
        ({"seed": None}, "seed is empty"),
    ],
)
def test_bad_input_is_named_before_anything_is_generated(change, message):
    stream = FakeStream()
    with pytest.raises(gr.Error, match=message):
        list(call(Handlers(fake_set(), stream), **change))
    assert stream.orders == []


def test_looking_gives_coefficients_before_generating():
    stream = FakeStream()
    preference, mix, _ = Handlers(fake_set(), stream).look(100, 0, [])
    assert "100 %" in preference and "+1.75" in mix and "-0.75" in mix and stream.orders == []


def test_looking_at_two_zeros_says_what_to_do():
    assert "all zero" in Handlers(fake_set(), FakeStream()).look(0, 0, [])[0]


def test_names_are_escaped_in_texts():
    facts = ('Tom & Jerry "quote"', *GOOD[1:])
    *_, last = call(Handlers(fake_set(), FakeStream()), facts=facts)
    assert "Tom &amp; Jerry &quot;quote&quot;" in last[0] and "Tom & Jerry" not in last[0]


def test_dice_gives_facts_that_can_be_written_about():
    for _ in range(50):
        assert "name" in f.check(dict(zip(f.SLOTS, dice())))
