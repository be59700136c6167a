"""Pictures of links: kept, made once, a few at a time, and not without end for one visitor."""

import io
import threading

import pytest
from PIL import Image

from app import pictures
from app.pictures import Pictures, TooMany
from tests.waiting import until

BLANK = Image.new("RGB", (8, 4), "red")


def made(kept, query, visitor="a"):
    return kept.asked(query, visitor, lambda: BLANK).result(timeout=10)


def settled(kept):
    """Wait until what has been made is kept, which is a moment after whoever asked for it has it."""
    until(lambda: not kept._making)


def test_a_picture_is_made_once_and_is_a_png_of_few_colours():
    kept, calls = Pictures(), []

    def make():
        calls.append(1)
        return BLANK

    found = [kept.asked("q", "a", make).result(timeout=10) for _ in range(3)]
    assert len(calls) == 1 and len(set(found)) == 1
    picture = Image.open(io.BytesIO(found[0]))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (8, 4))


def test_those_who_ask_for_the_same_at_once_wait_for_one_picture(monkeypatch):
    kept, go, calls = Pictures(), threading.Event(), []

    def make():
        calls.append(1)
        go.wait(10)
        return BLANK

    waiting = [kept.asked("q", "a", make) for _ in range(50)]
    go.set()
    assert len({one.result(timeout=10) for one in waiting}) == 1 and len(calls) == 1


def test_only_so_many_are_made_at_one_time(monkeypatch):
    monkeypatch.setattr(pictures, "BURST", 1000)
    kept, go, most, now = Pictures(), threading.Event(), [0], [0]

    def make():
        now[0] += 1
        most[0] = max(most[0], now[0])
        go.wait(10)
        now[0] -= 1
        return BLANK

    waiting = [kept.asked(str(i), "a", make) for i in range(pictures.MAX_MAKING)]
    with pytest.raises(TooMany, match="too many pictures are being made"):
        kept.asked("more", "b", make)
    go.set()
    assert all(one.result(timeout=10) for one in waiting)
    assert 1 <= most[0] <= pictures.AT_ONCE
    assert made(kept, "more", "b")


def test_a_visitor_has_a_few_at_once_and_then_one_every_few_seconds():
    clock = [0.0]
    kept = Pictures(lambda: clock[0])
    for i in range(pictures.BURST):
        made(kept, str(i))
    for _ in range(3):
        with pytest.raises(TooMany, match="try again in a minute"):
            kept.asked("more", "a", lambda: BLANK)
    assert made(kept, "0"), "those that are kept do not count"
    assert made(kept, "more", "b"), "nor do those of others"
    clock[0] += pictures.EVERY
    assert made(kept, "another")
    with pytest.raises(TooMany):
        kept.asked("one too many", "a", lambda: BLANK)
    clock[0] += 1e6
    for i in range(pictures.BURST):
        made(kept, f"later {i}")
    with pytest.raises(TooMany):
        kept.asked("still no more", "a", lambda: BLANK)


def test_what_is_kept_has_an_end(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_KEPT", 3)
    monkeypatch.setattr(pictures, "MAX_VISITORS", 3)
    kept = Pictures()
    for i in range(6):
        made(kept, str(i), str(i))
        made(kept, "0" if i == 3 else str(i), "z")
    settled(kept)
    assert len(kept._kept) == 3 and len(kept._visitors) <= 3 and not kept._making


def test_what_fails_is_said_and_not_kept():
    kept = Pictures()

    def fail():
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        kept.asked("q", "a", fail).result(timeout=10)
    settled(kept)
    assert made(kept, "q")
