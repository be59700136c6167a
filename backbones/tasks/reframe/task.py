"""The task: one thought in, one or two sentences out that look at it in another way."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbones.tasks.reframe import care
from backbones.tasks.reframe import form as f
from backbones.tasks.reframe.insults import masked
from backbones.tasks.reframe.probes import PROBES, SHOWN
from backbones.tasks.reframe.spelling import plain
from backbones.tasks.task import Field, Given, Learned, Pair, Remark, Sampling, Source, Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONGEST = 240  # characters of a thought
DATA = "https://raw.githubusercontent.com/SALT-NLP/positive-frames/3616146790de64779ca86d7fa33ad48eaf60455a/data"
EXAMPLES = (
    "honestly what a horrible day! this has been one of the worst weeks ever.",
    "I studied all week and still failed the exam.",
    "My flight got cancelled and I am stuck at the airport until tomorrow.",
    "Nobody remembered my birthday this year.",
    "I burnt the dinner and now everyone is eating cereal.",
    "It has been raining for nine days and my shoes are never dry.",
    "My laptop died an hour before the deadline.",
    "I have been single for so long that my cat judges me.",
    "I spilled coffee on my boss in my first week at work.",
    "The rent went up again and my pay did not.",
    "I ran the whole race and came in last.",
)


class Bright(Learned):
    """How positive a text sounds: the probability that a small encoder gives, times `form`. The encoder learned to tell
    reframings from the thoughts that they answer, bright texts for a thought from calm ones, positive emotions of
    GoEmotions from others, and texts made to fool it from honest ones."""

    def __init__(self, folder: Path):
        from backbones.tasks.reward_models import Classifier  # and with it torch, which most commands do without

        self.classifier = Classifier.load(folder)

    def __call__(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        heard = self.heard(texts, given)
        return [value * f.form(text, one["thought"]) for value, text, one in zip(heard, texts, given, strict=True)]

    def heard(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        """The probabilities, whatever the texts' form."""
        return self.classifier.probabilities([plain(text) for text in texts])


class Kept(Learned):
    """How much of its thought a text says: 0 to 1 between what another thought's reframing says of it and what a good
    half of calm texts stay below, times `form`, less for copied runs, for words in another order and for going on
    longer than the thought. A model looks for every word of one side on the other; it hears what is spoken of, hardly
    who did what to whom."""

    NOTHING, ENOUGH = -2.5, 2.5  # the model's logits at 0 and at 1

    def __init__(self, folder: Path):
        from backbones.tasks.reframe.matcher import Matching

        self.matching = Matching.load(folder)

    def __call__(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        return [
            heard
            * f.own_words(thought, text)
            * f.in_order(thought, text)
            * f.no_longer(thought, text)
            * f.form(text, thought)
            for heard, text, thought in zip(self.heard(texts, given), texts, _thoughts(given), strict=True)
        ]

    def heard(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        """What the model alone says, between 0 and 1."""
        logits = self.matching.logits(_thoughts(given), texts)
        return [min(max((logit - self.NOTHING) / (self.ENOUGH - self.NOTHING), 0.0), 1.0) for logit in logits]


class Reframe(Task):
    """A thought, reframed."""

    name = "reframe"
    about = (
        "one or two sentences that look at a thought in another way. Data: Positive Psychology Frames (Ziems et al. "
        "2022, CC BY-SA 4.0)"
    )
    usage = (
        f"a set of the task reframe looks at a thought in another way: thought has at most {LONGEST} characters; "
        "where it needs care, every text is a pointer to help (pointer is true) without rewards: pass it on as it is"
    )
    fields = (
        Field(
            "thought",
            "A gloomy thought",
            default=EXAMPLES[0],
            placeholder="write what weighs on you",
            limit=LONGEST,
            lines=2,
        ),
    )
    objectives = {
        "bright": ("Bright", "Sounds positive, as a learned model hears it"),
        "true": ("True", "Keeps what was said: what happened, and the trouble itself"),
    }
    learned = {"bright": Bright, "true": Kept}
    sampling = Sampling(temperature=0.5, top_p=0.9, max_new_tokens=48)
    variety = 2.0
    probes, shown = PROBES, SHOWN
    sources = {
        split: Source(
            f"positive-frames/{split}.csv", ("original_text", "reframed_text"), f"{DATA}/whole{split}.csv", split
        )
        for split in ("train", "dev")
    }

    def check(self, given: Given) -> Given:
        """As every task, with white space normalised: a thought is one line."""
        return super().check({name: " ".join(text.split()) for name, text in given.items()})

    def pointer(self, given: Given) -> str | None:
        """See `care`."""
        return care.POINTER if care.concerns(given["thought"]) else None

    def example(self) -> Given:
        """One of a few thoughts."""
        return {"thought": random.choice(EXAMPLES)}

    def prompt(self, given: Given, tokenizer: "PreTrainedTokenizerBase") -> str:
        """No chat template: the model was tuned on this form, and short prompts are read fast."""
        return f"Thought: {given['thought']}\nReframed:"

    def text(self, raw: str, given: Given) -> str:
        """One line, without slurs."""
        return masked(" ".join(raw.split()))

    def remarks(self, raw: str, given: Given) -> list[Remark]:
        """What costs a text part of its rewards."""
        thought, said = given["thought"], []
        if f.own_words(thought, raw) < 1:
            said.append(
                Remark("wrong", f"copied: {f.copied_share(thought, raw):.0%}", "runs of the thought's own words")
            )
        if f.in_order(thought, raw) < 1:
            said.append(Remark("wrong", "jumbled", "the thought's words in another order"))
        if f.no_longer(thought, raw) < 0.8:  # a word or two more is no fault that anybody sees
            said.append(Remark("wrong", "goes on", "much longer than the thought"))
        if f.form(raw, thought) < 1:
            said.append(Remark("wrong", "form", "not one or two plain sentences"))
        return said

    def pair(self, row: Mapping[str, Any]) -> Pair:
        """A thought and its reframing, with a full stop where a letter or digit ends it; none where it only copies."""
        thought, text = (" ".join((row[column] or "").split()) for column in ("original_text", "reframed_text"))
        text += "." if text[-1:].isalnum() else ""
        copied = _bare(text) in ("", _bare(thought))
        return Pair({"thought": thought}, None if copied else f" {text}")


def _thoughts(given: Sequence[Given]) -> list[str]:
    return [one["thought"] for one in given]


def _bare(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
