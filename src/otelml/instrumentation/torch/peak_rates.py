"""What GPUs do at most: dense matrix products a second, as their makers' data sheets state it.

Where a sheet gives the rate with structured sparsity only, half of it. The names are those that the driver reports.

Sources:
- NVIDIA V100 Tensor Core GPU data sheet (January 2020); NVIDIA T4 data sheet (2019)
- NVIDIA A100 Tensor Core GPU data sheet (2021); NVIDIA A10 data sheet (2021)
- NVIDIA H100 Tensor Core GPU data sheets (2022 for PCIe, 2024 for SXM and NVL); NVIDIA H200 data sheet (2024) for SXM
- NVIDIA L4 data sheet (2023); NVIDIA L40 and L40S data sheets (2023)
- NVIDIA HGX B200 and GB200 NVL72 specifications (2025), a GPU's share of the board
- AMD Instinct MI300X data sheet (2023)

Those of A100, H100 SXM, L4 and MI300X are in PyTorch's own table, with the sheets they come from, too
(`torch/_inductor/analysis/device_info.py`, 2.13). A rate for which no sheet was at hand is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

TF32 = "tf32"
"""32-bit floats whose products are computed on tensor cores, with a mantissa of 10 bits."""

_F32, _F16, _BF16 = "float32", "float16", "bfloat16"

_H100_SXM = {_F32: 67.0, TF32: 494.5, _F16: 989.5, _BF16: 989.5}

_TERAFLOPS: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("GB200", {_F32: 80.0, TF32: 1250.0, _F16: 2500.0, _BF16: 2500.0}),
    ("B200", {_F32: 75.0, TF32: 1100.0, _F16: 2250.0, _BF16: 2250.0}),
    ("H200 NVL", {}),  # slower than the H200 of the next row, by how much is not known here
    ("H200", _H100_SXM),
    ("H100 NVL", {_F16: 835.5, _BF16: 835.5}),
    ("H100 PCIe", {_F32: 51.0, TF32: 378.0, _F16: 756.0, _BF16: 756.0}),
    ("H100", _H100_SXM),
    ("A100", {_F32: 19.5, TF32: 156.0, _F16: 312.0, _BF16: 312.0}),
    ("L40S", {_F32: 91.6, TF32: 183.0, _F16: 362.0, _BF16: 362.0}),
    ("L40", {_F32: 90.5, TF32: 90.5, _F16: 181.0, _BF16: 181.0}),
    ("L4", {_F32: 30.3, TF32: 60.0, _F16: 121.0, _BF16: 121.0}),
    ("A10", {_F32: 31.2, TF32: 62.5, _F16: 125.0, _BF16: 125.0}),
    ("T4", {_F32: 8.1, _F16: 65.0}),
    ("V100-PCIE", {_F32: 14.0, _F16: 112.0}),
    ("V100", {_F32: 15.7, _F16: 125.0}),
    ("MI300X", {_F32: 163.4, TF32: 653.7, _F16: 1307.4, _BF16: 1307.4}),
)
"""By the words in a device's name, of which the first row that fits counts."""


def peak_rate(device: str, kind: str) -> float | None:
    """Return the peak rate of a device, in floating-point operations a second.

    Args:
        device: its name, such as "NVIDIA A100-SXM4-80GB".
        kind: the data type of the products: the name of a type of PyTorch, or `TF32`.

    Returns:
        The rate; None for a device, or a data type of it, that the table does not have, and for a MIG instance.
    """
    words = device.replace("-", " ").split()
    if "MIG" in words:
        return None
    for name, rates in _TERAFLOPS:
        if _names(name, words):
            rate = rates.get(_F32 if kind == TF32 and TF32 not in rates else kind)
            return None if rate is None else rate * 1e12
    return None


def _names(name: str, words: list[str]) -> bool:
    wanted = name.replace("-", " ").split()
    return any(words[start : start + len(wanted)] == wanted for start in range(len(words)))


def kind_of(dtype: torch.dtype) -> str:
    """The data type in which products of tensors of a type are computed now, as `peak_rate` takes it."""
    if dtype == torch.float32 and torch.get_float32_matmul_precision() != "highest":
        return TF32
    return str(dtype).removeprefix("torch.")
