"""Points, intervals and comparisons from single texts, and the tables made of them."""

import numpy as np
import pytest
import torch

from backbones.coefficients import simplex_lattice
from train import statistics, tables
from train.fluency import log_probabilities, repeated_trigrams

PROMPTS = [{"name": f"Place {i}", "food": "Italian"} for i in range(40)]
LATTICE = [tuple(mu) for mu in simplex_lattice(2, 2).tolist()]
ORACLES = [(1.0, 0.0), (0.5, 0.5), (0.0, 1.0)]


def records(cells, shift, rng, samples=2):
    """Rewards near the preference, raised by `shift` per method; every prompt has a difficulty of its own."""
    difficulty = rng.normal(0, 0.1, len(PROMPTS))
    for p in range(len(PROMPTS)):
        for s in range(samples):
            for method, mu in cells:
                rewards = 0.4 + 0.4 * np.array(mu) + shift.get(method, 0) + difficulty[p] + rng.normal(0, 0.02, 2)
                yield {
                    "prompt": p,
                    "sample": s,
                    "method": method,
                    "preference": list(mu),
                    "text": "A pub.",
                    "rewards": rewards.tolist(),
                    "log_probability": -1.0,
                    "repeated": 0.0,
                }


@pytest.fixture(scope="module")
def measured():
    cells = [(m, mu) for m in ("bone-soup", "rewarded-soup", "no-mapping") for mu in LATTICE]
    cells += [("morlhf", mu) for mu in ORACLES] + [("base", (0.5, 0.5))]
    shift = {"bone-soup": 0.02, "no-mapping": 0.0, "morlhf": 0.04}
    rows = list(records(cells, shift, np.random.default_rng(1)))
    return {
        "objectives": ["complete", "concise"],
        "conditions": {"hyperparameters": {"backbone-1": {"seed": 0}}},
        **statistics.summarise(rows, PROMPTS, cells, 0.8, np.zeros(2), np.random.default_rng(0)),
        "training_seeds": [],
    }


def test_points_are_means_within_their_intervals(measured):
    for point in measured["methods"]["bone-soup"]["points"]:
        assert all(low < r < high for low, r, high in zip(point["low"], point["rewards"], point["high"]))
        np.testing.assert_allclose(point["rewards"], 0.42 + 0.4 * np.array(point["preference"]), atol=0.06)
        assert point["covariance"][0][1] > 0  # difficulty moves both rewards together


def test_pairing_finds_a_difference_far_smaller_than_the_spread_between_prompts(measured):
    result = measured["methods"]["bone-soup"]
    own, difference = result["metrics"]["inner_product"], result["minus_rewarded_soup"]["inner_product"]
    assert difference["low"] > 0
    assert difference["high"] - difference["low"] < 0.5 * (own["high"] - own["low"])
    assert result["hypervolume_over_rewarded_soup"]["low"] > 1


def test_no_difference_is_a_tie(measured):
    difference = measured["methods"]["no-mapping"]["minus_rewarded_soup"]["hypervolume"]
    assert difference["low"] < 0 < difference["high"]


def test_oracles_are_compared_at_their_own_preferences(measured):
    same = measured["at_oracles"]
    assert same["preferences"] == [list(mu) for mu in ORACLES]
    assert same["ratios"]["bone-soup"]["high"] < 1 and "base" not in same["ratios"]
    assert same["hypervolume"]["morlhf"]["value"] > same["hypervolume"]["bone-soup"]["value"]


def test_inside_the_rows_of_b_are_the_preferences_without_negative_coefficients(measured):
    inside = measured["inside_b"]
    assert inside["preferences"] == [[0.5, 0.5]] and inside["ratios"]["bone-soup"]["low"] > 1


def test_tables_say_what_was_measured(measured):
    table = tables.summary(measured)
    value = measured["methods"]["bone-soup"]["metrics"]["hypervolume"]
    assert f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}] ▲" in table
    assert "training seed" not in table
    assert tables.points_table(measured, ("morlhf",)).count("\n| MORLHF oracles") == len(ORACLES)


def test_training_seeds_give_a_mean_and_a_deviation(measured):
    other = measured | {"conditions": {"hyperparameters": {"backbone-1": {"seed": 7}}}}
    table = tables.seeds_table(measured | {"training_seeds": [statistics.seed_summary(other)]})
    assert "| seed 0 | seed 7 |" in table and "± 0.000" in table


def test_a_file_gets_the_tables_of_the_sets_it_names(monkeypatch, measured):
    class Known:
        front = measured

    monkeypatch.setattr(tables.sets, "read", lambda name: Known)
    text = "a\n<!-- front:mine -->\nold\n<!-- /front:mine -->\nb"
    filled = tables.fill(text)
    assert "old" not in filled and filled.startswith("a\n") and filled.endswith("\nb")
    assert "Hypervolume" in filled and tables.fill(filled) == filled


def test_repeated_trigrams_are_counted():
    assert repeated_trigrams("<name> is a pub near <near>.") == 0
    assert repeated_trigrams("it is a pub it is a pub") == pytest.approx(2 / 6)
    assert repeated_trigrams("") == 0


def test_log_probabilities_are_those_of_the_base_for_text_and_end_alone(soup):
    pairs = [
        ("<name>food[Italian]<text>", "<name> is a pub."),
        ("<name><text>", "<name> serves cheap food near <near>."),
    ]
    values = log_probabilities(soup, pairs)
    for (prompt, text), value in zip(pairs, values):
        words = soup.tokenizer(prompt + text + "<eos>", return_tensors="pt")["input_ids"]
        start = len(soup.tokenizer(prompt)["input_ids"])
        with torch.inference_mode():
            log = soup.model(words).logits[0].log_softmax(dim=-1)
        expected = [log[t - 1, words[0, t]].item() for t in range(start, words.shape[1])]
        assert value == pytest.approx(np.mean(expected), abs=1e-4)
