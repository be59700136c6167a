"""The record of every method: what it makes of a preference, in closed form, and what it needs."""

from dataclasses import replace

import numpy as np
import pytest

from backbones.merging import methods
from backbones.merging.coefficients import backbone_matrix
from backbones.merging.methods import BASELINE, BONE_SOUP, LABELS, LONE, METHODS, Oracle
from backbones.merging.preference import Preference, lattice
from backbones.merging.theory import Quadratic

BETA = 0.7
CORNER, MIDDLE = Preference((1.0, 0.0)), Preference((0.5, 0.5))
ORACLES = (Oracle(CORNER, "specialist-1"), Oracle(MIDDLE, "oracle-1"))
TUNED = Quadratic(BETA, (1.2, 0.9), (1.5, 0.8), oracles=ORACLES)


def merged(method, mu, tuned=TUNED):
    return METHODS[method].merge(Preference.of(mu, len(mu)), tuned)


def over(merge, names):
    """The coefficients [names] of a merge that has no others."""
    assert set(merge.coefficients) <= set(names)
    return [merge.coefficients.get(name, 0.0) for name in names]


def test_names_are_those_of_their_records():
    assert all(method.name == name and method.label and method.meaning for name, method in METHODS.items())
    assert list(LABELS) == list(METHODS) and LABELS[BONE_SOUP] == "Bone Soup"
    assert LONE == ("morlhf", "base") and not {BONE_SOUP, BASELINE} & set(LONE)


def test_the_methods_in_their_order():
    assert tuple(METHODS) == (
        "bone-soup",
        "bone-soup-anchored",
        "bone-soup-extrapolated",
        "rewarded-soup",
        "rewarded-soup-extrapolated",
        "nearest-soup",
        "no-mapping",
        "mod",
        "morlhf",
        "base",
    )


@pytest.mark.parametrize("mu", lattice(2))
def test_every_record_merges_in_closed_form(mu):
    inverse = np.linalg.solve(backbone_matrix(2, BETA), mu)
    backbones, specialists = TUNED.backbones, TUNED.specialists
    np.testing.assert_allclose(over(merged("bone-soup", mu), backbones), inverse, atol=1e-12)
    corners = np.linalg.inv(backbone_matrix(2, BETA))  # a row, and a column, is B^-1 of a corner
    by_corner = 1.2 * mu[0] * corners[0] + 0.9 * mu[1] * corners[1]
    np.testing.assert_allclose(over(merged("bone-soup-extrapolated", mu), backbones), by_corner, atol=1e-11)
    stretched = (1.5 * mu[0], 0.8 * mu[1])
    np.testing.assert_allclose(over(merged("rewarded-soup-extrapolated", mu), specialists), stretched)
    nearest = over(merged("nearest-soup", mu), (*specialists, "oracle-1"))
    even = 1 - abs(mu[0] - mu[1])  # the oracle's, which lies in the middle
    np.testing.assert_allclose(nearest, (max(mu[0] - mu[1], 0), max(mu[1] - mu[0], 0), even), atol=1e-12)
    np.testing.assert_allclose(over(merged("no-mapping", mu), backbones), mu)
    np.testing.assert_allclose(over(merged("rewarded-soup", mu), specialists), mu)
    np.testing.assert_allclose(over(merged("mod", mu), specialists), mu)
    anchored = np.reshape(over(merged("bone-soup-anchored", mu), backbones + specialists), (2, 2))
    np.testing.assert_allclose(anchored[0] @ backbone_matrix(2, BETA) + anchored[1], mu, atol=1e-9)
    assert merged("base", mu).coefficients == {}
    nearest = "specialist-1" if mu[0] > 0.75 else "oracle-1"
    assert merged("morlhf", mu).coefficients == {nearest: 1.0}
    for method in METHODS:
        assert all(type(value) is float for value in merged(method, mu).coefficients.values())


def test_three_objectives():
    names = [tuple(f"{kind}-{i}" for i in (1, 2, 3)) for kind in ("backbone", "specialist")]
    three = Quadratic(0.6, backbones=names[0], specialists=names[1])
    for mu in lattice(3):
        inverse = np.linalg.solve(backbone_matrix(3, 0.6), mu)
        np.testing.assert_allclose(over(merged("bone-soup", mu, three), names[0]), inverse, atol=1e-12)
        np.testing.assert_allclose(over(merged("rewarded-soup", mu, three), names[1]), mu)


def test_a_start_has_no_part_in_coefficients_that_sum_to_one_but_for_rounding():
    names = [tuple(f"{kind}-{i}" for i in (1, 2, 3)) for kind in ("backbone", "specialist")]
    three = Quadratic(0.7, backbones=names[0], specialists=names[1])
    off = 0
    for mu in lattice(3):
        merge = merged("bone-soup", mu, three)
        off += abs(sum(merge.coefficients.values()) - 1) > 5e-13
        assert merge.begun_at("start") == merge
    assert off


def test_a_preference_typed_as_percent_is_exactly_one_hot_without_minus_zero():
    for mu, expected in (((70, 30), ["1.0", "0.0"]), ((30, 70), ["0.0", "1.0"])):
        assert [str(value) for value in merged("bone-soup", mu).coefficients.values()] == expected


