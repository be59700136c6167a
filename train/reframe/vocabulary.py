"""The word pieces that both reward models read: MiniLM's, without what plain English text never holds."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from backbones.store import hub
from backbones.tasks.reframe.spelling import plain
from train import encoder

MINILM, REVISION = "sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
SIZE = 16_384


def minilm(name: str, folder: Path | None = None) -> Path:
    """The file `name` of all-MiniLM-L6-v2 (Apache 2.0), in `folder`, or without one of the Hub.

    Raises FileNotFoundError for a folder that lacks it, ValueError where the Hub cannot be reached.
    """
    if folder is None:
        return hub.file(MINILM, REVISION, name)
    if not (folder / name).is_file():
        raise FileNotFoundError(f"{folder / name} is missing: --minilm must be the folder of all-MiniLM-L6-v2")
    return folder / name


def numbers(source: Path) -> dict[str, int]:
    """All word pieces of the `tokenizer.json` of a BERT, with their numbers."""
    return json.loads(source.read_text(encoding="utf-8"))["model"]["vocab"]


def tokenizer(source: Path, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """`SIZE` pieces of that `tokenizer.json`: letters, then the pieces of `texts`, then the most frequent.

    BERT's own order is about that of frequency. It reads texts that went through `plain`.
    """
    known = numbers(source)
    usable = sorted((piece for piece in known if re.fullmatch(r"(##)?(?:[a-z]+|\d+)", piece)), key=known.__getitem__)
    whole = _word_pieces(known)
    counts = Counter(piece for text in texts for piece in whole.encode(plain(text)).tokens)
    order = sorted(usable, key=lambda piece: (len(piece.removeprefix("##")) > 1, counts[piece] < 3, known[piece]))
    kept = sorted(order[: SIZE - len(encoder.SPECIAL)], key=known.__getitem__)
    words = _word_pieces({piece: number for number, piece in enumerate([*encoder.SPECIAL, *kept])})
    return encoder.tokenizer(words)


def pieces(words: PreTrainedTokenizerFast) -> list[str]:
    """All word pieces of a tokenizer, in the order of their numbers."""
    return words.convert_ids_to_tokens(list(range(len(words))))


def _word_pieces(known: dict[str, int]) -> Tokenizer:
    words = Tokenizer(models.WordPiece(vocab=known, unk_token="[UNK]", max_input_chars_per_word=32))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return words
