"""The page's handlers on a stream without a model."""

import csv
import io
import itertools
import json
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from app import history, render, understand
from app.choices import from_query
from app.handlers import CONTROLS, Handlers, dice, hint, mix
from app.programs import Programs
from backbones import facts as f
from backbones import sets
from backbones.coefficients import METHODS, simplex_lattice
from backbones.serving import ServingError, Waiting
from backbones.writer import Order, Text
from tests.fake import FakeStream, fake_set

FACTS = ("Zoë's <Bar", "pub", "English", "cheap", "low", "riverside", "no", "")
GOOD = ("Zoë's", *FACTS[1:])
SKIP = gr.skip()


def handlers(stream=None):
    return Handlers([fake_set(2), fake_set(3)], stream or FakeStream())


def controls(
    name="fake-2",
    methods=("bone-soup", "rewarded-soup"),
    preference=(70, 30),
    facts=GOOD,
    samples=1,
    temperature=1.0,
    top_p=0.9,
    seed=5,
    same=True,
    message="",
):
    return name, *methods, list(preference), *facts, message, samples, temperature, top_p, seed, same


def write(handlers, texts=(), view="0-1", sweep=None, **chosen):
    return handlers.write(view, list(texts), sweep, *controls(**chosen))


def sweep(handlers, **chosen):
    *_, last = handlers.sweep("0-1", [], *controls(**chosen))
    return last


def test_both_methods_get_the_same_facts_preference_and_seeds():
    stream = FakeStream()
    list(write(handlers(stream), samples=3))
    (orders,) = stream.orders
    assert [o.method for o in orders] == ["bone-soup"] * 3 + ["rewarded-soup"] * 3
    assert [o.seed for o in orders] == [5, 6, 7] * 2
    assert {o.preference for o in orders} == {(0.7, 0.3)}
    assert all(o.facts == orders[0].facts for o in orders)


def test_other_random_numbers_per_column_on_request():
    stream = FakeStream()
    list(write(handlers(stream), same=False, samples=2))
    assert len({o.seed for o in stream.orders[0]}) == 4


def test_texts_stream_into_both_columns_and_the_history_comes_last():
    *partial, last = write(handlers(), samples=2)
    assert "caret" in partial[0][0] and "bone-soup" in partial[-1][0] and "rewarded-soup" in partial[-1][1]
    texts = last[3]
    assert [text["id"] for text in texts] == [1, 2, 3, 4]
    assert [text["method"] for text in texts] == ["bone-soup"] * 2 + ["rewarded-soup"] * 2
    assert last[4].count('data-key="[&quot;text&quot;') == 4


def test_visitors_do_not_share_a_history_and_a_repeated_text_is_kept_once():
    shared, mine = handlers(), []
    *_, last = write(shared, texts=mine)
    assert len(last[3]) == 2 and mine == []
    *_, again = write(shared, texts=last[3])
    assert len(again[3]) == 2
    *_, other = write(shared, texts=last[3], seed=6)
    assert [text["id"] for text in other[3]] == [1, 2, 3, 4] and len(last[3]) == 2


def test_stopping_closes_the_stream():
    stream = FakeStream()
    running = write(handlers(stream))
    list(itertools.islice(running, 2))
    running.close()
    assert stream.closed == 1


def test_waiting_is_announced_in_both_columns():
    class Crowded(FakeStream):
        def __call__(self, name, orders):
            yield Waiting(3)
            yield from super().__call__(name, orders)

    first, *_, last = write(handlers(Crowded()))
    assert "3 requests are before yours" in first[0] and "3 requests are before yours" in first[1]
    assert len(last[3]) == 2
    assert any("before yours" in str(news[1]) for news in handlers(Crowded()).sweep("0-1", [], *controls()))


def test_a_failing_model_is_told_in_clear_words():
    def failing(name, orders):
        raise ServingError("out of memory: write fewer texts at once")
        yield

    with pytest.raises(gr.Error, match="write fewer texts"):
        list(write(handlers(failing)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"facts": ("", *GOOD[1:])}, "'name' is missing"),
        ({"facts": FACTS}, "leave out the characters"),
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
        with pytest.raises(gr.Error, match=message):
            list(run(handlers(stream), **change))
    assert stream.orders == []


def test_looking_gives_coefficients_and_expectations_before_generating():
    stream = FakeStream()
    mixes, _, left, right = handlers(stream).look("0-1", [], None, *controls(preference=(100, 0)))
    assert "+1.75" in mixes and "-0.75" in mixes and stream.orders == []
    assert "complete <b>0.95</b> <small>[0.93, 0.97]</small>" in mixes
    assert (left, right) == (SKIP, SKIP)