def test_a_corner_extrapolates():
    np.testing.assert_allclose(over(merged("bone-soup", (1, 0)), TUNED.backbones), (1.75, -0.75))
    np.testing.assert_allclose(over(merged("bone-soup-extrapolated", (1, 0)), TUNED.backbones), (2.1, -0.9))
    np.testing.assert_allclose(over(merged("bone-soup-extrapolated", (0, 1)), TUNED.backbones), (-0.675, 1.575))


def test_baselines():
    np.testing.assert_allclose(over(merged("rewarded-soup", (3, 1)), TUNED.specialists), (0.75, 0.25))
    np.testing.assert_allclose(over(merged("no-mapping", (3, 1)), TUNED.backbones), (0.75, 0.25))


def test_anchoring_names_just_the_kinds_of_adapters_that_it_uses():
    assert list(merged("bone-soup-anchored", (1, 0)).coefficients) == ["specialist-1", "specialist-2"]
    assert list(merged("bone-soup-anchored", (7, 3)).coefficients) == ["backbone-1", "backbone-2"]
    assert len(merged("bone-soup-anchored", (9, 1)).coefficients) == 4


def test_the_nearest_soup_is_rewarded_soup_where_there_are_no_other_models_and_names_those_it_uses():
    alone = replace(TUNED, oracles=ORACLES[:1])
    for mu in lattice(2):
        plain = {name: value for name, value in merged("rewarded-soup", mu).coefficients.items() if value}
        assert merged("nearest-soup", mu, alone).coefficients == pytest.approx(plain)
    assert merged("nearest-soup", (3, 1)).coefficients == pytest.approx({"specialist-1": 0.5, "oracle-1": 0.5})
    assert merged("nearest-soup", (1, 1)).coefficients == {"oracle-1": 1.0}


def test_an_adapter_that_is_named_twice_gets_both_coefficients():
    same = replace(TUNED, specialists=("specialist-1", "backbone-2"))
    apart, together = (merged("bone-soup-anchored", (0.1, 0.9), tuned).coefficients for tuned in (TUNED, same))
    assert together["backbone-2"] == apart["backbone-2"] + apart["specialist-2"] > apart["backbone-2"] > 0
    assert sum(together.values()) == pytest.approx(1)


def test_a_merge_is_one_model_but_that_of_mod_one_for_every_share():
    assert merged("bone-soup", (1, 0)).members == [(1.0, {"backbone-1": 1.75, "backbone-2": -0.75})]
    assert merged("base", (1, 0)).members == [(1.0, {})]
    assert [method for method in METHODS if merged(method, (1, 1)).at_every_token] == ["mod"]
    assert merged("mod", (3, 1)).members == [(0.75, {"specialist-1": 1.0}), (0.25, {"specialist-2": 1.0})]
    alone = merged("mod", (0, 1))
    assert alone.coefficients == {"specialist-1": 0.0, "specialist-2": 1.0}
    assert alone.members == [(1.0, {"specialist-2": 1.0})]


def test_the_nearest_oracle_answers_and_of_equals_the_first():
    assert methods.nearest_oracle(Preference((0.6, 0.4)), ORACLES).adapter == "oracle-1"
    assert methods.nearest_oracle(Preference((0.75, 0.25)), ORACLES).adapter == "specialist-1"
    assert methods.nearest_oracle(Preference((0.75, 0.25)), ORACLES[::-1]).adapter == "oracle-1"


def test_what_is_said_of_a_merge():
    remarks = {method: merged(method, (0.6, 0.4)).remark for method in METHODS}
    assert remarks.pop("bone-soup-extrapolated") == "k = 1.20, 0.90"
    assert remarks.pop("rewarded-soup-extrapolated") == "k = 1.50, 0.80"
    assert remarks.pop("morlhf") == "tuned for 50 % / 50 %"
    assert remarks.pop("mod") == "mixed at every token"
    assert remarks.pop("base") == "no adapter"
    assert set(remarks.values()) == {""}
    plain = replace(TUNED, extrapolation=(1.0, 1.0), specialist_extrapolation=(1.0, 1.0))
    for method in ("bone-soup", "rewarded-soup"):
        itself = merged(f"{method}-extrapolated", (0.9, 0.1), plain)
        assert itself.remark == f"k = 1, which is {LABELS[method]} itself"
        assert itself.coefficients == merged(method, (0.9, 0.1)).coefficients


@pytest.mark.parametrize(
    ("lacking", "left"),
    [
        ((), tuple(METHODS)),
        (("oracles",), tuple(name for name in METHODS if name not in ("morlhf", "nearest-soup"))),
        (
            ("backbones",),
            ("rewarded-soup", "rewarded-soup-extrapolated", "nearest-soup", "mod", "morlhf", "base"),
        ),
        (("specialists",), ("bone-soup", "bone-soup-extrapolated", "no-mapping", "morlhf", "base")),
        (("backbones", "specialists", "oracles"), ("base",)),
    ],
)
def test_methods_that_need_what_has_not_been_tuned_are_not_available(lacking, left):
    tuned = replace(TUNED, **dict.fromkeys(lacking, ()))
    assert methods.available(tuned) == left
    for name in METHODS:
        if name in left:
            assert methods.named(name, tuned, "it") is METHODS[name]
        else:
            with pytest.raises(ValueError, match=f"unknown method '{name}': it has {', '.join(left)}"):
                methods.named(name, tuned, "it")


def test_an_unknown_method_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="unknown method 'stew': the set mine has bone-soup, bone-soup-anchored"):
        methods.named("stew", TUNED, "the set mine")
