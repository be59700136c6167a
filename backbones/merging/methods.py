"""The methods: one record each. Every other place that lists, names or merges methods reads it from here.

Sources: Xie et al., "Bone Soups", ACL 2025; Ramé et al., "Rewarded soups", NeurIPS 2023; Shi et al., "Decoding-time
language model alignment with multiple objectives" (MOD), NeurIPS 2024.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from backbones.merging import coefficients as c
from backbones.merging.preference import Preference, corners


@dataclass(frozen=True)
class Oracle:
    """An adapter tuned for one preference on sum_i mu_i r_i: multi-objective RL without merging (MORLHF)."""

    preference: Preference
    adapter: str


class Tuned(Protocol):
    """What has been tuned, by name: a set, for example."""

    @property
    def beta(self) -> float: ...

    @property
    def extrapolation(self) -> Sequence[float]:
        """The strength k [n] of Bone Soup at the corner of each objective."""

    @property
    def specialist_extrapolation(self) -> Sequence[float]:
        """That of Rewarded Soup: of each specialist."""

    @property
    def backbones(self) -> tuple[str, ...]:
        """One for each row of B."""

    @property
    def specialists(self) -> tuple[str, ...]:
        """One for each objective."""

    @property
    def oracles(self) -> tuple[Oracle, ...]: ...

    @property
    def start(self) -> str | None:
        """What all of these began at, or None: the base itself."""


@dataclass(frozen=True)
class Merge:
    """What a method makes of a preference: coefficients over adapters by name.

    `at_every_token`: nothing is merged; the log-probabilities of the adapters' own models are mixed with these
    coefficients instead. `remark`: what to say of it on the page.
    """

    coefficients: dict[str, float]
    at_every_token: bool = False
    remark: str = ""

    @property
    def used(self) -> dict[str, float]:
        """The adapters that have a part in it, with their coefficients."""
        return {name: value for name, value in self.coefficients.items() if value}

    @property
    def members(self) -> list[tuple[float, dict[str, float]]]:
        """The models that write a text together, each with its weight: one, except at every token."""
        if self.at_every_token:
            return [(share, {name: 1.0}) for name, share in self.used.items()]
        return [(1.0, self.coefficients)]

    def begun_at(self, start: str | None) -> "Merge":
        """The same merge of changes to the adapter `start`: theta_start + sum_k c_k (theta_k - theta_start).

        So the start has what is left of the coefficients, which is nothing where they sum to one.
        """
        # Coefficients are rounded to 12 decimals, so a sum of one can be off by a few of the last.
        rest = 0.0 if start is None else round(1.0 - sum(self.coefficients.values()), 9)
        if start is None or not rest:
            return self
        remark = self.remark if self.coefficients else "the start alone, before reinforcement learning"
        return replace(self, coefficients={start: rest} | self.coefficients, remark=remark)


@dataclass(frozen=True)
class Method:
    """A method. `needs`: kinds of adapters, fields of `Tuned`. `lone`: models that answer at their own preferences
    alone and are not merged for others."""

    name: str
    label: str
    meaning: str
    needs: frozenset[str]
    merge: Callable[[Preference, Tuned], Merge]
    lone: bool = False

    def available(self, tuned: Tuned) -> bool:
        """Whether all that it needs has been tuned."""
        return all(getattr(tuned, kind) for kind in self.needs)


def named(method: str, tuned: Tuned, who: str) -> Method:
    """The record of `method`. Raises ValueError for one that is not known or that `tuned`, called `who`, cannot do."""
    has = available(tuned)
    if method not in has:
        raise ValueError(f"unknown method {method!r}: {who} has {', '.join(has)}")
    return METHODS[method]


def available(tuned: Tuned) -> tuple[str, ...]:
    """The names of the methods that what has been tuned allows: specialists, backbones or oracles can be missing."""
    return tuple(name for name, method in METHODS.items() if method.available(tuned))


def nearest_oracle(mu: Preference, oracles: Sequence[Oracle]) -> Oracle:
    """The oracle whose preference lies nearest to mu; of equals the first."""
    return min(oracles, key=lambda oracle: mu.distance(oracle.preference))


def _over(names: Sequence[str], values) -> dict[str, float]:
    """Coefficients by name; those of an adapter that is named twice are added."""
    merged = dict.fromkeys(names, 0.0)
    for name, value in zip(names, values, strict=True):
        merged[name] += float(value)
    return merged


def _strengths(k: Sequence[float], plain: str) -> str:
    """What to say of strengths; where all are 1 the method is the `plain` one."""
    if all(strength == 1 for strength in k):
        return f"k = 1, which is {plain} itself"
    return f"k = {', '.join(f'{strength:.2f}' for strength in k)}"


def _bone_soup(mu: Preference, tuned: Tuned) -> Merge:
    return Merge(_over(tuned.backbones, c.bone_soup(mu, tuned.beta)))


def _anchored(mu: Preference, tuned: Tuned) -> Merge:
    parts = zip((tuned.backbones, tuned.specialists), c.anchored(mu, tuned.beta), strict=True)
    used = [(names, values) for names, values in parts if values.any()]
    names = [name for names, _ in used for name in names]
    return Merge(_over(names, [value for _, values in used for value in values]))


def _extrapolated(mu: Preference, tuned: Tuned) -> Merge:
    k = tuned.extrapolation
    return Merge(_over(tuned.backbones, c.extrapolated(mu, tuned.beta, k)), remark=_strengths(k, "Bone Soup"))


def _rewarded_soup(mu: Preference, tuned: Tuned) -> Merge:
    return Merge(_over(tuned.specialists, mu))


def _rewarded_soup_extrapolated(mu: Preference, tuned: Tuned) -> Merge:
    k = tuned.specialist_extrapolation
    shares = [strength * share for strength, share in zip(k, mu, strict=True)]
    return Merge(_over(tuned.specialists, shares), remark=_strengths(k, "Rewarded Soup"))


def _nearest_soup(mu: Preference, tuned: Tuned) -> Merge:
    names = [*tuned.specialists, *(oracle.adapter for oracle in tuned.oracles)]
    values = c.nearest(mu, [*corners(len(mu)), *(oracle.preference for oracle in tuned.oracles)])
    used = [(name, value) for name, value in zip(names, values, strict=True) if value]
    return Merge(_over(*zip(*used, strict=True)))


def _no_mapping(mu: Preference, tuned: Tuned) -> Merge:
    return Merge(_over(tuned.backbones, mu))


def _mod(mu: Preference, tuned: Tuned) -> Merge:
    return Merge(_over(tuned.specialists, mu), at_every_token=True, remark="mixed at every token")


def _morlhf(mu: Preference, tuned: Tuned) -> Merge:
    oracle = nearest_oracle(mu, tuned.oracles)
    return Merge({oracle.adapter: 1.0}, remark=f"tuned for {oracle.preference}")


def _base(mu: Preference, tuned: Tuned) -> Merge:
    return Merge({}, remark="no adapter")


BACKBONES, SPECIALISTS, ORACLES = frozenset({"backbones"}), frozenset({"specialists"}), frozenset({"oracles"})
METHODS = {
    method.name: method
    for method in (
        Method(
            "bone-soup",
            "Bone Soup",
            "The paper's method: the backbones with λ = B⁻¹ μ.",
            BACKBONES,
            _bone_soup,
        ),
        Method(
            "bone-soup-anchored",
            "Bone Soup, anchored",
            "A variant of this project's: instead of leaving [0, 1], specialists carry the rest.",
            BACKBONES | SPECIALISTS,
            _anchored,
        ),
        Method(
            "bone-soup-extrapolated",
            "Bone Soup, extrapolated",
            "The paper's extrapolation: λ = B⁻¹ (k μ), a strength k for each corner, chosen on prompts of its own.",
            BACKBONES,
            _extrapolated,
        ),
        Method(
            "rewarded-soup",
            "Rewarded Soup",
            "The baseline: one specialist per single reward, λ = μ.",
            SPECIALISTS,
            _rewarded_soup,
        ),
        Method(
            "rewarded-soup-extrapolated",
            "Rewarded Soup, extrapolated",
            "The baseline tuned likewise: λ = k μ, a strength k for each specialist, chosen in the same way.",
            SPECIALISTS,
            _rewarded_soup_extrapolated,
        ),
        Method(
            "nearest-soup",
            "Nearest Soup",
            "Rewarded Soup with more models: specialists and oracles, merged of those whose preferences lie around μ.",
            SPECIALISTS | ORACLES,
            _nearest_soup,
        ),
        Method(
            "no-mapping",
            "No mapping (ABA)",
            "The paper's ablation: the backbones with λ = μ.",
            BACKBONES,
            _no_mapping,
        ),
        Method(
            "mod",
            "MOD",
            "Nothing is merged: the specialists' log-probabilities are mixed by μ at every token.",
            SPECIALISTS,
            _mod,
        ),
        Method(
            "morlhf",
            "MORLHF oracles",
            "Models tuned for one preference each; the one nearest to yours answers.",
            ORACLES,
            _morlhf,
            lone=True,
        ),
        Method("base", "Base", "The model before reinforcement learning.", frozenset(), _base, lone=True),
    )
}
BONE_SOUP, BASELINE, MORLHF, BASE = "bone-soup", "rewarded-soup", "morlhf", "base"  # what others are compared with
ANCHORED, MOD = "bone-soup-anchored", "mod"
EXTRAPOLATED = "bone-soup-extrapolated", "rewarded-soup-extrapolated"  # with strengths that were chosen
LONE = tuple(name for name, method in METHODS.items() if method.lone)
LABELS = {name: method.label for name, method in METHODS.items()}
