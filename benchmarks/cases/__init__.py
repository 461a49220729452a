"""The benchmarks, in the order of the page; each module has `run(quick)`, which measures and reports."""

from __future__ import annotations

NAMES = (
    "predict_one_row",
    "exactness",
    "in_recording_parent",
    "unsampled_parent",
    "other_models",
    "peers",
    "monitors",
    "grid_search",
    "torch_training",
    "genai_openai",
    "torch_forward",
    "startup",
    "memory",
)
