"""What happens on the page when something is moved, pressed or clicked. No layout here.

Handlers take the values of the page's parts by name, see `controls.Parts`, and give news of other parts by name.
"""

import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from app import animation, figures, history, pages, shown, story, views
from app import choices as ch
from app import sweep as sweeps
from app.choices import Choices, Values
from app.controls import News
from app.history import Entry
from app.preference import percent, props
from app.sweep import Sweep
from backbones.engine.jobs import ServingError, Waiting
from backbones.engine.request import Request, Text
from backbones.merging.preference import Preference
from backbones.store import exporting
from backbones.store.soup_set import SoupSet

GONE = "what was clicked is no longer kept: write it again"
MAX_EXPORTS = 20  # files kept on disk for download; the oldest go first


class Stream(Protocol):
    """The running texts of requests to a set by its name; of the `background`, where nobody waits for them."""

    def __call__(
        self, name: str, requests: Sequence[Request], background: bool = False
    ) -> Generator[list[Text] | Waiting, None, None]: ...


class Handlers:
    """Handlers for the sets served; holds nothing of a visitor, so that visitors cannot see each other.

    `stream` gives the running texts of requests to a set by its name. `background`: whether it writes sweeps unasked.
    `chosen` is what the controls hold, `view` what the figure shows, `texts` the history, `swept` the last sweep. Raise
    ValueError or ServingError, in words for people.
    """

    def __init__(self, sets: Sequence[SoupSet], stream: Stream, background: bool = True):
        self.sets, self.stream = {soup_set.name: soup_set for soup_set in sets}, stream
        self.background = background
        self.of_sets = {soup_set.name: sweeps.of_set(soup_set) for soup_set in sets}
        self.first = {soup_set.name: ch.first_preference(soup_set) for soup_set in sets}  # here once: it reads a file
        self.files = Path(tempfile.mkdtemp(prefix="bone-soup-"))
        self._tidying = threading.Lock()

    def draw(self, chosen: Values, view: str, texts: list[Entry], swept: Sweep | None) -> News:
        """The figure. What changes in it with the preference alone follows in the browser."""
        soup_set, chosen = self._suited(chosen)
        mu, mine = ch.preferred(soup_set, chosen.preference), [one for one in texts if one.set_name == soup_set.name]
        swept, view = self._own(swept, chosen), _view(soup_set, view)
        return {
            "plot": figures.front_figure(
                soup_set.front, soup_set.objectives, chosen.methods, mu, view, mine, swept, soup_set
            )
        }

    def merge(self, chosen: Values) -> News:
        """What the methods make of a preference that is not on the grid."""
        soup_set, chosen = self._suited(chosen)
        mu = ch.preferred(soup_set, chosen.preference)
        return {"coefficients": gr.update(exact=shown.merge(soup_set, chosen.methods, mu))}

    def choose(self, chosen: Values, swept: Sweep | None) -> News:
        """Preference control, methods, sampling, views and texts that suit another set; everything else stays.

        The view is among them so that whatever follows is sent one that this set has.
        """
        soup_set, chosen = self._suited(chosen)
        mu = self.first[soup_set.name]
        heat, top_p = soup_set.sampling.temperature, soup_set.sampling.top_p
        now = replace(chosen, preference=percent(mu), temperature=heat, top_p=top_p)
        value = self._pages(soup_set, chosen.methods, self._known(swept, now))
        return {
            "chosen": _set_controls(soup_set, chosen.methods, mu) | {"temperature": heat, "top_p": top_p},
            "view": _view_control(soup_set, figures.default_view(soup_set.front, chosen.methods)),
            "columns": pages.update(value, name=soup_set.name, exact=None),
            "example": gr.update(exact=None),
        }

    def follow(self, chosen: Values, view: str) -> News:
        """Coefficients, views, results, the points as a table, the story, and the form, whatever has changed the set or
        the methods."""
        soup_set, chosen = self._suited(chosen)
        tasks, mu = {one.task.name for one in self.sets.values()}, ch.preferred(soup_set, chosen.preference)
        here = shown.merge(soup_set, chosen.methods, mu)  # where it is not on the grid
        return {
            "coefficients": pages.update(shown.merges(soup_set, chosen.methods), exact=here),
            "view": _view_control(soup_set, view),
            "results": views.results(soup_set),
            "points": views.front(soup_set, chosen.methods),
            "story": story.told(soup_set),
            "dice": gr.update(visible=soup_set.task.example() is not None),
            "forms": {name: gr.update(visible=name == soup_set.task.name) for name in tasks},
            **self.say(chosen),
        }

    def say(self, chosen: Values) -> News:
        """What is given as a sentence."""
        task = self.sets[chosen.set_name].task
        given = {name: value or "" for name, value in chosen.given[task.name].items()}
        return {"sentence": views.sentence(task, given)}

    def dice(self, chosen: Values) -> News:
        """Something to write about."""
        task = self.sets[chosen.set_name].task
        example = task.example()
        if example is None:
            return {}
        return {"chosen": {"given": {task.name: _fields(task, example)}}}

    def write(self, chosen: Values, texts: list[Entry], asked: int | None = None) -> Iterator[News]:
        """Write with both methods at one preference: columns, then history and its table. `asked`: see `Parts`."""
        choices = chosen.checked(self.sets)
        soup_set, methods, mu = choices.soup_set, choices.methods, choices.preference
        written: list[Text] = []
        for news in self.texts(choices, choices.requests()):
            if isinstance(news, Waiting):
                page = shown.waiting(methods, mu, news)
            else:
                written, half = news, len(news) // 2
                page = shown.pair(soup_set, methods, mu, (news[:half], news[half:]))
            yield {"columns": gr.update(exact=page | {"asked": asked}), "problem": ""}
        texts = history.add(texts, history.entries(soup_set.name, written, "write"))
        yield {"texts": texts, "history": views.history(texts)}

    def sweep(self, chosen: Values, swept: Sweep | None, asked: int | None = None) -> Iterator[News]:
        """Write at every preference of the grid: one after the other its texts are there, then sweep and its table.

        What the visitor had swept before, or the set comes with, is not written again. What is wrong is said where
        nothing moves, since people are typing. `asked`: see `Parts`.
        """
        try:
            choices = chosen.checked(self.sets)
            known, soup_set = self._known(swept, chosen), choices.soup_set
            value = [page | {"sweep": asked} for page in shown.columns(soup_set, choices.methods, known)]
            yield {"problem": "", "columns": pages.update(value, name=soup_set.name)}
            if known is None:
                for more in self._swept(choices):
                    if more is None:
                        yield {}  # only between two yields can a sweep be ended
                        continue
                    known = more
                    value = shown.columns(soup_set, choices.methods, known, value)
                    yield {"columns": pages.update(value, name=soup_set.name)}
            own = self._own(known, chosen)  # the visitor's last sweep stays beside what the set comes with
            yield {"grid": views.sweep(known.columns)} | ({"swept": own} if own else {})
        except (ValueError, ServingError) as error:
            yield {"problem": views.problem(str(error)), "columns": gr.update(stopped=True)}

    def point(self, event: gr.EventData, chosen: Values, swept: Sweep | None) -> News:
        """The preference of what was clicked, and the example of a point that was measured.

        `event.key` as in `figures.front_figure`, or ["preference", *shares].
        """
        soup_set = self.sets[chosen.set_name]
        try:
            kind, *place = event.key
            if kind == "preference":
                mu = ch.preferred(soup_set, place)
            elif kind == "sweep":
                names = [objective.name for objective in soup_set.objectives]
                mu = sweeps.front(swept.columns[place[0]], names)[place[1]].preference
            else:
                measured = soup_set.points(place[0])[place[1]]
                page = shown.example(soup_set, place[0], measured)
                return {"chosen": {"preference": page["at"]}, "example": gr.update(exact=page)}
        except (LookupError, TypeError, ValueError, AttributeError):
            raise ValueError(GONE) from None
        return {"chosen": {"preference": percent(mu)}}

    def reopened(self, event: gr.EventData, chosen: Values, texts: list[Entry], swept: Sweep | None) -> News:
        """A text of the history with all its settings, in the column of its method or else in the left one, and in the
        other what was written beside it. `event.key`: ["text", id]."""
        try:
            one = next(one for one in texts if one.id == event.key[1])
        except (StopIteration, LookupError, TypeError, AttributeError):
            raise ValueError(GONE) from None
        soup_set, request = self.sets[one.set_name], one.text.request
        side = 1 if request.method == chosen.right != chosen.left else 0
        wanted = (chosen.left, request.method) if side else (request.method, chosen.right)
        methods = tuple(method if method in soup_set.methods else ch.BASE for method in wanted)
        choices = Choices(
            soup_set,
            methods,
            request.preference,
            request.given,
            temperature=request.temperature,
            top_p=request.top_p,
            seed=request.seed,
        )
        beside = [
            [other.text for other in texts if (other.set_name, other.text.request) == (one.set_name, asked)]
            for asked in choices.requests()
        ]
        notes = [f"Written before, with seed {request.seed}." if column else "" for column in beside]
        page = shown.pair(soup_set, methods, request.preference, beside, notes)
        return self._opened(choices, swept, page)

    def reopen(self, query: str) -> News:
        """The controls as the link says with which the page was opened, and what is wrong with it."""
        if not query:
            return {}
        try:
            return {"problem": ""} | self._opened(ch.from_query(self.sets, query), None)
        except ValueError as error:
            return {"problem": views.problem(f"The link cannot be opened: {error}.")}

    def _opened(self, choices: Choices, swept: Sweep | None, page: shown.Page | None = None) -> News:
        """The controls for `choices`, and the texts that are known of them, with `page` at their preference."""
        value = self._pages(choices.soup_set, choices.methods, self._alike(choices, swept))
        return {
            "chosen": controls_of(choices),
            "columns": pages.update(value, name=choices.soup_set.name, exact=page),
            "example": gr.update(exact=None),
        }

    def link(self, chosen: Values) -> News:
        """The query of a link to the page as it is."""
        return {"query": chosen.checked(self.sets).query()}

    def follow_with_link(self, chosen: Values) -> News:
        """The same, unasked: the link stays where the page cannot be written from."""
        try:
            return self.link(chosen)
        except ValueError:
            return {}

    def take(self, kind: str, texts: list[Entry], swept: Sweep | None) -> News:
        """A file with the texts of the session, the sweep's last: "csv" or "json"."""
        entries = texts + [one for column in (swept.columns if swept else ()) for one in column]
        if not entries:
            raise ValueError("nothing has been written yet: press Write first")
        if kind == "csv":
            content = history.as_csv(entries, self.sets).encode("utf-8-sig")  # or Excel takes it for another encoding
        else:
            content = history.as_json(entries).encode()
        return self._file(f"bone-soup.{kind}", content)

    def animation(self, chosen: Values, swept: Sweep | None) -> News:
        """A file with the sweep that is shown as an animation."""
        sweep = self._known(swept, chosen)
        if sweep is None:
            how = "wait until it is, or change something" if self.background else "press Sweep"
            raise ValueError(f"this has not been written at every preference yet: {how}")
        return self._file("bone-soup.gif", animation.gif(sweep))

    def adapter(self, side: int, chosen: Values) -> News:
        """A file with the merged adapter of a column (0: left, 1: right) at the preference chosen."""
        soup_set = ch.served(self.sets, chosen.set_name)
        mu = ch.preferred(soup_set, chosen.preference)
        path = exporting.zipped(soup_set, chosen.methods[side], mu, Path(tempfile.mkdtemp(dir=self.files)))
        self._tidy()
        return {"file": str(path)}

    def texts(
        self, choices: Choices, requests: Sequence[Request], background: bool = False
    ) -> Iterator[list[Text] | Waiting]:
        """The running texts of requests; closing the generator stops the work."""
        settings = {"background": True} if background else {}
        with closing(self.stream(choices.soup_set.name, requests, **settings)) as running:
            yield from running

    def _swept(self, choices: Choices) -> Iterator[Sweep | None]:
        """The sweep that is asked for, whenever there is more of it; None at other times."""
        requests, done = sweeps.requests(choices), 0
        for news in self.texts(choices, requests, self.background):
            sweep = None if isinstance(news, Waiting) else sweeps.finished(choices, news)
            more = sweep is not None and len(sweep.columns[0]) > done
            if more:
                done = len(sweep.columns[0])
            yield sweep if more else None

    def _pages(self, soup_set: SoupSet, methods: Sequence[str], known: Sweep | None) -> list[shown.Page]:
        """The texts that are known; those that are not will be written, or there are none."""
        return shown.columns(soup_set, methods, known) if known or self.background else []

    def _own(self, swept: Sweep | None, chosen: Values) -> Sweep | None:
        """The visitor's sweep, if it is one of the given, methods and settings that are chosen now."""
        known = self._known(swept, chosen)
        return None if known is self.of_sets[chosen.set_name] else known

    def _known(self, swept: Sweep | None, chosen: Values) -> Sweep | None:
        """The visitor's sweep or the set's, if it is one of the given, methods and settings that are chosen now."""
        try:
            choices = chosen.checked(self.sets)
        except ValueError:
            return None
        return self._alike(choices, swept)

    def _alike(self, choices: Choices, swept: Sweep | None) -> Sweep | None:
        """The same for choices that are checked."""
        of_set = self.of_sets[choices.soup_set.name]
        return next((one for one in (of_set, swept) if one and one.choices.alike(choices)), None)

    def _suited(self, chosen: Values) -> tuple[SoupSet, Values]:
        """The set chosen, and what is chosen with its own methods and preference for those that it cannot have: what is
        sent while the set is being changed still has those of the set before."""
        soup_set = self.sets[chosen.set_name]
        left, right = (
            method if method in soup_set.methods else other
            for method, other in zip(chosen.methods, ch.first_methods(soup_set), strict=True)
        )
        try:
            mu = ch.preferred(soup_set, chosen.preference)
        except ValueError:
            mu = self.first[soup_set.name]
        return soup_set, replace(chosen, left=left, right=right, preference=percent(mu))

    def _file(self, name: str, content: bytes) -> News:
        """A file for download."""
        path = Path(tempfile.mkdtemp(dir=self.files)) / name
        path.write_bytes(content)
        self._tidy()
        return {"file": str(path)}

    def _tidy(self) -> None:
        """Delete the files that were made for download, but for the newest."""
        with self._tidying:  # one at a time, or two would delete the same
            made = sorted(self.files.glob("*/*"), key=lambda path: path.stat().st_mtime)
            for path in made[:-MAX_EXPORTS]:
                path.unlink(missing_ok=True)
                path.parent.rmdir()


