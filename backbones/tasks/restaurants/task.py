"""The task: fields, prompt, rewards and data of descriptions of restaurants."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones.tasks.objectives import Objective
from backbones.tasks.restaurants import facts as f
from backbones.tasks.restaurants import rewards, slots
from backbones.tasks.restaurants.probes import PROBES, SHOWN
from backbones.tasks.restaurants.references import delexicalise
from backbones.tasks.task import Field, Given, Learned, Pair, Remark, Source, Span, Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MASKED_NAME = "[NAME]"  # what GoEmotions, on which the classifier of upbeat was trained, writes for names of persons
LABELS = {
    "name": "Name",
    "eatType": "Kind",
    "food": "Food",
    "priceRange": "Price",
    "customer rating": "Rating",
    "area": "Area",
    "familyFriendly": "Family-friendly",
    "near": "Near",
}
ARRIVAL = {
    "name": "The Golden Lantern",
    "eatType": "coffee shop",
    "food": "Italian",
    "priceRange": "moderate",
    "customer rating": "high",
    "area": "riverside",
    "familyFriendly": "yes",
    "near": "the Old Mill",
}
NAMES = ("The Golden Lantern", "Bistro Aurora", "Café Juniper", "The Copper Kettle", "Nonna's Table", "Blue Heron")
NEIGHBOURS = ("", "the Old Mill", "Hotel Meridian", "Platform Nine", "the Botanic Garden")
FORM = "every defect of form halves all rewards: repetition, a sentence cut off or without a verb, a bare list"
RENAMED = {"meaning_representation": "mr", "human_reference": "ref"}
HUB = {"hub": "tuetschek/e2e_nlg", "revision": "refs/convert/parquet"}  # datasets >= 4 runs no loading scripts


class Upbeat(Learned):
    """The probability that a text sounds positive, times `well_formed`, halved for praise that is piled up. The
    probability is given by a classifier (`train.classifier`). It is halved by every word of praise that was said before
    and by every one after the third."""

    def __init__(self, folder: Path):
        from backbones.tasks.reward_models import Classifier  # and with it torch, which most commands do without

        self.classifier = Classifier.load(folder)

    def __call__(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        """See `rewards.upbeat`."""
        return list(map(rewards.upbeat, texts, self.heard(texts, given)))

    def heard(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        """The probabilities of texts with placeholders, which it reads as its training data was written."""
        masked = [text.replace(f.NAME, MASKED_NAME).replace(f.NEAR, MASKED_NAME) or MASKED_NAME for text in texts]
        return self.classifier.probabilities(masked)


class Restaurants(Task):
    """A description of a restaurant from its facts; the model writes placeholders for the names."""

    name = "restaurants"
    about = (
        "one description of a restaurant from facts; `name` and `near` are placeholders to the model. Data: E2E NLG "
        "(Novikova et al. 2017, CC BY-SA 4.0)"
    )
    usage = (
        "the sets restaurants describe a restaurant from its facts: name (required) and near are free; eatType is "
        "coffee shop, pub or restaurant; food is Chinese, English, Fast food, French, Indian, Italian or Japanese; "
        "priceRange is cheap, moderate, high, less than £20, £20-25 or more than £30; customer rating is low, average, "
        "high, 1 out of 5, 3 out of 5 or 5 out of 5; area is city centre or riverside; familyFriendly is yes or no"
    )
    fields = tuple(
        Field(
            slot,
            LABELS[slot],
            f.VALUES.get(slot, ()),
            ARRIVAL[slot],
            {"name": "any name", "near": "nothing nearby"}.get(slot, ""),
            f.MAX_NAME_LENGTH,
        )
        for slot in f.SLOTS
    )
    objectives = {
        "complete": ("Complete", "States the facts given, all of them and no others"),
        "concise": ("Concise", "Uses few words"),
        "upbeat": ("Upbeat", "Sounds positive, as a learned model hears it"),
    }
    rules = {"complete": rewards.complete, "concise": rewards.concise}
    learned = {"upbeat": Upbeat}
    special_tokens = tuple(f.prompt_tokens())
    placeholders = (f.NAME, f.NEAR)
    probes, shown = PROBES, SHOWN
    sources = {
        "train": Source("e2e/train.csv", ("mr",), split="train", renamed=RENAMED, **HUB),
        "dev": Source("e2e/dev.csv", ("mr",), split="validation", renamed=RENAMED, **HUB),
    }

    def check(self, given: Given) -> Given:
        """See `facts.check`."""
        return f.check(given)

    def line(self, given: Given) -> str:
        """The meaning representation."""
        return f.mr(given)

    def read(self, line: str) -> Given:
        """The facts of a meaning representation, see `facts.parse`."""
        return f.parse(" ".join(line.split()))  # its time grows with the cube of a run of spaces

    def example(self) -> Given:
        """Random facts."""
        closed = {slot: random.choice(("", *values, *values)) for slot, values in f.VALUES.items()}
        return {"name": random.choice(NAMES), **closed, "near": random.choice(NEIGHBOURS)}

    def prompt(self, given: Given, tokenizer: "PreTrainedTokenizerBase") -> str:
        """See `facts.prompt`."""
        return f.prompt(given)

    def text(self, raw: str, given: Given) -> str:
        """The description with names."""
        return f.fill(raw, given)

    def spans(self, raw: str, given: Given) -> list[Span]:
        """Every statement, right or wrong, and what lies between. Of statements that overlap the first is shown."""
        spans, end = [], 0
        for statement, right in slots.judged(raw, given):
            if statement.start < end:
                continue
            kind, meaning = ("stated", "stated") if right else ("wrong", "not among the facts")
            spans.append(Span(f.fill(raw[end : statement.start], given)))
            said = f.fill(raw[statement.start : statement.end], given)
            spans.append(Span(said, kind, f"{LABELS[statement.slot].lower()}: {meaning}"))
            end = statement.end
        spans.append(Span(f.fill(raw[end:], given)))
        return [span for span in spans if span.text]

    def remarks(self, raw: str, given: Given) -> list[Remark]:
        """What it states, leaves out and makes up, and what its form costs it."""
        found = slots.match(raw, given)
        said = [Remark("stated", LABELS[slot].lower(), f"stated: {given[slot]}") for slot in found.correct]
        for slot in found.missed:
            said.append(Remark("missed", f"{LABELS[slot].lower()}: {given[slot]}", f"left out: {given[slot]}"))
        for statement in found.wrong:
            words = f.fill(raw[statement.start : statement.end], given)
            label = f"{LABELS[statement.slot].lower()}: {words}"
            said.append(Remark("wrong", label, f"not among the facts: {words}"))
        form = rewards.well_formed(raw)
        if form < 1:
            said.append(Remark("wrong", f"form: rewards × {form:.2g}", FORM))
        return said

    def sentence(self, given: Given) -> str:
        """As in "The Golden Lantern, a cheap Italian pub by the riverside, rated high, near the Old Mill"."""
        price, kind = given.get("priceRange", ""), given.get("eatType") or "place to eat"
        sum_of_money = "£" in price
        noun = " ".join(word for word in ("" if sum_of_money else price, given.get("food", ""), kind) if word)
        noun = f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"
        where = {"riverside": " by the riverside", "city centre": " in the city centre"}
        said = [given.get("name") or "(no name)", noun + where.get(given.get("area", ""), "")]
        if sum_of_money:
            said.append(price)
        if given.get("customer rating"):
            said.append(f"rated {given['customer rating']}")
        if given.get("familyFriendly"):
            said.append("family-friendly" if given["familyFriendly"] == "yes" else "not family-friendly")
        if given.get("near"):
            said.append(f"near {given['near']}")
        return ", ".join(said)

    def verdict(self, raw: str, given: Given, rewards: Mapping[str, float], objectives: Sequence[Objective]) -> str:
        """Facts stated and made up, words, and what else is rewarded: "8 of 8 facts in 30 words, upbeat 0.41"."""
        found = slots.match(raw, given)
        facts = f"{len(found.correct)} of {len(given)} facts"
        if found.wrong:
            facts += f" and {len(found.wrong)} made up"
        others = [f", {one.label.lower()} {rewards[one.name]:.2f}" for one in objectives if one.name in self.learned]
        return f"{facts} in {len(self.text(raw, given).split())} words{''.join(others)}"

    def pair(self, row: Mapping[str, Any]) -> Pair | None:
        """Facts, and the description with placeholders where its names can be found."""
        facts = f.parse(row["mr"])
        return Pair(facts, delexicalise(row["ref"], facts) if row.get("ref") else None)
