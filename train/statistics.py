"""Points, metrics and intervals of fronts, from the rewards of single texts."""

import numpy as np

from backbones import front
from backbones.coefficients import backbone_matrix
from backbones.tasks import line
from train.sampling import Cell

RESAMPLES = 1000
BASELINE = "rewarded-soup"


def summarise(
    records: list[dict],
    prompts: list[dict[str, str]],
    cells: list[Cell],
    beta: float,
    reference: np.ndarray,
    rng: np.random.Generator,
) -> dict:
    """Every method's points and metrics with 95 % intervals, and its differences to Rewarded Soup.

    `records` as `train.sampling` and `train.evaluate` make them; hypervolumes above `reference` [n]. Intervals are
    percentiles of a bootstrap over prompts, paired: all methods are resampled with the same prompts. "at_oracles"
    compares hypervolumes at just those preferences of the lattice that have an oracle, "inside_b" at those in the hull
    of the rows of B, where no coefficient of Bone Soup is negative.
    """
    counts = rng.multinomial(len(prompts), np.full(len(prompts), 1 / len(prompts)), size=RESAMPLES)
    by_cell: dict[Cell, list[dict]] = {}
    for record in records:
        by_cell.setdefault((record["method"], tuple(record["preference"])), []).append(record)
    methods, mus, rewards, resampled = {}, {}, {}, {}
    for method in dict.fromkeys(method for method, _ in cells):
        mus[method] = [mu for m, mu in cells if m == method]
        texts = [by_cell[method, mu] for mu in mus[method]]
        rewards[method] = _means_over_samples(texts, len(prompts))  # (prompts, points, n)
        boots = np.tensordot(counts, rewards[method], axes=1) / len(prompts)  # (resamples, points, n)
        resampled[method] = [front.metrics(np.array(mus[method]), boot, reference) for boot in boots]
        value = front.metrics(np.array(mus[method]), rewards[method].mean(axis=0), reference)
        methods[method] = {
            "points": _points(texts, mus[method], rewards[method], boots, prompts),
            "metrics": {name: _with_interval(value[name], [m[name] for m in resampled[method]]) for name in value},
        }
    for method, result in methods.items():
        if method in (BASELINE, *front.LONE) or BASELINE not in methods:
            continue
        result["minus_rewarded_soup"] = {
            name: _with_interval(
                metric["value"] - methods[BASELINE]["metrics"][name]["value"],
                [a[name] - b[name] for a, b in zip(resampled[method], resampled[BASELINE], strict=True)],
            )
            for name, metric in result["metrics"].items()
        }
        result["hypervolume_over_rewarded_soup"] = _with_interval(
            _ratio(result["metrics"]["hypervolume"]["value"], methods[BASELINE]["metrics"]["hypervolume"]["value"]),
            _ratio(*([m["hypervolume"] for m in resampled[which]] for which in (method, BASELINE))),
        )
    lattice = mus.get(BASELINE, [])
    least = backbone_matrix(len(cells[0][1]), beta).min()
    tuned = [mu for mu in mus.get("morlhf", []) if mu in lattice]
    inside = [mu for mu in lattice if min(mu) >= least - 1e-6]
    return {
        "methods": methods,
        "at_oracles": _compare(mus, rewards, counts, tuned, "morlhf", reference),
        "inside_b": _compare(mus, rewards, counts, inside, BASELINE, reference),
    }


def seed_summary(measured: dict) -> dict:
    """What the front of a set trained with another seed adds: points, metrics and ratios to Rewarded Soup."""
    adapters = measured["conditions"]["hyperparameters"].values()
    return {
        "seed": next(iter(adapters))["seed"],
        "methods": {
            method: {
                "preferences": [point["preference"] for point in result["points"]],
                "rewards": [point["rewards"] for point in result["points"]],
                "metrics": {name: metric["value"] for name, metric in result["metrics"].items()},
            }
            for method, result in measured["methods"].items()
        },
        "inside_b": {method: ratio["value"] for method, ratio in measured["inside_b"]["ratios"].items()},
    }


def _means_over_samples(texts: list[list[dict]], prompts: int) -> np.ndarray:
    """Mean rewards [prompts, points, n] of the records of every point."""
    sums = np.zeros((prompts, len(texts), len(texts[0][0]["rewards"])))
    for k, here in enumerate(texts):
        for r in here:
            sums[r["prompt"], k] += r["rewards"]
    return sums * prompts * len(texts) / sum(map(len, texts))


def _points(texts, mus, rewards, boots, prompts) -> list[dict]:
    low, high = np.quantile(boots, (0.025, 0.975), axis=0)
    means, points = rewards.mean(axis=0), []
    for k, (mu, here) in enumerate(zip(mus, texts, strict=True)):
        points.append(
            {
                "preference": list(mu),
                "rewards": _rounded(means[k]),
                "low": _rounded(low[k]),
                "high": _rounded(high[k]),
                "covariance": [_rounded(row, 8) for row in np.cov(rewards[:, k], rowvar=False) / len(prompts)],
                "words": round(float(np.mean([len(r["text"].split()) for r in here])), 2),
                "log_probability": round(
                    float(np.mean([r["log_probability"] for r in here if "log_probability" in r])), 3
                ),
                "repeated": round(float(np.mean([r["repeated"] for r in here])), 4),
                "example": {"mr": line(prompts[here[0]["prompt"]]), "text": here[0]["text"]},
            }
        )
    return points


def _compare(mus: dict, rewards: dict, counts: np.ndarray, shared: list, other: str, reference) -> dict:
    """Hypervolume of every method at the `shared` preferences alone, and its ratio to that of the method `other`."""
    volumes, resampled = {}, {}
    for method, own in mus.items():
        if shared and set(shared) <= set(own):
            here = rewards[method][:, [own.index(mu) for mu in shared]]
            volumes[method] = front.hypervolume(here.mean(axis=0), reference)
            boots = np.tensordot(counts, here, axes=1) / len(here)
            resampled[method] = [front.hypervolume(boot, reference) for boot in boots]
    return {
        "preferences": [list(mu) for mu in shared],
        "hypervolume": {method: _with_interval(volumes[method], resampled[method]) for method in volumes},
        "over": other,
        "ratios": {
            method: _with_interval(_ratio(volumes[method], volumes[other]), _ratio(resampled[method], resampled[other]))
            for method in volumes
            if method != other
        },
    }


def _ratio(volumes, others) -> np.ndarray:
    """Quotients of hypervolumes; 0 where texts without any reward leave none to divide by."""
    return np.asarray(volumes) / np.maximum(others, 1e-12)


def _with_interval(value: float, resampled) -> dict[str, float]:
    low, high = np.quantile(resampled, (0.025, 0.975))
    return {"value": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _rounded(values: np.ndarray, digits: int = 4) -> list[float]:
    return [round(float(value), digits) for value in values]
