"""The task of an assistant: an answer to a message, in the chat template of the base's tokenizer."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backbones.tasks.task import Field, Given, Pair, Sampling, Source, Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_PROMPT = 4000  # characters of a message
FIRST_MESSAGE = re.compile(r"\s*Human:(.*?)(?=\n\nAssistant:|\Z)", re.DOTALL)  # of an HH-RLHF transcript


class Assistant(Task):
    """Answers messages. `system`: the system prompt, or ""; its objectives are reward models with a template."""

    name = "assistant"
    about = "one answer to a message. Data: HH-RLHF (Bai et al. 2022, MIT)"
    usage = 'a set of the task assistant answers messages: {"prompt": a message}'
    fields = (Field("prompt", "Message", placeholder="write a message to be answered", limit=MAX_PROMPT, lines=4),)
    sampling = Sampling(max_new_tokens=128)
    prompt_tokens = 512  # most are far shorter
    sources = {
        "train": Source("hh-rlhf/train.jsonl", ("chosen",), "Anthropic/hh-rlhf", "train"),
        "dev": Source("hh-rlhf/test.jsonl", ("chosen",), "Anthropic/hh-rlhf", "test"),
    }

    def __init__(self, system: str = "", **settings: str):
        super().__init__(**settings)
        self.settings = {"system": system} if system else {}

    def prompt(self, given: Given, tokenizer: "PreTrainedTokenizerBase") -> str:
        """The chat so far in the tokenizer's template. Raises ValueError where it has none."""
        if not tokenizer.chat_template:
            raise ValueError("the base's tokenizer has no chat template: add one, or use a chat model")
        messages = [{"role": "system", "content": system} for system in self.settings.values()]
        messages.append({"role": "user", "content": given["prompt"]})
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def pair(self, row: Mapping[str, Any]) -> Pair | None:
        """The first message of a transcript, unless it is too long to be asked."""
        message = FIRST_MESSAGE.match(row["chosen"])
        text = message.group(1).strip() if message else ""
        return Pair({"prompt": text}) if 0 < len(text) <= MAX_PROMPT else None
