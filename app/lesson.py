"""The tab that explains the method: text, B and its inverse, two quadratic rewards to play with."""

from collections.abc import Sequence

import gradio as gr
import numpy as np

from app import lesson_figures as q
from app.views import rendered
from backbones.merging import coefficients as c
from backbones.merging.methods import BASELINE, BONE_SOUP, LABELS, METHODS
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet

LEAST, MOST = 0.51, 0.99  # beta of the picture, and the greatest of the matrices
STEP = 0.01
START_CURVATURE, START_SHARE = 0.6, 70  # a second reward four times as sharp; per cent
SIGNS = dict(zip(q.SHOWN, "●◆■", strict=True))  # as the markers of the figures

CAPTIONS = (
    (
        "Where each method lands",
        "Above, thick: the utility of every model at the preference. Below: each method's way as it moves, "
        "a dot every 10 %.",
    ),
    (
        "What that earns",
        "Between the specialists all methods are on one front; they differ in where they stop. Dashed: equal utility. "
        "Thick: Theorem 1 holds.",
    ),
    (
        "Every preference at once",
        "How far below the oracle each method is. Dotted: the anchored variant, which returns to it at the corners.",
    ),
)

# A number half typed is empty or out of bounds, which gradio refuses: the nearest one allowed is sent instead.
CLAMP = """(name, ...values) => [name, ...["beta", "curvature", "share"].map((id, i) => {
  const { min, max } = document.querySelector(`#lesson-${id} input[type=range]`);
  return Math.min(Math.max(values[i] ?? +min, +min), +max);
})]"""


def build(sets: Sequence[SoupSet], name: gr.Dropdown) -> None:
    """Lay the tab out in the block that is open; it follows `name`, whose value is the name of one of `sets`."""
    by_name, first = {soup_set.name: soup_set for soup_set in sets}, sets[0]
    if name.value in by_name:
        first = by_name[name.value]
    start = look(first, first.beta, START_CURVATURE, START_SHARE)
    gr.HTML(rendered("lesson/opening.html"))
    matrices_shown = gr.HTML(start[0], elem_id="lesson-matrices")
    gr.HTML(rendered("lesson/picture.html"))
    with gr.Row():
        beta = gr.Slider(
            *bounds(first),
            first.beta,
            step=STEP,
            label="β",
            info="a backbone's own share",
            elem_id="lesson-beta",
            buttons=[],
            min_width=260,
        )
        curvature = gr.Slider(
            -1,
            1,
            START_CURVATURE,
            step=0.1,
            label="Curvature of the second reward",
            info="a tenth of the first's – equal – ten times",
            elem_id="lesson-curvature",
            buttons=[],
            min_width=260,
        )
        share = gr.Slider(
            0,
            100,
            START_SHARE,
            step=1,
            label="Preference for the first reward",
            info="the second gets the rest",
            elem_id="lesson-share",
            buttons=[],
            min_width=260,
        )
    words_shown = gr.HTML(start[1], elem_id="lesson-words")
    plots = []
    with gr.Row():
        for k, ((title, caption), figure) in enumerate(zip(CAPTIONS, start[2:], strict=True)):
            with gr.Column(min_width=300):
                gr.HTML(rendered("lesson/caption.html", title=title, caption=caption))
                plots.append(
                    gr.Plot(
                        figure,
                        show_label=False,
                        container=False,
                        elem_id=f"picture-{k + 1}",
                        elem_classes="picture",
                        buttons=[],
                    )
                )
    closing_shown = gr.HTML(closing(first), elem_id="lesson-closing")

    following = [matrices_shown, words_shown, *plots]
    quiet = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    gr.on(
        [slider.input for slider in (beta, curvature, share)],
        lambda name, *sliders: look(by_name[name], *sliders),
        [name, beta, curvature, share],
        following,
        js=CLAMP,
        trigger_mode="always_last",
        **quiet,
    )
    name.change(
        lambda name, *sliders: choose(by_name[name], *sliders),
        [name, curvature, share],
        [closing_shown, beta, *following],
        **quiet,
    )


