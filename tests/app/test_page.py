"""What the page asks for is what the tasks of its sets ask for; a third task needs no change in the page."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import gradio as gr
import pytest

from app.api import Programs
from app.choices import from_query
from app.dropdown import Choice
from app.handlers import Handlers
from app.page import build, lay_out
from app.serve import launch
from backbones.tasks.assistant import Assistant
from tests.browser import choose, choose_set, needs_browser, opened, press, wait_for_text
from tests.fake import RESTAURANTS, FakeStream, chosen, fake_set, values
from tests.toy import Colours

MESSAGE = "Hi <b>\nthere"


COLOURS, CHAT = Colours(), Assistant()
SETS = [
    replace(fake_set(), name="colours", title="Colours", task=COLOURS),
    replace(fake_set(), name="chat", title="Chat", task=CHAT, front=None),
    fake_set(3),
]
STREAM = {"colours": COLOURS, "chat": CHAT}


def laid_out(sets=SETS):
    with gr.Blocks():
        return lay_out(sets)


def test_the_form_has_a_component_for_every_field_of_every_task():
    parts = laid_out()
    assert {name: list(fields) for name, fields in parts.chosen.given.items()} == {
        "colours": ["colour"],
        "assistant": ["prompt"],
        "restaurants": [*("name", "near"), *(field.name for field in RESTAURANTS.fields if field.values)],
    }
    colour = parts.chosen.given["colours"]["colour"]
    assert colour.choices[:3] == [("not given", ""), ("red", "red"), ("blue", "blue")]
    assert (colour.value, colour.label) == ("red", "Colour")
    assert [parts.forms[name].visible for name in ("colours", "assistant", "restaurants")] == [True, False, False]
    message = parts.chosen.given["assistant"]["prompt"]
    assert message.lines > 1 and message.max_length == 4000 and message.placeholder.startswith("write a message")
    assert {name: box.value for name, box in parts.chosen.given["restaurants"].items()} == {
        field.name: field.default for field in RESTAURANTS.fields
    }


def test_the_page_is_described_by_data_alone():
    """gradio copies the description whenever somebody opens the page; with an event, all that its component knows."""
    with build(SETS, FakeStream()) as page:
        described = page.get_config_file()["components"]
    events = [
        (one["props"].get("elem_id"), name)
        for one in described
        for name, value in one["props"].items()
        if isinstance(value, partial)
    ]
    assert described and events == []


def test_the_link_says_so_where_rounding_can_change_a_text():
    assert laid_out().link.label == "Link to this page as it is: the same texts appear"
    with gr.Blocks():
        rounded = lay_out(SETS, rounded=True)
    assert (
        rounded.link.label == "Link to this page as it is: the same texts, most of them: rounding depends on the load"
    )


def test_a_button_sweeps_where_nothing_is_written_unasked():
    for background, kinds in ((True, [("sentence", "rest")]), (False, [("sweep", "click")])):
        page = build(SETS, FakeStream(), background=background)
        names = {block._id: getattr(block, "elem_id", None) for block in page.blocks.values()}
        sweeping = [
            [(names[block], kind) for block, kind in event.targets]
            for event in page.fns.values()
            if {names[block._id] for block in event.outputs} >= {"problem", "columns", "grid"}
        ]
        assert sweeping == [kinds]
        (button,) = (block for block in page.blocks.values() if getattr(block, "elem_id", None) == "sweep")
        assert button.visible is not background


def test_two_sets_of_one_task_share_a_form():
    parts = laid_out([fake_set(2), fake_set(3)])
    assert list(parts.forms) == list(parts.chosen.given) == ["restaurants"]


def test_handlers_get_values_and_give_updates_by_name():
    parts = laid_out()
    data = {box: number for number, box in enumerate(inputs(parts, ["chosen", "view"]))}
    found = parts.values(["chosen", "view"], data)
    assert found["view"] == data[parts.view]
    assert found["chosen"].left == data[parts.chosen.left] and found["chosen"].seed == data[parts.chosen.seed]
    assert found["chosen"].given["colours"]["colour"] == data[parts.chosen.given["colours"]["colour"]]
    updates = parts.updates({"problem": "x", "chosen": {"seed": 3, "given": {"assistant": {"prompt": "Hi"}}}})
    assert updates == {
        parts.problem: "x",
        parts.chosen.seed: 3,
        parts.chosen.given["assistant"]["prompt"]: "Hi",
    }
    assert parts.updates({}) == gr.skip()


def inputs(parts, names):
    return parts.call(lambda **_: {}, names, ["problem"])["inputs"]


def test_words_for_people_become_an_error_of_the_page_with_markup_as_text():
    parts = laid_out()

    def failing(view):
        raise ValueError(f"<b>{'x' * 1000} & y")

    with pytest.raises(gr.Error) as raised:
        parts.call(failing, ["view"], ["problem"])["fn"]({parts.view: "0-1"})
    assert raised.value.message.startswith("&lt;b&gt;xx") and raised.value.message.endswith("&amp; y")
    assert len(raised.value.message) < 700


def test_the_form_follows_the_set():
    handlers = Handlers(SETS, FakeStream(tasks=STREAM))
    for name, task, rolls in (("colours", COLOURS, False), ("chat", CHAT, False), ("fake-3", RESTAURANTS, True)):
        news = handlers.follow(chosen(name, given={}, task=task), "0-1")
        assert {one: update["visible"] for one, update in news["forms"].items()} == {
            one: one == task.name for one in ("colours", "assistant", "restaurants")
        }
        assert news["dice"]["visible"] is rolls
        rolled = handlers.dice(chosen(name, given={}, task=task))
        assert (list(rolled["chosen"]["given"]) == [task.name]) if rolls else rolled == {}


def test_dice_gives_facts_that_can_be_written_about():
    handlers = Handlers([fake_set()], FakeStream())
    for _ in range(50):
        fields = handlers.dice(chosen())["chosen"]["given"]["restaurants"]
        assert set(fields) == {field.name for field in RESTAURANTS.fields}
        assert "name" in RESTAURANTS.check(fields)


@pytest.mark.parametrize(
    ("name", "task", "given"),
    [("colours", COLOURS, {"colour": "red"}), ("chat", CHAT, {"prompt": MESSAGE})],
)
def test_texts_of_any_task_are_written_kept_linked_to_and_offered_to_programs(name, task, given):
    handlers = Handlers(SETS, FakeStream(tasks=STREAM))
    some = chosen(name, given=given, task=task)
    *_, shown, last = handlers.write(some, [])
    assert "pub" in shown["columns"]["exact"]["parts"]["left"]
    assert last["texts"][0].text.request.given == given
    query = handlers.link(some)["query"]
    assert from_query(handlers.sets, query).given == given
    assert handlers.link(values(handlers.reopen(query)["chosen"]))["query"] == query
    other = chosen(name, given={}, task=task)
    news = handlers.reopened(SimpleNamespace(key=["text", 2]), other, last["texts"], None)
    assert news["chosen"]["given"] == {task.name: given}
    programs = Programs(handlers)
    (answer,) = programs.generate(given, [1, 1], set_name=name, seed=3)
    assert answer["given"] == given and "with seed 3" in answer["text"]
    assert task.usage in programs.described(programs.generate).__doc__


def test_an_answer_states_nothing_that_could_be_marked():
    handlers = Handlers(SETS, FakeStream(tasks=STREAM))
    *_, shown, _ = handlers.write(chosen("chat", given={"prompt": MESSAGE}, task=CHAT), [])
    left = shown["columns"]["exact"]["parts"]["left"]
    assert "pub" in left and "chip" not in left and "<mark" not in left


@needs_browser
def test_every_task_has_its_form_in_the_browser(browser):
    stream = FakeStream(tasks=STREAM)
    page = build(SETS, stream)
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    tab, _ = opened(browser, url, 1200)
    choose(tab, "Colour", "green")
    assert not tab.get_by_label("Message", exact=True).is_visible() and not tab.locator("#dice").is_visible()
    press(tab, "Write")
    wait_for_text(tab, "#history", "is a rewarded-soup pub")
    assert stream.requests[-1][0].given == {"colour": "green"}
    choose_set(tab, "Chat")
    message = tab.get_by_label("Message", exact=True)
    message.wait_for(state="visible")
    tab.get_by_label("Colour", exact=True).wait_for(state="hidden")
    assert not tab.locator("#dice").is_visible() and tab.locator(".sentence").count() == 0  # one field needs none
    message.fill("Where")
    message.press("Shift+Enter")
    message.press_sequentially("can I eat?")
    message.press("Enter")
    wait_for_text(tab, "#history", "chat")
    assert stream.requests[-1][0].given == {"prompt": "Where\ncan I eat?"}
    wait_for_text(tab, "#coefficients", "not measured")
    choose_set(tab, "Fake of 3")
    tab.locator(".sentence").click()
    tab.get_by_label("Name", exact=True).wait_for(state="visible")
    assert not tab.get_by_label("Message", exact=True).is_visible()
    tab.locator("#dice").wait_for(state="visible")
    press(tab, "Write")
    wait_for_text(tab, "#history", "fake-3")
    assert stream.requests[-1][0].given == {field.name: field.default for field in RESTAURANTS.fields}
    tab.close()
    page.close()


def test_a_choice_of_before_the_set_changed_reaches_the_handlers():
    """Two events of one click bring the old view; the first to be answered changes what can be chosen."""
    view = Choice([("Plane", "plane")], value="plane")
    assert view.preprocess("3-D") == "3-D"
    assert view.get_block_name() == "dropdown"
