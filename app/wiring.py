"""What moves, presses and clicks set off. Handlers say what happens, `page` what there is."""

from functools import partial

import gradio as gr

from app.controls import Parts
from app.handlers import COLUMNS, Handlers

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
QUIET = HIDDEN | {"queue": False}  # at once; but errors have no words on the page, so only for what has none to say


def wire(page: gr.Blocks, parts: Parts, handlers: Handlers, jobs: int) -> None:
    """Bind the handlers to the parts of the page that is being laid out.

    `jobs`: requests that are served or wait at one time.
    """
    chosen, columns = parts.chosen, list(COLUMNS)
    looking = parts.call(
        handlers.look, ["chosen", "view", "texts", "swept"], ["coefficients", "plot", *columns]
    )  # after whatever changes what is seen
    _wire_choosing(parts, handlers, looking)
    _wire_writing(parts, handlers, jobs)
    _wire_keeping(parts, handlers)

    parts.dice.click(**parts.call(handlers.dice, ["chosen"], ["chosen.given"]), **QUIET)
    pointing = parts.call(handlers.point, ["chosen", "texts", "swept"], ["chosen", "example", *columns], of_event=True)
    parts.bridge.point(**pointing, **HIDDEN).success(**looking, **QUIET)

    loading = page.load(**parts.call(handlers.reopen, ["query"], ["chosen", "problem"]), js=OPENED, **QUIET)
    loading.then(**looking, **HIDDEN).then(None, js=WRITE_LINKED, **QUIET)
    gr.on([chosen.preference.input, parts.view.input], **looking, **QUIET, trigger_mode="always_last")


def _wire_choosing(parts: Parts, handlers: Handlers, looking: dict) -> None:
    """The set and the methods."""
    chosen, columns = parts.chosen, list(COLUMNS)
    for method, column in ((chosen.left, "left_column"), (chosen.right, "right_column")):
        emptying = parts.call(partial(handlers.empty, column), ["chosen"], [column])
        method.input(**emptying, **QUIET).then(**looking, **HIDDEN)
    following = parts.call(handlers.follow, ["chosen", "view"], ["view", "results", "points", "dice", "forms"])
    gr.on([control.change for control in (chosen.set_name, chosen.left, chosen.right)], **following, **QUIET)
    # One event with few outputs: the browser applies them one by one, and none must end up in what is reopened next.
    suited = ["chosen.preference", "chosen.left", "chosen.right", "view", *columns]
    choosing = parts.call(handlers.choose, ["chosen", "view"], suited)
    chosen.set_name.input(**choosing, **QUIET).then(**looking, **HIDDEN)


def _wire_writing(parts: Parts, handlers: Handlers, jobs: int) -> None:
    """Write, live mode, Sweep and Stop."""
    columns = list(COLUMNS)
    writing = parts.call(
        handlers.write, ["chosen", "view", "texts", "swept"], [*columns, "plot", "texts", "history"]
    ) | {"concurrency_id": "texts", "concurrency_limit": jobs}
    running = parts.write.click(**writing, **HIDDEN)
    live = parts.chosen.preference.rest(**writing, **HIDDEN, trigger_mode="always_last", cancels=[running])
    sweeping = parts.sweep.click(
        **parts.call(
            handlers.sweep, ["chosen", "view", "texts"], ["progress", "coefficients", *columns, "plot", "swept", "grid"]
        ),
        concurrency_id="texts",
        **HIDDEN,
    )
    linking = parts.call(handlers.follow_with_link, ["chosen"], ["query"])
    for event in (running, live, sweeping):
        event.success(**linking, **QUIET).success(None, parts.query, parts.link, js=SHOW_LINK, **QUIET)
    parts.stop.click(lambda: "", None, parts.progress, js=STOPPED, cancels=[running, live, sweeping], **QUIET)


def _wire_keeping(parts: Parts, handlers: Handlers) -> None:
    """Links and files. Queued, since they can fail in words."""
    linking = parts.copy.click(**parts.call(handlers.link, ["chosen"], ["query"]), **HIDDEN)
    linking.success(lambda: gr.update(visible=True), None, parts.link, **QUIET).success(
        None, parts.query, parts.link, js=COPY_LINK, **QUIET
    )
    parts.image.click(None, js=IMAGE, **QUIET)
    for button, kind in ((parts.csv, "csv"), (parts.json, "json")):
        taking = button.click(**parts.call(partial(handlers.take, kind), ["texts", "swept"], ["file"]), **HIDDEN)
        taking.success(None, js=DOWNLOAD, **QUIET)
    for side, button in enumerate((parts.left_adapter, parts.right_adapter)):
        exporting = parts.call(partial(handlers.adapter, side), ["chosen"], ["file"])
        taking = button.click(**exporting, concurrency_limit=1, **HIDDEN)
        taking.success(None, js=DOWNLOAD, **QUIET)
