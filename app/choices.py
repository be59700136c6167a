"""What a person has chosen on the page, checked; and the same as the query of a link."""

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from backbones import coefficients as c
from backbones.sets import SoupSet
from backbones.tasks import line
from backbones.writer import Order

MAX_SAMPLES = 4
MAX_SEED = 2**31 - 1
MAX_LINK = 20_000  # characters
LARGEST = 1e100  # number; sums of larger ones overflow, and whole ones may not be floats at all
DECIMALS = 8  # of a preference's shares; a link holds them all
OTHER_NOISE = 1000  # added to the seeds of the right column when it has random numbers of its own
UNPRINTABLE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"  # control characters, and halves of characters


@dataclass(frozen=True)
class Choices:
    """A set, a method per column, a preference [n], what is given (see `tasks`) and sampling settings."""

    soup_set: SoupSet
    methods: tuple[str, str]
    preference: tuple[float, ...]
    facts: dict[str, str]
    samples: int = 1
    temperature: float = 1.0
    top_p: float = 0.9
    seed: int = 0
    same_noise: bool = True

    def orders(self, preferences=None) -> list[Order]:
        """`samples` orders for each of `preferences` (default: the one chosen), for the left column, then the right."""
        return [
            Order(
                self.facts,
                tuple(mu),
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
        """Whether only the preference differs."""
        return replace(self, preference=other.preference) == other

    def query(self) -> str:
        """The query of a link that opens the page as it is."""
        return urlencode(
            {
                "set": self.soup_set.name,
                "facts": line(self.facts),
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


def served(sets: dict[str, SoupSet], name: str) -> SoupSet:
    """The set called `name`. Raises ValueError."""
    if not isinstance(name, str) or name not in sets:
        raise ValueError(f"no set {_short(name)} is served here: use one of {', '.join(sets)}")
    return sets[name]


def check(
    soup_set: SoupSet, methods, preference, facts: dict, samples, temperature, top_p, seed, same_noise
) -> Choices:
    """Choices from what a person or a program sent. Raises ValueError, naming the value and the fix."""
    for method in methods:
        if not isinstance(method, str) or method not in soup_set.methods:
            raise ValueError(f"no method {_short(method)}: use one of {', '.join(soup_set.methods)}")
    mu = normalised(preference, len(soup_set.objectives))
    if not isinstance(facts, dict) or not all(isinstance(value, str | None) for value in facts.values()):
        raise ValueError(f"the facts are {_short(facts)}: give a text for every fact, such as name and food")
    facts = soup_set.task.check({field: value or "" for field, value in facts.items()})
    if any(re.search(UNPRINTABLE, value) for value in facts.values()):
        raise ValueError(f"the facts are {_short(facts)}: leave out what is not text")
    return Choices(
        soup_set,
        tuple(methods),
        _rounded(mu),
        facts,
        number("samples", samples, 1, MAX_SAMPLES, whole=True),
        number("temperature", temperature, 0, 2),
        number("top-p", top_p, 0.01, 1),
        number("seed", seed, 0, MAX_SEED, whole=True),
        bool(same_noise),
    )


def normalised(preference, n: int):
    """The preference mu [n] on the simplex from what was sent. Raises ValueError."""
    if not isinstance(preference, list | tuple) or not all(is_number(share) for share in preference):
        raise ValueError(f"the preference is {_short(preference)}: give {n} finite numbers >= 0, one per objective")
    return c.preference(preference, n)


def from_query(sets: dict[str, SoupSet], query: str) -> Choices:
    """The choices that a link's query holds. Raises ValueError for one that is damaged."""
    if len(query) > MAX_LINK:
        raise ValueError(f"the link has {len(query)} characters: use at most {MAX_LINK}")
    fields = dict(parse_qsl(query))
    try:
        soup_set = served(sets, fields["set"])
        shares = [_parsed("preference", share) for share in fields["preference"].split("-")]
        return check(
            soup_set,
            (fields["left"], fields["right"]),
            shares,
            soup_set.task.read(fields["facts"]),
            *(_parsed(name, fields[name]) for name in ("samples", "temperature", "top_p", "seed")),
            fields["same"] == "1",
        )
    except KeyError as error:
        raise ValueError(f"the link lacks {error}: copy it again") from None


def number(name: str, value, low: float, high: float, whole: bool = False):
    """The number `value`, from `low` to `high`. Raises ValueError."""
    kind = "a whole number" if whole else "a number"
    if not is_number(value) or not low <= value <= high or (whole and value != int(value)):
        shown = "empty" if value is None else _short(value)
        raise ValueError(f"{name} is {shown}: use {kind} from {low:g} to {high:.10g}")
    return int(value) if whole else float(value)


def is_number(value) -> bool:
    """Whether it is a finite number, and none so large that sums of such are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _rounded(mu) -> tuple[float, ...]:
    """Shares [n] that add up to 1 with few decimals, so that a link gives exactly them again."""
    shares = mu.round(DECIMALS)
    largest = shares.argmax()
    shares[largest] = round(shares[largest] + 1 - shares.sum(), DECIMALS)
    return tuple(shares.tolist())


def _plain(decimal: str) -> str:
    """A decimal number without the zeros that end it."""
    return decimal.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", decimal) else decimal


def _parsed(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is {_short(text)} in the link: copy it again") from None


def _short(value) -> str:
    """A value as it stands in a message: not longer than a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
