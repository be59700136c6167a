"""What happens on the page when something is moved, pressed or clicked. No layout here.

Handlers take the values of the page's parts by name, see `controls.Parts`, and give news of other parts by name.
"""

import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr

from app import choices as ch
from app import figures, history, views
from app import sweep as sweeps
from app.choices import Choices, Values
from app.controls import News
from app.history import Entry
from app.preference import percent, props
from app.sweep import Sweep
from backbones.engine.request import Request, Text
from backbones.engine.scheduler import Waiting
from backbones.merging.preference import Preference
from backbones.store import exporting
from backbones.store.soup_set import SoupSet

MAX_EXPORTS = 20  # files kept on disk for download; the oldest go first
COLUMNS = ("left_column", "right_column")

Stream = Callable[[str, Sequence[Request]], Generator[list[Text] | Waiting, None, None]]


class Handlers:
    """Handlers for the sets served; holds nothing of a visitor, so that visitors cannot see each other.

    `stream` gives the running texts of requests to a set by its name. `chosen` is what the controls hold, `view` what
    the figure shows, `texts` the history, `swept` the last sweep. Raise ValueError or ServingError, in words for
    people.
    """

    def __init__(self, sets: Sequence[SoupSet], stream: Stream):
        self.sets, self.stream = {soup_set.name: soup_set for soup_set in sets}, stream
        self.files = Path(tempfile.mkdtemp(prefix="bone-soup-"))

    def look(self, chosen: Values, view: str, texts: list[Entry], swept: Sweep | None) -> News:
        """Coefficients, expected positions and the figure, before anything is generated; and a sweep's texts."""
        soup_set, methods = self.sets[chosen.set_name], chosen.methods
        try:
            mu = ch.preferred(soup_set, chosen.preference)
        except ValueError as error:
            return {"coefficients": views.problem(str(error))}
        swept = self._swept(swept, chosen)
        news: News = {}
        if swept:
            note = f"From the sweep, at {sweeps.nearest(mu)}. Write writes anew at your preference."
            for name, method, part in zip(COLUMNS, methods, swept.at(mu), strict=True):
                news[name] = _column(soup_set, method, part, note)
        return news | {
            "coefficients": views.merges(soup_set, methods, mu) + views.hint(soup_set, mu),
            "plot": self._figure(soup_set, methods, mu, view, texts, swept),
        }

    def empty(self, column: str, chosen: Values) -> News:
        """A column before the first text of its method."""
        return {column: views.empty(chosen.methods[COLUMNS.index(column)])}

    def choose(self, chosen: Values, view: str) -> News:
        """Preference control, methods, views and empty columns that suit another set; everything else stays.

        The view is among them so that whatever follows is sent one that this set has.
        """
        soup_set = self.sets[chosen.set_name]
        methods = [
            method if method in soup_set.methods else other
            for method, other in zip(chosen.methods, ch.first_methods(soup_set), strict=True)
        ]
        return {
            "chosen": _set_controls(soup_set, methods, Preference.equal(len(soup_set.objectives))),
            "view": _view_control(soup_set, view),
            **dict(zip(COLUMNS, map(views.empty, methods), strict=True)),
        }

    def follow(self, chosen: Values, view: str) -> News:
        """Views, results, the points as a table, and the form, whatever has changed the set or the methods."""
        soup_set = self.sets[chosen.set_name]
        tasks = {one.task.name for one in self.sets.values()}
        return {
            "view": _view_control(soup_set, view),
            "results": views.results(soup_set),
            "points": views.front(soup_set, chosen.methods),
            "dice": gr.update(visible=soup_set.task.example() is not None),
            "forms": {name: gr.update(visible=name == soup_set.task.name) for name in tasks},
        }

    def dice(self, chosen: Values) -> News:
        """Something to write about."""
        task = self.sets[chosen.set_name].task
        example = task.example()
        return {} if example is None else {"chosen": {"given": {task.name: _fields(task, example)}}}

    def write(self, chosen: Values, view: str, texts: list[Entry], swept: Sweep | None) -> Iterator[News]:
        """Write with both methods at one preference: columns, then figure, history and its table."""
        choices = chosen.checked(self.sets)
        written: list[Text] = []
        for news in self.texts(choices, choices.requests()):
            yield _columns(choices, news)
            written = [] if isinstance(news, Waiting) else news
        texts = history.add(texts, history.entries(choices.soup_set.name, written, "write"))
        swept = self._swept(swept, chosen)
        figure = self._figure(choices.soup_set, choices.methods, choices.preference, view, texts, swept)
        yield {"plot": figure, "texts": texts, "history": views.history(texts)}

    def sweep(self, chosen: Values, view: str, texts: list[Entry]) -> Iterator[News]:
        """Write at every preference of the grid: progress and columns, then figure, sweep and its table."""
        choices = chosen.checked(self.sets)
        grid = sweeps.grid(len(choices.preference))
        shown = grid.index(sweeps.nearest(choices.preference)) * choices.samples
        half = len(grid) * choices.samples
        written: list[Text] = []
        yield {"progress": views.progress(0, 2 * half)}
        for news in self.texts(choices, choices.requests(grid)):
            here: list[Text] | Waiting = news
            if not isinstance(news, Waiting):
                written = news
                here = [text for i in (shown, half + shown) for text in news[i : i + choices.samples]]
            done = sum(text.done for text in written)
            yield {"progress": views.progress(done, 2 * half), **_columns(choices, here)}
        swept = sweeps.made(choices, written)
        seen = self.look(chosen, view, texts, swept)
        yield seen | {"progress": "", "swept": swept, "grid": views.sweep(swept.columns)}

    def point(self, event: gr.EventData, chosen: Values, texts: list[Entry], swept: Sweep | None) -> News:
        """What was clicked comes back: the controls, the example and both columns.

        `event.key` as in `figures.front_figure`, or ["preference", *shares].
        """
        news: News = {}
        try:
            kind, *place = event.key
            if kind == "text":
                return self._reopened(next(one for one in texts if one.id == place[0]), chosen)
            soup_set = self.sets[chosen.set_name]
            if kind == "preference":
                mu = ch.preferred(soup_set, place)
            elif kind == "sweep":
                names = [objective.name for objective in soup_set.objectives]
                mu = sweeps.front(swept.columns[place[0]], names)[place[1]].preference
            else:
                measured = soup_set.points(place[0])[place[1]]
                mu, news["example"] = measured.preference, views.example(soup_set, place[0], measured)
        except (StopIteration, LookupError, TypeError, ValueError, AttributeError):
            raise ValueError("what was clicked is no longer kept: write it again") from None
        return news | {"chosen": {"preference": percent(mu)}}

    def reopen(self, query: str) -> News:
        """The controls as the link says with which the page was opened, and what is wrong with it."""
        try:
            return {"problem": ""} | ({"chosen": controls_of(ch.from_query(self.sets, query))} if query else {})
        except ValueError as error:
            return {"problem": views.problem(f"The link cannot be opened: {error}.")}

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
        path = Path(tempfile.mkdtemp(dir=self.files)) / f"bone-soup.{kind}"
        text = history.as_csv(entries, self.sets) if kind == "csv" else history.as_json(entries)
        path.write_text(text, encoding="utf-8")
        self._tidy()
        return {"file": str(path)}

    def adapter(self, side: int, chosen: Values) -> News:
        """A file with the merged adapter of a column (0: left, 1: right) at the preference chosen."""
        soup_set = ch.served(self.sets, chosen.set_name)
        mu = ch.preferred(soup_set, chosen.preference)
        path = exporting.zipped(soup_set, chosen.methods[side], mu, Path(tempfile.mkdtemp(dir=self.files)))
        self._tidy()
        return {"file": str(path)}

    def texts(self, choices: Choices, requests: Sequence[Request]) -> Iterator[list[Text] | Waiting]:
        """The running texts of requests; closing the generator stops the work."""
        with closing(self.stream(choices.soup_set.name, requests)) as running:
            yield from running

    def _swept(self, swept: Sweep | None, chosen: Values) -> Sweep | None:
        """The sweep, if it is one of the given, methods and settings that are chosen now."""
        try:
            return swept if swept and swept.choices.alike(chosen.checked(self.sets)) else None
        except ValueError:
            return None

    def _figure(
        self,
        soup_set: SoupSet,
        methods: Sequence[str],
        mu: Preference,
        view: str,
        texts: list[Entry],
        swept: Sweep | None,
    ) -> Any:
        mine = [one for one in texts if one.set_name == soup_set.name]
        return figures.front_figure(
            soup_set.front, soup_set.objectives, methods, mu, _view(soup_set, view), mine, swept
        )

    def _reopened(self, one: Entry, chosen: Values) -> News:
        """A text in the column of its method, or else in the left one, with all its settings."""
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
        columns = {name: views.empty(method) for name, method in zip(COLUMNS, methods, strict=True)}
        note = f"Written before, with seed {request.seed}."
        columns[COLUMNS[side]] = _column(soup_set, request.method, [one], note)
        return {"chosen": controls_of(choices), **columns}

    def _tidy(self) -> None:
        """Delete the files that were made for download, but for the newest."""
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


def _columns(choices: Choices, written: list[Text] | Waiting) -> News:
    if isinstance(written, Waiting):
        return {
            name: views.waiting(method, written.ahead) for name, method in zip(COLUMNS, choices.methods, strict=True)
        }
    half, soup_set = len(written) // 2, choices.soup_set
    parts = zip(COLUMNS, choices.methods, (written[:half], written[half:]), strict=True)
    return {name: views.texts(soup_set.task, method, part, soup_set.objectives) for name, method, part in parts}


def _column(soup_set: SoupSet, method: str, entries: Sequence[Entry], note: str) -> str:
    """A column of texts that were written before."""
    return views.texts(soup_set.task, method, [one.text for one in entries], soup_set.objectives, note)
