"""The ``otelml`` command."""
