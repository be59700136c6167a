"""The components of the page by name: handlers take values and give updates by these names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from inspect import isgeneratorfunction
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from app import errors
from app.choices import MAX_SAMPLES, Values
from app.dropdown import Choice
from app.pages import Pages
from app.preference import Sliders
from app.sentence import Sentence
from app.story import Story
from backbones.store.soup_set import SoupSet
from backbones.tasks.task import Field, Task

IN_A_ROW = 3  # fields that are chosen from a list
News = dict[str, Any]  # from names of parts to their values or updates; parts that are not named stay as they are


@dataclass(frozen=True)
class Controls:
    """What a person chooses with; the names are those of `Values`. `given`: by task and field."""

    set_name: gr.Dropdown
    left: Choice
    right: Choice
    preference: Sliders
    given: dict[str, dict[str, Component]]
    samples: gr.Slider
    temperature: gr.Slider
    top_p: gr.Slider
    seed: gr.Number
    same_noise: gr.Checkbox


@dataclass(frozen=True)
class Parts:
    """All parts of the page that something happens to. `forms`: what is asked for, by task. `asked`: what the
    page counts by, sent along and sent back: how often the visitor has changed something, or the number of a sweep."""

    chosen: Controls
    forms: dict[str, gr.Group]
    texts: gr.State
    swept: gr.State
    bridge: gr.HTML
    story: Story
    sentence: Sentence
    dice: gr.Button
    write: gr.Button
    stop: gr.Button
    sweep: gr.Button
    problem: gr.HTML
    columns: Pages
    view: Choice
    plot: gr.Plot
    example: Pages
    coefficients: Pages
    copy: gr.Button
    image: gr.Button
    animation: gr.Button
    csv: gr.Button
    json: gr.Button
    left_adapter: gr.Button
    right_adapter: gr.Button
    link: gr.Textbox
    query: gr.Textbox
    file: gr.DownloadButton
    history: gr.HTML
    grid: gr.HTML
    points: gr.HTML
    results: gr.HTML
    code: gr.Markdown
    asked: gr.Number

    def call(
        self, handler: Callable, takes: Sequence[str], gives: Sequence[str], of_event: bool = False
    ) -> dict[str, Any]:
        """`fn`, `inputs` and `outputs` of an event whose handler takes the values of the parts called `takes` and gives
        `News` of those called `gives` (inner ones by their paths, as in "chosen.left"), once or again and again.

        `of_event`: it also takes the `event` itself. Its ValueErrors and ServingErrors are shown to the visitor.
        """

        def once(data: dict) -> Any:
            with errors.clear(markup=True):
                return self.updates(handler(**self.values(takes, data)))

        def again(data: dict) -> Iterator[Any]:
            with errors.clear(markup=True), closing(handler(**self.values(takes, data))) as running:
                for news in running:
                    yield self.updates(news)

        def clicked(data: dict, event: gr.EventData) -> Any:
            with errors.clear(markup=True):
                return self.updates(handler(event, **self.values(takes, data)))

        return {
            "fn": clicked if of_event else again if isgeneratorfunction(handler) else once,
            "inputs": {component for name in takes for component in _all(self._named(name))},
            "outputs": [component for name in gives for component in _all(self._named(name))],
        }

    def values(self, names: Sequence[str], data: Mapping[Block, Any]) -> dict[str, Any]:
        """The values of parts by name from those of their components; those of `chosen` as `Values`."""
        found = {name: _values(self._named(name), data) for name in names}
        return found | ({"chosen": Values(**found["chosen"])} if "chosen" in found else {})

    def updates(self, news: News) -> Any:
        """What gradio takes for `news`."""
        found = {part: value for name, inner in news.items() for part, value in _paired(self._named(name), inner)}
        return found or gr.skip()

    def _named(self, name: str) -> Any:
        """A part, or an inner one by its path, as in "chosen.left": a component, or several by name."""
        part: Any = self
        for key in name.split("."):
            part = (part if isinstance(part, dict) else vars(part))[key]
        return vars(part) if isinstance(part, Controls) else part


def _all(part: Any) -> Iterator[Block]:
    """The components of a part."""
    if isinstance(part, dict):
        for inner in part.values():
            yield from _all(inner)
    else:
        yield part


def _values(part: Any, data: Mapping[Block, Any]) -> Any:
    """The value of a part, or those of its inner parts by name."""
    return {name: _values(inner, data) for name, inner in part.items()} if isinstance(part, dict) else data[part]


def _paired(part: Any, news: Any) -> Iterator[tuple[Block, Any]]:
    """The components of a part that there are news of, with them."""
    if isinstance(part, dict):
        for name, inner in news.items():
            yield from _paired(part[name], inner)
    else:
        yield part, news


def forms(sets: Sequence[SoupSet]) -> tuple[dict[str, gr.Group], dict[str, dict[str, Component]]]:
    """What is asked for: a group for each task of the sets, and its components by task and field."""
    groups, given = {}, {}
    for task in {soup_set.task.name: soup_set.task for soup_set in sets}.values():
        with gr.Group(visible=task.name == sets[0].task.name) as groups[task.name]:
            given[task.name] = _form(task)
    return groups, given


def _form(task: Task) -> dict[str, Component]:
    """One component per field: free ones of one line first, then those that are chosen, then longer ones."""
    free = [field for field in task.fields if not field.values and field.lines == 1]
    closed = [field for field in task.fields if field.values]
    long = [field for field in task.fields if not field.values and field.lines > 1]
    rows = [free, *(closed[i : i + IN_A_ROW] for i in range(0, len(closed), IN_A_ROW)), *([field] for field in long)]
    made = {}
    for row in filter(None, rows):
        with gr.Row():
            made |= {field.name: _input(field) for field in row}
    return made


def _input(field: Field) -> Component:
    if field.values:
        choices = [("not given", ""), *((value, value) for value in field.values)]
        return gr.Dropdown(choices, value=field.default, label=field.label, min_width=130)
    return gr.Textbox(
        field.default,
        label=field.label,
        lines=field.lines,
        max_lines=1 if field.lines == 1 else 14,
        max_length=field.limit,
        placeholder=field.placeholder,
        min_width=140,
    )


def settings(soup_set: SoupSet) -> dict[str, Component]:
    """How texts are sampled: controls by name."""
    sampling = soup_set.sampling
    plain: dict[str, Any] = {"buttons": []}  # or gradio 6.31.0 has one that sets a value without telling the page
    return {
        "samples": gr.Slider(1, MAX_SAMPLES, 1, step=1, label="Texts per column", **plain),
        "temperature": gr.Slider(
            0, 2, sampling.temperature, step=0.05, label="Temperature", info="0: the likeliest word each time", **plain
        ),
        "top_p": gr.Slider(0.05, 1, sampling.top_p, step=0.05, label="Top-p", **plain),
        "seed": gr.Number(0, label="Seed", precision=0),
        "same_noise": gr.Checkbox(
            True, label="Same random numbers in both columns", info="Then only the merge differs"
        ),
    }
