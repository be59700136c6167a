"""What happens on the page when something is moved, pressed or clicked. No layout here."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import gradio as gr

from app import choices as ch
from app import figures, history, render
from app import sweep as sweeps
from app.preference import percent, props
from backbones import coefficients as c
from backbones import export, theory
from backbones import facts as f
from backbones.serving import ServingError, Waiting
from backbones.sets import SoupSet
from backbones.writer import Order, Text

FIELDS = (*f.SLOTS, "prompt")  # what can be given, of all tasks
CONTROLS = 4 + len(FIELDS) + 5  # the page's controls
MAX_EXPORTS = 20  # adapters kept on disk for download; the oldest go first
MAX_WORDS = 600  # characters of an error message

NAMES = (
    "The Golden Lantern",
    "Bistro Aurora",
    "Café Juniper",
    "The Copper Kettle",
    "Nonna's Table",
    "Blue Heron",
)
NEIGHBOURS = ("", "the Old Mill", "Hotel Meridian", "Platform Nine", "the Botanic Garden")

Stream = Callable[[str, list[Order]], Iterator[list[Text] | Waiting]]


class Handlers:
    """Handlers for the sets served; holds nothing of a visitor, so that visitors cannot see each other.

    `stream` gives the running texts of orders for a set by its name. The last arguments of most handlers are the
    values of the page's controls: set, methods left and right, preference in percent, one value for each of
    `FIELDS`, samples, temperature, top-p, seed, same random numbers.
    """

    def __init__(self, sets: list[SoupSet], stream: Stream):
        self.sets, self.stream = {soup_set.name: soup_set for soup_set in sets}, stream
        self.files = Path(tempfile.mkdtemp(prefix="bone-soup-"))

    def look(self, view: str, texts: list[dict], sweep: dict | None, *controls) -> tuple:
        """Coefficients, expected positions and the figure, before anything is generated; and a sweep's texts."""
        soup_set, methods = self.sets[controls[0]], controls[1:3]
        try:
            mu = ch.normalised(controls[3], len(soup_set.objectives))
        except ValueError as error:
            return render.problem(str(error)), *[gr.skip()] * 3
        swept = self._swept(sweep, controls)
        columns = [gr.skip()] * 2
        if swept:
            note = f"From the sweep, at {figures.shares(sweeps.nearest(mu))}. Write writes anew at your preference."
            columns = [_column(soup_set, method, part, note) for method, part in zip(methods, sweeps.at(swept, mu))]
        mixes = [
            (method, *mix(soup_set, method, mu), render.expected(soup_set, method, mu))
            for method in dict.fromkeys(methods)
        ]
        return (
            render.coefficients(mixes) + hint(soup_set, mu),
            self._figure(soup_set, methods, mu, view, texts, swept),
            *columns,
        )

    def choose(self, name: str, left: str, right: str) -> tuple:
        """Preference control and methods that suit another set; everything else stays."""
        soup_set = self.sets[name]
        n = len(soup_set.objectives)
        choices = method_choices(soup_set)
        chosen = zip((left, right), columns_of(soup_set))
        columns = [
            gr.update(choices=choices, value=method if method in soup_set.methods else other)
            for method, other in chosen
        ]
        return gr.update(value=[100 / n] * n, **props(soup_set)), *columns

    def follow(self, name: str, left: str, right: str, view: str) -> tuple:
        """Views, results, the points as a table, and the form, whatever has changed the set or the methods."""
        soup_set = self.sets[name]
        views = figures.views([objective.label for objective in soup_set.objectives])
        update = gr.update(choices=views, value=_view(soup_set, view), visible=len(views) > 1)
        form = [gr.update(visible=field in soup_set.task.fields) for field in ("name", "name", "prompt")]
        return update, render.results(soup_set.front), render.front(soup_set, (left, right)), *form

    def write(self, view: str, texts: list[dict], sweep: dict | None, *controls) -> Iterator[tuple]:
        """Write with both methods at one preference: columns, figure, history and its table."""
        with clear_words():
            choices = self._check(controls)
            orders, written = choices.orders(), []
            for written in self.texts(choices, orders):
                yield (*_columns(choices, written), *[gr.skip()] * 3)
        name = choices.soup_set.name
        texts = history.add(texts, [history.entry(name, o, t, "write") for o, t in zip(orders, written, strict=True)])
        swept = self._swept(sweep, controls)
        figure = self._figure(choices.soup_set, choices.methods, choices.preference, view, texts, swept)
        yield gr.skip(), gr.skip(), figure, texts, render.history(texts)

    def sweep(self, view: str, texts: list[dict], *controls) -> Iterator[tuple]:
        """Write at every preference of the grid: progress, columns, figure, sweep and its table."""
        with clear_words():
            choices = self._check(controls)
            grid, written = sweeps.grid(len(choices.preference)), []
            shown = grid.index(sweeps.nearest(choices.preference)) * choices.samples
            half = len(grid) * choices.samples
            yield render.progress(0, 2 * half), *[gr.skip()] * 5
            for written in self.texts(choices, choices.orders(grid)):
                done, here = 0, written
                if not isinstance(written, Waiting):
                    done = sum(text.done for text in written)
                    here = [text for i in (shown, half + shown) for text in written[i : i + choices.samples]]
                yield render.progress(done, 2 * half), *_columns(choices, here), *[gr.skip()] * 3
        sweep = sweeps.made(choices, written)
        _, figure, *columns = self.look(view, texts, sweep, *controls)
        yield "", *columns, figure, sweep, render.sweep(sweep["columns"])

    def point(self, event: gr.EventData, texts: list[dict], sweep: dict | None, *controls) -> tuple:
        """What was clicked comes back: the controls, the example and both columns.

        `event.key` as in `figures.front_figure`, or ["preference", *shares].
        """
        unchanged, example = [gr.skip()] * len(controls), gr.skip()
        try:
            kind, *place = event.key
            if kind == "text":
                return self._reopened(next(text for text in texts if text["id"] == place[0]), controls[1], controls[2])
            soup_set = self.sets[controls[0]]
            if kind == "preference":
                mu = place
            elif kind == "sweep":
                names = [objective.name for objective in soup_set.objectives]
                mu = sweeps.front(sweep["columns"][place[0]], names)[place[1]]["preference"]
            else:
                measured = soup_set.points(place[0])[place[1]]
                mu, example = measured["preference"], render.example(soup_set, place[0], measured)
            unchanged[3] = percent(ch.normalised(mu, len(soup_set.objectives)))
        except (StopIteration, LookupError, TypeError, ValueError, AttributeError):
            words = "what was clicked is no longer kept: write it again"
            raise gr.Error(words, print_exception=False) from None
        return *unchanged, example, gr.skip(), gr.skip()

    def reopen(self, query: str) -> tuple:
        """The controls as the link says with which the page was opened, and what is wrong with it."""
        if not query:
            return *[gr.skip()] * CONTROLS, ""
        try:
            return *controls_of(ch.from_query(self.sets, query)), ""
        except ValueError as error:
            return *[gr.skip()] * CONTROLS, render.problem(f"The link cannot be opened: {error}.")

    def link(self, *controls) -> str:
        """The query of a link to the page as it is."""
        with clear_words():
            return self._check(controls).query()

    def take(self, texts: list[dict], sweep: dict | None, kind: str) -> str:
        """A file with the texts of the session, the sweep's last: "csv" or "json"."""
        entries = texts + [one for column in (sweep["columns"] if sweep else ()) for one in column]
        if not entries:
            raise gr.Error("nothing has been written yet: press Write first", print_exception=False)
        path = Path(tempfile.mkdtemp(dir=self.files)) / f"bone-soup.{kind}"
        path.write_text((history.as_csv if kind == "csv" else history.as_json)(entries), encoding="utf-8")
        self._tidy()
        return str(path)

    def adapter(self, side: int, *controls) -> str:
        """A file with the merged adapter of a column (0: left, 1: right) at the preference chosen."""
        with clear_words():
            soup_set = self.sets[controls[0]]
            mu = ch.normalised(controls[3], len(soup_set.objectives))
            path = export.zipped(soup_set, controls[1 + side], mu, Path(tempfile.mkdtemp(dir=self.files)))
        self._tidy()
        return str(path)

    def _check(self, controls: tuple) -> ch.Choices:
        name, left, right, preference, *rest = controls
        given, settings = dict(zip(FIELDS, rest)), rest[len(FIELDS) :]
        soup_set = ch.served(self.sets, name)
        given = {field: given[field] for field in soup_set.task.fields}
        return ch.check(soup_set, (left, right), preference, given, *settings)

    def texts(self, choices: ch.Choices, orders: list[Order]) -> Iterator[list[Text] | Waiting]:
        """The running texts of orders; closing the generator stops the work."""
        with closing(self.stream(choices.soup_set.name, orders)) as running:
            yield from running

    def _swept(self, sweep: dict | None, controls: tuple) -> dict | None:
        """The sweep, if it is one of the facts, methods and settings that are chosen now."""
        try:
            return sweep if sweep and sweep["choices"].alike(self._check(controls)) else None
        except ValueError:
            return None

    def _figure(self, soup_set: SoupSet, methods, mu, view: str, texts: list[dict], sweep: dict | None):
        labels = [objective.label for objective in soup_set.objectives]
        mine = [text for text in texts if text["set"] == soup_set.name]
        front = soup_set.front or {"objectives": [objective.name for objective in soup_set.objectives], "methods": {}}
        return figures.front_figure(front, labels, list(methods), mu, _view(soup_set, view), mine, sweep)

    def _reopened(self, one: dict, left: str, right: str) -> tuple:
        """A text in the column of its method, or else in the left one, with all its settings."""
        side = 1 if one["method"] == right != left else 0
        methods = (left, one["method"]) if side else (one["method"], right)
        soup_set = self.sets[one["set"]]
        methods = tuple(method if method in soup_set.methods else "base" for method in methods)
        choices = ch.Choices(
            soup_set,
            methods,
            tuple(one["preference"]),
            one["facts"],
            temperature=one["temperature"],
            top_p=one["top_p"],
            seed=one["seed"],
        )
        columns = [render.empty(method) for method in methods]
        columns[side] = _column(soup_set, one["method"], [one], f"Written before, with seed {one['seed']}.")
        return *controls_of(choices), gr.skip(), *columns

    def _tidy(self) -> None:
        """Delete the files that were made for download, but for the newest."""
        made = sorted(self.files.glob("*/*"), key=lambda path: path.stat().st_mtime)
        for path in made[:-MAX_EXPORTS]:
            path.unlink(missing_ok=True)
            path.parent.rmdir()


