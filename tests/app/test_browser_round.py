"""The blind round in headless Chromium, on texts of which "door" is Bone Soup's and "window" Rewarded Soup's."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.blind import SCRIPT
from app.page import build
from app.serve import launch
from backbones.engine import stored
from backbones.engine.request import Request
from backbones.merging.methods import BASELINE, BONE_SOUP
from backbones.merging.preference import lattice
from tests.browser import choose, needs_browser, opened, press, wait_for_text
from tests.fake import RESTAURANTS, fake_set, text

pytestmark = needs_browser
THINGS = {BONE_SOUP: "door", BASELINE: "window", "mod": "gate"}
REWARDS = {"door": (0.91, 0.11), "window": (0.32, 0.72), "gate": (0.5, 0.5)}
IDENTICAL, SHARED = (20, 60), (80, 90)  # per cent complete: both methods say the same; Bone Soup says it twice
ROUNDS = 7  # of 11 preferences: not the two of IDENTICAL, nor the one that the page opens at, and one of SHARED
SIZES = {"desktop": (1400, 900, "light"), "dark": (1400, 900, "dark"), "phone": (390, 844, "light")}


def written(request):
    """A finished text, with another thing for each method and another number for each preference."""
    thing, share = THINGS[request.method], round(100 * request.preference[0])
    number = 80 if share in SHARED and thing == "door" else share
    raw = f"<name> has {'a wall' if share in IDENTICAL else f'{thing} {number}'} & <b>more</b> ."
    rewards = dict(zip(("complete", "concise"), REWARDS[thing], strict=True))
    return replace(text(request, raw), rewards=rewards)


def stream(name, requests, background=False):
    yield [written(request) for request in requests]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a page whose set comes with texts, in the place of that of conftest.py."""
    soup_set = replace(fake_set(), title="Fake <b>of</b> 2", path=tmp_path_factory.mktemp("set"))
    given = RESTAURANTS.check({field.name: field.default for field in RESTAURANTS.fields})
    requests = [Request(given, mu, method) for method in (BONE_SOUP, BASELINE) for mu in lattice(2)]
    stored.write(soup_set, [written(request) for request in requests])
    page = build([soup_set], stream)
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield (url,)
    page.close()


def begin(page):
    """Open the tab; it may be in the menu of those that have no room."""
    tab = page.get_by_role("tab", name="Blind round")
    if not tab.is_visible():
        page.locator(".overflow-menu button").first.click()
        tab = page.locator(".overflow-dropdown button", has_text="Blind round")
    tab.click()
    page.locator("#blind [data-asked]").wait_for(state="visible")


def question(page):
    return page.locator("#blind [data-asked]").inner_text()


def texts(page):
    return page.locator("#blind [data-text]").all_inner_texts()


def total(page):
    return page.locator("#blind [data-sum]").inner_text()


def things(page):
    """Whose the texts are, in the order shown."""
    return [re.search("|".join(REWARDS), one).group() for one in texts(page)]


def focused(page):
    return page.evaluate("document.activeElement.innerText")


def lot(page, luck):
    """What random numbers are from now on: below a half a question keeps the order of its sides."""
    page.evaluate(f"Math.random = () => {luck}")


def parsed(page, name):
    with page.expect_download() as news:
        press(page, name)
    return news.value.suggested_filename, news.value.path().read_text(encoding="utf-8")


def wilson(wins, rounds, z=1.959964):
    """The bounds p of |wins / rounds - p| = z sqrt(p (1 - p) / rounds), found by halving."""
    share, found = wins / rounds, []
    for end in (0.0, 1.0):
        inside = share
        for _ in range(60):
            middle = (inside + end) / 2
            if abs(share - middle) <= z * (middle * (1 - middle) / rounds) ** 0.5:
                inside = middle
            else:
                end = middle
        found.append(inside)
    return found


def test_whose_the_texts_are_is_told_once_one_has_been_chosen(page):
    begin(page)
    for luck, order in ((0, ["door", "window"]), (0.99, ["window", "door"])):
        lot(page, luck)
        press(page, "Text 1")
        press(page, "Next")
        assert re.fullmatch(r"You asked for (\d0 % \w+ and \d0 %|100 %) \w+\. Which one\?", question(page))
        assert things(page) == order and all(one.endswith("& <b>more</b> .") for one in texts(page))
        hidden = page.locator("#blind [data-round]").evaluate("one => one.outerHTML")
        for sign in ("soup", 'style="-', "#0072b2", "rgb", "0.91", "0.72", ">complete"):
            assert sign not in hidden.lower(), sign
        press(page, "Text 2")
        told = [one.split("\n") for one in page.locator("#blind [data-reveal]").all_inner_texts()]
        ours, theirs = told if order[0] == "door" else told[::-1]
        assert ours == ["Bone Soup", "Complete 0.91", "Concise 0.11"]
        assert theirs == ["Rewarded Soup", "Complete 0.32", "Concise 0.72"]
        assert page.locator("#blind [data-told]").inner_text() == f"You chose {told[1][0]}."
        assert focused(page) == "Next"
        press(page, "Next")


