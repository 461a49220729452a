"""Load through gateway.yaml: is everything stored that was sent, and with how much memory."""
