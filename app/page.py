"""The layout of the page; the models are handed to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from app import controls, figures, shown, story, views, wiring
from app import sweep as sweeps
from app.api import Programs, examples
from app.blind import BlindRound
from app.choices import first_methods, first_preference, method_choices
from app.controls import Controls, Parts
from app.dropdown import Choice
from app.handlers import Handlers, Stream
from app.pages import Pages
from app.preference import Sliders, percent, props
from app.sentence import Sentence
from app.share import Share
from app.story import Story
from app.sweep import Sweep
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet

TITLE = """# Bone Soup
Each place of the slider is another language model, *merged* at once from a few tuned variants of a small one. On the
left these were tuned on mixtures of what matters; on the right, the older way, on one thing each."""
OPEN = (Path(__file__).parent / "open.js").read_text(encoding="utf-8")
BRIDGE = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("clicks.js", "plot.js"))


def build(
    sets: Sequence[SoupSet],
    stream: Stream,
    jobs: int = 64,
    rounded: bool = False,
    background: bool = True,
    remark: str = "",
) -> gr.Blocks:
    """The page for sets whose texts come from `stream` (set name, requests -> iterator of texts).

    `jobs`: requests that are served or wait at one time; more are turned away. `rounded`: whether texts are computed in
    bfloat16, where rounding depends on the texts beside them, so that a link can give another text. `background`:
    whether what visitors give is swept unasked, or where a button is pressed. `remark`: what is to be known of how
    texts are written.
    """
    handlers = Handlers(sets, stream, background)
    with gr.Blocks(title="Bone Soup", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        wiring.wire(page, lay_out(sets, rounded, background, remark), handlers, jobs)
        Programs(handlers).publish(page, jobs)
    page.queue(default_concurrency_limit=8, max_size=jobs)
    page.routes = Share(handlers).routes()  # what `serve.launch` adds to the server
    return page


def lay_out(sets: Sequence[SoupSet], rounded: bool = False, background: bool = True, remark: str = "") -> Parts:
    """Make all components, as the first of the sets needs them; none does anything yet. Arguments: as in `build`."""
    first = sets[0]
    mu, methods, swept = first_preference(first), first_methods(first), sweeps.of_set(first)
    here = {"at": percent(mu), "name": first.name}
    bridge = gr.HTML("", js_on_load=BRIDGE, elem_id="bridge")
    set_name, telling = _head(sets, mu)
    with gr.Row(elem_id="top"):
        with gr.Column(scale=6, min_width=320, elem_id="writing"):
            asked = _asking(sets, background)
            preference = Sliders(percent(mu), elem_id="preference", **props(first))
            with gr.Row(elem_id="methods"):
                left, right = (
                    Choice(
                        method_choices(first),
                        value=method,
                        label=f"{side.capitalize()} column",
                        elem_id=f"method-{side}",
                        container=False,
                        min_width=140,
                    )
                    for side, method in zip(("left", "right"), methods, strict=True)
                )
            columns = Pages(
                shown.columns(first, methods, swept) if swept else [], shown.PAIR, elem_id="columns", **here
            )
            gr.HTML(views.rendered("open.html"), js_on_load=OPEN, elem_id="open")
        with gr.Column(scale=5, min_width=320, elem_id="picture"):
            planes = figures.views([objective.label for objective in first.objectives])
            widest = figures.default_view(first.front, methods)
            view = Choice(planes, value=widest, label="View", visible=len(planes) > 1, elem_id="view", container=False)
            figure = figures.front_figure(first.front, first.objectives, methods, mu, widest, tuned=first)
            plot = gr.Plot(figure, show_label=False, elem_id="front", container=False, buttons=[])
            coefficients = Pages(shown.merges(first, methods), shown.ONE, elem_id="coefficients", **here)
            example = Pages([], shown.ONE, elem_id="example", **here)
    with gr.Accordion("Sampling", open=False, elem_id="sampling"):
        settings = controls.settings(first)
    if remark:
        gr.Markdown(remark, elem_id="remark")
    given = asked.pop("given")
    return Parts(
        chosen=Controls(set_name=set_name, left=left, right=right, preference=preference, given=given, **settings),
        texts=gr.State([]),
        swept=gr.State(None),
        bridge=bridge,
        story=telling,
        columns=columns,
        view=view,
        plot=plot,
        coefficients=coefficients,
        example=example,
        **asked,
        **_keepsakes(rounded),
        **_tabs(first, swept),
        asked=gr.Number(visible="hidden"),  # the last, see wiring.ASKED
    )


def _asking(sets: Sequence[SoupSet], background: bool) -> dict:
    """What is asked for, as a sentence and in fields, and the buttons that do something with it."""
    task = sets[0].task
    sentence = views.sentence(task, {field.name: field.default for field in task.fields})
    parts: dict[str, Any] = {"sentence": Sentence(sentence, elem_id="sentence")}
    with gr.Column(elem_id="given"):
        parts["forms"], parts["given"] = controls.forms(sets)
    with gr.Row(elem_id="actions"):
        parts["write"] = gr.Button("Write", variant="primary", size="md", elem_id="write", scale=0, min_width=110)
        parts["stop"] = gr.Button("Stop", size="md", elem_id="stop", scale=0, min_width=80)
        parts["sweep"] = gr.Button("Sweep", elem_id="sweep", scale=0, min_width=80, visible=not background)
        parts["dice"] = gr.Button(
            "Another example",
            size="md",
            elem_id="dice",
            scale=0,
            min_width=150,
            visible=task.example() is not None,
        )
        parts["problem"] = gr.HTML("", elem_id="problem")
    return parts


def _head(sets: Sequence[SoupSet], mu: Preference) -> tuple[gr.Dropdown, Story]:
    """The title with the story, and the set where there are several."""
    with gr.Row(elem_id="head"):
        with gr.Column(elem_id="intro", min_width=320):
            gr.Markdown(TITLE, elem_id="title")
            telling = Story(story.told(sets[0]), at=percent(mu), elem_id="story")
        set_name = gr.Dropdown(
            [(soup_set.title, soup_set.name) for soup_set in sets],
            value=sets[0].name,
            label="Set",
            visible=len(sets) > 1,
            elem_id="set",
            min_width=370,
            scale=0,
        )
    return set_name, telling


def _keepsakes(rounded: bool) -> dict:
    """What takes things away: buttons, a link, and a file that is downloaded."""
    sure = ", most of them: rounding depends on the load" if rounded else " appear"
    with gr.Row(elem_id="keep"):
        buttons = {
            "copy": gr.Button("Copy link", size="sm", min_width=100),
            "image": gr.Button("Plot as image", size="sm", min_width=100),
            "animation": gr.Button("Animation", size="sm", min_width=100),
            "csv": gr.Button("Texts as CSV", size="sm", min_width=100),
            "json": gr.Button("Texts as JSON", size="sm", min_width=100),
            "left_adapter": gr.Button("Left merge as adapter", size="sm", min_width=150),
            "right_adapter": gr.Button("Right merge as adapter", size="sm", min_width=150),
        }
    return buttons | {
        "link": gr.Textbox(
            label=f"Link to this page as it is: the same texts{sure}",
            visible=False,
            buttons=["copy"],
            elem_id="link",
        ),
        "query": gr.Textbox(visible="hidden"),
        "file": gr.DownloadButton(visible="hidden", elem_id="file"),
    }


def _tabs(first: SoupSet, swept: Sweep | None) -> dict:
    """Tables, the blind round and the examples of code."""
    parts = {}
    with gr.Tabs(elem_id="tabs"):
        with gr.Tab("History"):
            parts["history"] = gr.HTML(views.history([]), elem_id="history")
        with gr.Tab("Sweep"):
            parts["grid"] = gr.HTML(views.sweep(swept.columns if swept else None), elem_id="grid")
        with gr.Tab("Blind round"):
            BlindRound(elem_id="blind")
        with gr.Tab("Fronts as a table"):
            parts["points"] = gr.HTML(views.front(first, first_methods(first)), elem_id="points")
        with gr.Tab("Results"):
            parts["results"] = gr.HTML(views.results(first), elem_id="results")
        with gr.Tab("Use it from code"):
            parts["code"] = gr.Markdown(examples(), elem_id="code")
    return parts
