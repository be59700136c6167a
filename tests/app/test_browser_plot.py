"""The plot in headless Chromium, on a stream without a model: what moves, is dragged, said, kept and taken away."""

import pytest
from PIL import Image

from backbones.merging import front as fronts
from backbones.merging.preference import Preference
from tests.browser import (
    choose,
    needs_browser,
    opened,
    press,
    shares,
    still,
    three_at_rest,
    wait_for_text,
    wait_for_trace,
    write,
)
from tests.fake import fake_set

pytestmark = needs_browser
PLOT = "document.querySelector('#front .js-plotly-plot')"


def prefer(page, *percent):
    """Tell the plot alone of a preference, as the sliders do on every move, and let it draw."""
    page.evaluate(
        """async percent => {
            document.dispatchEvent(new CustomEvent("bonesoup:preference", { detail: percent }));
            for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
        }""",
        percent,
    )


def drawn(page, name):
    """Where the middle of a trace's first marker is seen, in px of the window."""
    return page.evaluate(
        f"""name => {{
            const plot = {PLOT}, i = plot._fullData.findIndex(t => t.name === name);
            const box = plot.calcdata[i][0].node3.node().querySelector(".points path").getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }}""",
        name,
    )


def place(page, x, y):
    """Where a point of the axes is, in px of the window."""
    return page.evaluate(
        f"""([x, y]) => {{
            const plot = {PLOT}, layout = plot._fullLayout, box = plot.getBoundingClientRect();
            return [box.left + layout.xaxis._offset + layout.xaxis.d2p(x),
                    box.top + layout.yaxis._offset + layout.yaxis.d2p(y)];
        }}""",
        [x, y],
    )


def expected(n, method, percent):
    mu = Preference(share / 100 for share in percent)
    return fronts.expected(method, fake_set(n).points(method), mu)


def settled(page, method, name, percent):
    """Wait until plotly, too, knows where a method is expected, which it is told once the preference rests."""
    page.wait_for_function(
        f"([name, x]) => Math.abs({PLOT}._fullData.find(t => t.name === name).x[0] - x) < 1e-6",
        arg=[f"{name}, expected", expected(2, method, percent)[0]],
    )


def near(one, other, within=1.5):
    return abs(one[0] - other[0]) < within and abs(one[1] - other[1]) < within


def test_diamonds_follow_the_preference_in_the_browser_alone(page):
    requests = []
    page.on("request", lambda request: requests.append(request))
    page.evaluate(f"window.before = {PLOT}")
    for percent in ((85, 15), (3, 97), (33.4, 66.6), (100, 0)):
        prefer(page, *percent)
        for method, name in (("bone-soup", "Bone Soup"), ("rewarded-soup", "Rewarded Soup")):
            there = place(page, *expected(2, method, percent))
            assert near(drawn(page, f"{name}, expected"), there), (percent, name)
    settled(page, "bone-soup", "Bone Soup", (100, 0))
    assert near(drawn(page, "Bone Soup, expected"), place(page, *expected(2, "bone-soup", (100, 0))))
    assert page.evaluate(f"window.before === {PLOT}") and requests == []


def test_three_objectives_are_interpolated_as_the_server_does(page):
    three_at_rest(page)
    choose(page, "View", "Concise × Upbeat")
    page.wait_for_function(f"{PLOT}.layout.xaxis.title.text.startsWith('Concise')")
    for percent in ((20, 30, 50), (10, 71, 19), (0, 0, 100), (50, 25, 25), (100 / 3, 100 / 3, 100 / 3)):
        prefer(page, *percent)
        for method, name in (("bone-soup", "Bone Soup"), ("rewarded-soup", "Rewarded Soup")):
            there = place(page, *expected(3, method, percent)[1:])
            assert near(drawn(page, f"{name}, expected"), there), (percent, name)


def test_a_diamond_is_dragged_along_its_front_and_moves_the_sliders(page):
    page.mouse.move(*drawn(page, "Bone Soup, expected"))
    page.wait_for_selector("#front.takes")
    page.mouse.down()
    for percent in (60, 75, 90):
        x, y = place(page, *expected(2, "bone-soup", (percent, 100 - percent)))
        page.mouse.move(x + 4, y + 5, steps=4)  # beside the front: what counts is the nearest of its points
    page.mouse.up()
    assert abs(shares(page)[0] - 90) <= 1 and sum(shares(page)) == 100
    wait_for_text(page, "#coefficients", "+1.5")
    assert page.evaluate(f"{PLOT}.layout.xaxis.range[0]") < 0.3  # and nothing was zoomed


