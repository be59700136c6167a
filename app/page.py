"""The layout of the page; the models are handed to it."""

from functools import partial
from pathlib import Path

import gradio as gr

from app import figures, render, understand
from app.choices import MAX_SAMPLES
from app.handlers import CONTROLS, Handlers, Stream, columns_of, dice, method_choices
from app.preference import Preference, props
from app.programs import Programs, examples
from backbones import facts as f
from backbones.sets import SoupSet
from backbones.tasks import MAX_PROMPT

DEFAULTS = {
    "name": "The Golden Lantern",
    "eatType": "coffee shop",
    "food": "Italian",
    "priceRange": "moderate",
    "customer rating": "high",
    "area": "riverside",
    "familyFriendly": "yes",
    "near": "the Old Mill",
}
TITLE = """# Bone Soup
Say what matters, and another merge of the same language model answers, beside the one of Rewarded Soup."""
BRIDGE = (Path(__file__).parent / "bridge.js").read_text(encoding="utf-8")

# What runs in the browser alone.
STOPPED = "() => { document.querySelectorAll('.writing').forEach((text) => text.classList.add('stopped')); }"
# The state is kept in the fragment: markers and colour bars refer to the page's address up to there.
OPENED = """() => {
  window.addEventListener("hashchange", () => location.reload());
  return location.hash.slice(1);
}"""
SHOW_LINK = """(query) => {
  history.replaceState(null, "", `${location.pathname}${location.search}#${query}`);
  return `${location.origin}${location.pathname}#${query}`;
}"""
COPY_LINK = f"""(query) => {{
  const link = ({SHOW_LINK})(query);
  navigator.clipboard?.writeText(link).catch(() => {{}});
  return link;
}}"""
DOWNLOAD = "() => { setTimeout(() => document.querySelector('#file a, a#file, #file').click(), 150); }"
WRITE_LINKED = """() => {
  const linked = location.hash.includes("set=") && !document.querySelector("#problem .problem");
  if (linked) document.querySelector("#write").click();
}"""
IMAGE = "() => { document.querySelector('#front .modebar-btn[data-title*=\"ownload\"]').click(); }"

HIDDEN = {"show_progress": "hidden", "api_visibility": "private"}
QUIET = HIDDEN | {"queue": False}


