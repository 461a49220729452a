"""A shop's support chat: finds the fact that fits a question, and has it put into words while the customer reads.

The client is OpenAI's, so OPENAI_BASE_URL and OPENAI_API_KEY say where the model is.
"""

import argparse
import uuid
from collections.abc import Iterator

from openai import OpenAI

import otelml

FACTS = {
    "delivery": "Parcels are delivered within three working days, and delivery is free from 50 euros on.",
    "refund": "You can send things back within 30 days; the refund arrives a week after the parcel.",
    "payment": "We take payment by card, by invoice and by bank transfer.",
}
TASK = "You answer customers of a shop, in two sentences. Keep to the facts; say so where they do not help."


class Support:
    """One customer's chat."""

    def __init__(self, client: OpenAI, model: str, embedder: str) -> None:
        self.client = client
        self.model = model
        self.embedder = embedder
        self.said: list = []

    def subject(self, question: str) -> str:
        """Which of our facts the question is about."""
        found = self.client.embeddings.create(model=self.embedder, input=[question, *FACTS.values()]).data
        asked, *known = [it.embedding for it in found]
        near = {
            subject: sum(a * b for a, b in zip(asked, vector, strict=True))
            for subject, vector in zip(FACTS, known, strict=True)
        }
        return max(near, key=near.__getitem__)

    def answer(self, question: str, subject: str) -> Iterator[str]:
        """The answer, word by word."""
        self.said.append({"role": "user", "content": question})
        stream = self.client.chat.completions.create(
            model=self.model,
            messages=[{"role": "system", "content": f"{TASK} Facts: {FACTS[subject]}"}, *self.said],
            max_completion_tokens=200,
            stream=True,
            stream_options={"include_usage": True},
        )
        words = []
        for chunk in stream:
            if chunk.choices and (word := chunk.choices[0].delta.content):
                words.append(word)
                yield word
        self.said.append({"role": "assistant", "content": "".join(words)})


def chat(support: Support, questions: Iterator[str], persona: str) -> None:
    """One session: whatever is called in it, its tokens and its cost are the session's."""
    with otelml.conversation(uuid.uuid4().hex, persona=persona, ends=True):
        for question in questions:
            subject = support.subject(question)
            with otelml.conversation(query_type=subject):
                print(f"> {question}")
                for word in support.answer(question, subject):
                    print(word, end="", flush=True)
                print()


def typed() -> Iterator[str]:
    """What the customer types, until there is nothing more."""
    while question := input("You: ").strip():
        yield question


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", nargs="*", help="asked one after the other; typed in where there are none")
    parser.add_argument("--persona", choices=["new_customer", "regular"], default="new_customer")
    parser.add_argument("--model", default="gpt-5-mini")
    parser.add_argument("--embedder", default="text-embedding-3-small")
    arguments = parser.parse_args()
    support = Support(OpenAI(), arguments.model, arguments.embedder)
    chat(support, iter(arguments.questions) if arguments.questions else typed(), arguments.persona)


if __name__ == "__main__":
    main()
