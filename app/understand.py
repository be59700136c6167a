"""The tab that explains the method: text, B and its inverse, two quadratic rewards to play with."""

from html import escape

import gradio as gr
import numpy as np

from app import quadratics as q
from app.figures import COLOURS
from app.render import UNMEASURED
from backbones import coefficients as c
from backbones.front import LABELS
from backbones.sets import SoupSet

LEAST, MOST = 0.51, 0.99  # beta of the picture, and the greatest of the matrices
STEP = 0.01
START_CURVATURE, START_SHARE = 0.6, 70  # a second reward four times as sharp; per cent

OPENING = """
<section><h2>Backbones</h2>
<p>Every <b>backbone</b> is the same small language model, tuned by reinforcement learning on a <em>mix</em> of the
rewards. The weights of the mix are a row of the matrix <i>B</i>: on the diagonal <i>β</i>, the share of the backbone's
own objective; the others divide the rest.</p></section>
<section><h2>Your preference becomes coefficients</h2>
<p>Your preference <i>μ</i> sums to one. The <b>merging coefficients</b> <b class="formula"><i>λ</i> =
<i>B</i><sup>−1</sup><i>μ</i></b> weight the backbones so that their rewards mix to exactly <i>μ</i>. They leave [0, 1]
where your preference is more extreme than any row of <i>B</i>.</p></section>
<section><h2>One base, many merges</h2>
<p><b class="formula"><i>θ</i> = <i>θ</i><sub>0</sub> + Σ<sub><i>j</i></sub> <i>λ<sub>j</sub></i>
<i>Δ<sub>j</sub></i></b> answers: the base plus the weighted changes of the backbones. No weights are rewritten: the
base stays in 4 bits, and every text has its own coefficients in the same forward pass.</p></section>
"""

PICTURE = """
<h2>Why backbones? Two rewards, seen through</h2>
<p>Let a model be one number <i>θ</i>, and let each of two rewards be a parabola with its own best <i>θ</i>. Then the
best model for a preference, the <b>oracle</b>, is known, and so is every merge. Rewarded Soup takes the average of the
specialists, as if both rewards were equally sharp. Backbones already stand at the best compromise for a row of
<i>B</i>, so a merge of them stays near the oracle in between.</p>
"""

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

CLOSING = """
<section class="wide"><h2>The methods</h2><dl class="methods">{methods}</dl></section>
<section><h2>Measured</h2>
{measured}</section>
<section><h2>Sources</h2>
<p><b>Method.</b> Xie et al., <cite>Bone Soups</cite>, ACL 2025,
<a href="https://arxiv.org/abs/2502.10762" target="_blank" rel="noopener">arXiv 2502.10762</a>.</p>
<p><b>Baselines.</b> Ramé et al., <cite>Rewarded soups</cite>, NeurIPS 2023; Shi et al., <cite>Decoding-time language
model alignment with multiple objectives</cite>, NeurIPS 2024.</p>
<p><b>Data.</b> E2E NLG, Novikova et al. 2017, CC BY-SA 4.0; GoEmotions, Demszky et al. 2020, Apache 2.0.</p></section>
"""

