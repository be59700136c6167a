"""What moves, presses and clicks set off. Handlers say what happens, `page` what there is."""

import json
from functools import partial

import gradio as gr
from gradio.events import Dependency

from app.api import LOCAL, examples
from app.controls import Parts
from app.handlers import Handlers

# What runs in the browser alone.
STOPPED = "() => { document.dispatchEvent(new CustomEvent('bonesoup:stopped')); }"
# The last value is that of `asked`: the page's own count of changes, or of sweeps, by which it knows what comes.
ASKED = "(...values) => [...values.slice(0, -1), document.querySelector('#columns .pages').ask()]"
SWEPT = "(...values) => [...values.slice(0, -1), document.querySelector('#columns .pages').sweep()]"
ENDED = "() => { document.dispatchEvent(new CustomEvent('bonesoup:ended')); }"
FAILED = "() => { document.dispatchEvent(new CustomEvent('bonesoup:failed')); }"
CHANGED = "() => { document.dispatchEvent(new CustomEvent('bonesoup:changed')); }"
SUITED = "() => { document.dispatchEvent(new CustomEvent('bonesoup:changed', { detail: 'suited' })); }"
REOPENED = "() => { document.dispatchEvent(new CustomEvent('bonesoup:changed', { detail: 'reopened' })); }"
# In gradio's web component, which alone has a `src`, the address is another page's, and none of ours to read or change.
COMPONENT = 'document.querySelector("gradio-app")?.getAttribute("src")'
# The state is kept in the fragment: markers and colour bars refer to the page's address up to there.
OPENED = f"""() => {{
  if ({COMPONENT}) return "";
  window.addEventListener("hashchange", () => location.reload());
  return location.hash.slice(1);
}}"""
HERE = f"""(({COMPONENT}) || location.origin + location.pathname).replace(/\\/+$/, "")"""
SHOW_LINK = f"""(query) => {{
  if (!({COMPONENT})) history.replaceState(null, "", `${{location.pathname}}${{location.search}}#${{query}}`);
  return `${{{HERE}}}/share?${{query}}`;
}}"""
CODE = f"() => {json.dumps(examples())}.replaceAll({json.dumps(LOCAL)}, {HERE})"
COPY_LINK = f"""(query) => {{
  const link = ({SHOW_LINK})(query);
  navigator.clipboard?.writeText(link).catch(() => {{}});
  return link;
}}"""
DOWNLOAD = "() => { setTimeout(() => document.querySelector('#file a, a#file, #file').click(), 150); }"
WRITE_LINKED = f"""() => {{
  if ({COMPONENT}) return;
  document.documentElement.inert = false; // see head.html
  if (!location.hash.includes("set=") || document.querySelector("#problem .problem")) return;
  document.dispatchEvent(new CustomEvent("bonesoup:changed", {{ detail: "reopened" }}));
  document.querySelector("#write").click();
}}"""
IMAGE = "() => { document.dispatchEvent(new CustomEvent('bonesoup:picture')); }"

HIDDEN = {"show_progress": "hidden", "api_visibility": "private"}
QUIET = HIDDEN | {"queue": False}  # at once; but errors have no words on the page, so only for what has none to say
LAST = QUIET | {"trigger_mode": "always_last"}
# What follows the set and the methods.
FOLLOWING = ["coefficients", "view", "results", "points", "story", "dice", "forms", "sentence"]


