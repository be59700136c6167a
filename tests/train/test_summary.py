"""Points, intervals and comparisons from single texts, and the tables made of them."""

from dataclasses import replace

import numpy as np
import pytest

from backbones.merging import front as fronts
from backbones.merging.front import Front
from backbones.merging.methods import Oracle
from backbones.merging.preference import Preference, lattice
from tests.fake import fake_set
from tests.train.stages import run
from train import evaluate, summary, tables
from train.summary import Scored
from train.texts import Record

LINES = [f"name[Place {i}], food[Italian]" for i in range(40)]
LATTICE = lattice(2, 2)
ORACLES = [Preference(mu) for mu in ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0))]


def scored(cells, shift, rng, samples=2):
    """Rewards near the preference, raised by `shift` per method; every prompt has a difficulty of its own."""
    difficulty = rng.normal(0, 0.1, len(LINES))
    records = [[] for _ in cells]
    for p in range(len(LINES)):
        for s in range(samples):
            for k, (method, mu) in enumerate(cells):
                rewards = 0.4 + 0.4 * np.array(mu) + shift.get(method, 0) + difficulty[p] + rng.normal(0, 0.02, 2)
                records[k].append(Record(p, s, k, "A pub.", "A pub.", rewards.tolist()))
    return [Scored(here, [-1.0] * len(LINES), [0.0] * len(here)) for here in records]


def tuned(*hows):
    """The conditions of a front of adapters that begin at one of seed 0."""
    found = {f"backbone-{j}": {"reward_weights": [0.8, 0.2]} | how for j, how in enumerate(hows, start=1)}
    return {"hyperparameters": {"start": {"seed": 0}} | found}


@pytest.fixture(scope="module")
def measured():
    cells = [(m, mu) for m in ("bone-soup", "rewarded-soup", "no-mapping") for mu in LATTICE]
    cells += [("morlhf", mu) for mu in ORACLES] + [("base", Preference.equal(2))]
    shift = {"bone-soup": 0.02, "no-mapping": 0.0, "morlhf": 0.04}
    rows = scored(cells, shift, np.random.default_rng(1))
    methods, at_oracles, inside_b, gains = summary.summarise(
        rows, LINES, cells, 0.8, np.zeros(2), np.random.default_rng(0)
    )
    return Front(
        objectives=("complete", "concise"),
        reference_point=(0.0, 0.0),
        normalisation="none",
        conditions=tuned({"seed": 0}),
        methods=methods,
        at_oracles=at_oracles,
        inside_b=inside_b,
        gains=gains,
    )


def test_points_are_means_within_their_intervals(measured):
    for point in measured.points("bone-soup"):
        assert all(low < r < high for low, r, high in zip(point.low, point.rewards, point.high))
        np.testing.assert_allclose(point.rewards, 0.42 + 0.4 * np.array(point.preference), atol=0.06)
        assert point.covariance[0][1] > 0  # difficulty moves both rewards together
        assert (point.example.given, point.log_probability) == (LINES[0], -1.0)


def test_pairing_finds_a_difference_far_smaller_than_the_spread_between_prompts(measured):
    result = measured.methods["bone-soup"]
    own, difference = result.metrics["inner_product"], result.minus_baseline["inner_product"]
    assert difference.low > 0
    assert difference.high - difference.low < 0.5 * (own.high - own.low)
    assert result.hypervolume_over_baseline.low > 1


def test_what_a_piece_is_worth_is_paired_over_prompts_and_survives_the_file(measured, tmp_path):
    (mapping,) = measured.gains  # the methods of the other pieces have not been measured
    assert (mapping.method, mapping.over) == ("bone-soup", "no-mapping")
    assert 1 < mapping.hypervolume.low <= mapping.hypervolume.value <= mapping.hypervolume.high < 1.15
    assert mapping.inner_product.value == pytest.approx(0.02, abs=0.005) and mapping.inner_product.low > 0
    measured.write(tmp_path / "front.json")
    assert fronts.read(tmp_path / "front.json").gains == measured.gains
    assert "| Bone Soup over No mapping (ABA) | 1." in tables.summary(measured)


def test_no_difference_is_a_tie(measured):
    difference = measured.methods["no-mapping"].minus_baseline["hypervolume"]
    assert difference.low < 0 < difference.high


def test_lone_models_and_the_baseline_itself_are_compared_with_nothing(measured):
    for method in ("rewarded-soup", "morlhf", "base"):
        assert not measured.methods[method].minus_baseline
        assert measured.methods[method].hypervolume_over_baseline is None


def test_oracles_are_compared_at_their_own_preferences(measured):
    same = measured.at_oracles
    assert same.preferences == tuple(ORACLES)
    assert same.ratios["bone-soup"].high < 1 and "base" not in same.ratios
    assert same.hypervolume["morlhf"].value > same.hypervolume["bone-soup"].value