def test_theory_says_where_bone_soup_leads():
    soup_set = fake_set()  # beta 0.7: from 11.9 % to 88.1 %
    assert "from 12 % to 88 % complete" in hint(soup_set, np.array([0.5, 0.5])) and "inside" in hint(
        soup_set, np.array([0.5, 0.5])
    )
    assert "outside" in hint(soup_set, np.array([0.95, 0.05]))
    assert "inside" in hint(fake_set(3), np.full(3, 1 / 3)) and "outside" in hint(fake_set(3), np.array([1, 0, 0]))


def test_names_are_escaped_in_texts_and_tables():
    facts = ('Tom & Jerry "quote"', *GOOD[1:])
    *_, shown, last = write(handlers(), facts=facts)
    for html in (shown[0], last[4]):
        assert "Tom &amp; Jerry &quot;quote&quot;" in html and "Tom & Jerry" not in html


def test_facts_are_marked_in_the_text():
    *_, shown, _ = write(handlers(), facts=("Zoë's", "coffee shop", *GOOD[2:]))
    assert '<mark class="stated" title="name: stated">Zoë&#x27;s</mark>' in shown[0]
    assert '<mark class="wrong" title="kind: not among the facts">pub</mark>' in shown[0]


def test_a_defect_of_form_that_halves_the_rewards_is_shown():
    *_, shown, _ = write(handlers())
    assert "form: rewards × 0.5" in shown[0]  # the text has no full stop
    whole = Text("Elm is a pub.", "<name> is a pub.", 5, True, {"complete": 1.0, "concise": 1.0})
    assert "form" not in render.texts("mod", [whole], {"name": "Elm"}, fake_set().objectives)


def test_dice_gives_facts_that_can_be_written_about():
    for _ in range(50):
        assert "name" in f.check(dict(zip(f.SLOTS, dice())))


def test_either_column_can_hold_any_method_of_either_set():
    for name, preference in (("fake-2", (1, 1)), ("fake-3", (1, 1, 1))):
        for method in METHODS:
            stream = FakeStream()
            list(write(handlers(stream), name=name, preference=preference, methods=(method, "base")))
            assert stream.set_names == [name]
            assert [o.method for o in stream.orders[0]] == [method, "base"]
            assert {len(o.preference) for o in stream.orders[0]} == {len(preference)}


def test_only_texts_of_the_set_shown_are_drawn():
    shared = handlers()
    *_, last = write(shared)
    *_, both = write(shared, name="fake-3", preference=(1, 1, 1), texts=last[3])
    assert len(both[3]) == 4
    assert len([trace for trace in both[2].data if trace.name.endswith(", written")]) == 2


def test_another_set_brings_its_preference_methods_views_and_results():
    preference, left, right = handlers().choose("fake-3", "mod", "bone-soup")
    assert preference["labels"] == ["Complete", "Concise", "Upbeat"] and sum(preference["value"]) == pytest.approx(100)
    assert (left["value"], right["value"]) == ("mod", "bone-soup")
    view, results, points, *_ = handlers().follow("fake-3", "mod", "bone-soup", "0-1")
    assert view["visible"] and [value for _, value in view["choices"]] == ["0-1", "0-2", "1-2", "3d"]
    assert "better" in results and "MOD" in points
    view, *_ = handlers().follow("fake-2", "mod", "bone-soup", "3d")
    assert not view["visible"] and view["value"] == "0-1"


def test_a_sweep_writes_the_whole_grid_in_one_batch_and_says_how_far_it_is():
    stream = FakeStream()
    *news, last = handlers(stream).sweep("0-1", [], *controls(samples=2))
    (orders,) = stream.orders
    grid = simplex_lattice(2, 10)
    np.testing.assert_allclose([o.preference for o in orders[::2]], [*grid, *grid])
    assert [o.seed for o in orders] == [5, 6] * 22
    assert "0 of 44 texts" in news[0][0] and "44 of 44 texts" in news[-1][0]
    assert last[5].count("go there") == 22
    assert sum(trace.name.endswith("this prompt") for trace in last[3].data) == 2