CSS = """
.lesson { font-size: 1rem; line-height: 1.55; color: var(--body-text-color); padding: 2px;
  --quiet: color-mix(in srgb, var(--body-text-color) 68%, transparent); }
.lesson h2 { font-size: 1.12rem; font-weight: 650; letter-spacing: -0.01em; margin: 1.1em 0 0.25em;
  color: var(--body-text-color); }
.lesson section > h2:first-child { margin-top: 0.3em; }
.lesson.opening { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 270px), 1fr));
  gap: 4px 34px; }
.lesson p { margin: 0 0 0.5em; max-width: 72ch; color: var(--body-text-color); }
.lesson h3 { font-size: 1rem; font-weight: 600; margin: 0 0 0.15em; color: var(--body-text-color); }
.lesson .quiet { font-size: 0.88rem; line-height: 1.45; color: var(--quiet); }
.lesson .note { border-left: 3px solid #E69F00; padding: 4px 10px; background: rgba(230,159,0,0.10);
  border-radius: 0 6px 6px 0; }
.lesson .formula { font-weight: 500; white-space: nowrap; }
.lesson i, .lesson .formula { font-family: "STIX Two Text", Georgia, "Times New Roman", serif; font-size: 1.12em;
  line-height: 1; }
.lesson a { color: #0072B2; text-decoration: underline; padding: 0; margin: 0; }
.dark .lesson a { color: #56B4E9; }
.lesson .matrices { display: flex; flex-wrap: wrap; gap: 14px 34px; margin: 4px 0 12px; }
.lesson table { border-collapse: separate !important; border: 0 !important; margin: 0 !important;
  width: auto !important; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
.lesson tr, .lesson th, .lesson td { border: 0 !important; background: transparent; }
.lesson .matrix { border-spacing: 3px !important; }
.lesson .matrix caption { text-align: left; padding: 0 0 2px 3px; color: var(--quiet); font-size: 0.88rem; }
.lesson .matrix th { font-weight: 400 !important; color: var(--quiet); padding: 2px 6px !important;
  text-align: left; font-size: 0.84rem; white-space: nowrap; }
.lesson .matrix thead th { text-align: center !important; }
.lesson .matrix td { min-width: 3.6em; padding: 7px 4px !important; text-align: center; border-radius: 6px;
  background: color-mix(in srgb, var(--sign) var(--much), transparent) !important; color: var(--body-text-color); }
.lesson .examples { list-style: none; display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr));
  gap: 0 34px; margin: 0 !important; padding: 0 !important; flex: 1 1 300px; font-variant-numeric: tabular-nums;
  font-size: 0.94rem; line-height: 1.45; }
.lesson .examples li { margin: 0 !important; padding: 5px 0; border-top: 1px solid var(--border-color-primary); }
.lesson .examples li > b { font-weight: 600; overflow-wrap: anywhere; }
.lesson .examples li > small { font-size: 0.88rem; color: var(--quiet); margin-left: 0.5em; }
.lesson .examples li > div { display: flex; flex-wrap: wrap; gap: 0 0.5em; }
.lesson .examples span { white-space: nowrap; }
/* its number is a logarithm; the words under the sliders say the ratio */
#lesson-curvature .tab-like-container, #lesson-curvature .min_value,
#lesson-curvature .max_value { visibility: hidden; width: 0; margin: 0; }
.lesson .numbers { display: flex; flex-wrap: wrap; gap: 2px 26px; font-variant-numeric: tabular-nums;
  margin: 2px 0 4px; }
.lesson .numbers b { font-weight: 600; }
.lesson .numbers .quiet { flex-basis: 100%; }
.lesson .numbers .sign, .lesson .methods .sign { color: var(--method); margin-right: 0.35em; }
.dark .lesson .numbers .sign, .dark .lesson .methods .sign { filter: brightness(1.25); }
.lesson .said { font-size: 1.05rem; max-width: none; margin: 0 0 0.2em; min-height: 3.1em; }
@media (max-width: 640px) { .lesson .said { min-height: 7.75em; } }
.picture { border: 0 !important; box-shadow: none !important; background: transparent !important;
  padding: 0 !important; }
.picture .modebar { display: none; }
.lesson.closing { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 40px; }
.lesson.closing .wide { grid-column: 1 / -1; margin-bottom: 0.8em; }
.lesson .methods { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr));
  gap: 10px 40px;
  margin: 6px 0 4px !important; }
.lesson .methods dt { font-weight: 600; }
.lesson .methods dd { margin: 0 0 0 1.25em !important; font-size: 0.94rem; line-height: 1.5; }
.lesson .measured { border-spacing: 0 !important; }
.lesson .measured td, .lesson .measured th { padding: 3px 22px 3px 0 !important; text-align: left;
  font-weight: 400 !important; }
.lesson .measured td b { font-weight: 650; }
.lesson .measured small { white-space: nowrap; color: var(--quiet); font-size: 0.86rem; }
@media (max-width: 700px) {
  .lesson .matrix th { padding: 2px !important; white-space: normal; overflow-wrap: anywhere; font-size: 0.76rem; }
  .lesson .matrix td { min-width: 0; width: 5em; padding: 7px 1px !important; }
  .lesson .matrix tbody th { white-space: nowrap; }
  .lesson.closing { grid-template-columns: minmax(0, 1fr); }
  .lesson .measured td, .lesson .measured th { padding-right: 10px !important; }
}
"""


# A number half typed is empty or out of bounds, which gradio refuses: the nearest one allowed is sent instead.
CLAMP = """(name, ...values) => [name, ...["beta", "curvature", "share"].map((id, i) => {
  const { min, max } = document.querySelector(`#lesson-${id} input[type=range]`);
  return Math.min(Math.max(values[i] ?? +min, +min), +max);
})]"""


