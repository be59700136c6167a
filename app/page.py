"""The layout of the page; the models are handed to it."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from app import controls, figures, lesson, views, wiring
from app.api import Programs, examples
from app.choices import first_methods, method_choices
from app.controls import Controls, Parts
from app.dropdown import Choice
from app.handlers import Handlers, Stream
from app.preference import Sliders, percent, props
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet

TITLE = """# Bone Soup
Say what matters, and another merge of the same language model answers, beside the one of Rewarded Soup."""
BRIDGE = (Path(__file__).parent / "clicks.js").read_text(encoding="utf-8")


def build(sets: Sequence[SoupSet], stream: Stream, jobs: int = 64, rounded: bool = False) -> gr.Blocks:
    """The page for sets whose texts come from `stream` (set name, requests -> iterator of texts).

    `jobs`: requests that are served or wait at one time; more are turned away. `rounded`: whether texts are computed in
    bfloat16, where rounding depends on the texts beside them, so that a link can give another text.
    """
    handlers = Handlers(sets, stream)
    with gr.Blocks(title="Bone Soup", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        wiring.wire(page, lay_out(sets, rounded), handlers, jobs)
        Programs(handlers).publish(page, jobs)
    page.queue(default_concurrency_limit=8, max_size=jobs)
    return page


def lay_out(sets: Sequence[SoupSet], rounded: bool = False) -> Parts:
    """Make all components, as the first of the sets needs them; none does anything yet. `rounded`: as in `build`."""
    first = sets[0]
    texts, swept = gr.State([]), gr.State(None)
    bridge = gr.HTML("", js_on_load=BRIDGE, elem_id="bridge")
    set_name = _head(sets)
    problem = gr.HTML("", elem_id="problem")
    with gr.Row():
        with gr.Column(scale=5, min_width=320):
            with gr.Row(elem_classes="part"):
                gr.HTML("<h2>What to write about</h2>")
                dice = gr.Button(
                    "Example facts",
                    size="sm",
                    elem_id="dice",
                    scale=0,
                    min_width=130,
                    visible=first.task.example() is not None,
                )
            forms, given = controls.forms(sets)
            gr.HTML("<h2>What matters to you</h2>", elem_classes="part")
            even = percent(Preference.equal(len(first.objectives)))
            preference = Sliders(even, elem_id="preference", **props(first))
            with gr.Row(elem_id="actions"):
                write = gr.Button("Write", variant="primary", elem_id="write", min_width=90)
                stop = gr.Button("Stop", elem_id="stop", min_width=70)
                sweep = gr.Button("Sweep", elem_id="sweep", min_width=80)
            gr.Checkbox(False, label="Live: write whenever the preference rests", elem_id="live", container=False)
            progress = gr.HTML("", elem_id="progress")
            with gr.Accordion("Sampling", open=False):
                settings = controls.settings(first)
        with gr.Column(scale=6, min_width=320):
            planes = figures.views([objective.label for objective in first.objectives])
            view = Choice(
                planes, value=planes[0][1], label="View", visible=len(planes) > 1, elem_id="view", container=False
            )
            plot = gr.Plot(show_label=False, elem_id="front", container=False)
            coefficients = gr.HTML(elem_id="coefficients")
            example = gr.HTML("", elem_id="example")
    with gr.Row():
        (left, left_column), (right, right_column) = (
            _column(first, side, method) for side, method in zip(("left", "right"), first_methods(first), strict=True)
        )
    return Parts(
        chosen=Controls(set_name=set_name, left=left, right=right, preference=preference, given=given, **settings),
        forms=forms,
        texts=texts,
        swept=swept,
        bridge=bridge,
        problem=problem,
        dice=dice,
        write=write,
        stop=stop,
        sweep=sweep,
        progress=progress,
        view=view,
        plot=plot,
        coefficients=coefficients,
        example=example,
        left_column=left_column,
        right_column=right_column,
        **_keepsakes(rounded),
        **_tabs(sets, set_name),
    )


def _head(sets: Sequence[SoupSet]) -> gr.Dropdown:
    """The title, and the set where there are several."""
    with gr.Row(elem_id="head"):
        gr.Markdown(TITLE, elem_id="title")
        return gr.Dropdown(
            [(soup_set.title, soup_set.name) for soup_set in sets],
            value=sets[0].name,
            label="Set",
            visible=len(sets) > 1,
            elem_id="set",
            min_width=370,
            scale=0,
        )


def _column(soup_set: SoupSet, side: str, method: str) -> tuple[Choice, gr.HTML]:
    """A column's method, and where its texts stand."""
    with gr.Column(min_width=320):
        chooser = Choice(
            method_choices(soup_set), value=method, label=f"{side.capitalize()} column", elem_id=f"method-{side}"
        )
        return chooser, gr.HTML(views.empty(method), elem_id=f"column-{side}")


def _keepsakes(rounded: bool) -> dict:
    """What takes things away: buttons, a link, and a file that is downloaded."""
    with gr.Row(elem_id="keep"):
        buttons = {
            "copy": gr.Button("Copy link", size="sm", min_width=100),
            "image": gr.Button("Plot as image", size="sm", min_width=100),
            "csv": gr.Button("Texts as CSV", size="sm", min_width=100),
            "json": gr.Button("Texts as JSON", size="sm", min_width=100),
            "left_adapter": gr.Button("Left merge as adapter", size="sm", min_width=150),
            "right_adapter": gr.Button("Right merge as adapter", size="sm", min_width=150),
        }
    return buttons | {
        "link": gr.Textbox(
            label=f"Link to this page as it is: the same texts{', but for rounding' if rounded else ' appear'}",
            visible=False,
            buttons=["copy"],
            elem_id="link",
        ),
        "query": gr.Textbox(visible="hidden"),
        "file": gr.DownloadButton(visible="hidden", elem_id="file"),
    }


def _tabs(sets: Sequence[SoupSet], set_name: gr.Dropdown) -> dict:
    """Tables, the lesson and the examples of code."""
    parts, first = {}, sets[0]
    with gr.Tabs():
        with gr.Tab("History"):
            parts["history"] = gr.HTML(views.history([]), elem_id="history")
        with gr.Tab("Sweep"):
            parts["grid"] = gr.HTML(views.sweep(None), elem_id="grid")
        with gr.Tab("Fronts as a table"):
            parts["points"] = gr.HTML(views.front(first, first_methods(first)), elem_id="points")
        with gr.Tab("Results"):
            parts["results"] = gr.HTML(views.results(first), elem_id="results")
        with gr.Tab("How it works"):
            lesson.build(sets, set_name)
        with gr.Tab("Use it from code"):
            gr.Markdown(examples(), elem_id="code")
    return parts