def test_with_the_keyboard_alone_every_question_comes_once_and_the_server_is_asked_nothing(page):
    begin(page)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_role("tab", name="Blind round").focus()
    for _ in range(8):
        page.keyboard.press("Tab")
        if focused(page).startswith("Text 1"):
            break
    asked, keys = [], []
    for key in "1200121":
        asked.append(question(page))
        door = things(page).index("door") + 1
        keys.append("tie" if key == "0" else "door" if key == str(door) else "window")
        page.keyboard.press(key)
        page.keyboard.press(key)  # is too late to count
        assert focused(page) == "Next"
        page.keyboard.press("Enter")
        if len(asked) < ROUNDS:
            assert focused(page) == question(page) != asked[-1]
    assert len(set(asked)) == len(asked) == ROUNDS and not any("50 %" in one for one in asked)
    assert not page.locator("#blind [data-asked]").is_visible()
    words = page.locator("#blind [data-why]").inner_text()
    assert "All that can be asked blindly here has been asked; for 2 preferences you have seen a text" in words
    wins = keys.count("door")
    low, high = wilson(wins, 5)
    assert total(page) == (
        f"Bone Soup was chosen in {wins} of 5 decided rounds, {20 * wins} % (95 % interval {100 * low:.0f} to "
        f"{100 * high:.0f} %). 2 ties; 2 preferences skipped, the texts being identical."
    )
    assert page.locator("#blind caption").inner_text() == "Fake <b>of</b> 2"
    rows = [row.split("\t") for row in page.locator("#blind tbody tr").all_inner_texts()]
    assert [row[0] for row in rows if row[4] == "1"] == [
        "60 % complete and 40 % concise",
        "20 % complete and 80 % concise",
    ]
    assert sum(int(row[1]) for row in rows) == wins and sum(int(row[3]) for row in rows) == 2
    assert len(rows) == ROUNDS + 2 and rows[0][0] == "100 % complete"

    name, content = parsed(page, "Rounds as JSON")
    held = json.loads(content)
    (tally,) = held["tallies"]
    assert name == "bone-soup-rounds.json" and tally["interval"] == pytest.approx([low, high], abs=1e-6)
    assert (tally["chosen"], tally["ties"], tally["identical"]) == ([wins, 5 - wins], 2, 2)
    assert tally["set"] == "fake-2" and tally["methods"] == [BONE_SOUP, BASELINE]
    chosen = [one["choice"] for one in held["rounds"] if one["choice"] != "identical"]
    assert [{"door": BONE_SOUP, "window": BASELINE}.get(key, "tie") for key in keys] == chosen
    for one in held["rounds"]:
        for side in one["texts"]:
            assert one["choice"] == "identical" or THINGS[side["method"]] in side["text"]
    name, content = parsed(page, "Rounds as CSV")
    lines = list(csv.DictReader(io.StringIO(content)))
    assert name == "bone-soup-rounds.csv" and [one["choice"] for one in lines] == [
        one["choice"] for one in held["rounds"]
    ]
    assert content.startswith("\ufeff") and lines[0]["preference"].endswith(" %")
    assert lines[0]["text 1"] == held["rounds"][0]["texts"][0]["text"] and "Complete 0." in lines[0]["rewards 2"]
    assert requests == []


def test_an_open_round_has_no_text_that_the_columns_show(page):
    begin(page)
    before, share = question(page), re.search(r"\d+", texts(page)[things(page).index("window")]).group()
    page.evaluate(
        "share => document.dispatchEvent(new CustomEvent('bonesoup:prefer', { detail: [share, 100 - share] }))",
        int(share),
    )
    assert f"window {share}" in page.locator("#column-right").inner_text()
    assert question(page) != before and not set(texts(page)) & set(page.locator(".answer").all_inner_texts())
    press(page, "Text 1")
    before = texts(page)
    press(page, "all concise")  # what has been told stays until the next is asked for
    assert texts(page) == before and page.locator("#blind [data-reveal]").first.inner_text()


