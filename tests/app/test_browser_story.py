"""The story in headless Chromium: it moves the sliders, covers nothing it speaks of, and gives all back."""

import itertools
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from backbones.merging import theory
from tests.app.test_browser_layout import SHIFTS, box
from tests.browser import (
    choose,
    needs_browser,
    opened,
    press,
    shares,
    three,
    three_at_rest,
    wait_for_text,
    wait_for_trace,
)

pytestmark = needs_browser
TOUR = "Take the tour (2 min)"
HEARD = """
    window.heard = [];
    document.addEventListener("bonesoup:preference", (event) => heard.push(event.detail));
"""
DESKTOP, DARK, PHONE = (1400, 900, "light"), (1400, 900, "dark"), (390, 844, "light")


def begun(page):
    """The story's first step."""
    press(page, TOUR)
    wait_for_text(page, ".story .count", "1 of 4")


def spoken(page):
    """Names of the traces that stand out in the plot."""
    return page.evaluate(
        """() => document.querySelector('#front .js-plotly-plot').calcdata
            .filter(([one]) => one.node3?.node()?.classList.contains('spoken')).map(([one]) => one.trace.name)"""
    )


def told(page):
    """What is outlined on the page."""
    return page.locator(".told").evaluate_all("all => all.map(one => one.id || one.className.split(' ')[0])")


def serious(page):
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"]][:4])
        for one in Axe().run(page, "#story").response["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(
    ("size", "objectives"),
    [(DESKTOP, 2), (DARK, 3), (PHONE, 2)],
    ids=["desktop", "dark, three objectives", "phone"],
)
def test_every_step_is_seen_with_what_it_speaks_of_and_asks_the_server_nothing(browser, served, size, objectives):
    page, problems = opened(browser, served[0], *size, script=SHIFTS + HEARD)
    if objectives == 3:
        three_at_rest(page)
        wait_for_text(page, "#column-left", "/ 33 %")
    page.wait_for_timeout(1000)
    page.evaluate("shift = 0")
    asked, before = [], shares(page)
    page.on("request", lambda request: asked.append(request.url))
    begun(page)
    titles = []
    for i, outlined in enumerate(
        (["preference", "columns"], ["front"], ["coefficients", "presets"], ["coefficients", "columns"])
    ):
        wait_for_text(page, ".story .count", f"{i + 1} of 4")
        page.wait_for_selector(".story .stops [aria-pressed=true]")
        titles.append(page.locator(".story h2").inner_text())
        card = box(page, ".story .card")
        assert 0 < card[0] < card[1] <= size[1]
        if size == PHONE:
            see = ("#columns", "#front", "#coefficients", "#front")[i]
            assert 0 <= box(page, see)[0] < 30 and card[0] > 300
            low, high = box(page, "#preference")
            assert card[1] <= low < high == pytest.approx(844, abs=1)
        else:
            for where in ("#front", "#column-left", "#column-right", "#preference"):
                low, high = box(page, where)
                assert 0 <= low < high <= card[0], (i, where)
        assert sorted(told(page)) == sorted(outlined)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.wait_for_timeout(300)
        assert serious(page) == []
        if i < 3:
            press(page, "Next")
    assert len(set(titles)) == 4 and page.evaluate("heard.length") > 3
    press(page, "Done")
    page.wait_for_timeout(600)
    assert shares(page) == before and page.locator(".card, .told, .spoken").count() == 0
    assert page.evaluate("scrollY") == 0 and page.evaluate("shift") < 0.1 and asked == []
    page.close()
    assert problems == []


def test_the_keyboard_alone_takes_the_tour_and_leaves_it(page):
    tour = page.get_by_role("button", name=TOUR)
    for _ in range(3):
        page.keyboard.press("Tab")
        if tour.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    assert page.locator(".story h2").evaluate("one => one === document.activeElement")
    page.keyboard.press("ArrowLeft")  # there is nothing before the first step
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_for_text(page, ".story .count", "3 of 4")
    page.keyboard.press("ArrowLeft")
    wait_for_text(page, ".story .count", "2 of 4")
    page.locator("#sharpness").press("ArrowRight")  # in a control it does what the control does
    page.locator("#slider-1").press("ArrowRight")
    wait_for_text(page, ".story .count", "2 of 4")
    page.get_by_role("button", name="Next", exact=True).press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Next"  # to go on with the same key
    page.keyboard.press("Escape")
    assert page.locator(".story .card").count() == 0 and shares(page) == [50, 50]
    assert tour.evaluate("one => one === document.activeElement")


def test_leaving_gives_back_preference_place_and_marks_wherever_the_visitor_was(page):
    page.locator("#slider-1").press("ArrowRight")  # beside the grid
    page.evaluate("scrollTo(0, 8)")
    begun(page)
    press(page, "Next")
    press(page, "Next")
    press(page, "Next")
    page.get_by_label("Mark what differs").check()
    assert page.locator(".story .task.done").count() == 1 and shares(page) != [51, 49]
    press(page, "Leave")
    assert shares(page) == [51, 49] and page.evaluate("scrollY") == 8
    assert not page.get_by_label("Mark what differs").is_checked()
    assert page.locator(".told, .spoken, .card").count() == 0


