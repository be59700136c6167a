"""A sweep as a short animation: the preference walks along an edge and back, and texts and markers follow. Pure."""

import io
from dataclasses import replace

from PIL import Image

from app import card, curves
from app.sweep import Sweep, grid

SIZE = (960, 504)  # px; a card, somewhat smaller
COLOURS = 128
STEP_MS, END_MS = 900, 1800  # how long a preference is shown, and one at an end


def gif(sweep: Sweep) -> bytes:
    """The sweep as a GIF that repeats: a card for every preference along an edge, there and back.

    With more than two objectives the edge is that of the plane where the fronts of both methods differ most. Raises
    ValueError where there are no texts to show.
    """
    choices = sweep.choices
    front = choices.soup_set.front
    plane = curves.widest_plane(front, choices.methods) if front else (0, 1)
    others = [i for i in range(len(choices.preference)) if i not in plane]
    edge = [mu for mu in grid(len(choices.preference)) if all(mu[i] < 1e-9 for i in others)]
    cards = []
    for mu in sorted(edge, key=lambda mu: -mu[plane[0]]):
        written = [entry.text for column in sweep.at(mu) for entry in column]
        if len(written) == 2 and not any(text.pointer for text in written):
            whole = card.drawn(replace(choices, preference=mu), (written[0], written[1]), plane)
            cards.append(whole.resize(SIZE, Image.Resampling.LANCZOS))
    if len(cards) < 2:
        raise ValueError("there are no texts to animate: no model has written about this at every preference")
    palette = cards[len(cards) // 2].quantize(COLOURS)  # all colours are seen in the middle, and none may flicker
    there = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in cards]
    frames = [*there, *there[-2:0:-1]]
    shown = [END_MS if i in (0, len(there) - 1) else STEP_MS for i in range(len(frames))]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=shown, loop=0, optimize=True)
    return file.getvalue()