def controls_of(choices: ch.Choices) -> list:
    """The values of the page's controls for choices."""
    soup_set, names = choices.soup_set, method_choices(choices.soup_set)
    return [
        soup_set.name,
        *(gr.update(choices=names, value=method) for method in choices.methods),
        gr.update(value=percent(choices.preference), **props(soup_set)),
        *(choices.facts.get(field, "") if field in soup_set.task.fields else gr.skip() for field in FIELDS),
        choices.samples,
        choices.temperature,
        choices.top_p,
        choices.seed,
        choices.same_noise,
    ]


def columns_of(soup_set: SoupSet) -> tuple[str, str]:
    """What the columns hold at first: Bone Soup and its baseline, or what the set has of them."""
    left, right = (method if method in soup_set.methods else "base" for method in ("bone-soup", "rewarded-soup"))
    return left, right


def method_choices(soup_set: SoupSet) -> list[tuple[str, str]]:
    """What a column can hold: (label, method)."""
    return [(figures.LABELS[method], method) for method in soup_set.methods]


def mix(soup_set: SoupSet, method: str, mu) -> tuple[list[tuple[str, float]], str]:
    """What a method makes of the preference mu [n]: (adapter, coefficient) pairs, and a remark where they need one."""
    if method == "base":
        return [], "no adapter"
    if method == "morlhf":
        oracle = soup_set.nearest_oracle(mu)
        return [(oracle.adapter.name, 1.0)], f"tuned for {figures.shares(oracle.preference)}"
    if method == "mod":
        names = [folder.name for folder in soup_set.specialists]
        return list(zip(names, mu.tolist(), strict=True)), "mixed at every token"
    pairs = []
    mixed = c.merging_coefficients(method, mu, soup_set.beta, soup_set.extrapolation)
    for folders, values in zip((soup_set.backbones, soup_set.specialists), mixed.tolist(), strict=True):
        if any(values):
            pairs += zip((folder.name for folder in folders), values, strict=True)
    return pairs, ""


