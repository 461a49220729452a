"""Transformers models: `generate` is one operation, and a forward has its names."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import otelml
from otelml.semconv import attributes as names
from tests.instrumentation.torch.conftest import Instrument
from tests.support.telemetry import Telemetry

transformers = pytest.importorskip("transformers")

IDS = torch.tensor([[1, 2, 3], [4, 5, 6]])


def _config(**values: Any) -> Any:
    return transformers.GPT2Config(
        vocab_size=20, n_positions=32, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=19, **values
    )


def _model() -> Any:
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(_config()).eval()


def _generated(model: Any) -> Any:
    return model.generate(IDS, max_new_tokens=4, do_sample=False, pad_token_id=19, attention_mask=torch.ones_like(IDS))


@pytest.mark.parametrize("budget", [0, 1])
def test_generate_is_one_operation(budget: int, instrument: Instrument, telemetry: Telemetry) -> None:
    """However many tokens it makes, and with the same tokens as without us."""
    expected = _generated(_model())
    instrument(overhead_budget=budget)
    model = _model()
    for _ in range(2):
        assert torch.equal(_generated(model), expected)
    method = {names.ML_OPERATION_METHOD: "generate", names.ML_MODEL_NAME: "GPT2LMHeadModel"}
    assert telemetry.point("ml.inference.calls").value == 2
    assert telemetry.point("ml.inference.calls", method).value == 2
    assert telemetry.total("ml.inference.samples", method) == 4
    if budget:
        assert {span.name for span in telemetry.spans} == {"predict GPT2LMHeadModel"}
        assert telemetry.spans[0].attributes[names.ML_INPUT_DATA_TYPE] == "int64"
        assert telemetry.spans[0].attributes[names.ML_MODEL_DATA_TYPE] == "float32"


@pytest.mark.usefixtures("hooked")
def test_generate_that_raises(telemetry: Telemetry) -> None:
    """The host's exception, an error of `generate`, and a context that is clean afterwards."""
    model = _model()
    with pytest.raises(ValueError, match="not used by the model"):
        model.generate(IDS, no_such_argument=True)
    assert telemetry.span().attributes[names.ERROR_TYPE] == "ValueError"
    model(IDS)
    assert telemetry.total("ml.inference.calls") == 2


@pytest.mark.usefixtures("hooked")
def test_streamed_tokens(telemetry: Telemetry) -> None:
    """A streamer gets every token while `generate` runs."""

    class Streamer(transformers.generation.streamers.BaseStreamer):  # type: ignore[name-defined,misc,unused-ignore]
        def __init__(self) -> None:
            self.tokens: list[int] = []

        def put(self, value: torch.Tensor) -> None:
            self.tokens.extend(value.flatten().tolist())

        def end(self) -> None:
            self.tokens.append(-1)

    streamer = Streamer()
    _model().generate(IDS[:1], max_new_tokens=4, do_sample=False, pad_token_id=19, streamer=streamer)
    assert streamer.tokens[:3] == [1, 2, 3]
    assert streamer.tokens[-1] == -1
    assert telemetry.total("ml.inference.calls") == 1


@pytest.mark.usefixtures("hooked")
def test_names_of_classes(telemetry: Telemetry) -> None:
    """The classes of a sequence classifier bear the names of its configuration."""
    config = _config(num_labels=2, id2label={0: "ham", 1: "spam"}, label2id={"ham": 0, "spam": 1}, pad_token_id=19)
    model = otelml.describe(transformers.GPT2ForSequenceClassification(config), task="classification").eval()
    with torch.no_grad():
        model(input_ids=IDS)
    classes = {point.attributes[names.ML_PREDICTION_CLASS] for point in telemetry.points("ml.inference.predictions")}
    assert classes <= {"ham", "spam"}
    assert telemetry.total("ml.inference.predictions") == 2
