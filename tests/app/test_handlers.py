"""The page's handlers on a stream without a model: writing, sweeping, looking, clicking."""

import html
import itertools
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from app import choices as ch
from app import figures
from app import sweep as sweeps
from app.handlers import Handlers
from app.preference import percent
from backbones.engine.jobs import ServingError, Waiting
from backbones.engine.request import Request
from backbones.merging.methods import METHODS
from tests.fake import GIVEN, HEAVY, POINTER, FakeStream, chosen, fake_set, text, values, with_sweep

LINK = (
    'Talk to &lt;a person&gt;: <a href="https://findahelpline.com" target="_blank" rel="noopener noreferrer">'
    "findahelpline.com</a> knows one."
)
BAD = GIVEN | {"name": "Zoë's <Bar"}


def handlers(stream=None):
    return Handlers([fake_set(2), fake_set(3)], stream or FakeStream())


def seen(page):
    """The text of HTML as a person sees it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())


def write(handlers, texts=(), **choices):
    return handlers.write(chosen(**choices), list(texts))


def sweep(handlers, swept=None, **choices):
    """The news of a sweep, without those that say nothing."""
    return list(filter(None, handlers.sweep(chosen(**choices), swept)))


def swept(handlers, **choices):
    """The sweep that the last news hold."""
    return sweep(handlers, **choices)[-1]["swept"]


def draw(handlers, texts=(), view="0-1", swept=None, **choices):
    return handlers.draw(chosen(**choices), view, list(texts), swept)["plot"]


def written(news, side):
    """What Write shows in a column."""
    return news["columns"]["exact"]["parts"][side]


def names(figure):
    return [trace.name or "" for trace in figure.data]


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
    assert "caret" in written(partial[0], "left") and written(partial[0], "verdict") == ""
    assert "bone-soup" in written(partial[-1], "left") and "rewarded-soup" in written(partial[-1], "right")
    assert partial[-1]["columns"]["exact"]["at"] == [70, 30]
    assert written(partial[-1], "verdict").count("Complete 0.50, Concise 0.50 on average") == 2
    assert [one.id for one in last["texts"]] == [1, 2, 3, 4]
    assert [one.text.request.method for one in last["texts"]] == ["bone-soup"] * 2 + ["rewarded-soup"] * 2
    assert last["history"].count('data-key="[&#34;text&#34;') == 4


def test_a_pointer_is_shown_once_and_has_no_place_in_the_plot():
    given, shared = {"name": HEAVY}, handlers()
    *_, shown, last = write(shared, given=given, samples=3)
    page = shown["columns"]["exact"]
    assert page["same"] and page["parts"]["left"].count(LINK) == 1 and page["parts"]["verdict"] == ""
    assert "score" not in page["parts"]["left"] and "chip" not in page["parts"]["left"]
    assert last["history"].count(LINK) == 6
    assert not any("written" in name for name in names(draw(shared, last["texts"], given=given)))
    *_, pages, own = sweep(shared, given=given)
    assert own["grid"].count(LINK) == 1
    assert not any("this prompt" in name for name in names(draw(shared, swept=own["swept"], given=given)))
    assert all(LINK in one["parts"]["left"] and one["same"] for one in pages["columns"]["value"])
    assert LINK in reopened(shared, ["text", 1], last["texts"])["columns"]["exact"]["parts"]["left"]
    for kind in ("csv", "json"):
        file = shared.take(kind, last["texts"], own["swept"])["file"]
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


def test_a_sweep_can_be_ended_before_its_first_text_is_done():
    stream = FakeStream()
    running = handlers(stream).sweep(chosen(), None)
    assert "columns" in next(running) and next(running) == {}
    running.close()
    assert stream.closed == 1


def test_waiting_is_announced_in_both_columns_and_a_sweep_waits_quietly():
    class Crowded(FakeStream):
        def __call__(self, name, requests, background=False):
            yield Waiting(3)
            yield from super().__call__(name, requests, background)

    first, *_, last = write(handlers(Crowded()))
    for side in ("left", "right"):
        assert "3 requests are before yours" in written(first, side)
    assert len(last["texts"]) == 2
    news = sweep(handlers(Crowded()))
    assert all(page["parts"] is None for page in news[0]["columns"]["value"]) and "swept" in news[-1]


def test_a_failing_model_is_told_in_clear_words():
    def failing(name, requests, background=False):
        raise ServingError("out of memory: write fewer texts at once")
        yield

    with pytest.raises(ServingError, match="write fewer texts"):
        list(write(handlers(failing)))
    last = sweep(handlers(failing))[-1]
    assert "write fewer texts" in last["problem"] and last["columns"]["stopped"]


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
    with pytest.raises(ValueError, match=message):
        list(write(handlers(stream), **change))
    (news,) = sweep(handlers(stream), **change)
    assert re.search(message, html.unescape(news["problem"]))
    assert news == {"problem": news["problem"], "columns": gr.update(stopped=True)}  # texts that are there stay
    assert stream.requests == stream.swept == []


def test_coefficients_and_expectations_come_before_anything_is_generated():
    stream = FakeStream()
    page = handlers(stream).merge(chosen(preference=(97, 3)))["coefficients"]["exact"]
    assert page["at"] == [97, 3] and stream.requests == []
    shown = page["parts"]["html"]
    assert "+1.68" in shown and "-0.68" in shown and "is outside" in shown
    pages = handlers(stream).follow(chosen(), "0-1")["coefficients"]["value"]
    assert [one["at"] for one in pages] == [percent(mu) for mu in sweeps.grid(2)]
    assert "complete <b>0.95</b> <small>[0.93, 0.97]</small>" in pages[0]["parts"]["html"]


def test_theory_is_told_of_the_two_methods_that_it_compares():
    for methods, told in ((("bone-soup", "rewarded-soup"), True), (("bone-soup", "mod"), False)):
        pages = handlers().follow(chosen(methods=methods), "0-1")["coefficients"]["value"]
        assert all(("Theorem 1" in page["parts"]["html"]) == told for page in pages)


def test_what_is_shown_as_coefficients_is_what_the_engine_gets():
    stream, soup_set = FakeStream(), fake_set(3)
    for method in METHODS:
        some = chosen(name="fake-3", methods=(method, "base"), preference=(1, 1, 1))
        shared = Handlers([soup_set], stream)
        shown = shared.merge(some)["coefficients"]["exact"]["parts"]["html"]
        list(shared.write(some, []))
        for value in soup_set.merge(method, stream.requests[-1][0].preference).coefficients.values():
            assert f"{value:+.2f}" in shown


def test_names_are_escaped_in_texts_and_tables():
    *_, shown, last = write(handlers(), given=GIVEN | {"name": 'Tom & Jerry "quote"'})
    for page in (written(shown, "left"), last["history"]):
        assert "Tom &amp; Jerry" in page and "Tom & Jerry" not in page


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
    figure = draw(shared, both["texts"], name="fake-3", preference=(1, 1, 1))
    assert len([name for name in names(figure) if name.endswith(", written")]) == 2


def test_another_set_brings_its_preference_methods_views_and_results():
    news = handlers().choose(chosen(name="fake-3", methods=("mod", "bone-soup")), None)
    assert news["columns"]["name"] == "fake-3" and news["columns"]["exact"] is None
    assert [page["parts"] for page in news["columns"]["value"]] == [None] * 28  # being written
    asked = Handlers([fake_set(3)], FakeStream(), background=False)
    assert asked.choose(chosen(name="fake-3"), None)["columns"]["value"] == []
    assert news["view"]["value"] == figures.default_view(fake_set(3).front, ("mod", "bone-soup"))
    news = news["chosen"]
    sampling = fake_set(3).sampling
    assert (news["temperature"], news["top_p"]) == (sampling.temperature, sampling.top_p)
    preference = news["preference"]
    assert preference["value"] == percent(ch.first_preference(fake_set(3)))
    assert preference["value"] in preference["grid"]
    assert preference["labels"] == ["Complete", "Concise", "Upbeat"] and sum(preference["value"]) == pytest.approx(100)
    assert (news["left"]["value"], news["right"]["value"]) == ("mod", "bone-soup")
    news = handlers().follow(chosen(name="fake-3", methods=("mod", "bone-soup")), "0-1")
    assert news["view"]["visible"] and [value for _, value in news["view"]["choices"]] == ["0-1", "0-2", "1-2", "3d"]
    assert "better" in news["results"] and "MOD" in news["points"]
    view = handlers().follow(chosen(methods=("mod", "bone-soup")), "3d")["view"]
    assert not view["visible"] and view["value"] == "0-1"


def test_what_is_sent_while_the_set_changes_is_answered_for_the_new_set():
    bare = replace(fake_set(3), name="bare", front=None, specialists=(), oracles=())
    served = Handlers([fake_set(2), bare], FakeStream())
    before = {"name": "bare", "methods": ("mod", "rewarded-soup"), "preference": (50, 50)}
    after = {"name": "bare", "methods": ch.first_methods(bare), "preference": percent(ch.first_preference(bare))}
    assert draw(served, **before) == draw(served, **after)
    assert served.merge(chosen(**before)) == served.merge(chosen(**after))
    ours, theirs = (served.follow(chosen(**one), "0-1") for one in (before, after))
    assert ours["coefficients"]["value"] == theirs["coefficients"]["value"] and ours["points"] == theirs["points"]


def test_a_sweep_writes_the_whole_grid_in_one_batch_of_the_background_nearest_first():
    stream = FakeStream()
    first, *news, last = sweep(handlers(stream), samples=2, preference=(22, 78))
    (requests,) = stream.swept
    assert stream.requests == [] and len(requests) == 22
    assert [one.preference for one in requests[:4]] == [(0.2, 0.8)] * 2 + [(0.3, 0.7)] * 2
    assert [one.method for one in requests[:4]] == ["bone-soup", "rewarded-soup"] * 2
    assert {one.seed for one in requests} == {5} and {one.preference for one in requests} == set(sweeps.grid(2))
    assert first["problem"] == "" and all(page["parts"] is None for page in first["columns"]["value"])
    pages = news[-1]["columns"]["value"]
    assert [page["at"] for page in pages] == [percent(mu) for mu in sweeps.grid(2)]
    assert all("bone-soup pub" in seen(page["parts"]["left"]) for page in pages)
    assert last["grid"].count('data-key="[&#34;preference&#34;') == 11
    assert sum(name.endswith("this prompt") for name in names(draw(handlers(), swept=last["swept"]))) == 2


def test_a_sweep_tells_of_every_preference_when_both_texts_are_done():
    class Uneven(FakeStream):
        def __call__(self, name, requests, background=False):
            for count in (0, 1, 2, 3, 3, len(requests)):
                yield [text(one, "<name> is a pub.", done=place < count) for place, one in enumerate(requests)]

    _, *news, _ = sweep(handlers(Uneven()), preference=(100, 0))
    assert [sum(page["parts"] is not None for page in one["columns"]["value"]) for one in news] == [1, 11]
    assert news[0]["columns"]["value"][0]["parts"] is not None
    assert news[0]["columns"]["turn"] != news[1]["columns"]["turn"]


def test_what_has_been_swept_is_not_written_again():
    stream = FakeStream()
    shared = handlers(stream)
    own = swept(shared)
    for same in ({}, {"preference": (22, 78)}, {"samples": 3}):
        news = sweep(shared, own, **same)
        assert len(stream.swept) == 1 and news[-1]["swept"] is own
        assert all(page["parts"] for page in news[0]["columns"]["value"])
        assert "Bone Soup, this prompt" in names(draw(shared, swept=own, **same))
    for change in ({"given": GIVEN | {"name": "Elm"}}, {"methods": ("mod", "base")}, {"seed": 6}):
        assert not any("this prompt" in name for name in names(draw(shared, swept=own, **change)))
        before = len(stream.swept)
        sweep(shared, own, **change)
        assert len(stream.swept) == before + 1
    assert not any("this prompt" in name for name in names(draw(shared, swept=own, given=BAD)))


def test_without_a_background_a_sweep_is_asked_for_like_any_text():
    stream = FakeStream()
    shared = Handlers([fake_set(2)], stream, background=False)
    assert "swept" in list(shared.sweep(chosen(), None))[-1]
    assert stream.swept == [] and len(stream.requests[0]) == 22


def test_a_set_opens_with_the_sweep_that_it_comes_with(tmp_path):
    soup_set, stream = with_sweep(fake_set(2), tmp_path), FakeStream()
    shared = Handlers([soup_set], stream)
    some = chosen(given={field.name: field.default for field in soup_set.task.fields}, seed=0)
    pages = shared.choose(some, None)["columns"]["value"]
    assert len(pages) == 11 and all(page["parts"] for page in pages)
    *_, last = shared.sweep(some, None)
    assert "swept" not in last and stream.swept == []  # nothing that the plot or a file would show as the visitor's
    assert last["grid"].count("<tr") == 12
    assert not any("this prompt" in name for name in names(shared.draw(some, "0-1", [], None)["plot"]))


def test_a_visitors_sweep_stays_beside_what_the_set_comes_with(tmp_path):
    soup_set, stream = with_sweep(fake_set(2), tmp_path), FakeStream()
    shared = Handlers([soup_set], stream)
    own = swept(shared)
    given = {field.name: field.default for field in soup_set.task.fields}
    assert "swept" not in sweep(shared, own, given=given, seed=0)[-1]
    sweep(shared, own)
    assert len(stream.swept) == 1


def point(handlers, key, swept=None, **choices):
    return handlers.point(SimpleNamespace(key=key), chosen(**choices), swept)


def reopened(handlers, key, texts, swept=None, **choices):
    return handlers.reopened(SimpleNamespace(key=key), chosen(**choices), list(texts), swept)


def test_a_click_on_a_front_goes_to_its_preference_with_its_example():
    news = point(handlers(), ["front", "mod", 3])
    assert news["chosen"] == {"preference": pytest.approx([70, 30])} and set(news) == {"chosen", "example"}
    page = news["example"]["exact"]  # shown at this preference alone
    assert page["at"] == pytest.approx([70, 30])
    assert "MOD at 70 % / 30 %" in page["parts"]["html"] and "A is a &lt;b&gt;pub&lt;/b&gt;." in page["parts"]["html"]


def test_a_click_on_a_point_of_the_sweep_goes_to_its_preference():
    shared = handlers()
    news = point(shared, ["sweep", 1, 8], swept=swept(shared))
    assert news["chosen"]["preference"] == pytest.approx([20, 80])
    assert point(shared, ["preference", 0.2, 0.8])["chosen"]["preference"] == pytest.approx([20, 80])


def test_a_click_on_a_text_brings_back_text_and_settings_and_what_was_written_beside_it():
    shared = handlers()
    *_, last = write(shared, name="fake-3", preference=(1, 2, 1), temperature=0.5, seed=9, samples=2)
    news = reopened(shared, ["text", 4], last["texts"])
    controls = news["chosen"]
    assert controls["set_name"] == "fake-3" and controls["preference"]["value"] == [25, 50, 25]
    assert controls["given"] == {"restaurants": GIVEN | {"near": ""}}
    settings = ("samples", "temperature", "top_p", "seed", "same_noise")
    assert [controls[name] for name in settings] == [1, 0.5, 0.9, 10, True]
    page = news["columns"]["exact"]
    assert page["at"] == [25, 50, 25] and news["columns"]["name"] == "fake-3"
    for side, method in (("left", "bone-soup"), ("right", "rewarded-soup")):
        assert f"{method} pub with seed 10" in seen(page["parts"][side]) and "Written before" in page["parts"][side]
    alone = reopened(shared, ["text", 4], last["texts"][3:])["columns"]["exact"]["parts"]
    assert "seed 10" in alone["right"] and "Press" in alone["left"]
    stream = FakeStream()
    list(Handlers([fake_set(3)], stream).write(values(controls), []))
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
    with pytest.raises(ValueError, match="no longer kept"):
        reopened(handlers(), key, [])


def test_a_set_without_fronts_and_specialists_is_served_all_the_same():
    bare = replace(fake_set(), name="bare", front=None, specialists=(), oracles=())
    assert bare.methods == ("bone-soup", "bone-soup-extrapolated", "no-mapping", "base")
    served = Handlers([bare, fake_set()], FakeStream())
    news = served.choose(chosen(name="bare", methods=("mod", "rewarded-soup")), None)["chosen"]
    assert (news["left"]["value"], news["right"]["value"]) == ("bone-soup", "base")
    assert news["preference"]["value"] == [50, 50]
    some = {"name": "bare", "methods": ("bone-soup", "base")}
    news = served.follow(chosen(**some), "0-1")
    assert "not measured" in news["coefficients"]["value"][0]["parts"]["html"] and names(draw(served, **some)) == []
    assert "train.evaluate" in news["results"] and "train.evaluate" in news["points"]
    *_, last = write(served, **some)
    assert {"Bone Soup, written", "Base, written"} <= set(names(draw(served, last["texts"], **some)))
    own = swept(served, **some)
    assert {"Bone Soup, this prompt", "Base, this prompt"} <= set(names(draw(served, swept=own, **some)))
    news = point(served, ["sweep", 0, 3], swept=own, **some)
    assert news["chosen"]["preference"] == pytest.approx([70, 30])
    with pytest.raises(ValueError, match="no method 'rewarded-soup'"):
        list(write(served, name="bare"))