def test_moving_the_preference_scrubs_through_a_sweep_without_generating():
    stream = FakeStream()
    shared = handlers(stream)
    swept = sweep(shared)[4]
    _, figure, left, right = shared.look("0-1", [], swept, *controls(preference=(22, 78)))
    assert "From the sweep, at 20 % / 80 %" in left and "bone-soup" in left and "rewarded-soup" in right
    assert any(trace.name == "Bone Soup, this prompt" for trace in figure.data)
    for change in ({"facts": ("Elm", *GOOD[1:])}, {"methods": ("mod", "base")}, {"seed": 6}, {"facts": FACTS}):
        _, figure, left, _ = shared.look("0-1", [], swept, *controls(**change))
        assert left == SKIP and not any(trace.name == "Bone Soup, this prompt" for trace in figure.data)
    assert len(stream.orders) == 1


def point(handlers, key, texts=(), swept=None, **chosen):
    return handlers.point(SimpleNamespace(key=key), list(texts), swept, *controls(**chosen))


def test_a_click_on_a_front_goes_to_its_preference_with_its_example():
    *values, example, left, right = point(handlers(), ["front", "mod", 3])
    assert values[3] == pytest.approx([70, 30]) and values[:3] == [SKIP] * 3
    assert "MOD at 70 % / 30 %" in example and "A is a &lt;b&gt;pub&lt;/b&gt;." in example
    assert (left, right) == (SKIP, SKIP)


def test_a_click_on_a_point_of_the_sweep_goes_to_its_preference():
    shared = handlers()
    values = point(shared, ["sweep", 1, 8], swept=sweep(shared)[4])
    assert values[3] == pytest.approx([20, 80])
    assert point(shared, ["preference", 0.2, 0.8])[3] == pytest.approx([20, 80])


def test_a_click_on_a_text_brings_back_text_and_settings():
    shared = handlers()
    *_, last = write(shared, name="fake-3", preference=(1, 2, 1), temperature=0.5, seed=9, samples=2)
    *values, _, left, right = point(shared, ["text", 4], texts=last[3])
    assert len(values) == CONTROLS
    assert values[0] == "fake-3" and values[3]["value"] == [25, 50, 25] and values[4] == "Zoë's"
    assert values[-5:] == [1, 0.5, 0.9, 10, True]
    assert "seed 10" in right and "Written before" in right and "Press" in left  # a text of Rewarded Soup
    stream = FakeStream()
    list(Handlers([fake_set(3)], stream).write("0-1", [], None, "fake-3", *_chosen(values)))
    assert stream.orders[0][1] == _order_of(last[3][3])


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
    with pytest.raises(gr.Error, match="no longer kept"):
        point(handlers(), key)


def _chosen(values):
    return values[1]["value"], values[2]["value"], values[3]["value"], *values[4:]


def _order_of(one):
    keys = ("facts", "method", "seed", "temperature", "top_p")
    return Order(preference=tuple(one["preference"]), max_new_tokens=80, **{key: one[key] for key in keys})


def test_a_link_opens_the_page_as_it_was():
    shared = handlers()
    chosen = controls(name="fake-3", preference=(100 / 3, 100 / 3, 100 / 3), samples=2, temperature=0.35, same=False)
    query = shared.link(*chosen)
    *values, problem = shared.reopen(query)
    assert problem == ""
    assert shared.link("fake-3", *_chosen(values)) == query
    assert from_query(shared.sets, query).preference == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fake-2", "../etc", "no set &#x27;../etc&#x27;"),
        ("70-30", "70-x", "preference is &#x27;x&#x27;"),
        ("70-30", "70-30-5", "one per objective"),
        ("seed=5", "sed=5", "lacks &#x27;seed&#x27;"),
        ("pub", "%3Cscript%3E", "use one of"),
    ],
)
def test_a_damaged_link_says_so_and_leaves_the_page_as_it_is(old, new, message):
    shared = handlers()
    query = shared.link(*controls())
    assert old in query
    *values, problem = shared.reopen(query.replace(old, new))
    assert values == [SKIP] * CONTROLS
    assert "cannot be opened" in problem and message in problem and "<script" not in problem


def test_texts_are_taken_away_with_all_it_takes_to_write_them_again():
    shared = handlers()
    *_, last = write(shared, facts=("=SUM(A1)", *GOOD[1:]))
    swept = sweep(shared)[4]
    with open(shared.take(last[3], swept, "json")) as file:
        entries = json.load(file)
    assert len(entries) == 2 + 22 and entries[0]["facts"]["name"] == "=SUM(A1)" and entries[0]["seed"] == 5
    with open(shared.take(last[3], None, "csv")) as file:
        rows = list(csv.DictReader(io.StringIO(file.read())))
    assert [row["method"] for row in rows] == ["bone-soup", "rewarded-soup"]
    assert rows[0]["preference"] == "70-30" and float(rows[0]["reward complete"]) == 0.5
    assert rows[0]["text"].startswith("'=SUM")  # no formula in a spreadsheet
    with pytest.raises(gr.Error, match="press Write first"):
        shared.take([], None, "csv")


