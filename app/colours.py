"""Colours of the methods and of what is written about them. Pure."""

# Okabe and Ito's colour-blind-safe palette, a violet, a brown and an olive; a colour means the same method everywhere.
COLOURS = {
    "bone-soup": "#0072B2",
    "bone-soup-anchored": "#56B4E9",
    "bone-soup-extrapolated": "#7B61C4",
    "rewarded-soup": "#D55E00",
    "rewarded-soup-extrapolated": "#A0522D",
    "nearest-soup": "#8A8A2B",
    "no-mapping": "#CC79A7",
    "mod": "#E69F00",
    "morlhf": "#009E73",
    "base": "#7d8694",
}
NEUTRAL, GRID = "#6f7887", "rgba(125,134,148,0.22)"
PAPER = {"light": "#f8fafc", "dark": "#0a0f1e"}  # behind the plot: the page's own
WORDS = {"light": "#475569", "dark": "#cbd5e1"}  # text that belongs to no method
LEGIBLE = 4.6  # contrast of text; WCAG 2 asks for 4.5


def colour(method: str) -> str:
    """The colour of a method: a neutral one for those that have none of their own."""
    return COLOURS.get(method, NEUTRAL)


def faint(method: str, opacity: float) -> str:
    """A method's colour, seen through."""
    return f"rgba{(*_channels(colour(method)), opacity)}"


def ink(method: str, mode: str) -> str:
    """The colour of a method's name: its own, mixed with black in "light" mode and with white in "dark" mode until it
    can be read."""
    towards = "#ffffff" if mode == "dark" else "#000000"
    for percent in range(101):
        found = mixed(colour(method), towards, percent / 100)
        if contrast(found, PAPER[mode]) >= LEGIBLE:
            return found
    raise AssertionError(f"black and white cannot both be illegible on {PAPER[mode]}")


def mixed(one: str, other: str, share: float) -> str:
    """The colour "#rrggbb" `one` with a share of the `other`."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours "#rrggbb", from 1 to 21, as WCAG 2 defines it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(hexadecimal: str) -> float:
    shares = (channel / 255 for channel in _channels(hexadecimal))
    linear = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear))


def _channels(hexadecimal: str) -> tuple[int, ...]:
    return tuple(int(hexadecimal[i : i + 2], 16) for i in (1, 3, 5))
