"""What the tests share: in-memory telemetry, an endpoint, and the live check of everything that is emitted."""
