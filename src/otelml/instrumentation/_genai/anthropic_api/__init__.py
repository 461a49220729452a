"""Anthropic's API, pure: its requests, its messages, the events of its streams. Bedrock's Claude speaks it as well."""
