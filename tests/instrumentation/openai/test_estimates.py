"""Tokens of streams that do not tell them: counted with a tokenizer of this machine, marked, and kept apart."""

from __future__ import annotations

import hashlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otelml.semconv import attributes as names
from otelml.semconv import metrics
from otelml.telemetry.genai import tokenizers
from otelml.telemetry.genai.abandoned import UNDERTAKER
from tests.instrumentation.openai.conftest import Switch
from tests.support.fakes.http import sse
from tests.support.fakes.openai import FakeOpenAI, chunk, chunks
from tests.support.genai import TOKENS, UNMETERED, soon
from tests.support.recorded import RecordedSpan
from tests.support.telemetry import Telemetry

PATH = "/v1/chat/completions"
PROMPT = "How do I say hello?"
ASK: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": PROMPT}], "stream": True}
ESTIMATED = metrics.ML_GEN_AI_CLIENT_ESTIMATED_TOKENS.name
FRAMES = len("user") + 3 + 3
"""A message's role, and what frames a message and the answer."""
ANSWER = len("Hello! How can I help?")


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed tiktoken with an encoding that the application has loaded: a token is a byte."""
    import tiktoken
    from tiktoken import registry

    ranks = {bytes([byte]): byte for byte in range(256)}
    encoding = tiktoken.Encoding("bytes", pat_str=r"(?s).", mergeable_ranks=ranks, special_tokens={})
    monkeypatch.setitem(registry.ENCODINGS, "o200k_base", encoding)


@pytest.fixture(autouse=True)
def no_network(api: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Nothing but the far end of the client is connected to."""
    connected: list[Any] = []
    connect = socket.socket.connect

    def watched(sock: socket.socket, address: Any) -> None:
        connected.append(address)
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    yield connected
    assert {address[1] for address in connected} <= {api.port}


def spans(telemetry: Telemetry, number: int) -> list[RecordedSpan]:
    """So many spans, which a thread of ours may end a moment after their streams."""
    deadline = time.monotonic() + 10
    while len(telemetry.span_exporter.get_finished_spans()) < number and time.monotonic() < deadline:
        UNDERTAKER.flush()
        time.sleep(0.01)
    return telemetry.spans


def usage(span: RecordedSpan) -> tuple[Any, Any, Any]:
    """Where the tokens of a span come from, and the tokens."""
    found = span.attributes
    return tuple(  # type: ignore[return-value]
        found.get(name)
        for name in (names.ML_GEN_AI_USAGE_STATUS, names.GEN_AI_USAGE_INPUT_TOKENS, names.GEN_AI_USAGE_OUTPUT_TOKENS)
    )


@pytest.mark.usefixtures("instrumented", "loaded")
def test_tokens_are_counted_where_the_stream_does_not_tell_them(client: Any, telemetry: Telemetry) -> None:
    """With an encoding that the program has loaded; the tokens are in a counter of their own."""
    assert len(list(client.chat.completions.create(**ASK))) == 5

    span = soon(telemetry, "chat gpt-5-mini")
    assert usage(span) == ("estimated", len(PROMPT) + FRAMES, ANSWER)
    counted = {it.attributes[names.GEN_AI_TOKEN_TYPE]: it.value for it in telemetry.points(ESTIMATED)}
    assert counted == {"input": len(PROMPT) + FRAMES, "output": ANSWER}
    assert telemetry.points(TOKENS) == []
    assert telemetry.point(UNMETERED, {names.ML_GEN_AI_USAGE_STATUS: "estimated"}).value == 1


@pytest.mark.usefixtures("instrumented", "loaded")
def test_tokens_that_are_told_stand(client: Any, telemetry: Telemetry) -> None:
    """Nothing is estimated of a stream that brings its usage."""
    list(client.chat.completions.create(**ASK, stream_options={"include_usage": True}))

    assert usage(telemetry.span("chat gpt-5-mini")) == (None, 19, 10)
    assert telemetry.points(ESTIMATED) == []


@pytest.mark.usefixtures("instrumented", "loaded")
@pytest.mark.parametrize("leaving", ["close", "dropped"])
def test_a_stream_that_was_left_is_counted_as_far_as_it_was_read(
    client: Any, telemetry: Telemetry, leaving: str
) -> None:
    """Its time is that of its last chunk, and it is no error."""
    stream = client.chat.completions.create(**ASK)
    for it in stream:
        if it.choices[0].delta.content:
            break
    response = stream.response
    if leaving == "close":
        stream.close()
    del stream

    span = soon(telemetry, "chat gpt-5-mini")
    response.close()

    assert usage(span) == ("estimated", len(PROMPT) + FRAMES, len("Hello!"))
    assert (span.status, span.attributes[names.ML_GEN_AI_RESPONSE_ABANDONED]) == ("UNSET", True)


