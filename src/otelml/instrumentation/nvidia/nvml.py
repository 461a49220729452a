"""The driver's library (NVML) as one process has it open, and what its errors mean."""

from __future__ import annotations

import importlib
import logging
import math
import os
from time import monotonic
from typing import Any

_logger = logging.getLogger("otelml")

RETRY = 300.0
"""Seconds after which a driver that did not answer is asked again."""

_UNSUPPORTED = (
    "NVML_ERROR_NOT_SUPPORTED",
    "NVML_ERROR_FUNCTION_NOT_FOUND",
    "NVML_ERROR_NO_PERMISSION",
    "NVML_ERROR_INVALID_ARGUMENT",
    "NVML_ERROR_ARGUMENT_VERSION_MISMATCH",
    "NVML_ERROR_DEPRECATED",
    "NVML_ERROR_CORRUPTED_INFOROM",
    "NVML_ERROR_VGPU_ECC_NOT_SUPPORTED",
)
_LOST = ("NVML_ERROR_GPU_IS_LOST", "NVML_ERROR_RESET_REQUIRED", "NVML_ERROR_GPU_NOT_FOUND")
_GONE = (
    "NVML_ERROR_UNINITIALIZED",
    "NVML_ERROR_DRIVER_NOT_LOADED",
    "NVML_ERROR_LIBRARY_NOT_FOUND",
    "NVML_ERROR_LIB_RM_VERSION_MISMATCH",
)


class DeviceLost(Exception):
    """A device has fallen off the bus, or needs a reset."""


class DriverGone(Exception):
    """The driver does not answer any more, as after it was unloaded or updated."""


class Library:
    """NVML, opened when it is first needed in a process, and anew in a forked child."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._process = 0
        self._not_before = 0.0
        self._lost_to_fork = False

    def open(self) -> bool:
        """Whether NVML is open now, having tried it where that was not done or was some time ago."""
        if self._nvml is not None:
            if self._process == os.getpid():
                return True
            self.close()  # the parent's, inherited: a handle belongs to one process
        if self._lost_to_fork or monotonic() < self._not_before:
            return False
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            self._not_before = math.inf
            return False
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            self._refused(nvml, error)
            return False
        self._nvml, self._process = nvml, os.getpid()
        return True

    def _refused(self, nvml: Any, error: Exception) -> None:
        if isinstance(error, nvml.NVMLError_LibraryNotFound):  # no driver on this machine, or not in this container
            self._not_before = math.inf
            return
        if not self._not_before:
            _logger.warning("The NVIDIA driver does not answer, so GPUs are not reported: %s.", error)
        self._not_before = monotonic() + RETRY

    def close(self) -> None:
        """Give NVML back, if it is open."""
        nvml, self._nvml = self._nvml, None
        if nvml is not None:
            try:
                nvml.nvmlShutdown()
            except nvml.NVMLError as error:
                _logger.debug("NVML could not be closed: %s.", error)

    def gone(self) -> None:
        """Take it that the driver does not answer, and ask it again some time later."""
        self.close()
        self._not_before = monotonic() + RETRY

    def abandon(self) -> None:
        """Never use NVML again in this process: it was forked inside a call, whose locks nobody will release."""
        self._nvml = None
        self._lost_to_fork = True

    def constant(self, name: str) -> Any:
        """A constant of NVML; None where the installed package does not know it."""
        return getattr(self._nvml, name, None)

    def ask(self, unsupported: set[tuple[Any, ...]], name: str, *arguments: Any) -> Any:
        """Call a function of NVML.

        Args:
            unsupported: calls, without their device, that the device does not answer and that are not made; one that it
                is found not to answer is added.
            name: of the function.
            arguments: what it is given; the device first.

        Returns:
            What it answers; None where the device, the driver or the package does not know, or does not say now.

        Raises:
            DeviceLost: the device does not work any more.
            DriverGone: nor does the driver.
        """
        call = (name, *arguments[1:])
        if call in unsupported:
            return None
        function = getattr(self._nvml, name, None)
        if function is None:
            unsupported.add(call)
            return None
        try:
            return function(*arguments)
        # An older driver has the function in another form; nvidia-ml-py 12.535 has no exception for that.
        except getattr(self._nvml, "NVMLLibraryMismatchError", ()):
            unsupported.add(call)
            return None
        except self._nvml.NVMLError as error:
            code = getattr(error, "value", None)
            if self._is(code, _LOST):
                raise DeviceLost from error
            if self._is(code, _GONE):
                raise DriverGone from error
            if self._is(code, _UNSUPPORTED):
                unsupported.add(call)
            return None

    def _is(self, code: object, names: tuple[str, ...]) -> bool:
        return any(code == getattr(self._nvml, name, None) for name in names)
