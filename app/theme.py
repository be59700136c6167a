"""Theme and style sheet of the page."""

from pathlib import Path

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
    body_text_color_subdued="#475569",
    body_text_color_subdued_dark="#b4c0d0",
    input_placeholder_color="#5b6779",
    input_placeholder_color_dark="#a3b1c4",
    slider_color="#0072B2",
    slider_color_dark="#3ba0dc",
)

STYLES = ("style.css", "plot.css", "blind.css", "story.css")
CSS = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in STYLES)
