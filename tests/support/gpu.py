"""What the tests that need an NVIDIA GPU share."""

from __future__ import annotations

import pytest
import torch

GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that this PyTorch can use"),
]
"""The marks of a module of such tests."""