@pytest.mark.usefixtures("instrumented", "loaded")
def test_a_stream_that_was_read_and_closed_was_not_left(client: Any, telemetry: Telemetry) -> None:
    """What follows its end, while its tokens are counted, changes nothing."""
    with client.chat.completions.create(**ASK) as stream:
        list(stream)
        stream.close()

    assert names.ML_GEN_AI_RESPONSE_ABANDONED not in soon(telemetry, "chat gpt-5-mini").attributes


@pytest.mark.usefixtures("instrumented", "loaded")
def test_long_answers_tools_and_thoughts(client: Any, api: FakeOpenAI, telemetry: Telemetry) -> None:
    """Texts are counted piece by piece: none is lost or counted twice, whatever they are."""
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}
    words = [f"word{number} " for number in range(2000)]
    script = [*chunks(words), chunk({"tool_calls": [call]}), chunk({"reasoning_content": "Well, ö."})]
    api.reply(PATH, sse(*script))

    list(client.chat.completions.create(**ASK))

    said = "".join(words) + 'f{"a": 1}' + "Well, ö."
    assert usage(soon(telemetry, "chat gpt-5-mini"))[2] == len(said.encode())


@pytest.mark.usefixtures("instrumented", "loaded")
def test_a_long_prompt_is_counted_by_its_beginning(client: Any, telemetry: Telemetry) -> None:
    """A million characters: the rest by the ratio of the beginning."""
    long = "word " * 200_000

    list(client.chat.completions.create(**{**ASK, "messages": [{"role": "user", "content": long}]}))

    assert usage(soon(telemetry, "chat gpt-5-mini"))[1] == pytest.approx(1_000_000, rel=0.001)


def test_off_and_unknown_models(client: Any, switch_on: Switch, loaded: None, telemetry: Telemetry) -> None:
    """Where the setting says so, or where no tokenizer is the model's, tokens are missing."""
    switch_on(genai_token_estimates="none")
    list(client.chat.completions.create(**ASK))
    switch_on()
    list(client.chat.completions.create(**{**ASK, "model": "qwen"}))

    assert [usage(span) for span in telemetry.spans] == [("missing", None, None)] * 2


def test_the_application_s_own_tokenizer(client: Any, switch_on: Switch, telemetry: Telemetry) -> None:
    """A real tokenizer, trained here, that the application gives for one model."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    trained.train_from_iterator(["Hello! How can I help?", PROMPT] * 20, trainer)
    asked: list[str] = []

    def give(model: str) -> Any:
        asked.append(model)
        return (lambda text: len(trained.encode(text).ids)) if model == "qwen" else None

    switch_on(genai_tokenizers=(give,))
    for _ in range(2):
        list(client.chat.completions.create(**{**ASK, "model": "qwen"}))

    expected = len(trained.encode("Hello! How can I help?").ids)
    assert [usage(span)[2] for span in spans(telemetry, 2)] == [expected] * 2
    assert expected < ANSWER
    assert asked == ["qwen"]


def test_a_tokenizer_that_raises(client: Any, switch_on: Switch, contained_faults: None, telemetry: Telemetry) -> None:
    """The stream is the application's, and its tokens are missing."""
    switch_on(genai_tokenizers=(lambda _model: lambda text: 1 // 0,))

    assert len(list(client.chat.completions.create(**ASK))) == 5

    assert usage(soon(telemetry))[0] == "missing"


def test_installed_tokenizers_come_from_files(
    client: Any, switch_on: Switch, telemetry: Telemetry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tokenizer of a repository in Hugging Face's cache; without the file, or tiktoken's, tokens are missing."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--qwen--small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    made = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(repository / "snapshots" / "abc" / "tokenizer.json"))

    switch_on(genai_token_estimates="installed")
    for model in ("qwen/small", "qwen/other", "gpt-5-mini"):
        list(client.chat.completions.create(**{**ASK, "model": model}))

    statuses = {span.name: usage(span)[::2] for span in spans(telemetry, 3)}
    assert statuses == {
        "chat qwen/small": ("estimated", len(["Hello", "!", "How", "can", "I", "help", "?"])),
        "chat qwen/other": ("missing", None),
        "chat gpt-5-mini": ("missing", None),
    }


def test_a_broken_file_of_tiktoken_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another digest than it should have, or empty: tiktoken would download it again, so it is not asked."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    key, digest = tokenizers._FILES["o200k_base"]
    (tmp_path / key).write_bytes(b"broken")

    assert not tokenizers._is_in_cache(key, digest)
    assert tokenizers._is_in_cache(key, hashlib.sha256(b"broken").hexdigest())
    assert tokenizers._installed_tiktoken("gpt-5-mini") is None
    assert (tmp_path / key).exists()


@pytest.mark.usefixtures("instrumented")
def test_nothing_is_imported_for_estimates(client: Any, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program has not loaded a tokenizer, none is imported, and tokens are missing."""
    for name in [name for name in sys.modules if name.split(".")[0] == "tiktoken"]:
        monkeypatch.delitem(sys.modules, name)

    list(client.chat.completions.create(**ASK))

    assert usage(telemetry.span("chat gpt-5-mini"))[0] == "missing"
    assert "tiktoken" not in sys.modules