def test_a_locked_share_moves_with_the_story_and_is_as_it_was_after_it(page):
    three(page)
    wait_for_text(page, "#column-left", "/ 33 %")
    page.get_by_role("button", name="Lock Concise").click()
    before = shares(page)
    begun(page)
    page.wait_for_function("document.querySelector('#slider-1').value === '100'")
    page.keyboard.press("Escape")
    assert shares(page) == before and page.locator("#slider-2").is_disabled()


def test_the_gap_and_what_extrapolates_stand_out_in_the_plot_also_in_a_new_figure(page):
    begun(page)
    assert spoken(page) == []
    press(page, "Next")
    assert set(spoken(page)) == {"Bone Soup, reaches more", "Rewarded Soup, reaches more"}
    choose(page, "Right column", "MOD")
    wait_for_trace(page, "MOD, expected")
    choose(page, "Right column", "Rewarded Soup")
    page.wait_for_function("document.querySelectorAll('#front .spoken').length === 2")
    page.get_by_role("button", name="Next", exact=True).click()
    press(page, "Next")
    assert spoken(page) == ["Bone Soup, extrapolates"]


def test_it_goes_through_the_grid_as_a_drag_does_and_stops_at_a_touch(browser, served):
    page, problems = opened(browser, served[0], motion="no-preference", script=HEARD)
    page.mouse.click(700, 5)  # ends the demonstration on the first visit
    begun(page)
    page.wait_for_function("heard.some((at) => at[0] === 0)")
    went = page.evaluate("heard.map((at) => at[0])")
    went = went[went.index(60) :]
    assert {abs(a - b) for a, b in itertools.pairwise(went)} <= {0, 10} and 100 in went
    page.mouse.click(700, 600)
    stopped = page.evaluate("heard.length")
    page.wait_for_timeout(3600)
    assert page.evaluate("heard.length") == stopped
    page.locator(".story .stops button").nth(2).click()  # but what is asked for is done
    page.wait_for_function("heard.at(-1)[0] === 50")
    page.close()
    assert problems == []


def test_where_motion_is_not_wanted_it_jumps(browser, served):
    page, _ = opened(browser, served[0], script=HEARD)
    begun(page)
    page.wait_for_function("heard.some((at) => at[0] === 0)")
    assert [at[0] for at in page.evaluate("heard") if at[0] != 50][:2] == [100, 0]
    page.close()


@pytest.mark.parametrize("exponent", [0.6, -0.3])
def test_the_picture_of_two_rewards_agrees_with_the_theory_at_the_sliders(page, exponent):
    begun(page)
    press(page, "Next")
    page.locator(".story .stops button").first.click()  # which ends the way through the stops
    page.locator("#sharpness").fill(str(exponent))
    ratio = float(f"{10**exponent:.2g}")
    assert page.locator(".story .task.done").count() == 1
    assert page.locator(".story output").inner_text() == f"{ratio:g} × as sharp"
    for share in (30, 80):
        page.evaluate(
            "at => document.dispatchEvent(new CustomEvent('bonesoup:put', { detail: at }))", [share, 100 - share]
        )
        mu = np.array([[share / 100, 1 - share / 100]])
        sharpness, optima = np.array([1, ratio]) / max(1, ratio), np.array([[1.0], [0.0]])
        best, ours, theirs = (
            float((theory.front(one, mu, 0.7, sharpness, optima) * mu).sum())
            for one in ("oracle", "bone-soup", "rewarded-soup")
        )
        said = page.locator(".story .says").inner_text()
        lost = [float(value) for value in re.findall(r"\d\.\d{3}", said)]
        assert f"At {share} % complete" in said and lost == pytest.approx([best - theirs, best - ours], abs=6e-4)


def test_the_inverse_is_shown_with_what_it_makes_of_the_preference(page):
    begun(page)
    press(page, "Next")
    press(page, "Next")
    tables = page.locator(".story table").all_inner_texts()
    assert [re.findall(r"−?[\d.]+(?=\s|$)", one) for one in tables] == [
        ["0.7", "0.3", "0.3", "0.7"],
        ["1.75", "−0.75", "−0.75", "1.75"],
    ]
    press(page, "backbone 2")
    assert page.locator(".story .says").inner_text() == "μ = (0.3, 0.7) → λ = B⁻¹ μ = (0, 1)"
    assert page.locator(".story .task.done").count() == 1


def test_another_set_ends_the_story_and_other_methods_are_remarked_on(page):
    choose(page, "Right column", "MOD")
    begun(page)
    wait_for_text(page, ".story .words", "your columns hold something else")
    three(page)
    page.wait_for_selector(".story .card", state="detached")
    begun(page)
    wait_for_text(page, ".story .words", "three specialists")
