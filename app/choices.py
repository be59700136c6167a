"""What a person has chosen on the page, checked; and the same as the query of a link. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from backbones.engine import stored
from backbones.engine.request import Request
from backbones.merging.methods import BASELINE, BONE_SOUP, LABELS
from backbones.merging.preference import Preference, lattice
from backbones.store.soup_set import SoupSet
from backbones.tasks.task import Given

MAX_SAMPLES = 4
MAX_SEED = 2**31 - 1
MAX_LINK = 20_000  # characters
LARGEST = 1e100  # number; sums of larger ones overflow, and whole ones may not be floats at all
DECIMALS = 8  # of a preference's shares; a link holds them all
BASE = "base"  # the method that every set has
OTHER_NOISE = 1000  # added to the seeds of the right column when it has random numbers of its own
UNPRINTABLE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"  # control characters, and halves of characters


@dataclass(frozen=True)
class Choices:
    """A set, a method per column, a preference [n], what is given (see its task) and sampling settings."""

    soup_set: SoupSet
    methods: tuple[str, ...]
    preference: Preference
    given: Given
    samples: int = 1
    temperature: float = 1.0
    top_p: float = 0.9
    seed: int = 0
    same_noise: bool = True

    def requests(self, preferences: Sequence[Preference] = ()) -> list[Request]:
        """`samples` for each of `preferences` (default: the one chosen), for the left column, then for the right."""
        return [
            Request(
                self.given,
                mu,
                method,
                seed=self.seed + sample + (0 if self.same_noise else OTHER_NOISE * column),
                temperature=self.temperature,
                top_p=self.top_p,
                max_new_tokens=self.soup_set.sampling.max_new_tokens,
            )
            for column, method in enumerate(self.methods)
            for mu in preferences or [self.preference]
            for sample in range(self.samples)
        ]

    def alike(self, other: "Choices") -> bool:
        """Whether only the preference and the number of texts differ, which a sweep has its own of."""
        return replace(self, preference=other.preference, samples=other.samples) == other

    def query(self) -> str:
        """The query of a link that opens the page as it is."""
        return urlencode(
            {
                "set": self.soup_set.name,
                "given": self.soup_set.task.line(self.given),
                "preference": "-".join(_plain(f"{100 * share:.{DECIMALS - 2}f}") for share in self.preference),
                "left": self.methods[0],
                "right": self.methods[1],
                "samples": self.samples,
                "temperature": _plain(str(self.temperature)),
                "top_p": _plain(str(self.top_p)),
                "seed": self.seed,
                "same": int(self.same_noise),
            }
        )


@dataclass(frozen=True)
class Values:
    """What the page's controls hold, unchecked: shares in percent, what is given by task and field."""

    set_name: Any
    left: Any
    right: Any
    preference: Any
    given: Mapping[str, Mapping[str, Any]]
    samples: Any
    temperature: Any
    top_p: Any
    seed: Any
    same_noise: Any

    @property
    def methods(self) -> tuple[Any, Any]:
        """Those of the left and the right column."""
        return self.left, self.right

    def checked(self, sets: Mapping[str, SoupSet]) -> Choices:
        """The choices that they are. Raises ValueError."""
        soup_set = served(sets, self.set_name)
        settings = self.samples, self.temperature, self.top_p, self.seed, self.same_noise
        return check(soup_set, self.methods, self.preference, dict(self.given[soup_set.task.name]), *settings)


def first_methods(soup_set: SoupSet) -> tuple[str, str]:
    """What the columns hold at first: Bone Soup and its baseline, or what the set has of them."""
    left, right = (method if method in soup_set.methods else BASE for method in (BONE_SOUP, BASELINE))
    return left, right


def first_preference(soup_set: SoupSet) -> Preference:
    """What the page opens with: of the measured preferences that weigh the first objective most, the one where Bone
    Soup's lead over its baseline is greatest, in mean rewards weighted by that preference, and where the texts that
    come with the set differ. Where nothing was measured, or it leads nowhere, equal shares, or what the grid has
    nearest to them."""
    lead, found = 0.0, Preference.equal(len(soup_set.objectives))
    said = {(text.request.method, *text.request.preference.rounded): text.raw for text in stored.read(soup_set)}
    for ours, theirs in zip(soup_set.points(BONE_SOUP), soup_set.points(BASELINE)):
        mu = ours.preference
        gained = sum(share * (a - b) for share, a, b in zip(mu, ours.rewards, theirs.rewards, strict=True))
        texts = {said.get((method, *mu.rounded), method) for method in (BONE_SOUP, BASELINE)}
        if mu.same(theirs.preference) and mu[0] == max(mu) and len(texts) > 1 and gained > lead + 1e-9:
            lead, found = gained, mu
    return min(lattice(len(found)), key=found.distance)


