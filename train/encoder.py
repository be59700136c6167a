"""The small transformer encoders behind learned rewards, and the tokenizers that they read with."""

from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer, processors
from transformers import ModernBertConfig, ModernBertForSequenceClassification, PreTrainedTokenizerFast

MAX_LENGTH = 64
HIDDEN = 128
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]  # the first entries of every vocabulary, in this order


def tokenizer(words: Tokenizer) -> PreTrainedTokenizerFast:
    """The tokenizer of an encoder: `words`, whose vocabulary begins with `SPECIAL`, between [CLS] and [SEP]."""
    ends = [(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")]
    words.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=MAX_LENGTH,
    )


def model(vocabulary: int, labels: Sequence[str], **how: Any) -> ModernBertForSequenceClassification:
    """An encoder with mean pooling and one logit per label. `how`: dropouts and kind of problem, for its config."""
    return ModernBertForSequenceClassification(
        ModernBertConfig(
            vocab_size=vocabulary,
            hidden_size=HIDDEN,
            intermediate_size=192,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=MAX_LENGTH,
            classifier_pooling="mean",
            pad_token_id=SPECIAL.index("[PAD]"),
            cls_token_id=SPECIAL.index("[CLS]"),
            sep_token_id=SPECIAL.index("[SEP]"),
            bos_token_id=None,
            eos_token_id=None,
            id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
            **how,
        )
    )
