"""The table of settings: name, type, values, default, and what it is for in a sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from otelml.settings.values import COUNT, FLAG, FUNCTIONS, NAMES, NUMBER, PATH, PATTERNS, SHARE, WINDOWS, Values, choice


def _setting(default: Any, values: Values, sentence: str) -> Any:
    return dataclasses.field(default=default, metadata={"values": values, "sentence": sentence})


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force. Build one with `resolve`, which checks values and reads the environment."""

    overhead_budget: float = _setting(
        0.03,
        SHARE,
        "The share of the time of the instrumented calls that may be spent on recording durations and root spans. "
        "Counts are exact whatever the budget; 100% records every call.",
    )
    sklearn_nested: bool = _setting(
        False,
        FLAG,
        "Whether calls inside a call (steps of a pipeline, candidates of a search) get spans of their own "
        "when the outermost call has one.",
    )
    max_classes: int = _setting(
        50, COUNT, "The number of distinct predicted classes counted per model; further ones are counted as `_OTHER`."
    )
    max_models: int = _setting(
        200,
        COUNT,
        "The number of distinct models (name and version) on metrics; further ones are reported as `_OTHER`.",
    )
    monitors: bool = _setting(
        True,
        FLAG,
        "Whether the inputs and predictions of models are watched for drift and broken data. The rows that are seen "
        "are sampled within the overhead budget.",
    )
    reference_at_fit: bool = _setting(
        True,
        FLAG,
        "Whether `fit` leaves a profile of its training data on the model, with which live data are compared: "
        "counts by quantile bin and category, no rows.",
    )
    reference_rows: int = _setting(
        1000,
        COUNT,
        "The number of live rows that become the reference of a model that has none.",
    )
    max_features: int = _setting(
        1000, COUNT, "The number of features watched per model, the first ones; telemetry says when there are more."
    )
    max_profile_bytes: int = _setting(
        1_000_000, COUNT, "The size of the profile that `fit` leaves on a model; features beyond it are not watched."
    )
    min_category_count: int = _setting(
        10,
        COUNT,
        "The number of training rows from which on a category is kept by name in the profile; rarer ones are one bin.",
    )
    reference_period: str = _setting(
        "none",
        choice("none", "hour", "weekday"),
        "Whether live data are compared with the training data of the same hour of day or weekday, for data with "
        "seasons (docs/drift.md). Needs a column with timestamps.",
    )
    drift_windows: tuple[int | timedelta, ...] = _setting(
        (200, 1000, 10000),
        WINDOWS,
        "The lengths of the windows, in rows or time, that are compared with the reference, all of them at once.",
    )
    drift_window_steps: int = _setting(
        1,
        COUNT,
        "By what part of their length windows slide: 1 for windows one after the other, 4 for a quarter of "
        "their length.",
    )
    drift_minimum_effect: float = _setting(
        0.1,
        NUMBER,
        "The least effect that counts as drift, as a bias-corrected population stability index; smaller significant "
        "changes are warnings.",
    )
    state_file: str = _setting(
        "",
        PATH,
        "A file in which the state of the monitors is kept: read at the start, written every minute and at the end, "
        "and shown by `otelml report`. `{pid}` in it stands for the process; then nothing is read at the start.",
    )
    metric_features: int = _setting(
        50,
        COUNT,
        "The number of features per model whose values are exported as counts by bin, for drift over all replicas.",
    )
    metric_attributes: tuple[str, ...] = _setting(
        (),
        NAMES,
        "The keys set with `otelml.attributes()` that go on metrics, too. Allow only keys with few values: "
        "at most 20 are kept for each, further ones are reported as `_OTHER`.",
    )
    training_window_steps: int = _setting(
        1000, COUNT, "The number of steps of a training loop after which their span is made."
    )
    training_window_seconds: int = _setting(
        30, COUNT, "The seconds after which the span of the steps of a training loop is made, if it has not been yet."
    )
    training_gradient_norm_every: int = _setting(
        100,
        COUNT,
        "At every how many steps of a training loop the norm of the gradients is computed; after the first 20, less "
        "often where that would take more than a tenth of the overhead budget. "
        "Where the application clips the gradients by their norm, that norm is taken at each step.",
    )
    genai_content: str = _setting(
        "environment",
        choice("environment", "no_content", "span_only", "event_only", "span_and_event"),
        "Where prompts, answers and tool data go; `environment` leaves it to "
        "`OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`, whose default is nowhere.",
    )
    genai_content_length: int = _setting(
        32768, COUNT, "The number of characters of content in one attribute; longer texts are cut."
    )
    genai_redact: tuple[str, ...] = _setting(
        (), PATTERNS, "What is replaced by `[REDACTED]` in all content, before it is cut."
    )
    genai_redactors: tuple[Callable[[str], str], ...] = _setting(
        (), FUNCTIONS, "Functions that every text of content goes through: they return what may be recorded of it."
    )
    genai_chunk_histogram: bool = _setting(
        False,
        FLAG,
        "Whether the time between the chunks of streams is recorded for every chunk, besides their mean and maximum "
        "for each stream.",
    )
    genai_providers: tuple[str, ...] = _setting(
        (), NAMES, "Names of providers by their address, for servers of your own, such as `gpu-7.internal:8000=vllm`."
    )
    genai_stream_usage: bool = _setting(
        False,
        FLAG,
        "Whether streams of OpenAI's chat completions are asked for their token counts where the application does not "
        "say; the stream then ends with a chunk without choices. Else their tokens are marked as missing.",
    )
    genai_token_estimates: str = _setting(
        "loaded",
        choice("none", "loaded", "installed"),
        "Whose tokenizers count the tokens of a stream that does not tell them: those that the program has loaded "
        "itself; also those that are installed with their files on this machine, which are then loaded on a thread; "
        "or none (docs/instrumenting-llm-clients.md).",
    )
    genai_tokenizers: tuple[Callable[[str], Callable[[str], int] | None], ...] = _setting(
        (),
        FUNCTIONS,
        "Functions that give, for the name of a model, what counts the tokens of a text, or None. They are asked "
        "before any other tokenizer.",
    )
    genai_enrichment: bool = _setting(
        True,
        FLAG,
        "Whether spans of GenAI calls, of whatever instrumentation, get cost, use of the context window, conversation "
        "and baggage, and whether their cost and conversations are counted.",
    )
    price_table: str = _setting(
        "",
        PATH,
        "A JSON file with your own prices and context windows of models, which win over those of the package "
        "genai-prices (the extra `genai`). Its format is that of `otelml.monitors.genai.PriceTable`.",
    )
    baggage_attributes: tuple[str, ...] = _setting(
        (),
        NAMES,
        "The keys of W3C baggage that are copied to the spans of GenAI calls, besides the conversation, the persona "
        "and the type of query. Those that `metric_attributes` allows as well go on metrics.",
    )
    max_conversations: int = _setting(
        1000,
        COUNT,
        "The number of conversations whose totals are kept at a time; when there are more, the one that was idle "
        "longest is closed.",
    )
    conversation_timeout: int = _setting(
        1800, COUNT, "The seconds without a call after which the totals of a conversation are closed and reported."
    )
    torch_input_shapes: bool = _setting(
        False, FLAG, "Whether spans of calls of PyTorch modules tell the shape of the input."
    )
    torch_flops: bool = _setting(
        False,
        FLAG,
        "Whether the floating-point operations of the models in training loops are counted, once for each model, so "
        "that the share of the GPU's peak rate that is reached (MFU) can be told. The model's `forward` is run once "
        "more for it, as a copy and without data (docs/gpu.md).",
    )
    gpu_devices: str = _setting(
        "used",
        choice("used", "visible", "none"),
        "The NVIDIA GPUs that are reported: those that the process computes on; all that it may use by "
        "`CUDA_VISIBLE_DEVICES`, for one process of a machine that reports for all; or none.",
    )
    exception_messages: bool = _setting(
        True,
        FLAG,
        "Whether exception events carry the message and the stack trace. "
        "Messages of ML libraries may quote input values.",
    )
