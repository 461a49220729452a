"""An agent that looks up orders and gives money back, with Anthropic's client and two tools.

ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY say where the model is.
"""

import argparse
import json
from typing import Any

from anthropic import Anthropic

import otelml

ORDERS = {"A123": {"state": "on its way", "euros": 30}, "B456": {"state": "delivered", "euros": 80}}
TASK = "You help customers of a shop with their orders. Look orders up before you say anything about them."
MAX_STEPS = 5


def order_status(order_id: str) -> dict[str, Any]:
    return ORDERS[order_id]


def give_refund(order_id: str) -> dict[str, Any]:
    if ORDERS[order_id]["state"] != "delivered":
        raise ValueError(f"{order_id} is {ORDERS[order_id]['state']}, it cannot be refunded yet")
    return {"refunded_euros": ORDERS[order_id]["euros"]}


TOOLS = {
    order_status: "Says where an order is and what it cost.",
    give_refund: "Gives the money for a delivered order back.",
}
SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}


def use(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
    """What a tool says, and whether it has failed."""
    tool = next(it for it in TOOLS if it.__name__ == name)
    try:
        return json.dumps(tool(**arguments)), False
    except (KeyError, ValueError) as error:
        return str(error), True


def solve(client: Anthropic, model: str, request: str) -> str:
    """Let the model use tools until it has an answer."""
    tools: Any = [{"name": it.__name__, "description": said, "input_schema": SCHEMA} for it, said in TOOLS.items()]
    messages: Any = [{"role": "user", "content": request}]
    for _ in range(MAX_STEPS):
        with client.messages.stream(model=model, max_tokens=500, system=TASK, tools=tools, messages=messages) as stream:
            answer = stream.get_final_message()
        if answer.stop_reason != "tool_use":
            return "".join(block.text for block in answer.content if block.type == "text")
        messages.append({"role": "assistant", "content": answer.content})
        results = []
        for block in answer.content:
            if block.type == "tool_use":
                said, failed = use(block.name, block.input)
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": said, "is_error": failed})
        messages.append({"role": "user", "content": results})
    return "I could not find out, a colleague will write to you."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", nargs="+", help="such as 'Where is order A123?'")
    parser.add_argument("--model", default="claude-haiku-4-5")
    arguments = parser.parse_args()
    client = Anthropic()
    with otelml.conversation(persona="customer"):
        for request in arguments.requests:
            print(f"> {request}\n{solve(client, arguments.model, request)}")


if __name__ == "__main__":
    main()
