"""Where things are on the page, that they stay there, and that everybody can use them."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import needs_browser, opened, three, wait_for_text

pytestmark = needs_browser
SHIFTS = """
    window.shift = 0;
    window.shifted = [];
    new PerformanceObserver((list) => {
        list.getEntries().filter((one) => !one.hadRecentInput).forEach((one) => {
            shift += one.value;
            shifted.push(...one.sources.map(({ node, previousRect: from, currentRect: to }) =>
                `${node?.id || node?.className || node?.nodeName} from ${from.top} to ${to.top}`));
        });
    }).observe({ type: "layout-shift", buffered: true });
"""
SIZES = {"desktop": (1400, 900, "light"), "phone": (390, 844, "light")}


def box(page, where):
    """Top and bottom of an element in the window."""
    found = page.locator(where).bounding_box()
    return found["y"], found["y"] + found["height"]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_nothing_moves_while_the_page_loads(browser, served, size):
    page, problems = opened(browser, served[0], *size, script=SHIFTS)
    page.wait_for_timeout(1500)
    assert page.evaluate("shift") < 0.1, page.evaluate("shifted")
    page.close()
    assert problems == []


@pytest.mark.parametrize("objectives", [2, 3])
def test_preference_texts_and_plot_are_on_one_screen(page, objectives):
    if objectives == 3:
        three(page)
        wait_for_text(page, "#column-left", "/ 33 %")
    for where in ("#sentence", "#write", "#preference", ".verdict-line", "#column-left", "#column-right", "#front"):
        top, bottom = box(page, where)
        assert 0 <= top < bottom <= 900, where
    assert box(page, "#column-left")[0] > box(page, "#preference")[1]


@pytest.mark.parametrize("page", [SIZES["phone"]], indirect=True)
def test_on_a_phone_the_preference_stays_at_the_lower_edge_below_the_texts(page):
    assert box(page, "#preference")[1] == pytest.approx(844, abs=1)
    assert box(page, "#column-left")[0] < box(page, "#preference")[0]
    page.locator("#columns").evaluate("element => element.scrollIntoView()")
    top = box(page, "#preference")[0]
    assert box(page, "#preference")[1] == pytest.approx(844, abs=1)
    for where in ("#column-left", "#column-right"):
        assert 0 <= box(page, where)[0] < box(page, where)[1] <= top, where
    for where in (".share input >> nth=0", ".presets button >> nth=0", "#write"):
        low, high = box(page, where)
        assert high - low >= 44, where
    page.locator("#front").evaluate("element => element.scrollIntoView({ block: 'start' })")
    assert box(page, "#preference")[1] == pytest.approx(844, abs=1)
    page.locator("#history").evaluate("element => element.scrollIntoView({ block: 'start' })")
    assert box(page, "#preference")[1] < 844  # it has its place, and is no lid on what is further down


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, served, mode):
    page, _ = opened(browser, served[0], 1400, 900, mode)
    found = Axe().run(page).response["violations"]
    serious = [
        (one["id"], one["impact"], [(node["html"][:160], node["any"][:1]) for node in one["nodes"]][:4])
        for one in found
        if one["impact"] in ("serious", "critical") or one["id"] == "empty-table-header"
    ]
    assert serious == []
    page.close()


def test_the_keyboard_reaches_write_at_once_and_opens_the_fields(page):
    stops = []
    for _ in range(8):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if stops[-1] == "write":
            break
    assert stops[-1] == "write" and len(stops) <= 4, stops
    sentence = page.locator(".sentence")
    assert sentence.get_attribute("aria-expanded") == "false" and not page.get_by_label("Food").is_visible()
    sentence.press("Enter")
    assert sentence.get_attribute("aria-expanded") == "true" and page.get_by_label("Food").is_visible()
    sentence.press("Enter")
    assert not page.get_by_label("Food").is_visible()


def test_changes_of_the_texts_are_read_out_and_the_page_has_its_own_name(page):
    for side in ("left", "right"):
        assert page.locator(f"#column-{side}").get_attribute("aria-live") == "polite"
    titles = page.locator("meta[property='og:title']").evaluate_all("all => all.map((one) => one.content)")
    assert set(titles) == {"Bone Soup"}
