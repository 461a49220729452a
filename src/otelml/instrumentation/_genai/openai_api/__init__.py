"""OpenAI's HTTP API, as its own client and those of the services that imitate it speak: pure extractors, no client."""
