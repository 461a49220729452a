"""The tracker that reports what an application logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accelerate.tracking import GeneralTracker

from otelml._guard import guarded
from otelml.settings import Settings
from otelml.telemetry import Telemetry
from otelml.telemetry.training.framework import FrameworkRun


class OtelmlTracker(GeneralTracker):
    """A tracker of one run, which it declares to the hooks of the loop."""

    name = "otelml"
    requires_logging_directory = False
    main_process_only = True

    def __init__(
        self, telemetry: Telemetry, settings: Settings, project: str, config: Mapping[str, Any] | None
    ) -> None:
        super().__init__()
        self._run = FrameworkRun(telemetry, settings, None, name=project, hyperparameters=config)

    @property
    def tracker(self) -> FrameworkRun:
        """The run."""
        return self._run

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """The configuration is taken when the tracker is made."""

    @guarded
    def log(self, values: dict[str, Any], step: int | None = None, **kwargs: Any) -> None:
        """Report what was logged."""
        self._run.logged(values)

    @guarded
    def finish(self) -> None:
        """End the run."""
        self._run.end()
