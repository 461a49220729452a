"""Pure: what `generate` is given and returns -> what is asked, what came back, and what was said.

Of tensors only sizes are read before the call. Afterwards the new tokens are copied to the host's memory, which waits
for nothing: `generate` has looked at each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os.path import basename, isabs
from typing import Any, NamedTuple

from otelml.instrumentation._genai.openai_api import content as openai_content
from otelml.instrumentation._genai.reading import count, get, scalars, text, texts, words
from otelml.observations.profile import identity_in, profile_of
from otelml.semconv.attributes import GenAiOperationName as Operations
from otelml.telemetry.content import message
from otelml.telemetry.genai import NO_ANSWER, Answer, Content, Message, Request, TokenUsage
from otelml.telemetry.genai.facts import Field

_POSITIONAL = ("inputs", "generation_config")
_SAMPLING = {"temperature": "temperature", "top_k": "top_k", "top_p": "top_p"}
_IDS = ("input_ids", "inputs")
_STOP, _LENGTH = "stop", "length"


class Prompt(NamedTuple):
    """What a pipeline was given, and what reads the ids of its model.

    Attributes:
        said: texts and chats, which have `messages`, one for each row of the batch.
        tokenizer: of the pipeline.
    """

    said: Sequence[Any]
    tokenizer: Any


class Given(NamedTuple):
    """What a call of `generate` is given.

    Attributes:
        model: the model.
        keywords: the arguments by name.
        prompt: of the pipeline that calls; None where none does.
    """

    model: Any
    keywords: Mapping[str, Any]
    prompt: Prompt | None


def given(args: Sequence[Any], kwargs: Mapping[str, Any], prompt: Prompt | None) -> Given:
    """Read the arguments of `generate(model, inputs, generation_config, ...)`."""
    return Given(args[0], {**dict(zip(_POSITIONAL, args[1:], strict=False)), **kwargs}, prompt)


def is_of_text(asked: Given) -> bool:
    """Whether a model is given text to go on with: token ids, or their embeddings."""
    return asked.prompt is not None or _ids(asked) is not None or get(asked.keywords, "inputs_embeds") is not None


def _ids(asked: Given) -> Any:
    for name in _IDS:
        ids = get(asked.keywords, name)
        if get(ids, "ndim") == 2 and not ids.is_floating_point():
            return ids
    return None


def _in_force(asked: Given, name: str) -> Any:
    """A value that steers the generation, from the call, the configuration it is given, or the model's own."""
    sources = (asked.keywords, asked.keywords.get("generation_config"), get(asked.model, "generation_config"))
    return next((found for source in sources if (found := get(source, name)) is not None), None)


def model_name(model: Any) -> str:
    """The name that the application has given with `otelml.describe`, that on Hugging Face's hub, or the class's."""
    described = text(identity_in(profile_of(model)).get("name"))
    if described is not None:
        return described
    name = text(get(get(model, "config"), "_name_or_path"))
    if name is None:
        return type(model).__name__
    # The folder of a model in this machine's files says who its owner is.
    return basename(name.rstrip("/\\")) if isabs(name) or name.startswith((".", "~")) else name


def request(asked: Given) -> Request:
    """What is asked for."""
    fields: dict[str, Field] = {}
    if _in_force(asked, "do_sample") is True:
        fields = scalars({name: _in_force(asked, name) for name in _SAMPLING}, _SAMPLING)
    limit, choices = _limit(asked), count(_in_force(asked, "num_return_sequences"))
    if limit is not None:
        fields["max_tokens"] = limit
    if choices is not None and choices != 1:
        fields["choice_count"] = choices
    stop = words(_in_force(asked, "stop_strings"))
    if stop:
        fields["stop_sequences"] = stop
    if asked.keywords.get("streamer") is not None:
        fields["stream"] = True
    is_chat = asked.prompt is not None and not isinstance(asked.prompt.said[0], str)
    return Request(Operations.CHAT if is_chat else Operations.TEXT_COMPLETION, model_name(asked.model), fields)


