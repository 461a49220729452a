"""Hugging Face's own door: what a trainer logs, its epochs, evaluations and checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers.trainer
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from otelml.instrumentation.torch import TorchInstrumentor
from otelml.instrumentation.transformers_trainer import TransformersTrainerInstrumentor
from tests.support.telemetry import Telemetry

pytestmark = pytest.mark.filterwarnings("ignore")  # of Transformers, about what the CPU lacks

BERT = "BertForSequenceClassification"


@pytest.fixture(autouse=True)
def instrumented(telemetry: Telemetry) -> Iterator[None]:
    """Transformers and PyTorch under the hook."""
    TransformersTrainerInstrumentor().instrument(**telemetry.providers)
    TorchInstrumentor().instrument(**telemetry.providers)
    yield
    TorchInstrumentor().uninstrument()
    TransformersTrainerInstrumentor().uninstrument()


def rows(count: int) -> list[dict[str, Any]]:
    """Sequences of six tokens, with labels."""
    return [{"input_ids": torch.randint(0, 30, (6,)), "labels": torch.tensor(number % 2)} for number in range(count)]


def test_training_is_one_run(telemetry: Telemetry, tmp_path: Path) -> None:
    """Epochs, evaluations and checkpoints are told once each, with the tokens and the model's name."""
    telemetry.allow("ml.training.hyperparameter.*", "ml.evaluation.name")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, num_labels=2
    )
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=2,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_steps=1,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
    )
    trainer = Trainer(
        BertForSequenceClassification(config),
        arguments,
        train_dataset=rows(16),
        eval_dataset=rows(4),
        compute_metrics=lambda _: {"accuracy": 0.5},
    )
    trainer.train()
    about = {"ml.model.name": BERT}
    assert telemetry.point("ml.training.steps", about).value == 4
    assert telemetry.point("ml.training.microbatches", about).value == 8
    assert telemetry.point("ml.training.samples", about).value == 32
    assert telemetry.point("ml.training.tokens", about).value == 32 * 6
    assert telemetry.point("ml.training.epochs", about).value == 2
    assert telemetry.point("ml.evaluation.runs", about).value == 2
    assert telemetry.point("ml.training.runs", about).value == 1
    saves = [event for event in telemetry.events if event.name == "ml.training.checkpoint"]
    assert len(saves) == 2
    score = telemetry.point("ml.evaluation.score")
    assert (score.attributes["ml.evaluation.name"], score.value) == ("accuracy", 0.5)
    losses = {point.attributes["ml.dataset.split"] for point in telemetry.points("ml.training.loss")}
    assert losses == {"train", "validation"}
    assert telemetry.point("ml.training.gradient.norm").value > 0
    assert telemetry.points("ml.inference.calls") == []
    root = telemetry.span(f"train {BERT}")
    assert root.attributes["ml.training.epoch.count"] == 2


def test_door_is_shut_when_switched_off() -> None:
    """The list of default callbacks is as Transformers made it."""
    TransformersTrainerInstrumentor().uninstrument()
    ours = [it for it in transformers.trainer.DEFAULT_CALLBACKS if it.__module__.startswith("otelml.")]
    assert ours == []
