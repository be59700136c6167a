"""A sweep: the whole grid of preferences for one prompt and two methods, written in one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app import history
from app.choices import Choices
from app.history import Entry, Mean
from backbones.engine import stored
from backbones.engine.request import Request, Text
from backbones.merging.preference import Preference, lattice
from backbones.store.soup_set import SoupSet


@dataclass(frozen=True)
class Sweep:
    """What was chosen, and the entries of the left and the right column, preference by preference of the grid."""

    choices: Choices
    columns: tuple[list[Entry], list[Entry]]

    def at(self, mu: Preference) -> tuple[list[Entry], list[Entry]]:
        """The entries of both columns at the grid's preference nearest to mu [n]."""
        place = nearest(mu)
        left, right = ([one for one in column if one.text.request.preference == place] for column in self.columns)
        return left, right


def requests(choices: Choices) -> list[Request]:
    """Those of the sweep that `choices` ask for: one text a column at every preference, the left one first, and what is
    nearest to the preference chosen before the rest."""
    order = sorted(grid(len(choices.preference)), key=choices.preference.distance)
    return [request for mu in order for request in replace(choices, samples=1).requests([mu])]


def finished(choices: Choices, texts: Sequence[Text]) -> Sweep:
    """What there is of the sweep whose `requests` have given `texts` so far: the preferences where both are done."""
    pairs = [pair for pair in zip(texts[::2], texts[1::2], strict=True) if all(text.done for text in pair)]
    pairs.sort(key=lambda pair: [-share for share in pair[0].request.preference])  # as the grid is
    left, right = ([pair[column] for pair in pairs] for column in range(2))
    name = choices.soup_set.name
    return Sweep(choices, (history.entries(name, left, "sweep"), history.entries(name, right, "sweep")))


def of_set(soup_set: SoupSet) -> Sweep | None:
    """The sweep that comes with a set, if one does. Raises SetError for a damaged one."""
    texts = stored.read(soup_set)
    if not texts:
        return None
    texts = [replace(one, request=replace(one.request, preference=nearest(one.request.preference))) for one in texts]
    columns: dict[str, list[Entry]] = {}
    for one in history.entries(soup_set.name, texts, "sweep"):
        columns.setdefault(one.text.request.method, []).append(one)
    (first, left), (second, right) = columns.items()
    request = texts[0].request
    choices = Choices(
        soup_set,
        (first, second),
        request.preference,
        request.given,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=request.seed,
    )
    return Sweep(choices, (left, right))


def grid(n: int) -> list[Preference]:
    """The preferences of a sweep over n objectives."""
    return [Preference(round(share, 12) for share in mu) for mu in lattice(n)]


def nearest(mu: Preference) -> Preference:
    """The preference of the grid nearest to mu [n]."""
    return min(grid(len(mu)), key=mu.distance)


def front(column: Sequence[Entry], names: Sequence[str]) -> list[Mean]:
    """One point per preference of a column of a sweep. `names` [n]: the objectives."""
    return history.means(column, names)