def test_a_click_on_a_diamond_that_is_not_dragged_goes_to_the_marker_beneath(page):
    press(page, "backbone 2")  # 30 / 70, where a point was measured
    wait_for_text(page, "#coefficients", "+1.00")
    settled(page, "rewarded-soup", "Rewarded Soup", (30, 70))
    at = place(page, *expected(2, "rewarded-soup", (30, 70)))
    page.mouse.move(at[0] - 30, at[1])
    page.mouse.move(*at)
    page.wait_for_selector("#front .tip")
    page.mouse.click(*at)
    page.wait_for_selector("#example .example")
    wait_for_text(page, "#example", "Rewarded Soup at 30 % / 70 %")
    assert shares(page) == [30, 70]


def test_what_is_said_covers_no_name_and_is_text(page):
    write(page)
    wait_for_trace(page, "Rewarded Soup, written")
    page.wait_for_timeout(500)
    boxes = (
        "nodes => nodes.map(node => { const b = node.getBoundingClientRect(); return [b.x, b.y, b.right, b.bottom]; })"
    )
    names = page.locator("#front .annotation").evaluate_all(boxes)
    assert len(names) >= 4
    points = [point.rewards for point in fake_set().points("bone-soup")]
    for reward in [*points, (0.5, 0.5)]:
        page.mouse.move(5, 5)
        page.wait_for_selector("#front .tip", state="detached")
        page.mouse.move(*place(page, *reward))
        page.wait_for_selector("#front .tip")
        (tip,) = page.locator("#front .tip").evaluate_all(boxes)
        assert not any(tip[0] < b[2] and b[0] < tip[2] and tip[1] < b[3] and b[1] < tip[3] for b in names), reward
    page.evaluate(
        f"""() => {{
            const i = {PLOT}._fullData.findIndex(t => t.name === "Bone Soup");
            Plotly.restyle({PLOT}, {{ customdata: [Array(11).fill(["", "<b>Tom</b> & Jerry"])] }}, [i]);
        }}"""
    )
    page.mouse.move(5, 5)
    page.mouse.move(*place(page, *points[3]))
    wait_for_text(page, "#front .tip", "<b>Tom</b> & Jerry")


def test_zoom_stays_with_a_new_figure_and_the_way_back_is_offered(page):
    reset = page.get_by_role("button", name="Reset view")
    assert not reset.is_visible()
    begun = page.evaluate(f"{PLOT}.layout.xaxis.range")
    page.mouse.move(*place(page, 0.4, 0.4))
    page.mouse.down()
    page.mouse.move(*place(page, 0.6, 0.6), steps=6)
    page.mouse.up()
    page.wait_for_function(f"{PLOT}.layout.xaxis.range[0] > 0.35")
    zoomed = page.evaluate(f"{PLOT}.layout.xaxis.range")
    write(page)
    wait_for_trace(page, "Rewarded Soup, written")
    assert page.evaluate(f"{PLOT}.layout.xaxis.range") == pytest.approx(zoomed)
    reset.click()
    assert page.evaluate(f"{PLOT}.layout.xaxis.range") == pytest.approx(begun) and not reset.is_visible()


def test_the_camera_stays_with_a_new_figure_and_wheels_scroll_the_page(page):
    three_at_rest(page)
    choose(page, "View", "3-D")
    page.wait_for_function(  # while a figure is changed it has no traces, and no camera
        f"{PLOT}._fullData?.some(t => t.type === 'scatter3d') && {PLOT}.layout.scene?.camera"
    )
    page.wait_for_timeout(800)
    eye = f"{PLOT}.layout.scene.camera.eye"
    before = page.evaluate(eye)
    box = page.locator("#front .js-plotly-plot").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 10, steps=6)
    page.mouse.up()
    page.wait_for_function(f"x => Math.abs({eye}.x - x) > 0.1", arg=before["x"])
    turned = page.evaluate(eye)
    page.locator("#slider-1").press("End")
    write(page)
    wait_for_trace(page, "Rewarded Soup, written")
    page.wait_for_timeout(500)
    assert page.evaluate(eye) == pytest.approx(turned, abs=1e-3)
    page.mouse.move(x, y)
    page.mouse.wheel(0, 200)
    page.wait_for_function("window.scrollY > 50")
    assert page.evaluate(eye) == pytest.approx(turned, abs=1e-3)