def test_the_merged_adapter_is_taken_away_and_old_files_go():
    shipped = Handlers([replace(sets.read("restaurants"), name="fake-2")], FakeStream())
    path = shipped.adapter(0, *controls())
    assert path.endswith("fake-2-bone-soup-70-30.zip")
    with zipfile.ZipFile(path) as file:
        assert any(name.endswith("adapter_model.safetensors") for name in file.namelist())
    for _ in range(30):
        shipped.take([history_entry()], None, "csv")
    assert len(list(shipped.files.glob("*/*"))) == 20
    with pytest.raises(gr.Error, match="mod"):
        shipped.adapter(1, *controls(methods=("bone-soup", "mod")))


def history_entry():
    *_, last = write(handlers())
    return last[3][0]


def test_a_history_does_not_grow_without_bound():
    one, texts = history_entry(), []
    for seed in range(history.MAX_TEXTS + 5):
        texts = history.add(texts, [one | {"seed": seed}])
    assert len(texts) == history.MAX_TEXTS and texts[-1]["id"] == history.MAX_TEXTS + 5


def test_means_have_standard_errors():
    one = history_entry()
    entries = [one | {"rewards": {"complete": value, "concise": 1.0}} for value in (0.2, 0.4, 0.9)]
    (mean,) = history.means(entries, ["complete", "concise"])
    assert mean["mean"] == pytest.approx([0.5, 1.0])
    assert mean["error"] == pytest.approx([np.std([0.2, 0.4, 0.9], ddof=1) / np.sqrt(3), 0])


def test_what_a_method_makes_of_a_preference():
    soup_set = fake_set()
    assert mix(soup_set, "bone-soup", np.array([1, 0]))[0] == [("backbone-1", 1.75), ("backbone-2", -0.75)]
    assert mix(soup_set, "rewarded-soup", np.array([0.6, 0.4]))[0] == [("specialist-1", 0.6), ("specialist-2", 0.4)]
    assert mix(soup_set, "bone-soup-anchored", np.array([1, 0]))[0] == [("specialist-1", 1.0), ("specialist-2", 0.0)]
    assert mix(soup_set, "morlhf", np.array([0.8, 0.2])) == ([("specialist-1", 1.0)], "tuned for 100 % / 0 %")
    assert mix(soup_set, "base", np.array([0.8, 0.2]))[0] == []


def test_a_set_without_fronts_and_specialists_is_served_all_the_same():
    bare = replace(fake_set(), name="bare", front=None, specialists=(), oracles=())
    assert bare.methods == ("bone-soup", "bone-soup-extrapolated", "no-mapping", "base")
    stream = FakeStream()
    served = Handlers([bare, fake_set()], stream)
    _, left, right = served.choose("bare", "mod", "rewarded-soup")
    assert (left["value"], right["value"]) == ("bone-soup", "base")
    chosen = {"name": "bare", "methods": ("bone-soup", "base")}
    mixes, figure, *_ = served.look("0-1", [], None, *controls(**chosen))
    assert "not measured" in mixes and len(figure.data) == 0
    _, results, points, *_ = served.follow("bare", "bone-soup", "base", "0-1")
    assert "train.evaluate" in results and "train.evaluate" in points and "train.evaluate" in understand.closing(bare)
    *_, last = write(served, **chosen)
    assert [trace.name for trace in last[2].data] == ["Bone Soup, written", "Base, written"]
    *_, last = served.sweep("0-1", [], *controls(**chosen))
    assert [trace.name for trace in last[3].data] == ["Bone Soup, this prompt", "Base, this prompt"]
    assert point(served, ["sweep", 0, 3], swept=last[4], **chosen)[3] == pytest.approx([70, 30])
    programs = Programs(served)
    assert set(programs.coefficients([1, 1], "bare")) == {"bone-soup", "bone-soup-extrapolated", "no-mapping"}
    with pytest.raises(gr.Error, match="have not been measured"):
        programs.front("bone-soup", "bare")
    with pytest.raises(gr.Error, match="no method 'rewarded-soup'"):
        list(write(served, name="bare"))