def method_choices(soup_set: SoupSet) -> list[tuple[str, str]]:
    """What a column can hold: (label, method)."""
    return [(LABELS[method], method) for method in soup_set.methods]


def served(sets: Mapping[str, SoupSet], name: Any) -> SoupSet:
    """The set called `name`. Raises ValueError."""
    if not isinstance(name, str) or name not in sets:
        raise ValueError(f"no set {_short(name)} is served here: use one of {', '.join(sets)}")
    return sets[name]


def check(
    soup_set: SoupSet,
    methods: Sequence[Any],
    preference: Any,
    given: Any,
    samples: Any,
    temperature: Any,
    top_p: Any,
    seed: Any,
    same_noise: Any,
) -> Choices:
    """Choices from what a person or a program sent. Raises ValueError, naming the value and the fix."""
    for method in methods:
        if not isinstance(method, str) or method not in soup_set.methods:
            raise ValueError(f"no method {_short(method)}: use one of {', '.join(soup_set.methods)}")
    mu = preferred(soup_set, preference)
    if not isinstance(given, dict) or not all(isinstance(value, str | None) for value in given.values()):
        asked = ", ".join(field.name for field in soup_set.task.fields)
        raise ValueError(f"what is given is {_short(given)}: give texts by name, of {asked}")
    given = soup_set.task.check({field: value or "" for field, value in given.items()})
    if any(re.search(UNPRINTABLE, value) for value in given.values()):
        raise ValueError(f"what is given is {_short(given)}: leave out what is not text")
    return Choices(
        soup_set,
        tuple(methods),
        mu,
        given,
        int(number("samples", samples, 1, MAX_SAMPLES, whole=True)),
        number("temperature", temperature, 0, 2),
        number("top-p", top_p, 0.01, 1),
        int(number("seed", seed, 0, MAX_SEED, whole=True)),
        bool(same_noise),
    )


def preferred(soup_set: SoupSet, shares: Any) -> Preference:
    """The preference over the set's objectives from what was sent, with so few decimals that a link gives exactly it
    again. Raises ValueError."""
    if not isinstance(shares, list | tuple) or not all(is_number(share) for share in shares):
        n = len(soup_set.objectives)
        raise ValueError(f"the preference is {_short(shares)}: give {n} finite numbers >= 0, one per objective")
    return _rounded(soup_set.preference(shares))


def from_query(sets: Mapping[str, SoupSet], query: str) -> Choices:
    """The choices that a link's query holds. Raises ValueError for one that is damaged."""
    if len(query) > MAX_LINK:
        raise ValueError(f"the link has {len(query)} characters: use at most {MAX_LINK}")
    fields = dict(parse_qsl(query))
    if "facts" in fields:  # the name of `given` in older links
        fields.setdefault("given", fields["facts"])
    try:
        soup_set = served(sets, fields["set"])
        shares = [_parsed("preference", share) for share in fields["preference"].split("-")]
        sent = {name: _parsed(name, fields[name]) for name in ("samples", "temperature", "top_p", "seed")}
        return check(
            soup_set,
            (fields["left"], fields["right"]),
            shares,
            soup_set.task.read(fields["given"]),
            same_noise=fields["same"] == "1",
            **sent,
        )
    except KeyError as error:
        raise ValueError(f"the link lacks {error}: copy it again") from None


def number(name: str, value: Any, low: float, high: float, whole: bool = False) -> float:
    """The number `value`, from `low` to `high`. Raises ValueError."""
    kind = "a whole number" if whole else "a number"
    if not is_number(value) or not low <= value <= high or (whole and value != int(value)):
        shown = "empty" if value is None else _short(value)
        raise ValueError(f"{name} is {shown}: use {kind} from {low:g} to {high:.10g}")
    return float(value)


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and none so large that sums of such are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _rounded(mu: Preference) -> Preference:
    """Shares [n] with few decimals that still add up to 1."""
    shares = [round(share, DECIMALS) for share in mu]
    largest = shares.index(max(shares))
    shares[largest] = round(shares[largest] + 1 - sum(shares), DECIMALS)
    return Preference(shares)


def _plain(decimal: str) -> str:
    """A decimal number without the zeros that end it."""
    return decimal.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", decimal) else decimal


def _parsed(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is {_short(text)} in the link: copy it again") from None


def _short(value: Any) -> str:
    """A value as it stands in a message: not longer than a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
