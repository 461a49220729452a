"""Everything that a test emits goes through the plugin's fixtures `telemetry` and `otlp_endpoint`."""

from __future__ import annotations

pytest_plugins = ["tests.support.plugin"]