def bounds(soup_set: SoupSet) -> tuple[float, float]:
    """Least and greatest beta of the slider, inside (1/n, 1)."""
    return np.floor(100 / len(soup_set.objectives) + 1).item() / 100, MOST


def look(soup_set: SoupSet, beta: float, curvature: float, share: float) -> tuple:
    """Matrices, words and the three figures. `curvature`: log10 of the ratio; `share`: mu_1 in per cent.

    The picture has two objectives: where `beta` is too small for two, it is drawn at the least that is not.
    """
    drawn, ratio = max(beta, LEAST), ratio_of(curvature)
    figures = (draw(drawn, ratio, share / 100) for draw in (q.landing_figure, q.reward_figure, q.preference_figure))
    return matrices(soup_set, beta), words(soup_set, beta, ratio, share / 100), *figures


def choose(soup_set: SoupSet, curvature: float, share: float) -> tuple:
    """Everything that follows the set: closing text, beta slider, and what `look` gives at the set's own beta."""
    low, high = bounds(soup_set)
    slider = gr.update(minimum=low, maximum=high, value=soup_set.beta)
    return closing(soup_set), slider, *look(soup_set, soup_set.beta, curvature, share)


def ratio_of(curvature: float) -> float:
    """The ratio of curvatures with two digits, as it is said in words."""
    return float(f"{10**curvature:.2g}")


def matrices(soup_set: SoupSet, beta: float) -> str:
    """B and its inverse, what they say, and the coefficients of three preferences."""
    n = len(soup_set.objectives)
    mixes = c.backbone_matrix(n, beta)
    preferences = (
        (f"{soup_set.objectives[0].label} alone", np.eye(n)[0], "beyond every row: extrapolates"),
        ("As row 1 of B", mixes[0], "backbone 1 alone"),
        ("The middle", np.ones(n), "all backbones alike"),
    )
    examples = [
        (title, mu := Preference.of(values, n), c.bone_soup(mu, beta), remark) for title, values, remark in preferences
    ]
    return rendered(
        "lesson/matrices.html",
        objectives=soup_set.objectives,
        beta=beta,
        own=soup_set.beta if abs(beta - soup_set.beta) > STEP / 2 else None,
        mixes=mixes,
        inverse=np.linalg.inv(mixes),
        examples=examples,
        gain=(n - 1) / (n * beta - 1),
        plus=q.colour(BONE_SOUP),
        minus=q.colour(BASELINE),
    )


def words(soup_set: SoupSet, beta: float, ratio: float, share: float) -> str:
    """The legend with every method's utility, the sentence on who leads, and where the picture differs from the set."""
    drawn = max(beta, LEAST)
    utility = q.utilities(drawn, ratio, share)
    return rendered(
        "lesson/words.html",
        objectives=soup_set.objectives,
        sentence=q.sentence(drawn, ratio, share),
        legend=[(sign, q.colour(method), q.NAMES[method], utility[method]) for method, sign in SIGNS.items()],
        ratio=ratio,
        drawn=drawn,
    )


def closing(soup_set: SoupSet) -> str:
    """The methods, this set's own measurements and the sources."""
    return rendered(
        "lesson/closing.html",
        soup_set=soup_set,
        methods=[METHODS[method] for method in soup_set.methods],
        measured=_hypervolumes(soup_set),
    )


def _hypervolumes(soup_set: SoupSet) -> list[tuple]:
    """What has been measured of Bone Soup and Rewarded Soup: (title, metric, sign)."""
    found = soup_set.front.methods if soup_set.front else {}
    rows = [(LABELS[name], found[name].metrics["hypervolume"], "") for name in (BONE_SOUP, BASELINE) if name in found]
    if len(rows) == 2:
        rows.append(("Difference", found[BONE_SOUP].minus_baseline["hypervolume"], "+"))
    return rows