def hint(soup_set: SoupSet, mu) -> str:
    """Where theory puts Bone Soup's advantage, and whether mu [n] lies there."""
    b = soup_set.beta
    if len(mu) == 2:
        low, high = theory.theorem_1(b)
        where = "inside" if low < mu[0] < high else "outside"
        label = soup_set.objectives[0].label.lower()
        words = (
            f"Theorem 1 (two quadratic rewards) guarantees Bone Soup's lead over Rewarded Soup from {100 * low:.0f} % "
            f"to {100 * high:.0f} % {label}: your {100 * mu[0]:.0f} % is {where}."
        )
    else:
        inside = bool((c.bone_soup(mu, b) >= 0).all())
        words = (
            "Theorem 1 speaks of two objectives. With three, Bone Soup merges without extrapolating inside the rows "
            + (
                "of B: your preference is inside."
                if inside
                else "of B: your preference is outside, some coefficient is negative."
            )
        )
    return f'<div class="hint">{words}</div>'


def dice() -> list[str]:
    """Example facts, one value per slot in the order of `facts.SLOTS`."""
    draw = {slot: random.choice(("", *values, *values)) for slot, values in f.VALUES.items()}
    return [random.choice(NAMES), *draw.values(), random.choice(NEIGHBOURS)]


@contextmanager
def clear_words() -> Iterator[None]:
    """Within this block errors that are meant for people reach them as they are, without a trace."""
    try:
        yield
    except (ValueError, ServingError) as error:
        raise gr.Error(_cut(str(error)), print_exception=False) from None


def _cut(words: str) -> str:
    """A message without its middle where it repeats something very long: the fix stands at its end."""
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS // 2]} ... {words[-MAX_WORDS // 2 :]}"


def _view(soup_set: SoupSet, view: str) -> str:
    """The view chosen, or the first where this set does not have it."""
    views = [value for _, value in figures.views([objective.label for objective in soup_set.objectives])]
    return view if view in views else views[0]


def _columns(choices: ch.Choices, written: list[Text] | Waiting) -> list[str]:
    if isinstance(written, Waiting):
        return [render.waiting(method, written.ahead) for method in choices.methods]
    parts = written[: len(written) // 2], written[len(written) // 2 :]
    objectives = choices.soup_set.objectives
    return [render.texts(m, part, choices.facts, objectives) for m, part in zip(choices.methods, parts, strict=True)]


def _column(soup_set: SoupSet, method: str, entries: list[dict], note: str) -> str:
    written = [history.text_of(one) for one in entries]
    return render.texts(method, written, entries[0]["facts"], soup_set.objectives, note)
