"""Points, metrics and intervals of fronts, from the rewards of single texts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from backbones.merging.coefficients import backbone_matrix
from backbones.merging.front import Comparison, Example, Front, Gain, Measured, Metric, Point, SeedFront
from backbones.merging.methods import ANCHORED, BASELINE, BONE_SOUP, EXTRAPOLATED, METHODS, MORLHF
from backbones.merging.metrics import hypervolume, of_front
from backbones.merging.preference import Preference
from train.texts import Cell, Record

RESAMPLES = 1000
PIECES = (  # methods that differ in one piece: the one with it, the one without
    (BONE_SOUP, "no-mapping"),
    (EXTRAPOLATED[0], BONE_SOUP),
    (EXTRAPOLATED[1], BASELINE),
    EXTRAPOLATED,
    (ANCHORED, BONE_SOUP),
    ("nearest-soup", ANCHORED),
)


@dataclass(frozen=True)
class Scored:
    """The records of a cell, and the fluency of their texts: log-probabilities of those of sample 0, repetition of
    all; `judged`: what others than the rewards say of all together, see `judges`."""

    records: list[Record]
    log_probabilities: list[float]
    repeated: list[float]
    judged: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rewards:
    """What a method reached: `prompts` [prompts, points, n] are means over samples, `resampled` [resamples, points, n]
    are means over resampled prompts."""

    preferences: list[Preference]
    prompts: np.ndarray
    resampled: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Over all prompts [points, n]."""
        return self.prompts.mean(axis=0)


def summarise(
    scored: Sequence[Scored],
    lines: Sequence[str],
    cells: Sequence[Cell],
    beta: float,
    reference: np.ndarray,
    rng: np.random.Generator,
) -> tuple[dict[str, Measured], Comparison, Comparison, tuple[Gain, ...]]:
    """Every method's points and metrics with 95 % intervals and its differences to the baseline; two comparisons; the
    gains of `PIECES`.

    `scored`: one for each of `cells`; `lines`: the prompts as one text each; hypervolumes above `reference` [n].
    Intervals are percentiles of a bootstrap over prompts, paired: all methods are resampled with the same prompts. The
    first comparison is of hypervolumes at just those preferences of the lattice that have an oracle, the second at
    those in the hull of the rows of B, where no coefficient of Bone Soup is negative.
    """
    counts = rng.multinomial(len(lines), np.full(len(lines), 1 / len(lines)), size=RESAMPLES)
    rewards, points = {}, {}
    for method in dict.fromkeys(method for method, _ in cells):
        own = [(mu, one) for (name, mu), one in zip(cells, scored, strict=True) if name == method]
        by_prompt = _means_over_samples([one.records for _, one in own], len(lines))
        resampled = np.tensordot(counts, by_prompt, axes=1) / len(lines)
        rewards[method] = Rewards([mu for mu, _ in own], by_prompt, resampled)
        points[method] = _points([one for _, one in own], rewards[method], lines)
    metrics = {method: _metrics(own, reference) for method, own in rewards.items()}
    methods = _measured(metrics, points)

    lattice = rewards[BASELINE].preferences if BASELINE in rewards else []
    tuned = [mu for mu in rewards[MORLHF].preferences if _at(mu, lattice) is not None] if MORLHF in rewards else []
    least = backbone_matrix(len(cells[0][1]), beta).min()
    inside = [mu for mu in lattice if min(mu) >= least - 1e-6]
    gains = [_gain(metrics, *pair) for pair in PIECES if metrics.keys() >= set(pair)]
    at_oracles, inside_b = _compared(rewards, tuned, MORLHF, reference), _compared(rewards, inside, BASELINE, reference)
    return methods, at_oracles, inside_b, tuple(gains)


def seed_summary(front: Front) -> SeedFront:
    """What the front of a set trained with another seed adds: points, metrics and ratios to the baseline.

    Raises ValueError for one whose adapters are averages of seeds, have several, or name none.
    """
    tuned = [how for how in front.conditions["hyperparameters"].values() if "reward_weights" in how]  # not the start
    if any("seeds" in how for how in tuned):
        raise ValueError("a front of adapters that are averages of seeds is not that of another seed: leave it out")
    found = {how.get("seed") for how in tuned}
    if len(found) != 1 or None in found:
        known = ", ".join(sorted(map(str, found))) or "none"
        raise ValueError(f"the seeds of a front's adapters are {known}: give fronts whose adapters all have one seed")
    return SeedFront(
        seed=found.pop(),
        preferences={name: [p.preference.rounded for p in one.points] for name, one in front.methods.items()},
        rewards={name: [list(p.rewards) for p in one.points] for name, one in front.methods.items()},
        metrics={
            name: {metric: figure.value for metric, figure in one.metrics.items()}
            for name, one in front.methods.items()
        },
        inside_b={method: ratio.value for method, ratio in front.inside_b.ratios.items()},
    )


