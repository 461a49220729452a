"""`generate` of real models: one span, and the tokens as the ids have them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch

import otelml
from otelml.instrumentation._genai import GenAIInstrumentor
from otelml.instrumentation.torch import TorchInstrumentor
from otelml.instrumentation.transformers import TransformersInstrumentor, generation
from otelml.semconv import attributes as names
from tests.instrumentation.transformers.models import NAME, PROMPT, llama, saying, t5, tokenizer, transformers
from tests.support.genai import DURATION, UNMETERED, Switch, tokens
from tests.support.telemetry import Telemetry

pytestmark = pytest.mark.filterwarnings("ignore")  # of Transformers, about what the CPU lacks

on = pytest.mark.usefixtures("instrumented")


def ids(*prompts: str) -> Any:
    """Token ids and their mask, padded to the longest."""
    return tokenizer()(list(prompts), padding=True, return_tensors="pt")


def test_one_prompt(switch_on: Switch, telemetry: Telemetry) -> None:
    """Model, parameters, tokens and finish reason; the result is the one that the model gives by itself."""
    asked: dict[str, Any] = {**ids(PROMPT), "max_new_tokens": 5, "min_new_tokens": 5, "do_sample": False}
    expected = llama().generate(**asked)
    switch_on()
    assert torch.equal(llama().generate(**asked), expected)

    assert telemetry.span(f"text_completion {NAME}").attributes == {
        names.GEN_AI_OPERATION_NAME: "text_completion",
        names.GEN_AI_PROVIDER_NAME: "transformers",
        names.GEN_AI_REQUEST_MODEL: NAME,
        names.GEN_AI_REQUEST_MAX_TOKENS: 5,
        names.GEN_AI_USAGE_INPUT_TOKENS: 4,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: 5,
        names.GEN_AI_RESPONSE_FINISH_REASONS: ["length"],
    }
    assert telemetry.point(DURATION).count == 1
    assert tokens(telemetry) == {"input": 4, "output": 5}
    assert telemetry.points(UNMETERED) == []


@on
def test_a_batch_counts_each_row_to_its_end(telemetry: Telemetry) -> None:
    """Padding is neither input nor output; a row ends with its end token, or at the limit."""
    llama().generate(
        **ids("the weather", "in bern is rain"),
        max_new_tokens=3,
        do_sample=False,
        logits_processor=saying("sun", "rain is kind in bern"),
    )
    found = telemetry.span().attributes
    assert found[names.GEN_AI_USAGE_INPUT_TOKENS] == 2 + 4
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 2 + 3
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop", "length"]


@on
def test_parameters_of_sampling(telemetry: Telemetry) -> None:
    """Those of the call go before those of a configuration, and that before the model's own."""
    model = llama()
    model.generation_config.top_k = 7
    config = transformers.GenerationConfig(
        do_sample=True, temperature=0.5, max_new_tokens=9, pad_token_id=2, eos_token_id=1
    )
    model.generate(ids(PROMPT)["input_ids"], config, temperature=0.25, top_p=0.9, num_return_sequences=2)
    found = telemetry.span().attributes
    assert found[names.GEN_AI_REQUEST_TEMPERATURE] == 0.25
    assert found[names.GEN_AI_REQUEST_TOP_P] == 0.9
    assert found[names.GEN_AI_REQUEST_MAX_TOKENS] == 9
    assert found[names.GEN_AI_REQUEST_CHOICE_COUNT] == 2
    assert len(found[names.GEN_AI_RESPONSE_FINISH_REASONS]) == 2
    assert found[names.GEN_AI_USAGE_INPUT_TOKENS] == 4


