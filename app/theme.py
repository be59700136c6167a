"""Theme and style sheet of the page."""

import gradio as gr

THEME = gr.themes.Soft(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    font=["Inter", "ui-sans-serif", "system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
    spacing_size=gr.themes.sizes.spacing_sm,
).set(
    block_label_background_fill="transparent",
    block_title_background_fill="transparent",
    block_title_background_fill_dark="transparent",
    block_title_text_color="*body_text_color_subdued",
    block_title_text_color_dark="*body_text_color_subdued",
    block_title_text_weight="500",
    block_title_padding="0",
    button_primary_background_fill="#0072B2",
    button_primary_background_fill_hover="#005a8e",
    button_primary_background_fill_dark="#0072B2",
    button_primary_text_color="white",
    slider_color="#0072B2",
    slider_color_dark="#3ba0dc",
)

CSS = """
.gradio-container { max-width: 1240px !important; margin: 0 auto !important; }
#title h1 { font-size: 1.9rem; margin: 0.4rem 0 0.1rem; letter-spacing: -0.02em; }
#title p { color: var(--body-text-color-subdued); margin: 0; }
@media (max-width: 640px) { #front .modebar { display: none; } }
#preference, #coefficients, .column { padding: 0 !important; }
.preference { font-size: 1.05rem; padding: 4px 2px; }
.problem { color: var(--error-text-color, #b91c1c); padding: 2px 2px 6px; }
.mixes { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 6px 28px; }
.mix-title { font-weight: 600; color: var(--method); filter: saturate(1.1); margin-bottom: 2px; }
.dark .mix-title { filter: brightness(1.5); }
.mix-row { display: grid; grid-template-columns: 6.2em 1fr 3.6em; align-items: center; gap: 8px; font-size: 0.9rem; }
.mix-bar { position: relative; height: 10px; border-radius: 5px; background: var(--border-color-primary); }
.mix-bar::after { content: ""; position: absolute; left: 50%; top: -2px; height: 14px; width: 1px; background: var(--body-text-color-subdued); }
.mix-bar i { position: absolute; top: 0; height: 10px; border-radius: 5px; background: var(--method); }
.mix-bar i.minus { background: repeating-linear-gradient(135deg, var(--method) 0 3px, transparent 3px 6px); outline: 1px solid var(--method); }
.mix-value { text-align: right; font-variant-numeric: tabular-nums; }
#head { align-items: flex-end; }
.remark { font-weight: 400; color: var(--body-text-color-subdued); margin-left: 0.6em; font-size: 0.88rem; }
.results { overflow-x: auto; width: 0; min-width: 100%; } /* as wide as its place, however wide the table */
.results table { border-collapse: collapse; border: 0 !important; font-size: 0.9rem; font-variant-numeric: tabular-nums; margin: 0 !important; }
.results caption { text-align: left; color: var(--body-text-color-subdued); padding: 2px 0 8px; }
.results tr { border: 0 !important; }
.results th, .results td { padding: 6px 16px 6px 0 !important; text-align: left; vertical-align: top; border: 0 !important; border-bottom: 1px solid var(--border-color-primary) !important; white-space: nowrap; }
.results th[scope=row] { border-left: 4px solid var(--method) !important; padding-left: 8px !important; font-weight: 600; }
.results small { display: block; font-weight: 400; color: var(--body-text-color-subdued); }
.verdict { font-size: 0.82rem; color: var(--body-text-color-subdued); }
.verdict.better { color: #008060; font-weight: 600; }
.verdict.worse { color: #b4487f; font-weight: 600; }
.dark .verdict.better { color: #35c79a; }
.dark .verdict.worse { color: #e58dbb; }
.texts { display: grid; gap: 10px; }
.text { border: 1px solid var(--border-color-primary); border-left: 4px solid var(--method); border-radius: 8px; padding: 12px 14px; background: var(--block-background-fill); }
.text p { font-size: 1.06rem; line-height: 1.5; margin: 0; overflow-wrap: anywhere; color: var(--body-text-color); }
.text.waiting { color: var(--body-text-color-subdued); border-style: dashed; border-left-style: solid; }
.writing p { min-height: 4.5em; }
.caret { display: inline-block; width: 0.5em; height: 1em; background: var(--method); margin-left: 2px; vertical-align: text-bottom; }
.scores { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 8px 0 6px; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
.chips { display: flex; flex-wrap: wrap; gap: 5px; }
.chip { font-size: 0.8rem; line-height: 1.3; padding: 2px 8px; border-radius: 10px; border: 1px solid transparent; overflow-wrap: anywhere; }
.chip.stated { background: rgba(0,158,115,0.16); }
.chip.missed { border-color: var(--border-color-primary); color: var(--body-text-color-subdued); }
.chip.wrong { background: rgba(204,121,167,0.26); border-color: #CC79A7; }
"""