def build(sets: list[SoupSet], stream: Stream, jobs: int = 64) -> gr.Blocks:
    """The page for sets whose texts come from `stream` (set name, orders -> iterator of texts).

    `jobs`: requests that are served or wait at one time; more are turned away.
    """
    handlers, first = Handlers(sets, stream), sets[0]
    chatting = "prompt" in first.task.fields
    with gr.Blocks(title="Bone Soup", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        texts, swept = gr.State([]), gr.State(None)
        bridge = gr.HTML("", js_on_load=BRIDGE, elem_id="bridge")
        with gr.Row(elem_id="head"):
            gr.Markdown(TITLE, elem_id="title")
            name = gr.Dropdown(
                [(soup_set.title, soup_set.name) for soup_set in sets],
                value=first.name,
                label="Set",
                visible=len(sets) > 1,
                elem_id="set",
                min_width=370,
                scale=0,
            )
        problem = gr.HTML("", elem_id="problem")
        with gr.Row():
            with gr.Column(scale=5, min_width=320):
                with gr.Row(elem_classes="part"):
                    gr.HTML("<h2>What to write about</h2>")
                    roll = gr.Button(
                        "Example facts", size="sm", elem_id="dice", scale=0, min_width=130, visible=not chatting
                    )
                with gr.Group(visible=not chatting) as form:
                    facts = _facts_form()
                message = gr.Textbox(
                    label="Message", lines=4, max_lines=14, max_length=MAX_PROMPT, visible=chatting, elem_id="message"
                )
                gr.HTML("<h2>What matters to you</h2>", elem_classes="part")
                n = len(first.objectives)
                preference = Preference([100 / n] * n, elem_id="preference", **props(first))
                with gr.Row(elem_id="actions"):
                    write = gr.Button("Write", variant="primary", elem_id="write", min_width=90)
                    stop = gr.Button("Stop", elem_id="stop", min_width=70)
                    sweep = gr.Button("Sweep", elem_id="sweep", min_width=80)
                gr.Checkbox(False, label="Live: write whenever the preference rests", elem_id="live", container=False)
                progress = gr.HTML("", elem_id="progress")
                with gr.Accordion("Sampling", open=False):
                    settings = _settings(first)
            with gr.Column(scale=6, min_width=320):
                views = figures.views([objective.label for objective in first.objectives])
                view = gr.Dropdown(
                    views, value=views[0][1], label="View", visible=len(views) > 1, elem_id="view", container=False
                )
                plot = gr.Plot(show_label=False, elem_id="front", container=False)
                mixes = gr.HTML(elem_id="coefficients")
                example = gr.HTML("", elem_id="example")
        with gr.Row():
            methods, columns = [], []
            for side, method in zip(("Left", "Right"), columns_of(first)):
                with gr.Column(min_width=320):
                    methods.append(
                        gr.Dropdown(
                            method_choices(first),
                            value=method,
                            label=f"{side} column",
                            elem_id=f"method-{side.lower()}",
                        )
                    )
                    columns.append(gr.HTML(render.empty(method), elem_id=f"column-{side.lower()}"))
        with gr.Row(elem_id="keep"):
            copy = gr.Button("Copy link", size="sm", min_width=100)
            image = gr.Button("Plot as image", size="sm", min_width=100)
            files = [gr.Button(f"Texts as {kind.upper()}", size="sm", min_width=100) for kind in ("csv", "json")]
            adapters = [gr.Button(f"{side} merge as adapter", size="sm", min_width=150) for side in ("Left", "Right")]
        link = gr.Textbox(
            label="Link to this page as it is: the same texts appear", visible=False, buttons=["copy"], elem_id="link"
        )
        query = gr.Textbox(visible="hidden")
        file = gr.DownloadButton(visible="hidden", elem_id="file")
        with gr.Tabs():
            with gr.Tab("History"):
                table = gr.HTML(render.history([]), elem_id="history")
            with gr.Tab("Sweep"):
                grid = gr.HTML(render.sweep(None), elem_id="grid")
            with gr.Tab("Fronts as a table"):
                points = gr.HTML(render.front(first, columns_of(first)), elem_id="points")
            with gr.Tab("Results"):
                results = gr.HTML(render.results(first.front), elem_id="results")
            with gr.Tab("How it works"):
                understand.build(sets, name)
            with gr.Tab("Use it from code"):
                gr.Markdown(examples(), elem_id="code")

        controls = [name, *methods, preference, *facts, message, *settings]
        assert len(controls) == CONTROLS
        looking = {
            "fn": handlers.look,
            "inputs": [view, texts, swept, *controls],
            "outputs": [mixes, plot, *columns],
        }
        gr.on([preference.input, view.input], **looking, **QUIET, trigger_mode="always_last")
        for method, column in zip(methods, columns):
            method.input(render.empty, method, column, **QUIET).then(**looking, **HIDDEN)
        following = [name, *methods, view]
        followers = [view, results, points, roll, form, message]
        gr.on([control.change for control in (name, *methods)], handlers.follow, following, followers, **QUIET)
        name.input(handlers.choose, [name, *methods], [preference, *methods], **QUIET).then(
            lambda *chosen: tuple(map(render.empty, chosen)), methods, columns, **QUIET
        ).then(**looking, **HIDDEN)

        linking = {"fn": handlers.link, "inputs": controls, "outputs": query}
        show_link = {"fn": None, "inputs": query, "js": SHOW_LINK}
        writing = {
            "fn": handlers.write,
            "inputs": [view, texts, swept, *controls],
            "outputs": [*columns, plot, texts, table],
            "concurrency_id": "texts",
            "concurrency_limit": jobs,
        }
        running = write.click(**writing, **HIDDEN)
        live = preference.rest(**writing, **HIDDEN, trigger_mode="always_last", cancels=[running])
        sweeping = sweep.click(
            handlers.sweep,
            [view, texts, *controls],
            [progress, *columns, plot, swept, grid],
            concurrency_id="texts",
            **HIDDEN,
        )
        for event in (running, live, sweeping):
            event.success(**linking, **QUIET).success(**show_link, outputs=link, **QUIET)
        stop.click(lambda: "", None, progress, js=STOPPED, cancels=[running, live, sweeping], **QUIET)
        roll.click(dice, None, facts, **QUIET)

        pointing = bridge.point(handlers.point, [texts, swept, *controls], [*controls, example, *columns], **QUIET)
        pointing.success(**looking, **QUIET)

        copy.click(**linking, **QUIET).success(lambda: gr.update(visible=True), None, link, **QUIET).success(
            fn=None, inputs=query, outputs=link, js=COPY_LINK, **QUIET
        )
        image.click(None, js=IMAGE, **QUIET)
        for button, kind in zip(files, ("csv", "json")):
            taking = button.click(partial(handlers.take, kind=kind), [texts, swept], file, **QUIET)
            taking.success(None, js=DOWNLOAD, **QUIET)
        for side, button in enumerate(adapters):
            taking = button.click(partial(handlers.adapter, side), controls, file, concurrency_limit=1, **HIDDEN)
            taking.success(None, js=DOWNLOAD, **QUIET)

        loading = page.load(handlers.reopen, query, [*controls, problem], js=OPENED, **QUIET)
        loading.then(**looking, **HIDDEN).then(None, js=WRITE_LINKED, **QUIET)
        Programs(handlers).publish(jobs)
    page.queue(default_concurrency_limit=8, max_size=jobs)
    return page


def _facts_form() -> list[gr.components.Component]:
    """One field per slot, in the order of `facts.SLOTS`."""
    fields = {}
    with gr.Row():
        for slot in ("name", "near"):
            fields[slot] = gr.Textbox(
                DEFAULTS[slot],
                label=render.FACT_LABELS[slot].capitalize(),
                max_length=f.MAX_NAME_LENGTH,
                placeholder="any name" if slot == "name" else "nothing nearby",
                min_width=140,
            )
    slots = list(f.VALUES)
    for three in (slots[:3], slots[3:]):
        with gr.Row():
            for slot in three:
                fields[slot] = gr.Dropdown(
                    [("not given", ""), *((value, value) for value in f.VALUES[slot])],
                    value=DEFAULTS[slot],
                    label=render.FACT_LABELS[slot].capitalize(),
                    min_width=130,
                )
    return [fields[slot] for slot in f.SLOTS]


def _settings(soup_set: SoupSet) -> list[gr.components.Component]:
    """Samples, temperature, top-p, seed, shared random numbers: the last of `Handlers`' controls."""
    sampling = soup_set.sampling
    return [
        gr.Slider(1, MAX_SAMPLES, 1, step=1, label="Texts per column"),
        gr.Slider(0, 2, sampling.temperature, step=0.05, label="Temperature", info="0: the likeliest word each time"),
        gr.Slider(0.05, 1, sampling.top_p, step=0.05, label="Top-p"),
        gr.Number(0, label="Seed", precision=0),
        gr.Checkbox(True, label="Same random numbers in both columns", info="Then only the merge differs"),
    ]
