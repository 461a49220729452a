"""What the examples with LLM clients leave out: many conversations, tools, streams without usage, errors.

Run under `opentelemetry-instrument`; OPENAI_BASE_URL and OPENAI_API_KEY say where the model is.
"""

from __future__ import annotations

import contextlib
import sys

import openai

import otelml

ORDERS = {"A123": "on its way", "B456": "delivered"}
ASK = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Where is my order?"}]}


@otelml.tool
def order_status(order: str) -> str:
    """Where an order is."""
    return ORDERS[order]


def main() -> None:
    """Answer so many customers."""
    client = openai.OpenAI(max_retries=0)
    elsewhere = client.with_options(base_url=str(client.base_url).replace("/v1", "/v0"))
    for number in range(int(sys.argv[1])):
        with otelml.conversation(f"conversation {number}", persona="regular", query_type="greeting", ends=True):
            client.chat.completions.create(**ASK)  # type: ignore[call-overload]
        for order in (*ORDERS, "C789"):
            with otelml.workflow("support"), otelml.agent("orders"), contextlib.suppress(KeyError):
                order_status(order)
            for _chunk in client.chat.completions.create(**ASK, stream=True):  # type: ignore[call-overload]
                pass
        with contextlib.suppress(openai.NotFoundError):
            elsewhere.chat.completions.create(**ASK)  # type: ignore[call-overload]


if __name__ == "__main__":
    main()