@on
def test_a_criterion_of_the_application_s(telemetry: Telemetry) -> None:
    """A generation that it ends has reached no limit, nor is what pads the row counted."""

    def ends(input_ids: torch.Tensor, _scores: object, **_: object) -> torch.Tensor:
        return input_ids[:, -1] == tokenizer().convert_tokens_to_ids("sun")

    llama().generate(
        **ids("the weather", "in bern"),
        max_new_tokens=5,
        stopping_criteria=transformers.StoppingCriteriaList([ends]),
        do_sample=False,
        logits_processor=saying("is sun", "rain rain rain sun"),
    )
    found = telemetry.span().attributes
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 2 + 4
    assert found[names.GEN_AI_RESPONSE_FINISH_REASONS] == ["stop", "stop"]


def test_texts_that_end_a_generation() -> None:
    """They are told, given to the call or in a configuration."""
    config = transformers.GenerationConfig(stop_strings=["sun", "rain"])
    for keywords in ({"stop_strings": ["sun", "rain"]}, {"generation_config": config}):
        asked = generation.given((llama(),), {**ids(PROMPT), **keywords}, None)
        assert generation.request(asked).fields["stop_sequences"] == ("sun", "rain")


@on
def test_other_forms_of_models_and_inputs(telemetry: Telemetry) -> None:
    """An encoder's tokens are the input, a decoder's first one is not said; embeddings are tokens too."""
    t5().generate(torch.tensor([[3, 4, 5]]), max_new_tokens=4, min_new_tokens=4)
    model = llama()
    embedded = model.get_input_embeddings()(ids(PROMPT)["input_ids"])
    model.generate(inputs_embeds=embedded, max_new_tokens=2, min_new_tokens=2, return_dict_in_generate=True)
    encoder, decoder = (it.attributes for it in telemetry.spans)
    assert (encoder[names.GEN_AI_USAGE_INPUT_TOKENS], encoder[names.GEN_AI_USAGE_OUTPUT_TOKENS]) == (3, 4)
    assert encoder[names.GEN_AI_REQUEST_MODEL] == "T5ForConditionalGeneration"
    assert (decoder[names.GEN_AI_USAGE_INPUT_TOKENS], decoder[names.GEN_AI_USAGE_OUTPUT_TOKENS]) == (4, 2)


@on
def test_names_of_models(telemetry: Telemetry) -> None:
    """A folder of this machine is told by its name alone; the application's own name goes first."""
    model = llama()
    model.config._name_or_path = "/home/someone/models/ours"
    model.generate(**ids(PROMPT), max_new_tokens=1)
    otelml.describe(model, name="answers").generate(**ids(PROMPT), max_new_tokens=1)
    assert [it.attributes[names.GEN_AI_REQUEST_MODEL] for it in telemetry.spans] == ["ours", "answers"]


@on
def test_errors_are_the_application_s(telemetry: Telemetry) -> None:
    """An error of the library, and one of a streamer in the middle."""

    class Broken(transformers.TextStreamer):  # type: ignore[name-defined,misc,unused-ignore]
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            raise OSError("gone")

    with pytest.raises(ValueError, match="not used by the model"):
        llama().generate(**ids(PROMPT), no_such_argument=True)
    with pytest.raises(OSError, match="gone"):
        llama().generate(**ids(PROMPT), streamer=Broken(tokenizer()), max_new_tokens=3)
    assert [it.attributes[names.ERROR_TYPE] for it in telemetry.spans] == ["ValueError", "OSError"]
    assert {it.status for it in telemetry.spans} == {"ERROR"}


