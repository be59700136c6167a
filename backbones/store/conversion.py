"""A model from a GGUF file to the folder of a base: linear layers in NF4, the rest in bf16, the tokenizer beside it."""

import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

NF4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)
QUANTISATION = "NF4 with double quantisation; embeddings and norms in bfloat16"


def convert(gguf: Path, folder: Path) -> None:
    """Write the model in the file `gguf` to `folder`. The same file gives the same bytes: the CPU computes it."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".alone-") as alone:
        shutil.copy(gguf, alone)  # transformers also reads what lies beside a file: tokenizers, adapters
        tokenizer = AutoTokenizer.from_pretrained(alone, gguf_file=gguf.name, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(alone, gguf_file=gguf.name, dtype=torch.float32)
    # The model bears traces of the quantiser that read the file, and with them save_pretrained refuses it.
    del model.config.quantization_config
    model.hf_quantizer = None
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".plain-") as plain:
        model.save_pretrained(plain)  # transformers quantises what it loads, and a GGUF file only to what that says
        quantised = AutoModelForCausalLM.from_pretrained(
            plain, dtype=torch.float32, quantization_config=NF4, device_map={"": "cpu"}
        )
        # Until then they lie in the folder's file, and Windows deletes no file that is mapped.
        for parameter in quantised.parameters():
            if parameter.is_floating_point():  # embeddings and norms; the 4-bit weights are bytes
                parameter.data = parameter.data.to(torch.bfloat16)
    quantised.config.dtype = torch.bfloat16
    quantised.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
