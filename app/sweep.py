"""A sweep: the whole grid of preferences for one prompt and two methods, written in one batch. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from app import history
from app.choices import Choices
from app.history import Entry, Mean
from backbones.engine.request import Text
from backbones.merging.preference import Preference, lattice


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


def made(choices: Choices, texts: Sequence[Text]) -> Sweep:
    """The sweep of `choices` whose requests for the grid gave `texts`."""
    entries, half = history.entries(choices.soup_set.name, texts, "sweep"), len(texts) // 2
    return Sweep(choices, (entries[:half], entries[half:]))


def grid(n: int) -> list[Preference]:
    """The preferences of a sweep over n objectives."""
    return [Preference(round(share, 12) for share in mu) for mu in lattice(n)]


def nearest(mu: Preference) -> Preference:
    """The preference of the grid nearest to mu [n]."""
    return min(grid(len(mu)), key=mu.distance)


def front(column: Sequence[Entry], names: Sequence[str]) -> list[Mean]:
    """One point per preference of a column of a sweep. `names` [n]: the objectives."""
    return history.means(column, names)
