"""Models of a few parameters, and a tokenizer that is trained on a few words; nothing is downloaded."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
import torch

transformers = pytest.importorskip("transformers")

NAME = "tests/tiny-llama"
TEMPLATE = "{% for it in messages %}{{ it['role'] }} {{ it['content'] }} {% endfor %}"
PROMPT = "the weather in bern"


@lru_cache(maxsize=1)
def tokenizer() -> Any:
    """Words to ids; 0 begins, 1 ends, 2 pads."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = "the weather in bern is rain sun user assistant system you are kind".split()
    ids = {word: number for number, word in enumerate(["<s>", "</s>", "<pad>", "<unk>", *words])}
    model = Tokenizer(WordLevel(ids, unk_token="<unk>"))
    model.pre_tokenizer = Whitespace()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=model, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    made.padding_side = "left"
    made.chat_template = TEMPLATE
    return made


def llama() -> Any:
    """A decoder, whose name is as those on Hugging Face's hub are."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer()),
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    model = transformers.LlamaForCausalLM(config).eval()
    model.config._name_or_path = NAME
    return model


def saying(*rows: str) -> Any:
    """What makes a model say these words, row by row, and end after them."""

    class Script(transformers.LogitsProcessor):  # type: ignore[name-defined,misc,unused-ignore]
        start: int | None = None

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            self.start = input_ids.shape[1] if self.start is None else self.start
            forced = torch.full_like(scores, -100.0)
            for row, said in enumerate(rows):
                ids = [*tokenizer()(said)["input_ids"], 1, 1, 1, 1, 1, 1]
                forced[row, ids[input_ids.shape[1] - self.start]] = 100.0
            return forced

    return transformers.LogitsProcessorList([Script()])


def t5() -> Any:
    """An encoder and a decoder."""
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0, eos_token_id=19
    )
    return transformers.T5ForConditionalGeneration(config).eval()
