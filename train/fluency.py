"""Fluency, watched and never rewarded: probability under the base, and repetition."""

from collections.abc import Iterable

import torch
from accelerate.utils import gather_object
from tqdm import tqdm

from backbones.engine.soup import Soup
from backbones.tasks.words import words
from train import processes

BATCH = 64


def log_probabilities(soup: Soup, pairs: Iterable[tuple[str, str]]) -> list[float]:
    """Mean log-probability per token (natural, end of text included) of texts after their prompts under the base.

    Every process computes its share and returns those of all.
    """
    asked, state = list(pairs), processes.state()
    different = list(dict.fromkeys(asked))  # neighbouring preferences often write the same
    share = _of_each(soup, different[state.process_index :: state.num_processes])
    known = dict(gather_object(list(share.items())))
    return [known[pair] for pair in asked]


def _of_each(soup: Soup, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], float]:
    values = {}
    by_length = sorted(pairs, key=lambda pair: len(pair[1]))  # so that little of a batch is padding
    tokenizer, end = soup.tokenizer, soup.tokenizer.eos_token
    for start in tqdm(range(0, len(pairs), BATCH), desc="fluency", disable=not processes.state().is_main_process):
        batch = by_length[start : start + BATCH]
        # Prompts hold their special tokens already, as for the engine.
        given = tokenizer([prompt for prompt, _ in batch], add_special_tokens=False)["input_ids"]
        whole = tokenizer(
            [prompt + text + end for prompt, text in batch],
            padding=True,
            padding_side="right",
            add_special_tokens=False,
            return_tensors="pt",
        ).to(soup.device)
        ids, mask = whole["input_ids"], whole["attention_mask"].clone()
        for row, prompt in zip(mask, given):
            row[: len(prompt)] = 0
        with torch.inference_mode(), soup.mix(len(ids)).over(0, len(ids)):  # no adapter is in use
            logits = soup.model(input_ids=ids, attention_mask=whole["attention_mask"]).logits
        log = logits[:, :-1].float().log_softmax(dim=-1).gather(-1, ids[:, 1:, None]).squeeze(-1)  # (rows, T - 1)
        means = (log * mask[:, 1:]).sum(dim=1) / mask[:, 1:].sum(dim=1)
        values |= dict(zip(batch, means.tolist(), strict=True))
    return values


def repeated_trigrams(text: str) -> float:
    """Share of a text's runs of three words that occurred in it before; 0 for a text of fewer than three words."""
    said = words(text)
    runs = list(zip(said, said[1:], said[2:], strict=False))
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