def build(sets: list[SoupSet], name: gr.Dropdown) -> None:
    """Lay the tab out in the block that is open; it follows `name`, whose value is the name of one of `sets`."""
    by_name, first = {soup_set.name: soup_set for soup_set in sets}, sets[0]
    if name.value in by_name:
        first = by_name[name.value]
    start = look(first, first.beta, START_CURVATURE, START_SHARE)
    gr.HTML(f'<div class="lesson opening">{OPENING}</div>')
    matrices = gr.HTML(start[0], elem_id="lesson-matrices")
    gr.HTML(f'<div class="lesson">{PICTURE}</div>')
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
    words = gr.HTML(start[1], elem_id="lesson-words")
    plots = []
    with gr.Row():
        for k, ((title, caption), figure) in enumerate(zip(CAPTIONS, start[2:], strict=True)):
            with gr.Column(min_width=300):
                gr.HTML(f'<div class="lesson"><h3>{title}</h3><p class="quiet">{caption}</p></div>')
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
    facts = gr.HTML(closing(first), elem_id="lesson-closing")

    quiet = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    gr.on(
        [slider.input for slider in (beta, curvature, share)],
        lambda name, *sliders: look(by_name[name], *sliders),
        [name, beta, curvature, share],
        [matrices, words, *plots],
        js=CLAMP,
        trigger_mode="always_last",
        **quiet,
    )
    name.change(
        lambda name, *sliders: choose(by_name[name], *sliders),
        [name, curvature, share],
        [facts, beta, matrices, words, *plots],
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
    return matrices_html(soup_set, beta), words_html(soup_set, beta, ratio, share / 100), *figures


def choose(soup_set: SoupSet, curvature: float, share: float) -> tuple:
    """Everything that follows the set: closing text, beta slider, and what `look` gives at the set's own beta."""
    low, high = bounds(soup_set)
    slider = gr.update(minimum=low, maximum=high, value=soup_set.beta)
    return closing(soup_set), slider, *look(soup_set, soup_set.beta, curvature, share)


def ratio_of(curvature: float) -> float:
    """The ratio of curvatures with two digits, as it is said in words."""
    return float(f"{10**curvature:.2g}")


def matrices_html(soup_set: SoupSet, beta: float) -> str:
    """B and its inverse, what they say, and the coefficients of three preferences."""
    labels = [objective.label for objective in soup_set.objectives]
    n = len(labels)
    matrix = c.backbone_matrix(n, beta)
    inverse = np.linalg.inv(matrix)
    shares = [f"{_percent(w)} {escape(label.lower())}" for w, label in zip(matrix[0], labels)]
    mixed = f"{', '.join(shares[:-1])} and {shares[-1]}"
    gain = (n - 1) / (n * beta - 1)
    note = ""
    if abs(beta - soup_set.beta) > STEP / 2:
        note = (
            f'<p class="note">The set shipped was tuned at its own β = {soup_set.beta:g}. At another β its backbones '
            "would have to be tuned anew.</p>"
        )
    examples = (
        (f"{labels[0]} alone", np.eye(n)[0], "beyond every row: extrapolates"),
        ("As row 1 of B", matrix[0], "backbone 1 alone"),
        ("The middle", np.full(n, 1 / n), "all backbones alike"),
    )
    return (
        '<div class="lesson"><div class="matrices">'
        f"{_matrix('<i>B</i>: what each backbone is tuned on', matrix, labels)}"
        f"{_matrix('<i>B</i><sup>−1</sup>: from preference to coefficients', inverse, labels)}"
        f'<ul class="examples">{"".join(_example(*example, beta) for example in examples)}</ul></div>'
        f"<p>At <i>β</i> = {beta:g}, backbone 1 is tuned for {mixed}, and a point of preference moves its "
        f"coefficient by {gain:.2f} points. Towards {_percent(1 / n)} the backbones grow alike and this factor grows "
        f"without bound; at 100 % they would be specialists, and this Rewarded Soup.</p>{note}</div>"
    )


def words_html(soup_set: SoupSet, beta: float, ratio: float, share: float) -> str:
    """The legend with every method's utility, the sentence on who leads, and where the picture differs from the set."""
    drawn = max(beta, LEAST)
    utility = q.utilities(drawn, ratio, share)
    signs = zip(q.SHOWN, "●◆■", strict=True)
    numbers = "".join(
        f'<span style="--method:{COLOURS["morlhf" if method == "oracle" else method]}"><span class="sign">{sign}</span>'
        f"{q.NAMES[method]} <b>{_number(utility[method], 3)}</b></span>"
        for method, sign in signs
    )
    sharp = "as sharp as" if ratio == 1 else f"{ratio:g} times as sharp as"
    remark = ""
    if len(soup_set.objectives) != 2:
        remark = f"The picture is of two objectives, whatever the set: there <i>β</i> lies above ½, here at {drawn:g}."
    return (
        f'<div class="lesson"><p class="said" role="status">{q.sentence(drawn, ratio, share)}</p>'
        f'<div class="numbers"><span>Utility:</span>{numbers}'
        f'<span class="quiet">second reward {sharp} the first</span></div>'
        + (f'<p class="quiet">{remark}</p>' if remark else "")
        + "</div>"
    )


def closing(soup_set: SoupSet) -> str:
    """The methods, this set's own measurements and the sources."""
    a = soup_set.extrapolation
    same = "; at 0 it is Bone Soup itself" if a == 0 else ""
    meanings = {
        "bone-soup": "The paper's method: the backbones with <i>λ</i> = <i>B</i><sup>−1</sup> <i>μ</i>.",
        "bone-soup-anchored": "A variant of this project's: instead of leaving [0, 1], specialists carry the rest.",
        "bone-soup-extrapolated": (
            f"Coefficients times 1 + <i>a</i>. Here <i>a</i> = {a:.2f}, chosen on facts of its own{same}."
        ),
        "rewarded-soup": "The baseline: one specialist per single reward, <i>λ</i> = <i>μ</i>.",
        "no-mapping": "The paper's ablation: the backbones with <i>λ</i> = <i>μ</i>.",
        "mod": "Nothing is merged: the specialists' log-probabilities are mixed by <i>μ</i> at every token.",
        "morlhf": "Models tuned for one preference each; the one nearest to yours answers.",
        "base": "The model before reinforcement learning.",
    }
    methods = "".join(
        f'<div style="--method:{COLOURS[method]}"><dt><span class="sign">●</span>{LABELS[method]}</dt>'
        f"<dd>{meanings[method]}</dd></div>"
        for method in soup_set.methods
    )
    text = CLOSING.format(methods=methods, measured=_hypervolumes(soup_set.front))
    return f'<div class="lesson closing">{text}</div>'


def _matrix(caption: str, matrix: np.ndarray, labels: list[str]) -> str:
    """A table [n, n] with a column per objective and a row per backbone; the tint tells sign and size."""
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    rows = []
    for j, row in enumerate(matrix):
        cells = "".join(
            f'<td style="--sign:{COLOURS["bone-soup" if value >= 0 else "rewarded-soup"]};'
            f'--much:{min(60, 8 + 36 * abs(value)):.0f}%">{_number(value, len(labels))}</td>'
            for value in row
        )
        rows.append(f'<tr><th scope="row">backbone {j + 1}</th>{cells}</tr>')
    return (
        f'<table class="matrix"><caption>{caption}</caption><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _example(title: str, mu: np.ndarray, remark: str, beta: float) -> str:
    vectors = f"<span><i>μ</i> = {_vector(mu)}</span> <span>→ <i>λ</i> = {_vector(c.bone_soup(mu, beta))}</span>"
    return f"<li><b>{escape(title)}</b><small>{remark}</small><div>{vectors}</div></li>"


def _hypervolumes(front: dict | None) -> str:
    """What has been measured of Bone Soup and Rewarded Soup."""
    if front is None:
        return f"<p>{UNMEASURED}</p>"
    bone, rewarded = (front["methods"][method] for method in ("bone-soup", "rewarded-soup"))
    rows = (
        (LABELS["bone-soup"], bone["metrics"]["hypervolume"], ""),
        (LABELS["rewarded-soup"], rewarded["metrics"]["hypervolume"], ""),
        ("Difference", bone["minus_rewarded_soup"]["hypervolume"], "+"),
    )
    conditions = front["conditions"]
    return (
        f"<p>On {conditions['prompts']} held-out prompts ({conditions['samples']} texts each, 95 % intervals), "
        f"hypervolume above {_vector(front['reference_point'])}:</p>"
        f'<table class="measured">{"".join(_measured(*row) for row in rows)}</table>'
    )


def _measured(title: str, metric: dict, sign: str) -> str:
    value, low, high = (_number(metric[key], 3, sign) for key in ("value", "low", "high"))
    return f'<tr><th scope="row">{title}</th><td><b>{value}</b> <small>[{low}, {high}]</small></td></tr>'


def _vector(values) -> str:
    """(1, 0.5): two decimals at most."""
    return f"({', '.join(f'{round(float(value), 2) + 0.0:g}'.replace('-', '−') for value in values)})"


def _number(value: float, digits: int, sign: str = "") -> str:
    """With a minus sign as wide as a plus."""
    return f"{round(float(value), digits) + 0.0:{sign}.{digits}f}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
