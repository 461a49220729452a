"""The dashboards, one a file: each has `BOARD`. One that comes later is added as a file, and to the table here."""

from __future__ import annotations

from grafana.boards import drift, gpu, llm, overview, serving, telemetry, training

BOARDS = tuple(it.BOARD for it in (overview, serving, drift, training, gpu, llm, telemetry))
