"""The layout of the page; the model is handed to it."""

import gradio as gr

from app import figures, render
from app.handlers import MAX_SAMPLES, Handlers, dice
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
PREFERENCE = (50, 50)

ABOUT = """
Each **backbone** is the same small language model, tuned by reinforcement learning on a *mix* of the rewards:
backbone $j$ on row $j$ of the matrix

$$B = {matrix}$$

Your preference $\\mu$ gives **merging coefficients** $\\lambda = B^{{-1}}\\mu$, and the model that answers is
$\\theta = \\theta_0 + \\sum_j \\lambda_j \\Delta_j$: the base plus the weighted changes of the backbones. No weights
are rewritten: the base stays in 4 bits, and every text has its own coefficients in the same forward pass.

**Rewarded Soup**, the baseline, tunes one specialist per single reward and merges with $\\lambda = \\mu$.
Coefficients of Bone Soup leave [0, 1] where your preference is more extreme than any row of $B$.

Measured on {prompts} held-out restaurants ({samples} texts each, 95 % intervals): hypervolume {bone} for Bone Soup,
{rewarded} for Rewarded Soup, reference point {reference}. Difference: {difference}.

Method: Xie et al., *Bone Soups*, ACL 2025, [arXiv 2502.10762](https://arxiv.org/abs/2502.10762). Baseline: Ramé et
al., *Rewarded soups*, NeurIPS 2023. Data: E2E NLG, Novikova et al. 2017, CC BY-SA 4.0.
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
        prompts=front["conditions"]["prompts"],
        samples=front["conditions"]["samples"],
        bone=interval(front["methods"]["bone-soup"]["metrics"]["hypervolume"]),
        rewarded=interval(front["methods"]["rewarded-soup"]["metrics"]["hypervolume"]),
        reference=tuple(front["reference_point"]),
        difference=interval(front["bone_soup_minus_rewarded_soup"]["hypervolume"]),
    )


def build(soup_set: SoupSet, stream) -> gr.Blocks:
    """The page for a set whose texts come from `stream` (orders -> iterator of texts)."""
    handlers = Handlers(soup_set, stream)
    with gr.Blocks(title="Bone Soup", analytics_enabled=False) as page:
        gr.Markdown(
            "# Bone Soup\nMove a preference: the language model that answers is at once another merge. "
            "Bone Soup and Rewarded Soup, side by side.",
            elem_id="title",
        )
        marks = gr.State([])
        with gr.Row():
            with gr.Column(scale=5, min_width=320):
                roll = gr.Button("⚄ Example facts", size="sm", elem_id="dice")
                facts = _facts_form()
                sliders = [
                    gr.Slider(0, 100, start, step=1, label=o.label, info=o.description, elem_id=f"slider-{o.name}")
                    for o, start in zip(soup_set.objectives, PREFERENCE, strict=True)
                ]
                preference = gr.HTML(elem_id="preference")
                with gr.Row():
                    write = gr.Button("Write", variant="primary", scale=3, min_width=120)
                    stop = gr.Button("Stop", variant="stop", scale=1, min_width=80)
                with gr.Accordion("Sampling", open=False):
                    settings = _settings(soup_set)
            with gr.Column(scale=6, min_width=320):
                plot = gr.Plot(show_label=False, elem_id="front")
                gr.Markdown(
                    "Lines: measured means at 11 preferences, with 95 % bands. ◇ expected at your preference. "
                    "★ what was just written.",
                    elem_id="legend",
                )
                mix = gr.HTML(elem_id="coefficients")
        with gr.Row():
            columns = []
            for method, label in figures.LABELS.items():
                with gr.Column(min_width=320):
                    gr.HTML(f'<div class="column-title" style="--method:{figures.COLOURS[method]}">{label}</div>')
                    columns.append(gr.HTML(render.empty(method), elem_id=method))
        with gr.Accordion("How it works", open=False):
            gr.Markdown(
                about(soup_set),
                latex_delimiters=[
                    {"left": "$$", "right": "$$", "display": True},
                    {"left": "$", "right": "$", "display": False},
                ],
            )

        looking = {"fn": handlers.look, "inputs": [*sliders, marks], "outputs": [preference, mix, plot]}
        gr.on(
            [slider.input for slider in sliders],
            **looking,
            trigger_mode="always_last",
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        page.load(**looking, show_progress="hidden", api_visibility="private")
        running = write.click(
            handlers.write,
            [*facts, *sliders, *settings, marks],
            [*columns, plot, marks],
            show_progress="hidden",
            api_name="write",
        )
        stop.click(None, cancels=[running], api_visibility="private")
        roll.click(dice, None, facts, show_progress="hidden", queue=False, api_visibility="private")
        gr.api(handlers.coefficients, api_name="coefficients")
    page.queue(default_concurrency_limit=1, max_size=32)
    return page


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
