"""The local viewer: an OTLP receiver, what it keeps, and what it shows. Knows OTLP and the convention's names only."""
