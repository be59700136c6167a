"""The layout of the page; the models are handed to it."""

import gradio as gr

from app import figures, render
from app.handlers import MAX_SAMPLES, Handlers, dice, planes
from backbones import coefficients
from backbones import facts as f
from backbones.sets import SoupSet

DEFAULTS = {
    "name": "The Golden Lantern",
    "eatType": "coffee shop",
    "food": "Italian",
    "priceRange": "moderate",
    "customer rating": "high",
    "area": "riverside",
    "familyFriendly": "yes",
    "near": "the Old Mill",
}
START = 50  # of every slider

ABOUT = """
Each **backbone** is the same small language model, tuned by reinforcement learning on a *mix* of the rewards:
backbone $j$ on row $j$ of the matrix

$$B = {matrix}$$

Your preference $\\mu$ gives **merging coefficients** $\\lambda = B^{{-1}}\\mu$, and the model that answers is
$\\theta = \\theta_0 + \\sum_j \\lambda_j \\Delta_j$: the base plus the weighted changes of the backbones. No weights
are rewritten: the base stays in 4 bits, and every text has its own coefficients in the same forward pass.
Coefficients leave [0, 1] where your preference is more extreme than any row of $B$.

- **Bone Soup, anchored**, a variant of this project's: instead of leaving [0, 1], specialists carry the rest.
- **Bone Soup, extrapolated**: coefficients times $1 + a$ with $a = {extrapolation}$, chosen on facts of its own.
- **Rewarded Soup**, the baseline: one specialist per single reward, $\\lambda = \\mu$.
- **No mapping** (the paper's ablation ABA): the backbones with $\\lambda = \\mu$.
- **MOD**: nothing is merged; the specialists' log-probabilities are mixed by $\\mu$ at every token.
- **MORLHF oracles**: models tuned for one preference each; the one nearest to yours answers.
- **Base**: the model before reinforcement learning.

Measured on {prompts} held-out restaurants ({samples} texts each, 95 % intervals): hypervolume {bone} for Bone Soup,
{rewarded} for Rewarded Soup, reference point {reference}. Difference: {difference}.

Method: Xie et al., *Bone Soups*, ACL 2025, [arXiv 2502.10762](https://arxiv.org/abs/2502.10762). Baselines: Ramé et
al., *Rewarded soups*, NeurIPS 2023; Shi et al., *Decoding-time language model alignment with multiple objectives*,
NeurIPS 2024. Data: E2E NLG, Novikova et al. 2017, CC BY-SA 4.0; GoEmotions, Demszky et al. 2020, Apache 2.0.
"""


def about(soup_set: SoupSet) -> str:
    """The explanation with this set's own numbers."""
    matrix = coefficients.backbone_matrix(len(soup_set.objectives), soup_set.beta)
    rows = r" \\ ".join(" & ".join(f"{value:.2g}" for value in row) for row in matrix)
    front = soup_set.front

    def interval(metric: dict) -> str:
        return f"{metric['value']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]"

    return ABOUT.format(
        matrix=rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}",
        extrapolation=f"{soup_set.extrapolation:.2f}",
        prompts=front["conditions"]["prompts"],
        samples=front["conditions"]["samples"],
        bone=interval(front["methods"]["bone-soup"]["metrics"]["hypervolume"]),
        rewarded=interval(front["methods"]["rewarded-soup"]["metrics"]["hypervolume"]),
        reference=tuple(front["reference_point"]),
        difference=interval(front["methods"]["bone-soup"]["minus_rewarded_soup"]["hypervolume"]),
    )


