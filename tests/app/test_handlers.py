"""The page's handlers on a stream without a model: writing, sweeping, looking, clicking."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.handlers import Handlers
from backbones.engine.request import Request
from backbones.engine.scheduler import ServingError, Waiting
from backbones.merging.methods import METHODS
from backbones.merging.preference import lattice
from tests.fake import GIVEN, HEAVY, POINTER, FakeStream, chosen, fake_set, values

LINK = (
    'Talk to &lt;a person&gt;: <a href="https://findahelpline.com" target="_blank" rel="noopener noreferrer">'
    "findahelpline.com</a> knows one."
)
BAD = GIVEN | {"name": "Zoë's <Bar"}


def handlers(stream=None):
    return Handlers([fake_set(2), fake_set(3)], stream or FakeStream())


def write(handlers, texts=(), view="0-1", swept=None, **choices):
    return handlers.write(chosen(**choices), view, list(texts), swept)


def sweep(handlers, **choices):
    *_, last = handlers.sweep(chosen(**choices), "0-1", [])
    return last


def test_both_methods_get_the_same_given_preference_and_seeds():
    stream = FakeStream()
    list(write(handlers(stream), samples=3))
    (requests,) = stream.requests
    assert [one.method for one in requests] == ["bone-soup"] * 3 + ["rewarded-soup"] * 3
    assert [one.seed for one in requests] == [5, 6, 7] * 2
    assert {one.preference for one in requests} == {(0.7, 0.3)}
    assert all(one.given == requests[0].given == GIVEN for one in requests)


def test_other_random_numbers_per_column_on_request():
    stream = FakeStream()
    list(write(handlers(stream), same_noise=False, samples=2))
    assert len({one.seed for one in stream.requests[0]}) == 4


def test_texts_stream_into_both_columns_and_the_history_comes_last():
    *partial, last = write(handlers(), samples=2)
    assert "caret" in partial[0]["left_column"]
    assert "bone-soup" in partial[-1]["left_column"] and "rewarded-soup" in partial[-1]["right_column"]
    assert [one.id for one in last["texts"]] == [1, 2, 3, 4]
    assert [one.text.request.method for one in last["texts"]] == ["bone-soup"] * 2 + ["rewarded-soup"] * 2
    assert last["history"].count('data-key="[&#34;text&#34;') == 4


def test_a_pointer_fills_both_columns_once_and_has_no_place_in_the_plot():
    given, shared = {"name": HEAVY}, handlers()
    *_, shown, last = write(shared, given=given, samples=3)
    for column in ("left_column", "right_column"):
        assert shown[column].count(LINK) == 1 and "score" not in shown[column] and "chip" not in shown[column]
    assert last["history"].count(LINK) == 6
    assert not any("written" in (trace.name or "") for trace in last["plot"].data)
    *_, swept = shared.sweep(chosen(given=given), "0-1", last["texts"])
    assert swept["grid"].count(LINK) == 1 and not any("this prompt" in (t.name or "") for t in swept["plot"].data)
    news = shared.look(chosen(given=given, preference=(1, 3)), "0-1", [], swept["swept"])
    assert LINK in news["left_column"] and "From the sweep" not in news["left_column"]
    assert LINK in point(shared, ["text", 1], texts=last["texts"])["left_column"]
    for kind in ("csv", "json"):
        file = shared.take(kind, last["texts"], swept["swept"])["file"]
        assert Path(file).read_text().count(POINTER) == 6 + 22


def test_visitors_do_not_share_a_history_and_a_repeated_text_is_kept_once():
    shared, mine = handlers(), []
    *_, last = write(shared, texts=mine)
    assert len(last["texts"]) == 2 and mine == []
    *_, again = write(shared, texts=last["texts"])
    assert len(again["texts"]) == 2
    *_, other = write(shared, texts=last["texts"], seed=6)
    assert [one.id for one in other["texts"]] == [1, 2, 3, 4] and len(last["texts"]) == 2


def test_stopping_closes_the_stream():
    stream = FakeStream()
    running = write(handlers(stream))
    list(itertools.islice(running, 2))
    running.close()
    assert stream.closed == 1


def test_waiting_is_announced_in_both_columns():
    class Crowded(FakeStream):
        def __call__(self, name, requests):
            yield Waiting(3)
            yield from super().__call__(name, requests)

    first, *_, last = write(handlers(Crowded()))
    for column in ("left_column", "right_column"):
        assert "3 requests are before yours" in first[column]
    assert len(last["texts"]) == 2
    news = handlers(Crowded()).sweep(chosen(), "0-1", [])
    assert any("before yours" in one.get("left_column", "") for one in news)


def test_a_failing_model_is_told_in_clear_words():
    def failing(name, requests):
        raise ServingError("out of memory: write fewer texts at once")
        yield

    with pytest.raises(ServingError, match="write fewer texts"):
        list(write(handlers(failing)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"given": GIVEN | {"name": ""}}, "'name' is missing"),
        ({"given": BAD}, "leave out the characters"),
        ({"preference": (0, 0)}, "all zero"),
        ({"preference": (float("nan"), 1)}, "finite numbers"),
        ({"preference": (-1, 2)}, "negative"),
        ({"name": "../stew"}, "no set '../stew'"),
        ({"methods": ("bone-soup", "stew")}, "no method 'stew'"),
        ({"samples": 9}, "samples is 9"),
        ({"temperature": float("inf")}, "temperature is inf"),
        ({"seed": None}, "seed is empty"),
        ({"seed": 1.5}, "seed is 1.5"),
    ],
)
def test_bad_input_is_named_before_anything_is_generated(change, message):
    stream = FakeStream()
    for run in (write, sweep):
        with pytest.raises(ValueError, match=message):
            list(run(handlers(stream), **change))
    assert stream.requests == []


def test_looking_gives_coefficients_and_expectations_before_generating():
    stream = FakeStream()
    news = handlers(stream).look(chosen(preference=(100, 0)), "0-1", [], None)
    shown = news["coefficients"]
    assert "+1.75" in shown and "-0.75" in shown and "is outside" in shown and stream.requests == []
    assert "complete <b>0.95</b> <small>[0.93, 0.97]</small>" in shown
    assert set(news) == {"coefficients", "plot"}


def test_what_is_shown_as_coefficients_is_what_the_engine_gets():
    stream, soup_set = FakeStream(), fake_set(3)
    for method in METHODS:
        some = chosen(name="fake-3", methods=(method, "base"), preference=(1, 1, 1))
        shared = Handlers([soup_set], stream)
        shown = shared.look(some, "0-1", [], None)["coefficients"]
        list(shared.write(some, "0-1", [], None))
        for value in soup_set.merge(method, stream.requests[-1][0].preference).coefficients.values():
            assert f"{value:+.2f}" in shown


def test_a_preference_that_is_none_is_told_where_the_coefficients_stand():
    news = handlers().look(chosen(preference=(0, 0)), "0-1", [], None)
    assert set(news) == {"coefficients"} and "all zero" in news["coefficients"]


def test_names_are_escaped_in_texts_and_tables():
    *_, shown, last = write(handlers(), given=GIVEN | {"name": 'Tom & Jerry "quote"'})
    for html in (shown["left_column"], last["history"]):
        assert "Tom &amp; Jerry" in html and "Tom & Jerry" not in html


def test_either_column_can_hold_any_method_of_either_set():
    for name, preference in (("fake-2", (1, 1)), ("fake-3", (1, 1, 1))):
        for method in METHODS:
            stream = FakeStream()
            list(write(handlers(stream), name=name, preference=preference, methods=(method, "base")))
            assert stream.set_names == [name]
            assert [one.method for one in stream.requests[0]] == [method, "base"]
            assert {len(one.preference) for one in stream.requests[0]} == {len(preference)}


def test_only_texts_of_the_set_shown_are_drawn():
    shared = handlers()
    *_, last = write(shared)
    *_, both = write(shared, name="fake-3", preference=(1, 1, 1), texts=last["texts"])
    assert len(both["texts"]) == 4
    assert len([trace for trace in both["plot"].data if trace.name.endswith(", written")]) == 2


def test_another_set_brings_its_preference_methods_views_and_results():
    news = handlers().choose(chosen(name="fake-3", methods=("mod", "bone-soup")), "0-1")
    assert "MOD writes here" in news["left_column"] and "Bone Soup writes here" in news["right_column"]
    news = news["chosen"]
    preference = news["preference"]
    assert preference["labels"] == ["Complete", "Concise", "Upbeat"] and sum(preference["value"]) == pytest.approx(100)
    assert (news["left"]["value"], news["right"]["value"]) == ("mod", "bone-soup")
    news = handlers().follow(chosen(name="fake-3", methods=("mod", "bone-soup")), "0-1")
    assert news["view"]["visible"] and [value for _, value in news["view"]["choices"]] == ["0-1", "0-2", "1-2", "3d"]
    assert "better" in news["results"] and "MOD" in news["points"]
    view = handlers().follow(chosen(methods=("mod", "bone-soup")), "3d")["view"]
    assert not view["visible"] and view["value"] == "0-1"


def test_a_sweep_writes_the_whole_grid_in_one_batch_and_says_how_far_it_is():
    stream = FakeStream()
    *news, last = handlers(stream).sweep(chosen(samples=2), "0-1", [])
    (requests,) = stream.requests
    grid = lattice(2)
    np.testing.assert_allclose([one.preference for one in requests[::2]], [*grid, *grid])
    assert [one.seed for one in requests] == [5, 6] * 22
    assert "0 of 44 texts" in news[0]["progress"] and "44 of 44 texts" in news[-1]["progress"]
    assert last["grid"].count('data-key="[&#34;preference&#34;') == 22 and last["progress"] == ""
    assert sum(trace.name.endswith("this prompt") for trace in last["plot"].data) == 2


def test_moving_the_preference_scrubs_through_a_sweep_without_generating():
    stream = FakeStream()
    shared = handlers(stream)
    swept = sweep(shared)["swept"]
    news = shared.look(chosen(preference=(22, 78)), "0-1", [], swept)
    left, right = news["left_column"], news["right_column"]
    assert "From the sweep, at 20 % / 80 %" in left and "bone-soup" in left and "rewarded-soup" in right
    assert any(trace.name == "Bone Soup, this prompt" for trace in news["plot"].data)
    for change in (
        {"given": GIVEN | {"name": "Elm"}},
        {"methods": ("mod", "base")},
        {"seed": 6},
        {"given": BAD},
    ):
        news = shared.look(chosen(**change), "0-1", [], swept)
        assert "left_column" not in news
        assert not any(trace.name == "Bone Soup, this prompt" for trace in news["plot"].data)
    assert len(stream.requests) == 1


def point(handlers, key, texts=(), swept=None, **choices):
    return handlers.point(SimpleNamespace(key=key), chosen(**choices), list(texts), swept)


def test_a_click_on_a_front_goes_to_its_preference_with_its_example():
    news = point(handlers(), ["front", "mod", 3])
    assert news["chosen"] == {"preference": pytest.approx([70, 30])} and set(news) == {"chosen", "example"}
    assert "MOD at 70 % / 30 %" in news["example"] and "A is a &lt;b&gt;pub&lt;/b&gt;." in news["example"]


def test_a_click_on_a_point_of_the_sweep_goes_to_its_preference():
    shared = handlers()
    news = point(shared, ["sweep", 1, 8], swept=sweep(shared)["swept"])
    assert news["chosen"]["preference"] == pytest.approx([20, 80])
    assert point(shared, ["preference", 0.2, 0.8])["chosen"]["preference"] == pytest.approx([20, 80])


def test_a_click_on_a_text_brings_back_text_and_settings():
    shared = handlers()
    *_, last = write(shared, name="fake-3", preference=(1, 2, 1), temperature=0.5, seed=9, samples=2)
    news = point(shared, ["text", 4], texts=last["texts"])
    controls = news["chosen"]
    assert controls["set_name"] == "fake-3" and controls["preference"]["value"] == [25, 50, 25]
    assert controls["given"] == {"restaurants": GIVEN | {"near": ""}}
    settings = ("samples", "temperature", "top_p", "seed", "same_noise")
    assert [controls[name] for name in settings] == [1, 0.5, 0.9, 10, True]
    right = news["right_column"]
    assert "seed 10" in right and "Written before" in right  # a text of Rewarded Soup
    assert "Press" in news["left_column"]
    stream = FakeStream()
    list(Handlers([fake_set(3)], stream).write(values(controls), "0-1", [], None))
    assert stream.requests[0][1] == last["texts"][3].text.request
    assert isinstance(stream.requests[0][1], Request)


@pytest.mark.parametrize(
    "key",
    [
        ["text", 99],
        ["sweep", 0, 3],
        ["front", "stew", 0],
        ["front", "mod", 99],
        ["preference", "x"],
        [],
        5,
        ["text"],
        [[]],
    ],
)
def test_a_click_on_what_is_not_there_is_told_in_words(key):
    with pytest.raises(ValueError, match="no longer kept"):
        point(handlers(), key)


def test_a_set_without_fronts_and_specialists_is_served_all_the_same():
    bare = replace(fake_set(), name="bare", front=None, specialists=(), oracles=())
    assert bare.methods == ("bone-soup", "bone-soup-extrapolated", "no-mapping", "base")
    served = Handlers([bare, fake_set()], FakeStream())
    news = served.choose(chosen(name="bare", methods=("mod", "rewarded-soup")), "0-1")["chosen"]
    assert (news["left"]["value"], news["right"]["value"]) == ("bone-soup", "base")
    some = {"name": "bare", "methods": ("bone-soup", "base")}
    news = served.look(chosen(**some), "0-1", [], None)
    assert "not measured" in news["coefficients"] and len(news["plot"].data) == 0
    news = served.follow(chosen(**some), "0-1")
    assert "train.evaluate" in news["results"] and "train.evaluate" in news["points"]
    *_, last = write(served, **some)
    assert [trace.name for trace in last["plot"].data] == ["Bone Soup, written", "Base, written"]
    *_, last = served.sweep(chosen(**some), "0-1", [])
    assert [trace.name for trace in last["plot"].data] == ["Bone Soup, this prompt", "Base, this prompt"]
    news = point(served, ["sweep", 0, 3], swept=last["swept"], **some)
    assert news["chosen"]["preference"] == pytest.approx([70, 30])
    with pytest.raises(ValueError, match="no method 'rewarded-soup'"):
        list(write(served, name="bare"))
