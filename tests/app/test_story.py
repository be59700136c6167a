"""The words of the story: the set's own numbers, and true whoever leads."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from app import story
from app.preference import percent
from backbones.merging import coefficients as c
from backbones.merging.methods import BASELINE, BONE_SOUP, available
from backbones.merging.preference import Preference, lattice
from backbones.store.soup_set import read, shipped
from tests.fake import fake_set

LEADS = r"Bone Soup is 0\.\d+ ahead"
BEHIND = r"Rewarded Soup is 0\.\d+ ahead"


def with_points(soup_set, **points):
    """The set with other points of methods, by their names with _ for -."""
    methods = dict(soup_set.front.methods)
    for name, found in points.items():
        method = name.replace("_", "-")
        methods[method] = replace(methods[method], points=tuple(found))
    return replace(soup_set, front=replace(soup_set.front, methods=methods))


def swapped(n=2):
    """A set in which Rewarded Soup leads where Bone Soup does elsewhere."""
    soup_set = fake_set(n)
    return with_points(soup_set, bone_soup=soup_set.points(BASELINE), rewarded_soup=soup_set.points(BONE_SOUP))


def step(soup_set, i):
    """All words of a step but its stops', and those of its stops."""
    one = story.told(soup_set)["steps"][i]
    return " ".join([one["title"], *one["words"], one["task"]["say"]]), [stop["say"] for stop in one["stops"]]


@pytest.mark.parametrize("soup_set", [fake_set(2), fake_set(3), swapped(), *map(read, shipped())], ids=lambda s: s.name)
def test_a_story_has_four_steps_of_few_sentences_whose_stops_have_texts(soup_set):
    told = json.loads(json.dumps(story.told(soup_set)))
    grid = [percent(mu) for mu in lattice(len(soup_set.objectives))]
    assert told["grid"] == grid and len(told["steps"]) == 4
    for one in told["steps"]:
        assert 1 <= len(one["words"]) <= 3 and len(" ".join(one["words"])) < 420 and len(one["stops"]) >= 2
        assert all(stop["at"] in grid and stop["say"] for stop in one["stops"])
    np.testing.assert_allclose(np.array(told["matrix"]) @ told["inverse"], np.eye(len(soup_set.objectives)), atol=1e-9)


def test_where_bone_soup_leads_the_story_says_by_how_much_and_where():
    words, (_, middle, _) = step(fake_set(), 1)
    both = [
        next(p for p in fake_set().points(m) if p.preference.same((0.5, 0.5))).rewards for m in (BONE_SOUP, BASELINE)
    ]
    assert "Measured at 50 % / 50 %" in words
    assert f"Bone Soup complete {both[0][0]:.2f} and concise {both[0][1]:.2f}" in words
    assert f"Rewarded Soup complete {both[1][0]:.2f} and concise {both[1][1]:.2f}" in words
    assert f"Bone Soup is {np.mean(both[0]) - np.mean(both[1]):.3f} ahead" in middle
    words, stops = step(fake_set(), 3)
    assert "Rewarded Soup is as good at “all complete” and “all concise”" in words and "is better" not in words
    assert "Of 11 preferences measured, Bone Soup is ahead at 9, level at 2 and behind at 0 (95 %)" in words
    assert all("both are level" in say for say in stops)


def test_where_bone_soup_does_not_lead_nothing_says_that_it_does():
    words, stops = step(swapped(), 1)
    assert "does not show it: Rewarded Soup is as good or better at every preference" in words
    assert re.search(BEHIND, stops[1]) and not re.search(LEADS, " ".join(stops))
    assert "ahead at 0, level at 2 and behind at 9" in step(swapped(), 3)[0]


def test_a_lead_within_the_noise_is_no_clear_lead():
    noisy = [replace(p, covariance=((1.0, 0.0), (0.0, 1.0))) for p in fake_set().points(BONE_SOUP)]
    soup_set = with_points(fake_set(), bone_soup=noisy)
    words, stops = step(soup_set, 1)
    assert "at no preference between its corners is Bone Soup clearly ahead (95 %)" in words
    assert "both are level" in stops[1] and not re.search(LEADS, " ".join(stops))