def build(sets: list[SoupSet], stream) -> gr.Blocks:
    """The page for sets whose texts come from `stream` (set name, orders -> iterator of texts)."""
    handlers, first = Handlers(sets, stream), sets[0]
    with gr.Blocks(title="Bone Soup", analytics_enabled=False) as page:
        with gr.Row(elem_id="head"):
            with gr.Column(scale=6, min_width=300):
                gr.Markdown(
                    "# Bone Soup\nMove a preference: the language model that answers is at once another merge.",
                    elem_id="title",
                )
            with gr.Column(scale=4, min_width=300):
                name = gr.Dropdown(
                    [(soup_set.title, soup_set.name) for soup_set in sets],
                    value=first.name,
                    label="Set",
                    visible=len(sets) > 1,
                )
        marks = gr.State([])
        with gr.Row():
            with gr.Column(scale=5, min_width=320):
                roll = gr.Button("⚄ Example facts", size="sm", elem_id="dice")
                facts = _facts_form()
                sliders = _sliders(first, handlers.most)
                preference = gr.HTML(elem_id="preference")
                with gr.Row():
                    write = gr.Button("Write", variant="primary", scale=3, min_width=120)
                    stop = gr.Button("Stop", variant="stop", scale=1, min_width=80)
                with gr.Accordion("Sampling", open=False):
                    settings = _settings(first)
            with gr.Column(scale=6, min_width=320):
                pairs = planes(first)
                axes = gr.Dropdown(
                    pairs, value=pairs[0][1], label="Plane", visible=len(pairs) > 1, elem_id="axes", min_width=160
                )
                plot = gr.Plot(show_label=False, elem_id="front")
                gr.Markdown(
                    "Points: measured means with 95 % regions. ◇ expected at your preference. ★ what was just written.",
                    elem_id="legend",
                )
                mixes = gr.HTML(elem_id="coefficients")
        with gr.Row():
            methods, columns = [], []
            for side, method in (("Left", "bone-soup"), ("Right", "rewarded-soup")):
                with gr.Column(min_width=320):
                    methods.append(
                        gr.Dropdown(
                            [(figures.LABELS[m], m) for m in first.methods],
                            value=method,
                            label=f"{side} column",
                            elem_id=f"method-{side.lower()}",
                        )
                    )
                    columns.append(gr.HTML(render.empty(method), elem_id=f"column-{side.lower()}"))
        with gr.Accordion("Results: every method measured", open=False):
            results = gr.HTML(render.results(first.front), elem_id="results")
        with gr.Accordion("How it works", open=False):
            explanation = gr.Markdown(
                about(first),
                latex_delimiters=[
                    {"left": "$$", "right": "$$", "display": True},
                    {"left": "$", "right": "$", "display": False},
                ],
            )

        looking = {
            "fn": handlers.look,
            "inputs": [name, *methods, axes, marks, *sliders],
            "outputs": [preference, mixes, plot],
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        gr.on(
            [*(slider.input for slider in sliders), axes.input],
            **looking,
            trigger_mode="always_last",
            queue=False,
        )
        for method, column in zip(methods, columns):
            method.input(
                render.empty, method, column, queue=False, show_progress="hidden", api_visibility="private"
            ).then(**looking)
        name.input(
            handlers.choose,
            [name, *methods],
            [*sliders, *methods, axes, results],
            show_progress="hidden",
            api_visibility="private",
        ).then(
            lambda name, *chosen: (about(handlers.sets[name]), *map(render.empty, chosen)),
            [name, *methods],
            [explanation, *columns],
            show_progress="hidden",
            api_visibility="private",
        ).then(**looking)
        page.load(**looking)
        running = write.click(
            handlers.write,
            [name, *methods, axes, *facts, *settings, marks, *sliders],
            [*columns, plot, marks],
            show_progress="hidden",
            api_name="write",
        )
        stop.click(None, cancels=[running], api_visibility="private")
        roll.click(dice, None, facts, show_progress="hidden", queue=False, api_visibility="private")
        gr.api(handlers.coefficients, api_name="coefficients")
    page.queue(default_concurrency_limit=1, max_size=32)
    return page


def _sliders(soup_set: SoupSet, most: int) -> list[gr.Slider]:
    """`most` sliders, of which those beyond the set's objectives are hidden."""
    sliders = []
    for i in range(most):
        shown = i < len(soup_set.objectives)
        objective = soup_set.objectives[i] if shown else None
        sliders.append(
            gr.Slider(
                0,
                100,
                START,
                step=1,
                label=objective.label if shown else "",
                info=objective.description if shown else "",
                visible=shown,
                elem_id=f"slider-{i + 1}",
            )
        )
    return sliders


def _facts_form() -> list[gr.components.Component]:
    """One field per slot, in the order of `facts.SLOTS`."""
    fields = {}
    with gr.Row():
        for slot in ("name", "near"):
            fields[slot] = gr.Textbox(
                DEFAULTS[slot],
                label=render.FACT_LABELS[slot].capitalize(),
                max_length=f.MAX_NAME_LENGTH,
                placeholder="any name" if slot == "name" else "nothing nearby",
                min_width=140,
            )
    slots = list(f.VALUES)
    for three in (slots[:3], slots[3:]):
        with gr.Row():
            for slot in three:
                fields[slot] = gr.Dropdown(
                    [("not given", ""), *((value, value) for value in f.VALUES[slot])],
                    value=DEFAULTS[slot],
                    label=render.FACT_LABELS[slot].capitalize(),
                    min_width=130,
                )
    return [fields[slot] for slot in f.SLOTS]


def _settings(soup_set: SoupSet) -> list[gr.components.Component]:
    """Samples, temperature, top-p, seed, shared random numbers: in the order of `Handlers.write`."""
    sampling = soup_set.sampling
    return [
        gr.Slider(1, MAX_SAMPLES, 1, step=1, label="Texts per column"),
        gr.Slider(0, 2, sampling.temperature, step=0.05, label="Temperature", info="0: the likeliest word each time"),
        gr.Slider(0.05, 1, sampling.top_p, step=0.05, label="Top-p"),
        gr.Number(0, label="Seed", precision=0, minimum=0),
        gr.Checkbox(True, label="Same random numbers in both columns", info="Then only the merge differs"),
    ]
