"""The picture of a link, as chats show it, and the frames of an animation: what is given, the preference, both texts
and the front. Pure: no gradio, no torch."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from app import curves, sheet
from app.choices import Choices
from app.colours import PAPER, WORDS, colour, ink, mixed
from app.sheet import LINE, Sheet, legible
from backbones.engine.request import Text
from backbones.merging import front as fronts
from backbones.merging.methods import BASELINE, BONE_SOUP, LABELS, METHODS
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet

WIDTH, HEIGHT = 1200, 630  # what chats ask of the picture of a link
MARGIN, GAP = 48, 20  # around all, between parts
DARK, WHITE, EDGE = "#0f172a", "#ffffff", "#dbe2ea"
TITLE = "Bone Soup"
DESCRIPTION = (
    "Say with sliders what matters to you, and a language model merged for just that preference answers at once."
)
SAYS = "each place of the slider is another merged language model"
SHADES = (colour(BONE_SOUP), "#8fc3e3", "#d5dbe3")  # of the objectives' shares
PLOT = 348  # px, the width of the front
TEXT_SIZES = (28, 26, 24, 22, 20)
HEAD = 43  # px, the height of what stands above a text
Box = tuple[float, float, float, float]  # left, top, right, bottom


def drawn(choices: Choices, texts: tuple[Text, Text], plane: Sequence[int] = ()) -> Image.Image:
    """The card of finished texts of the left and the right column, written as `choices` say.

    `plane`: the objectives of the front's axes; by default where the fronts of the two methods differ most.
    """
    on, soup_set, methods = Sheet(WIDTH, HEIGHT, PAPER["light"]), choices.soup_set, choices.methods
    right = WIDTH - MARGIN
    on.words((MARGIN, 54), TITLE, 26, colour(BONE_SOUP), bold=True)
    on.words((right, 54), SAYS, 22, WORDS["light"], anchor="rs")
    given = legible(soup_set.task.sentence(choices.given))
    size, lines = sheet.fitted(given, (38, 34, 30), right - MARGIN, 96, bold=True)
    top = 72.0
    for line in lines:
        top += LINE * size
        on.words((MARGIN, top - 8), line, size, DARK, bold=True)
    top = _preference(on, soup_set, choices.preference, (MARGIN, top + 14, right)) + GAP
    whole: Box = (MARGIN, top, right, HEIGHT - 36)
    if soup_set.front and any(soup_set.points(method) for method in methods):
        plane = plane or curves.widest_plane(soup_set.front, methods)
        _front(on, soup_set, methods, choices.preference, (right - PLOT, top, right, whole[3]), plane)
        whole = (MARGIN, top, right - PLOT - GAP, whole[3])
    _texts(on, choices, texts, whole)
    return on.finished()


def cover(soup_set: SoupSet) -> Image.Image:
    """The picture of the app itself, with the front of a set that has one."""
    on, mu = Sheet(WIDTH, HEIGHT, PAPER["light"]), Preference((0.7, 0.3))
    on.words((MARGIN + 16, 180), TITLE, 96, colour(BONE_SOUP), bold=True)
    for i, line in enumerate(("Say what matters to you,", "and a language model merged", "for just that answers.")):
        on.words((MARGIN + 20, 262 + 58 * i), line, 46, DARK)
    _preference(on, soup_set, mu, (MARGIN + 20, 440, 620))
    on.words((MARGIN + 20, 566), f"{LABELS[BONE_SOUP]} beside {LABELS[BASELINE]}, live", 28, WORDS["light"])
    _front(on, soup_set, (BONE_SOUP, BASELINE), mu, (680, 72, WIDTH - 72, HEIGHT - 72), (0, 1))
    return on.finished()


def _preference(on: Sheet, soup_set: SoupSet, mu: Preference, place: tuple[float, float, float]) -> float:
    """A bar with a share for every objective, from left to right below `place`: (left, top, right); its lower end."""
    left, top, right = place
    ends = left + (right - left) * np.cumsum([0.0, *mu])
    on.box((left, top + 36, right, top + 50), 7, SHADES[min(len(mu), len(SHADES)) - 1])
    for i in reversed(range(len(mu) - 1)):  # each above the one to its right, whose beginning it covers
        if ends[i + 1] > left:
            on.box((left, top + 36, max(ends[i + 1], left + 14), top + 50), 7, SHADES[min(i, 1)])
    for end in ends[1:-1]:
        on.disc((end, top + 43), 13, WHITE, colour(BONE_SOUP), 3)
    shares = [f"{100 * share:.0f} % {legible(one.label).lower()}" for share, one in zip(mu, soup_set.objectives)]
    last, room = len(shares) - 1, (right - left) / len(shares) - 12
    for i, words in enumerate(shares):
        x = left + (right - left) * i / last
        words = sheet.cut(words, 26, room, bold=True)
        on.words((x, top + 22), words, 26, DARK, bold=True, anchor="ls" if i == 0 else "rs" if i == last else "ms")
    return top + 56


def _texts(on: Sheet, choices: Choices, texts: tuple[Text, Text], box: Box) -> None:
    """Both texts, one below the other, each with its method and what is to be seen in it; once where they are alike."""
    left, top, right, bottom = box
    if texts[0].raw == texts[1].raw:
        both = " and ".join(LABELS[method] for method in dict.fromkeys(choices.methods))
        parts, ends = [(choices.methods[0], both, texts[0])], [(top, bottom)]
    else:
        names = [LABELS[method] for method in choices.methods]
        parts, middle = list(zip(choices.methods, names, texts, strict=True)), (top + bottom) / 2
        ends = [(top, middle - 7), (middle + 7, bottom)]
    words, width, height = [legible(text.text) or "(empty)" for *_, text in parts], right - left - 46, ends[0][1] - top
    size = min(sheet.fitted(one, TEXT_SIZES, width, height - HEAD - 14)[0] for one in words)
    for (method, name, text), said, (low, high) in zip(parts, words, ends, strict=True):
        on.box((left, low, left + 24, high), 10, colour(method))
        on.box((left + 6, low, right, high), 8, WHITE, EDGE)
        on.words((left + 26, low + 33), name, 23, ink(method, "light"), bold=True)
        if text.rewards:
            task, objectives = choices.soup_set.task, choices.soup_set.objectives
            verdict = legible(task.verdict(text.raw, text.request.given, text.rewards, objectives))
            room = width - sheet.extent(name, 23, bold=True) - 24
            on.words((right - 20, low + 33), sheet.cut(verdict, 21, room), 21, WORDS["light"], anchor="rs")
        for i, line in enumerate(sheet.fitted(said, [size], width, height - HEAD - 14)[1]):
            on.words((left + 26, low + HEAD + LINE * size * i + size), line, size, DARK)


def _front(
    on: Sheet, soup_set: SoupSet, methods: Sequence[str], mu: Preference, box: Box, plane: Sequence[int]
) -> None:
    """The fronts of the methods in a plane of two objectives, the gap between them, and what is expected at mu."""
    on.box(box, 8, WHITE, EDGE)
    columns = {method: soup_set.points(method) for method in methods if soup_set.points(method)}
    left, top, right, bottom = box[0] + 22, box[1] + 44, box[2] - 22, box[3] - 44
    rewards = np.array([point.rewards for points in columns.values() for point in points])[:, list(plane)]
    low, high = rewards.min(axis=0), rewards.max(axis=0)
    margin = 0.08 * (high - low) + 1e-3
    low, high = low - margin, high + margin

    def at(places) -> np.ndarray:
        share = (np.asarray(places) - low) / (high - low)
        return np.stack([left + share[..., 0] * (right - left), bottom - share[..., 1] * (bottom - top)], axis=-1)

    on.line(np.array([(left, top), (left, bottom), (right, bottom)]), EDGE, 2)
    names = [legible(soup_set.objectives[i].label).lower() for i in plane]
    x, y = (sheet.cut(f"more {name}", 20, right - left - 24) for name in names)
    on.words((left, top - 14), f"↑ {y}", 20, WORDS["light"])
    on.words((right, bottom + 27), f"{x} →", 20, WORDS["light"], anchor="rs")
    merged = [method for method in columns if not METHODS[method].lone]
    lines = {method: curves.curve(columns[method], plane) for method in merged}
    if len(merged) == 2:
        for method, outline in zip(merged, curves.gap(*lines.values()), strict=True):
            if len(outline) > 2:
                on.shape(at(outline), mixed(colour(method), WHITE, 0.8))
    for method in reversed(merged):
        beyond = curves.extrapolates(method, soup_set, plane, len(soup_set.objectives))
        on.line(at(lines[method]), mixed(colour(method), WHITE, 0.55), 3)
        for piece in _runs(lines[method], ~beyond):
            on.line(at(piece), colour(method), 4)
    for method, points in reversed(columns.items()):
        shown = points if METHODS[method].lone else [point for _, point in curves.edge(points, plane)]
        for point in shown:
            on.disc(at([point.rewards[i] for i in plane]), 5, colour(method))
    for method, points in reversed(columns.items()):
        x, y = at([fronts.expected(method, points, mu)[i] for i in plane])
        diamond = np.array([(x, y - 15), (x + 15, y), (x, y + 15), (x - 15, y)])
        on.shape(diamond, WHITE, colour(method), 5)


def _runs(line: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    """The stretches of `line` [k, 2] where `mask` [k] holds, of at least two points."""
    places = np.flatnonzero(mask)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [line[run] for run in runs if len(run) > 1]