def _limit(asked: Given) -> int | None:
    """How many tokens there may be; None where only the library's default of its version says so."""
    limit = count(_in_force(asked, "max_new_tokens"))
    if limit is not None:
        return limit
    whole = count(_in_force(asked, "max_length"))
    return None if whole is None else max(whole - _start(asked), 0)


def _start(asked: Given) -> int:
    """How many ids of a sequence that `generate` returns are not new."""
    if get(get(asked.model, "config"), "is_encoder_decoder") is True:
        begun = asked.keywords.get("decoder_input_ids")
        return 1 if begun is None else int(begun.shape[1])
    ids = _ids(asked)
    if ids is not None:
        return int(ids.shape[1])
    # Sequences that began as embeddings have the new ids only; out of nothing, the model begins with one of its own.
    return 1 if asked.keywords.get("inputs_embeds") is None else 0


def answer(asked: Given, result: Any) -> Answer:
    """What came back: a tensor of sequences, or an object that has it.

    Every row is counted up to the token that ends it; what follows pads it to the length of the longest.
    """
    sequences = get(result, "sequences") if get(result, "ndim") is None else result
    if get(sequences, "ndim") != 2:
        return NO_ANSWER
    ends, pad = _ends(asked), _in_force(asked, "pad_token_id")
    rows = [_row(row, ends, pad) for row in sequences[:, _start(asked) :].tolist()]
    limit = _limit(asked)
    reasons = [_reason(row, ends, limit) for row in rows]
    return Answer(
        finish_reasons=tuple(reasons),
        usage=TokenUsage(_taken(asked), sum(map(len, rows))),
        content=partial(_told, asked, rows, reasons),
    )


def _ends(asked: Given) -> frozenset[int]:
    ends = _in_force(asked, "eos_token_id")
    ends = ends.tolist() if hasattr(ends, "tolist") else ends
    return frozenset(ends if isinstance(ends, (list, tuple)) else () if ends is None else (ends,))


def _row(ids: list[int], ends: frozenset[int], pad: Any) -> list[int]:
    for place, id_ in enumerate(ids):
        if id_ in ends:
            return ids[: place + 1]
    while ids and ids[-1] == pad:  # ended by a criterion of the application's
        ids.pop()
    return ids


def _reason(row: list[int], ends: frozenset[int], limit: int | None) -> str:
    if row and row[-1] in ends:
        return _STOP
    return _LENGTH if limit is None or len(row) >= limit else _STOP


def _taken(asked: Given) -> int:
    ids, mask = _ids(asked), get(asked.keywords, "attention_mask")
    if ids is None:
        ids = get(asked.keywords, "inputs_embeds")
    if ids is None:
        return 1
    rows, length = int(ids.shape[0]), int(ids.shape[1])
    if get(mask, "ndim") == 2 and tuple(mask.shape) == (rows, length):
        return int(mask.sum())
    return rows * length


def _tokenizer(asked: Given) -> Any:
    if asked.prompt is not None:
        return asked.prompt.tokenizer
    return asked.keywords.get("tokenizer") or get(asked.keywords.get("streamer"), "tokenizer")


def content(asked: Given) -> Content:
    """What the model is told, where a pipeline has it, or a tokenizer is at hand that reads ids."""
    if asked.prompt is not None:
        return Content([it for said in asked.prompt.said for it in _messages(said)])
    ids, tokenizer = _ids(asked), _tokenizer(asked)
    if ids is None or tokenizer is None:
        return Content()
    return Content([message("user", texts(_read(tokenizer, row))) for row in ids.tolist()])


def _messages(said: Any) -> Sequence[Message]:
    if isinstance(said, str):
        return [message("user", texts(said))]
    return openai_content.of_chat({"messages": get(said, "messages")}).messages


def _told(asked: Given, rows: list[list[int]], reasons: list[str]) -> list[Message]:
    tokenizer = _tokenizer(asked)
    if tokenizer is None:
        return []
    return [
        message("assistant", texts(_read(tokenizer, row)), reason) for row, reason in zip(rows, reasons, strict=True)
    ]


def _read(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True))