def _metrics(own: Rewards, reference: np.ndarray) -> list[dict[str, float]]:
    """Every metric of the mean rewards, then of those of every resample."""
    mus = np.array([mu.rounded for mu in own.preferences])  # so that equal shares are equal to Kendall's tau
    return [of_front(mus, front, reference) for front in (own.mean, *own.resampled)]


def _measured(metrics: dict[str, list[dict[str, float]]], points: dict[str, tuple[Point, ...]]) -> dict[str, Measured]:
    """Metrics with intervals of every method, and for those that are merged the differences to the baseline."""
    methods = {
        method: Measured(points[method], {name: _metric(value[name], [boot[name] for boot in boots]) for name in value})
        for method, (value, *boots) in metrics.items()
    }
    for method, one in methods.items():
        if BASELINE in methods and method != BASELINE and not METHODS[method].lone:
            boots = list(zip(metrics[method][1:], metrics[BASELINE][1:], strict=True))
            methods[method] = _against(one, methods[BASELINE], boots)
    return methods


def _against(one: Measured, baseline: Measured, boots: list[tuple[dict, dict]]) -> Measured:
    """`one` with its differences to the baseline; `boots` are metrics of both by resample."""
    minus = {
        name: _metric(metric.value - baseline.metrics[name].value, [a[name] - b[name] for a, b in boots])
        for name, metric in one.metrics.items()
    }
    over = _metric(
        _ratio(one.metrics["hypervolume"].value, baseline.metrics["hypervolume"].value),
        _ratio([a["hypervolume"] for a, _ in boots], [b["hypervolume"] for _, b in boots]),
    )
    return replace(one, minus_baseline=minus, hypervolume_over_baseline=over)


def _means_over_samples(texts: Sequence[Sequence[Record]], prompts: int) -> np.ndarray:
    """Mean rewards [prompts, points, n] of the records of every point."""
    sums = np.zeros((prompts, len(texts), len(texts[0][0].rewards)))
    for k, here in enumerate(texts):
        for record in here:
            sums[record.prompt, k] += record.rewards
    return sums * prompts * len(texts) / sum(map(len, texts))


def _points(scored: Sequence[Scored], rewards: Rewards, lines: Sequence[str]) -> tuple[Point, ...]:
    low, high = np.quantile(rewards.resampled, (0.025, 0.975), axis=0)
    means, points = rewards.mean, []
    for k, (mu, here) in enumerate(zip(rewards.preferences, scored, strict=True)):
        covariance = np.cov(rewards.prompts[:, k], rowvar=False) / len(lines)
        first = here.records[0]
        points.append(
            Point(
                preference=mu,
                rewards=_rounded(means[k]),
                low=_rounded(low[k]),
                high=_rounded(high[k]),
                covariance=tuple(_rounded(row, 8) for row in covariance),
                words=round(float(np.mean([len(record.text.split()) for record in here.records])), 2),
                log_probability=round(float(np.mean(here.log_probabilities)), 3),
                repeated=round(float(np.mean(here.repeated)), 4),
                example=Example(lines[first.prompt], first.text),
                judged={name: round(value, 4) for name, value in here.judged.items()},
            )
        )
    return tuple(points)


def _compared(rewards: dict[str, Rewards], shared: list[Preference], over: str, reference: np.ndarray) -> Comparison:
    """Hypervolume of every method at the `shared` preferences alone, and its ratio to that of the method `over`."""
    volumes, resampled = {}, {}
    for method, own in rewards.items():
        places = [_at(mu, own.preferences) for mu in shared]
        if places and None not in places:
            volumes[method] = hypervolume(own.mean[places], reference)
            resampled[method] = [hypervolume(boot[places], reference) for boot in own.resampled]
    return Comparison(
        preferences=tuple(shared),
        over=over,
        hypervolume={method: _metric(volumes[method], resampled[method]) for method in volumes},
        ratios={
            method: _metric(_ratio(volumes[method], volumes[over]), _ratio(resampled[method], resampled[over]))
            for method in volumes
            if method != over
        },
    )


def _gain(metrics: dict[str, list[dict[str, float]]], method: str, over: str) -> Gain:
    volumes, products = (
        np.array([[one[name] for one in metrics[which]] for which in (method, over)])
        for name in ("hypervolume", "inner_product")
    )
    ratios, more = _ratio(*volumes), products[0] - products[1]
    return Gain(method, over, _metric(ratios[0], ratios[1:]), _metric(more[0], more[1:]))


def _at(mu: Preference, preferences: Sequence[Preference]) -> int | None:
    """Where mu stands among preferences; None where it does not."""
    return next((i for i, other in enumerate(preferences) if mu.same(other)), None)


def _ratio(volumes, others) -> np.ndarray:
    """Quotients of hypervolumes; 0 where texts without any reward leave none to divide by."""
    return np.asarray(volumes) / np.maximum(others, 1e-12)


def _metric(value, resampled) -> Metric:
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Metric(round(float(value), 4), round(float(low), 4), round(float(high), 4))


def _rounded(values: np.ndarray, digits: int = 4) -> tuple[float, ...]:
    return tuple(round(float(value), digits) for value in values)