def wire(page: gr.Blocks, parts: Parts, handlers: Handlers, jobs: int) -> None:
    """Bind the handlers to the parts of the page that is being laid out.

    `jobs`: requests that are served or wait at one time.
    """
    chosen = parts.chosen
    drawing = parts.call(handlers.draw, ["chosen", "view", "texts", "swept"], ["plot"])
    sweeping = _wire_writing(parts, handlers, jobs, drawing)
    _wire_choosing(parts, handlers, sweeping, drawing)
    _wire_keeping(parts, handlers)

    given = parts.call(handlers.dice, ["chosen"], ["chosen.given"])
    parts.dice.click(**given, **QUIET).success(None, js=CHANGED, **QUIET)
    pointing = parts.call(handlers.point, ["chosen", "swept"], ["chosen.preference", "example"], of_event=True)
    parts.bridge.point(**pointing, **HIDDEN)
    shown = ["chosen", "columns", "example"]
    reopening = parts.call(handlers.reopened, ["chosen", "texts", "swept"], shown, of_event=True)
    parts.bridge.reopen(**reopening, **HIDDEN).success(None, js=REOPENED, **QUIET)

    loading = page.load(**parts.call(handlers.reopen, ["query"], [*shown, "problem"]), js=OPENED, **QUIET)
    loading.then(None, js=WRITE_LINKED, **QUIET)
    page.load(None, None, parts.code, js=CODE, **QUIET)
    chosen.preference.rest(**parts.call(handlers.merge, ["chosen"], ["coefficients"]), **LAST)
    parts.bridge.view(**drawing, **LAST)


def _wire_choosing(parts: Parts, handlers: Handlers, sweeping: Dependency, drawing: dict) -> None:
    """The set, the methods, what is given and how texts are sampled: texts of before are no longer those asked for."""
    chosen = parts.chosen
    following = parts.call(handlers.follow, ["chosen", "view"], FOLLOWING)
    changes = [control.change for control in (chosen.set_name, chosen.left, chosen.right)]
    gr.on(changes, **following, **LAST).then(**drawing, **LAST)
    # One event with few outputs: the browser applies them one by one, and none must end up in what is reopened next.
    sampling = ["chosen.temperature", "chosen.top_p"]
    suited = ["chosen.preference", "chosen.left", "chosen.right", *sampling, "view", "columns", "example"]
    choosing = parts.call(handlers.choose, ["chosen", "swept"], suited)
    parts.bridge.set(**choosing, **QUIET).success(None, js=SUITED, **QUIET)

    parts.sentence.edited(**parts.call(handlers.say, ["chosen"], ["sentence"]), **LAST, cancels=[sweeping])


def _wire_writing(parts: Parts, handlers: Handlers, jobs: int, drawing: dict) -> Dependency:
    """Write, the sweep in the background or that of the button, and Stop. Returns the sweep."""
    texts = {"concurrency_id": "texts", "concurrency_limit": jobs}
    writing = parts.call(handlers.write, ["chosen", "texts", "asked"], ["columns", "problem", "texts", "history"])
    # Pressed again while it writes, it writes once more, where something has been changed (`ask` in pages.js).
    running = parts.write.click(**writing, **texts, **HIDDEN, js=ASKED, trigger_mode="always_last")
    running.then(None, js=ENDED, **QUIET)
    running.failure(None, js=FAILED, **QUIET)
    linking = parts.call(handlers.follow_with_link, ["chosen"], ["query"])
    linked = running.success(**linking, **QUIET).success(None, parts.query, parts.link, js=SHOW_LINK, **QUIET)
    linked.then(**drawing, **HIDDEN)
    sweep = parts.call(handlers.sweep, ["chosen", "swept", "asked"], ["problem", "columns", "swept", "grid"])
    sweep["js"] = SWEPT
    if handlers.background:
        unasked = {"concurrency_id": "sweeps", "concurrency_limit": jobs, "trigger_mode": "multiple"}
        sweeping = parts.sentence.rest(**sweep, **unasked, **HIDDEN)
    else:
        sweeping = parts.sweep.click(**sweep, **texts, **HIDDEN)
    sweeping.success(**drawing, **HIDDEN)
    parts.stop.click(None, None, None, js=STOPPED, cancels=[running, sweeping], **QUIET)
    return sweeping


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
    animating = parts.animation.click(
        **parts.call(handlers.animation, ["chosen", "swept"], ["file"]), concurrency_limit=1, **HIDDEN
    )
    animating.success(None, js=DOWNLOAD, **QUIET)
    for side, button in enumerate((parts.left_adapter, parts.right_adapter)):
        exporting = parts.call(partial(handlers.adapter, side), ["chosen"], ["file"])
        taking = button.click(**exporting, concurrency_limit=1, **HIDDEN)
        taking.success(None, js=DOWNLOAD, **QUIET)
