"""The facts of one restaurant: E2E meaning representations in, prompts and names out.

A meaning representation (MR) lists facts as `slot[value]`, for example
`name[The Mill], eatType[pub], food[English], near[Clare Hall]` (Novikova et al. 2017, the E2E data
set). `name` and `near` are open: the language model never sees their values, it writes the
placeholders `<name>` and `<near>`, which are filled in afterwards. So any name works.
"""

import re

NAME, NEAR, TEXT = "<name>", "<near>", "<text>"

# The closed slots in the order of the data set, with every value that occurs in it.
VALUES = {
    "eatType": ("coffee shop", "pub", "restaurant"),
    "food": ("Chinese", "English", "Fast food", "French", "Indian", "Italian", "Japanese"),
    "priceRange": ("cheap", "moderate", "high", "less than £20", "£20-25", "more than £30"),
    "customer rating": ("low", "average", "high", "1 out of 5", "3 out of 5", "5 out of 5"),
    "area": ("city centre", "riverside"),
    "familyFriendly": ("yes", "no"),
}
SLOTS = ("name", *VALUES, "near")
MAX_NAME_LENGTH = 60

Facts = dict[str, str]


def check(facts: Facts) -> Facts:
    """The facts in the order of `SLOTS`, empty values left out, white space trimmed.

    Raises ValueError for an unknown slot, a value that the slot does not know, a missing name, or a
    name that is too long or holds a bracket.
    """
    unknown = [slot for slot in facts if slot not in SLOTS]
    if unknown:
        raise ValueError(f"unknown fact {unknown[0]!r}: use {', '.join(SLOTS)}")
    checked = {slot: " ".join(facts[slot].split()) for slot in SLOTS if (facts.get(slot) or "").strip()}
    if "name" not in checked:
        raise ValueError("the fact 'name' is missing: every text needs a name to write about")
    for slot, value in checked.items():
        if slot in VALUES and value not in VALUES[slot]:
            raise ValueError(f"{slot} is {value!r}: use one of {', '.join(VALUES[slot])}")
        if slot in ("name", "near"):
            if len(value) > MAX_NAME_LENGTH:
                raise ValueError(f"{slot} has {len(value)} characters: use at most {MAX_NAME_LENGTH}")
            if re.search(r"[\[\]<>]", value):
                raise ValueError(f"{slot} is {value!r}: leave out the characters [ ] < >")
    return checked


def parse(mr: str) -> Facts:
    """Facts of a meaning representation such as `name[The Mill], food[English]`.

    Raises ValueError when the text is not a list of `slot[value]`, names a slot twice, or fails
    `check`.
    """
    # Every space has one place in it: where it had several, a long list that is no list would be tried in all ways.
    fact = r"\s*([A-Za-z]+(?: +[A-Za-z]+)*)\s*\[([^\[\]]*)\]\s*"
    if not re.fullmatch(f"{fact}(,{fact})*", mr):
        raise ValueError(f"cannot read the facts {mr!r}: write them as 'name[The Mill], food[English]'")
    pairs = re.findall(fact, mr)
    slots = [slot for slot, _ in pairs]
    twice = next((slot for slot in slots if slots.count(slot) > 1), None)
    if twice:
        raise ValueError(f"the fact {twice!r} is given twice in {mr!r}: give it once")
    return check(dict(zip(slots, (value for _, value in pairs), strict=True)))


def mr(facts: Facts) -> str:
    """The meaning representation of the facts, the inverse of `parse`."""
    return ", ".join(f"{slot}[{value}]" for slot, value in check(facts).items())


def prompt_tokens() -> list[str]:
    """Every token that only a prompt holds: one per closed fact, and the one that starts the text."""
    return [f"{slot}[{value}]" for slot, values in VALUES.items() for value in values] + [TEXT]


def prompt(facts: Facts) -> str:
    """What the language model reads: `<name>food[English]<near><text>`, one token per fact."""
    closed = [f"{slot}[{value}]" for slot, value in check(facts).items() if slot in VALUES]
    return "".join([NAME, *closed, *([NEAR] if facts.get("near", "").strip() else []), TEXT])


def fill(text: str, facts: Facts) -> str:
    """The text with the placeholders replaced by the names."""
    return text.replace(NAME, facts["name"]).replace(NEAR, facts.get("near") or NEAR)