@pytest.mark.parametrize("page", [(1400, 900, "dark")], indirect=True)
def test_words_have_colours_of_the_dark_page_also_when_it_changes(page):
    ink = page.evaluate(f"{PLOT}.layout.meta.ink")
    assert page.evaluate(f"{PLOT}.layout.font.color") == ink["dark"]["font.color"]
    assert page.evaluate(f"{PLOT}.layout.annotations[0].font.color") == ink["dark"]["annotations[0].font.color"]
    page.evaluate("document.querySelectorAll('.dark').forEach(node => node.classList.remove('dark'))")
    page.wait_for_function(f"ink => {PLOT}.layout.font.color === ink", arg=ink["light"]["font.color"])


def test_the_plot_is_taken_away_as_a_large_picture_that_says_what_it_is(page):
    for name, percent in (("Save picture", (50, 50)), ("Plot as image", (80, 20))):
        if percent != (50, 50):
            prefer(page, *percent)
        with page.expect_download() as news:
            press(page, name)
        assert news.value.suggested_filename == (
            f"bone-soup-and-rewarded-soup-complete-by-concise-{percent[0]}-{percent[1]}.png"
        )
        with Image.open(news.value.path()) as picture:
            assert picture.width >= 1600 and picture.convert("RGBA").getpixel((0, 0)) == (248, 250, 252, 255)


def test_the_plot_fills_the_window_until_escape(page):
    before = page.locator("#front").bounding_box()
    press(page, "Full screen")
    page.wait_for_function(
        f"{PLOT}._fullLayout.width > 0.9 * innerWidth && {PLOT}._fullLayout.height > 0.8 * innerHeight"
        " && document.fullscreenElement"
    )
    page.keyboard.press("Escape")
    page.wait_for_function(
        f"{PLOT}._fullLayout.height < 500 && !document.querySelector('#front.whole') && !document.fullscreenElement"
    )
    still(page)
    assert page.locator("#front").bounding_box() == pytest.approx(before, abs=2)


@pytest.fixture
def phone(browser, served):
    """A phone's page: fingers, no mouse."""
    context = browser.new_context(has_touch=True, is_mobile=True)
    page, problems = opened(browser, served[0], 390, 844, context=context)
    yield page
    context.close()
    assert problems == []


def swipe(page, x, y, dx, dy):
    """One finger, put down at (x, y), moved and lifted."""
    session = page.context.new_cdp_session(page)

    def finger(kind, *points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    finger("touchStart", {"x": x, "y": y})
    for i in range(1, 11):
        finger("touchMove", {"x": x + dx * i / 10, "y": y + dy * i / 10})
        page.wait_for_timeout(16)
    finger("touchEnd")
    still(page)


def test_a_finger_scrolls_the_page_over_the_plot_taps_its_markers_and_drags_its_diamonds(phone):
    press(phone, "backbone 2")
    wait_for_text(phone, "#coefficients", "+1.00")
    settled(phone, "rewarded-soup", "Rewarded Soup", (30, 70))
    phone.evaluate("document.querySelector('#front').scrollIntoView()")
    still(phone)
    begun, range_before = phone.evaluate("scrollY"), phone.evaluate(f"{PLOT}.layout.xaxis.range")
    x, y = place(phone, 0.4, 0.45)
    swipe(phone, x, y, 0, 130)
    scrolled = phone.evaluate("scrollY")
    assert begun - scrolled > 60 and phone.evaluate(f"{PLOT}.layout.xaxis.range") == range_before
    x, y = drawn(phone, "Rewarded Soup, expected")
    to = place(phone, *expected(2, "rewarded-soup", (60, 40)))
    swipe(phone, x, y, to[0] - x, to[1] - y)
    # The texts above the plot can change their height meanwhile, so the place is not exact.
    assert 50 <= shares(phone)[0] <= 75 and abs(phone.evaluate("scrollY") - scrolled) < 2
    settled(phone, "rewarded-soup", "Rewarded Soup", shares(phone))
    phone.touchscreen.tap(*place(phone, *expected(2, "rewarded-soup", (20, 80))))
    phone.wait_for_selector("#example .example")
    assert shares(phone) == [20, 80]


def test_buttons_of_the_plot_are_large_enough_for_fingers(phone):
    for name in ("Save picture", "Full screen"):
        box = phone.get_by_role("button", name=name, exact=True).bounding_box()
        assert box["height"] >= 44 and box["width"] >= 44