@pytest.mark.parametrize("reads_first", [False, True])
def test_no_round_has_a_text_that_has_stood_beside_its_methods_name(page, reads_first):
    if not reads_first:
        begin(page)
    stops = ([50], [0], [10], [30, 40], [70], [90], [100])  # at 30 it does not rest; at 80 are the texts of 90
    for shares in stops:
        page.evaluate(  # its clock is the one that what it looks at is measured with
            """async (shares) => {
                for (const share of shares)
                    document.dispatchEvent(new CustomEvent('bonesoup:prefer', { detail: [share, 100 - share] }));
                await new Promise((done) => setTimeout(done, 1100));
            }""",
            shares,
        )
    if reads_first:
        begin(page)
    assert question(page).startswith("You asked for 30 % complete")
    press(page, "A tie")
    press(page, "Next")
    wait_for_text(page, "#blind [data-why]", "for 8 preferences you have seen a text beside its method's name")


def test_other_methods_and_another_example_have_rounds_and_tallies_of_their_own(page):
    begin(page)
    press(page, "Text 1")
    assert total(page).startswith(("Bone Soup was chosen in 1 of 1", "Bone Soup was chosen in 0 of 1"))
    press(page, "Next")
    choose(page, "Right column", "MOD")
    page.wait_for_function("document.querySelector('#blind .blind-texts').innerText.includes('gate')")
    assert not page.locator("#blind [data-tally]").is_visible() or "decided yet. 0 ties" in total(page)
    press(page, "A tie")
    page.get_by_role("tab", name="History").click()
    page.get_by_role("tab", name="Blind round").click()
    assert "No round has been decided yet. 1 tie;" in total(page)
    assert (
        "MOD" in page.locator("#blind thead").inner_text()
        and "Rewarded" not in page.locator("#blind thead").inner_text()
    )
    press(page, "Next")
    name = page.get_by_label("Name", exact=True)
    page.locator(".sentence").click()
    name.fill("Elm")
    wait_for_text(page, "#blind .blind-texts", "Elm has")
    assert page.locator("#blind [data-given]").inner_text().startswith("Elm,")
    press(page, "A tie")
    assert "2 ties;" in total(page)
    tallies = json.loads(parsed(page, "Rounds as JSON")[1])["tallies"]
    assert [one["methods"] for one in tallies] == [[BONE_SOUP, BASELINE], [BONE_SOUP, "mod"]]
    assert [sum(one["chosen"]) for one in tallies] == [1, 0] and [one["ties"] for one in tallies] == [0, 2]
    choose(page, "Right column", "Bone Soup")
    press(page, "Next")
    wait_for_text(page, "#blind [data-why]", "A round needs the texts of two methods")


def test_another_example_goes_on(page, monkeypatch):
    monkeypatch.setattr(type(RESTAURANTS), "example", lambda self: {"name": "Elm"})
    begin(page)
    for _ in range(ROUNDS):
        press(page, "A tie")
        press(page, "Next")
    page.locator("#blind").get_by_role("button", name="Another example").press("Enter")
    page.locator("#blind [data-asked]").wait_for(state="visible")
    assert focused(page) == question(page) and all("Elm has" in one for one in texts(page))
    assert f"{ROUNDS} ties" in total(page)


def test_the_interval_is_wilsons(page):
    formula = re.search(r"function wilson.*?\n}\n", SCRIPT, re.DOTALL).group()
    z = re.search(r"const Z = .*", SCRIPT).group()
    for (wins, rounds), known in {
        (81, 263): (0.2553, 0.3662),  # Newcombe (1998), table I, method 3
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
        (10, 10): (0.7225, 1),
    }.items():
        found = page.evaluate(f"() => {{ {z}\n{formula}\nreturn wilson({wins}, {rounds}); }}")
        assert found == pytest.approx(known, abs=5e-5) and found == pytest.approx(wilson(wins, rounds), abs=1e-6)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_everybody_can_use_a_round(browser, served, size):
    page, problems = opened(browser, served[0], *size)
    begin(page)
    for _ in ("open", "told"):
        found = Axe().run(page, "#blind").response["violations"]
        serious = [
            (one["id"], [node["html"][:160] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if size[0] < 760:
            for button in page.locator("#blind button:visible").all():
                assert button.bounding_box()["height"] >= 44, button.inner_text()
        if page.locator("#blind [data-choice]").first.is_visible():
            page.locator("#blind [data-choice='1']").click()
    live = page.locator("#blind [data-reveal]").first
    assert live.get_attribute("aria-live") == "polite" and live.inner_text()
    page.close()
    assert problems == []