@on
def test_a_streamer(telemetry: Telemetry, capsys: pytest.CaptureFixture[str]) -> None:
    """Each token is a chunk, the prompt is none; what is printed is what is printed without us."""
    streamer = transformers.TextStreamer(tokenizer(), skip_prompt=True, skip_special_tokens=True)
    llama().generate(
        **ids(PROMPT), streamer=streamer, max_new_tokens=6, do_sample=False, logits_processor=saying("is rain kind")
    )
    assert capsys.readouterr().out == "is rain kind\n"
    found = telemetry.span().attributes
    assert found[names.GEN_AI_REQUEST_STREAM] is True
    assert found[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 4
    assert found[names.GEN_AI_USAGE_OUTPUT_TOKENS] == 4
    assert 0 < found[names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]
    assert telemetry.point("gen_ai.client.operation.time_to_first_chunk").count == 1
    assert telemetry.point("ml.gen_ai.client.output_rate").count == 1


@on
def test_a_streamer_read_in_another_thread(telemetry: Telemetry) -> None:
    """As an application streams: `generate` runs in a thread, and its texts are read here."""
    streamer = transformers.TextIteratorStreamer(tokenizer(), skip_prompt=True, skip_special_tokens=True, timeout=30)
    asked = {**ids(PROMPT), "max_new_tokens": 5, "do_sample": False, "logits_processor": saying("sun is kind")}
    thread = threading.Thread(target=llama().generate, kwargs={**asked, "streamer": streamer})
    thread.start()
    assert "".join(streamer).split() == ["sun", "is", "kind"]
    thread.join()
    assert telemetry.span().attributes[names.ML_GEN_AI_RESPONSE_CHUNK_COUNT] == 4


@pytest.mark.usefixtures("with_torch")
@pytest.mark.parametrize("first", ["torch", "transformers"])
def test_with_pytorch_s_hook_it_is_one_call(switch_on: Switch, telemetry: Telemetry, first: str) -> None:
    """One span and one count, whichever hook was switched on first; the forwards inside are none of their own."""
    if first == "transformers":
        TorchInstrumentor().uninstrument()
    switch_on()
    if first == "transformers":
        TorchInstrumentor().instrument(**telemetry.providers)
    model = llama()
    model.generate(**ids(PROMPT), max_new_tokens=3)
    assert [it.name for it in telemetry.spans] == [f"text_completion {NAME}"]
    assert telemetry.points("ml.inference.calls") == []
    assert telemetry.point(DURATION).count == 1

    TransformersInstrumentor().uninstrument()
    model.generate(**ids(PROMPT), max_new_tokens=3)
    assert telemetry.total("ml.inference.calls") == 1
    assert telemetry.point(DURATION).count == 1


@pytest.mark.usefixtures("instrumented", "with_torch")
def test_what_is_not_given_text_stays_an_inference_call(telemetry: Telemetry) -> None:
    """A model that hears is not asked for a completion of text."""
    config = transformers.SpeechEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.Wav2Vec2Config(
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
            conv_dim=(8,),
            conv_kernel=(4,),
            conv_stride=(4,),
            num_feat_extract_layers=1,
            num_conv_pos_embeddings=4,
            num_conv_pos_embedding_groups=2,
            feat_extract_norm="layer",
        ),
        transformers.GPT2Config(
            vocab_size=20, n_embd=8, n_layer=1, n_head=2, n_positions=32, bos_token_id=0, eos_token_id=19
        ),
    )
    model = transformers.SpeechEncoderDecoderModel(config=config).eval()
    telemetry.span_exporter.clear()
    model.generate(torch.randn(1, 400), decoder_start_token_id=0, max_new_tokens=2, pad_token_id=19)
    assert [it.name for it in telemetry.spans] == ["predict SpeechEncoderDecoderModel"]
    assert telemetry.point("ml.inference.calls", {names.ML_OPERATION_METHOD: "generate"}).value == 1


def test_suppressed_and_off_nothing_is_said(instrumented: GenAIInstrumentor, telemetry: Telemetry) -> None:
    """Inside `suppress_instrumentation` nothing is said; after switching off the method is the library's."""
    from opentelemetry.instrumentation.utils import suppress_instrumentation
    from transformers.generation.utils import GenerationMixin

    replaced: Any = GenerationMixin.generate
    with suppress_instrumentation():
        llama().generate(**ids(PROMPT), max_new_tokens=2)
    instrumented.uninstrument()
    assert telemetry.spans == []
    assert GenerationMixin.generate is replaced.__wrapped__