def controls_of(choices: Choices) -> dict[str, Any]:
    """What the page's controls hold for choices."""
    task = choices.soup_set.task
    return _set_controls(choices.soup_set, choices.methods, choices.preference) | {
        "set_name": choices.soup_set.name,
        "given": {task.name: _fields(task, choices.given)},
        "samples": choices.samples,
        "temperature": choices.temperature,
        "top_p": choices.top_p,
        "seed": choices.seed,
        "same_noise": choices.same_noise,
    }


def _set_controls(soup_set: SoupSet, methods, mu: Preference) -> dict[str, Any]:
    """The controls whose form a set decides."""
    left, right = (gr.update(choices=ch.method_choices(soup_set), value=method) for method in methods)
    return {"left": left, "right": right, "preference": gr.update(value=percent(mu), **props(soup_set))}


def _fields(task, given: dict[str, str]) -> dict[str, str]:
    """A value for every field of the form."""
    return {field.name: given.get(field.name, "") for field in task.fields}


def _views(soup_set: SoupSet) -> list[tuple[str, str]]:
    return figures.views([objective.label for objective in soup_set.objectives])


def _view(soup_set: SoupSet, view: str) -> str:
    """The view chosen, or the first where this set does not have it."""
    known = [value for _, value in _views(soup_set)]
    return view if view in known else known[0]


def _view_control(soup_set: SoupSet, view: str) -> Any:
    """The control of the views that a set has, with the one chosen where it has it."""
    planes = _views(soup_set)
    return gr.update(choices=planes, value=_view(soup_set, view), visible=len(planes) > 1)
