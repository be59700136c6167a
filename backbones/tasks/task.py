"""What a task is: what is asked for, what the model reads, what people read, how texts are rewarded, where data lies.

What is asked for comes as `Given`, texts by the names of the task's fields. A task overrides what differs from here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from backbones.tasks.objectives import Objective

if TYPE_CHECKING:  # which takes seconds to load, and lists and checks of sets do without
    from transformers import PreTrainedTokenizerBase

Given = dict[str, str]
Rule = Callable[[str, Given], float]  # a text as the model wrote it, and what was given -> reward
Rewards = Callable[[Sequence[str], Sequence[Given]], list[float]]  # the same for many texts at once


class Learned(ABC):
    """A learned reward with its model: rewards in [0, 1] of many texts at once, as `Rewards`."""

    @abstractmethod
    def __call__(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        """The rewards."""

    @abstractmethod
    def heard(self, texts: Sequence[str], given: Sequence[Given]) -> list[float]:
        """What the model alone says of texts, before any rule: for model cards."""


@dataclass(frozen=True)
class Field:
    """One thing that is asked for. `values`: what it can be; empty for free text of at most `limit` characters.

    `default`: what the page holds on arrival. `lines`: the height of its box.
    """

    name: str
    label: str
    values: tuple[str, ...] = ()
    default: str = ""
    placeholder: str = ""
    limit: int = 60
    lines: int = 1


@dataclass(frozen=True)
class Sampling:
    """How texts are sampled unless somebody says otherwise.

    Raises ValueError for a setting that is no number or out of range.
    """

    temperature: float = 1.0
    top_p: float = 0.9
    max_new_tokens: int = 80

    def __post_init__(self):
        for name, low, high in (("temperature", 0, 2), ("top_p", 0.01, 1)):
            value = getattr(self, name)
            if not (type(value) in (int, float) and low <= value <= high):
                raise ValueError(f"{name} is {value!r}: use a number from {low} to {high}")
        if not (type(self.max_new_tokens) is int and self.max_new_tokens >= 1):
            raise ValueError(f"max_new_tokens is {self.max_new_tokens!r}: use a whole number from 1")


@dataclass(frozen=True)
class Span:
    """A piece of a text. `kind`: "stated", "wrong", or "" for what states nothing; `title`: why."""

    text: str
    kind: str = ""
    title: str = ""


@dataclass(frozen=True)
class Remark:
    """Something to be said about a text, below it. `kind`: "stated", "missed" or "wrong"."""

    kind: str
    label: str
    title: str


@dataclass(frozen=True)
class Probe:
    """A text that model cards show a learned reward of. `kind`: what it shows; `line`: what was given, see `line`."""

    kind: str
    text: str
    line: str


@dataclass(frozen=True)
class Source:
    """Where a split of the data lies: `file` below the data directory (CSV, TSV or JSON lines), and, where it is to be
    had without that too, `hub`: a data set of the Hub with its `split`, or the address of such a file.

    `columns`: those that must be there, as the file names them; `renamed`: the Hub's names of them.
    """

    file: str
    columns: tuple[str, ...]
    hub: str = ""
    split: str = ""
    config: str | None = None
    revision: str | None = None
    renamed: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Pair:
    """What was given, and a text that a person wrote for it, if there is one that can be learned from."""

    given: Given
    reference: str | None = None


class Task(ABC):
    """A task. Tasks without settings of their own take none; others keep them in `settings`, as the manifest does."""

    name: ClassVar[str]
    about: ClassVar[str]  # one line for model cards: what is written, from which data, under which licence
    usage: ClassVar[str]  # for programs and language models: what is given
    fields: ClassVar[tuple[Field, ...]]
    objectives: ClassVar[Mapping[str, tuple[str, str]]] = {}  # label and description of those that it rewards itself
    rules: ClassVar[Mapping[str, Rule]] = {}  # rewards in [0, 1] that are computed
    learned: ClassVar[Mapping[str, Callable[[Path], Learned]]] = {}  # rewards from a folder with a model
    sampling: ClassVar[Sampling] = Sampling()
    prompt_tokens: ClassVar[int] = 64  # of a prompt, about, to tell memory ahead
    special_tokens: ClassVar[tuple[str, ...]] = ()  # that prompts alone hold
    placeholders: ClassVar[tuple[str, ...]] = ()  # that texts hold until people read them
    sources: ClassVar[Mapping[str, Source]]  # "train" and "dev"
    variety: ClassVar[float] = 0.0  # weight, in training, of not saying what texts for other prompts say
    probes: ClassVar[tuple[Probe, ...]] = ()
    shown: ClassVar[tuple[str, ...]] = ()  # lines that model cards show texts for

    def __init__(self, **settings: str):
        if settings:
            raise ValueError(f"the task {self.name} has no setting {next(iter(settings))!r}: leave it out")
        self.settings = settings

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.settings == other.settings

    def __hash__(self) -> int:
        return hash((self.name, *self.settings.items()))

    # What is given

    def check(self, given: Given) -> Given:
        """What is given, in the order of the fields, with white space around it removed and empty fields left out.

        Raises ValueError, naming the value and the fix, for a field that is not asked for, one that is missing or too
        long, or a value that is none of those it can have.
        """
        known = {field.name: field for field in self.fields}
        unknown = next((name for name in given if name not in known and given[name]), None)
        if unknown is not None:
            raise ValueError(f"{unknown!r} is not asked for here: give {', '.join(known)}")
        checked = {name: given[name].strip() for name in known if (given.get(name) or "").strip()}
        for name, value in checked.items():
            field = known[name]
            if field.values and value not in field.values:
                raise ValueError(f"{name} is {value!r}: use one of {', '.join(field.values)}")
            if not field.values and len(value) > field.limit:
                raise ValueError(f"the {name} has {len(value)} characters: use at most {field.limit}")
        if self.fields[0].name not in checked:
            raise ValueError(f"the {self.fields[0].name} is empty: {self.fields[0].placeholder or 'write one'}")
        return checked

    def line(self, given: Given) -> str:
        """What is given as one text, for links, tables and the command line; `read` is the inverse."""
        return given[self.fields[0].name]

    def read(self, line: str) -> Given:
        """What `line` made a text of, checked. Raises ValueError."""
        return self.check({self.fields[0].name: line})

    def example(self) -> Given | None:
        """Something to write about, drawn at random; None where the page should not offer that."""
        return None

    # Prompt and text

    def pointer(self, given: Given) -> str | None:
        """What is said in place of a text, such as where to find help; None where the model is to write.

        The model is then not asked, and nothing is rewarded; training leaves out what has one (`train.data.usable`).
        """
        return None

    @abstractmethod
    def prompt(self, given: Given, tokenizer: "PreTrainedTokenizerBase") -> str:
        """What the model reads, special tokens included."""

    def text(self, raw: str, given: Given) -> str:
        """What people read of what the model wrote."""
        return raw.strip()

    def spans(self, raw: str, given: Given) -> list[Span]:
        """The text that people read in pieces, with what they state."""
        return [Span(self.text(raw, given))]

    def remarks(self, raw: str, given: Given) -> list[Remark]:
        """What is to be said about a text."""
        return []

    def sentence(self, given: Given) -> str:
        """What is given in words, unchecked: with any of the fields, of any content."""
        return ", ".join(value for value in given.values() if value)

    def verdict(self, raw: str, given: Given, rewards: Mapping[str, float], objectives: Sequence[Objective]) -> str:
        """How well a text does, in a few words that can be compared with those of another. `rewards`: by objective."""
        return ", ".join(f"{one.label} {rewards[one.name]:.2f}" for one in objectives)

    # Rewards

    def check_objective(self, objective: Objective) -> None:
        """Raises ValueError for an objective that cannot be scored (see `scoring`)."""
        if objective.template:
            _check_template(objective)
        elif objective.name not in (*self.rules, *self.learned):
            known = ", ".join((*self.rules, *self.learned))
            use = f"use one of {known}, or " if known else ""
            raise ValueError(f"the objective {objective.name!r} has no reward: {use}name a reward_model and a template")
        elif (objective.name in self.learned) != (objective.reward_model is not None):
            raise ValueError(f"the objective {objective.name!r}: name a reward_model just for learned rewards")

    def reference_point(self, objectives: Sequence[Objective]) -> tuple[list[float], str]:
        """What hypervolumes are measured above [n], and why: the least value of rewards in [0, 1]; logits have none."""
        if not any(objective.template for objective in objectives):
            return [0.0] * len(objectives), "none: every reward lies in [0, 1]"
        point = [round(objective.mean - 2 * objective.std, 4) for objective in objectives]
        return point, "none; the reference lies two standard deviations below the mean of the base's own texts"

    # Data

    @abstractmethod
    def pair(self, row: Mapping[str, Any]) -> Pair | None:
        """What a row of the data gives; None for one that is of no use."""


def _check_template(objective: Objective) -> None:
    """Of an objective whose reward model reads what was given and the text."""
    if objective.reward_model is None:
        raise ValueError(f"the objective {objective.name!r} has a template but no reward_model: name one")
    try:
        read = objective.template.format(prompt="\0", text="\1")
    except (LookupError, ValueError):
        read = ""
    if not ("\0" in read and "\1" in read):
        raise ValueError(f"the template of {objective.name!r} must hold {{prompt}} and {{text}} and no other braces")
