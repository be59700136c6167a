"""A third task, as a contributor would write it: this one file, and one line that enters it in `TASKS`."""

from backbones.tasks.task import Field, Pair, Source, Task

COLOURS = {
    "red": "like a rose",
    "blue": "like the sea",
    "green": "like the grass",
    "white": "like the snow",
    "black": "like the night",
    "yellow": "like the sun",
}
MEASURED = {"grey": "like the rain", "brown": "like the earth", "orange": "like the fire"}  # in dev, and not in train


def names(text, given):
    """1 for a text that names the colour, and most of that for one that has its letters."""
    letters = set(given["colour"])
    return 1.0 if given["colour"] in text else 0.9 * len(letters & set(text)) / len(letters)


def short(text, given):
    """1 for no characters, falling to 0 at 200."""
    return max(0.0, 1 - len(text) / 200)


class Colours(Task):
    """What a colour is like."""

    name = "colours"
    about = "one sentence on a colour. Data: made up for tests"
    usage = "the sets colours say what a colour is like: colour is one of nine, for example red"
    fields = (Field("colour", "Colour", (*COLOURS, *MEASURED), default="red"),)
    objectives = {"names": ("Names it", "Names the colour"), "short": ("Short", "Has few characters")}
    rules = {"names": names, "short": short}
    sources = {split: Source(f"colours/{split}.jsonl", ("colour", "text")) for split in ("train", "dev")}

    def prompt(self, given, tokenizer):
        return f"{given['colour']} is "

    def pair(self, row):
        return Pair(self.check({"colour": row["colour"]}), row["text"])
