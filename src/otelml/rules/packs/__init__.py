"""The alerts that need no objective, a file for each part of the telemetry: `group(limits)` returns its rules."""
