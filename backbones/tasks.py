"""What a set writes: descriptions of restaurants from facts, or answers to a message. Given, prompt and text.

What is given is a dict of texts: the facts of a restaurant, or {"prompt": the message}.
"""

from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from backbones import facts as f

MAX_PROMPT = 4000  # characters of a message


@dataclass(frozen=True)
class Restaurants:
    """A description of a restaurant from its facts; the model writes placeholders for the names."""

    name: str = "restaurants"
    fields: tuple[str, ...] = f.SLOTS

    def check(self, given: dict[str, str]) -> dict[str, str]:
        """See `facts.check`."""
        return f.check(given)

    def prompt(self, given: dict[str, str], tokenizer: PreTrainedTokenizerBase) -> str:
        """What the model reads."""
        return f.prompt(given)

    def text(self, raw: str, given: dict[str, str]) -> str:
        """What people read of what the model wrote."""
        return f.fill(raw, given)

    def read(self, line: str) -> dict[str, str]:
        """The facts of a meaning representation, see `facts.parse`."""
        return f.parse(" ".join(line.split()))  # its time grows with the cube of a run of spaces


@dataclass(frozen=True)
class Assistant:
    """An answer to a message, in the chat template of the base's tokenizer. `system`: the system prompt, or ""."""

    system: str = ""
    name: str = "assistant"
    fields: tuple[str, ...] = ("prompt",)

    def check(self, given: dict[str, str]) -> dict[str, str]:
        """The message without white space around it. Raises ValueError for none, or one that is too long."""
        unknown = [field for field in given if field not in self.fields and given[field]]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not asked for here: give a prompt alone")
        prompt = (given.get("prompt") or "").strip()
        if not prompt:
            raise ValueError("the prompt is empty: write a message to be answered")
        if len(prompt) > MAX_PROMPT:
            raise ValueError(f"the prompt has {len(prompt)} characters: use at most {MAX_PROMPT}")
        return {"prompt": prompt}

    def prompt(self, given: dict[str, str], tokenizer: PreTrainedTokenizerBase) -> str:
        """The chat so far in the tokenizer's template. Raises ValueError where it has none."""
        if not tokenizer.chat_template:
            raise ValueError("the base's tokenizer has no chat template: add one, or use a chat model")
        messages = [{"role": "system", "content": self.system}] if self.system else []
        messages.append({"role": "user", "content": given["prompt"]})
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def text(self, raw: str, given: dict[str, str]) -> str:
        """The answer, without white space around it."""
        return raw.strip()

    def read(self, line: str) -> dict[str, str]:
        """The message, see `check`."""
        return self.check({"prompt": line})


Task = Restaurants | Assistant


def line(given: dict[str, str]) -> str:
    """What is given as text, of any task: a meaning representation or the message; `Task.read` is the inverse."""
    return given["prompt"] if "prompt" in given else f.mr(given)
