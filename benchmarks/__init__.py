"""What otelml costs, measured: see RESULTS.md. Run with `python -m benchmarks`."""