def test_inside_the_rows_of_b_are_the_preferences_without_negative_coefficients(measured):
    inside = measured.inside_b
    assert inside.preferences == ((0.5, 0.5),) and inside.ratios["bone-soup"].low > 1


def test_preferences_that_files_rounded_are_those_of_the_lattice():
    thirds = [Preference.of(mu, 3) for mu in ([0.333333] * 3, [0.166667, 0.166667, 0.666667])]
    soup_set = replace(fake_set(3), oracles=tuple(Oracle(mu, "specialist-1") for mu in thirds))
    cells = evaluate.cells(soup_set, ("rewarded-soup", "morlhf", "base"))
    assert [method for method, _ in cells] == ["rewarded-soup"] * 28 + ["morlhf"] * 2 + ["base"]
    assert cells[-1][1].same([1 / 3] * 3)
    rows = [Scored([Record(p, 0, k, "", "", [0.5] * 3) for p in (0, 1)], [-1.0], [0.0]) for k in range(len(cells))]
    _, at_oracles, *_ = summary.summarise(rows, LINES[:2], cells, 0.7, np.zeros(3), np.random.default_rng(0))
    assert len(at_oracles.preferences) == 2 and set(at_oracles.ratios) == {"rewarded-soup"}


def test_a_front_is_read_as_it_was_written(measured, tmp_path):
    whole = replace(measured, training_seeds=(summary.seed_summary(measured),))
    whole.write(tmp_path / "front.json")
    assert fronts.read(tmp_path / "front.json") == whole


def test_tables_say_what_was_measured(measured):
    table = tables.summary(measured)
    value = measured.methods["bone-soup"].metrics["hypervolume"]
    assert f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}] ▲" in table
    assert "| training seeds |" not in table and "| Base (" not in table
    assert "| Bone Soup (3; 1 training seed) |" in table
    assert tables.points_table(measured, ("morlhf",)).count("\n| MORLHF oracles") == len(ORACLES)


def test_training_seeds_give_a_mean_and_a_deviation(measured):
    other = replace(measured, conditions=tuned({"seed": 7}))
    table = tables.seeds_table(replace(measured, training_seeds=(summary.seed_summary(other),)))
    assert "| seed 0 | seed 7 |" in table and "± 0.000" in table


@pytest.mark.parametrize(
    ("hows", "words"),
    [
        ([{"seeds": [0, 2]}, {"seeds": [1, 2]}], "averages of seeds"),
        ([{"seed": 1}, {"seeds": [1, 2]}], "averages of seeds"),
        ([{"seed": 1}, {"seed": 2}], "seeds of a front's adapters are 1, 2: give"),
        ([], "seeds of a front's adapters are none: give"),
    ],
)
def test_a_front_without_one_seed_is_not_that_of_another_seed(measured, hows, words):
    with pytest.raises(ValueError, match=words):
        summary.seed_summary(replace(measured, conditions=tuned(*hows)))


def test_what_another_training_seed_does_not_bear_out_is_level(measured):
    other = summary.seed_summary(measured)
    worse = {
        name: metrics | {"hypervolume": 0.1 * (name == "rewarded-soup")} for name, metrics in other.metrics.items()
    }
    for metrics, sign in ((other.metrics, "▲"), (worse, "=")):
        front = replace(measured, training_seeds=(replace(other, metrics=metrics),))
        row = next(line for line in tables.metrics_table(front).splitlines() if line.startswith("| Bone Soup ("))
        cells = [cell.strip() for cell in row.split("|")]
        assert cells[1] == "Bone Soup (3; 2 training seeds)" and cells[2].endswith(sign)


def test_a_file_gets_the_tables_of_the_sets_it_names(monkeypatch, measured):
    monkeypatch.setattr(tables.sets, "read", lambda name: replace(fake_set(), front=measured))
    text = "a\n<!-- front:mine -->\nold\n<!-- /front:mine -->\nb"
    filled = tables.fill(text)
    assert "old" not in filled and filled.startswith("a\n") and filled.endswith("\nb")
    assert "Hypervolume" in filled and tables.fill(filled) == filled


def test_the_tables_are_those_of_the_sets_in_a_folder(monkeypatch, measured, tmp_path):
    read = {tmp_path / "sets" / "mine": replace(fake_set(), front=measured)}
    monkeypatch.setattr(tables.sets, "read", read.__getitem__)
    (tmp_path / "page.md").write_text("<!-- front:mine --><!-- /front:mine -->")
    run(tables.main, tmp_path / "page.md", "--sets", tmp_path / "sets")
    assert "Hypervolume" in (tmp_path / "page.md").read_text()