def test_corners_where_rewarded_soup_is_better_are_named_and_the_variant_that_mends_it():
    worse = [
        replace(p, rewards=(p.rewards[0] - 0.2, p.rewards[1])) if p.preference[0] == 1 else p
        for p in fake_set().points(BONE_SOUP)
    ]
    words, stops = step(with_points(fake_set(), bone_soup=worse), 3)
    assert "better at “all complete” and as good at “all concise”; the method “Bone Soup, anchored”" in words
    assert "Rewarded Soup is 0.200 ahead" in stops[0] and "both are level" in stops[1]
    better = [replace(p, rewards=(0.99, 0.99)) for p in fake_set().points(BONE_SOUP)]
    words, _ = step(with_points(fake_set(), bone_soup=better), 3)
    assert "costs nothing that was measured" in words and "Rewarded Soup is" not in words


def test_without_fronts_only_theory_and_coefficients_are_told():
    soup_set = replace(fake_set(3), front=None)
    for i in (1, 3):
        words, stops = step(soup_set, i)
        assert "have not been measured" in words and "ahead" not in words and "easured," not in " ".join(stops)
    assert story.compared(soup_set) == []


@pytest.mark.parametrize("lacking", ["backbones", "specialists"])
def test_a_set_that_lacks_what_is_compared_has_no_story(lacking):
    soup_set = replace(fake_set(), **{lacking: ()})
    assert len(available(soup_set)) > 1 and story.told(soup_set)["steps"] == []


@pytest.mark.parametrize(("n", "beta"), [(2, 0.8), (2, 0.65), (3, 0.7), (3, 0.4)])
def test_coefficients_and_mixes_are_those_of_the_sets_own_beta(n, beta):
    soup_set = replace(fake_set(n), beta=beta)
    words, _ = step(soup_set, 2)
    assert f"backbone 1 for {100 * beta:.3g} % complete" in words
    for i in (2, 3):
        for stop in story.told(soup_set)["steps"][i]["stops"]:
            said = [float(v) for v in re.match(r"λ = \((.*?)\)", stop["say"])[1].replace("−", "-").split(", ")]
            mu = Preference.of(np.array(stop["at"]) / 100, n)
            np.testing.assert_allclose(said, c.bone_soup(mu, beta), atol=0.006)
            assert (", since" not in stop["say"]) or ("since this is its row" in stop["say"]) or n == 2
    assert 0.5 < story.told(soup_set)["beta"] < 1  # the picture is of two rewards


def test_mixes_add_up_as_they_are_said_to():
    said = step(fake_set(), 2)[1]
    assert said == [
        "λ = (1, 0): backbone 1 alone, since this is its row.",
        "λ = (0.75, 0.25), since 0.75 × (0.7, 0.3) + 0.25 × (0.3, 0.7) = (0.6, 0.4).",
        "λ = (0.5, 0.5): all backbones alike.",
    ]


@pytest.mark.parametrize("soup_set", map(read, shipped()), ids=lambda s: s.name)
def test_verdicts_of_the_shipped_sets_follow_their_fronts(soup_set):
    found = story.compared(soup_set)
    assert len(found) == len(soup_set.points(BONE_SOUP))
    for mu, gained, verdict in found:
        ours, theirs = (
            next(p.rewards for p in soup_set.points(m) if mu.same(p.preference)) for m in (BONE_SOUP, BASELINE)
        )
        assert gained == pytest.approx(np.dot(mu, ours) - np.dot(mu, theirs))
        assert verdict == "level" or (verdict == "ahead") == (gained > 0)
    words, _ = step(soup_set, 3)
    counts = [int(n) for n in re.search(r"ahead at (\d+), level at (\d+) and behind at (\d+)", words).groups()]
    assert sum(counts) == len(found)
