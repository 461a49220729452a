"""OpenAI and Anthropic on this machine: their HTTP APIs, streams included, with canned wits and no key.

Chat completions, embeddings and messages have the shapes of the real services, so the real clients talk to them. The
answers are made up from the last question; tokens are a quarter of the characters.
"""

import argparse
import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

ids = itertools.count(1)


def tokens(content: Any) -> int:
    return len(content if isinstance(content, str) else json.dumps(content)) // 4 + 1


def words_of(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


def text_of(content: Any) -> str:
    """The text of a message, whose content is a string or a list of blocks."""
    if isinstance(content, str):
        return content
    return " ".join(str(block.get("text") or block.get("content") or "") for block in content or [])


def completion(body: dict) -> dict:
    """OpenAI's chat completion."""
    messages = body["messages"]
    facts = text_of(messages[0]["content"]).partition("Facts:")[2].strip()
    answer = f"{facts or 'I do not know, a colleague will write to you.'} Anything else?"
    asked, said = tokens(messages), tokens(answer)
    return {
        "id": f"chatcmpl-{next(ids):024}",
        "object": "chat.completion",
        "created": 1795305600,
        "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
            "prompt_tokens_details": {"cached_tokens": asked // 2 if len(messages) > 2 else 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    }


def completion_chunks(body: dict) -> Iterator[str]:
    """The same, in pieces."""
    whole = completion(body)
    usage, choice = whole.pop("usage"), whole["choices"][0]
    deltas = [{"role": "assistant", "content": ""}, *({"content": it} for it in words_of(choice["message"]["content"]))]
    for delta in deltas:
        yield chunk(whole, [{"index": 0, "delta": delta, "finish_reason": None}])
    yield chunk(whole, [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}])
    if (body.get("stream_options") or {}).get("include_usage"):
        yield chunk(whole, [], usage=usage)
    yield "data: [DONE]\n\n"


def chunk(whole: dict, choices: list[dict], **more: Any) -> str:
    return f"data: {json.dumps({**whole, 'object': 'chat.completion.chunk', 'choices': choices, **more})}\n\n"


def embeddings(body: dict) -> dict:
    """OpenAI's embeddings: texts that share words are near each other."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    used = sum(map(tokens, texts))
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": n, "embedding": embedding(it)} for n, it in enumerate(texts)],
        "model": body["model"],
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


def embedding(text: str, size: int = 64) -> list[float]:
    vector = [0.0] * size
    for word in re.findall(r"[a-z]{4,}", text.lower()):
        vector[hashlib.sha256(word[:6].encode()).digest()[0] % size] += 1.0
    length = sum(it * it for it in vector) ** 0.5 or 1.0
    return [it / length for it in vector]


def message(body: dict) -> dict:
    """Anthropic's message: it asks for the first tool that the question names an argument of, then it answers."""
    messages, last = body["messages"], body["messages"][-1]["content"]
    results = [it for it in last if isinstance(it, dict) and it.get("type") == "tool_result"]
    order = re.search(r"\b[A-Z]\d{3}\b", text_of(last))
    if results:
        content: list[dict] = [{"type": "text", "text": f"I have looked it up: {text_of(results)}."}]
    elif order and body.get("tools"):
        wanted = "refund" if "back" in text_of(last) else "status"
        tool = next(it["name"] for it in body["tools"] if wanted in it["name"])
        content = [{"type": "tool_use", "id": f"toolu_{next(ids)}", "name": tool, "input": {"order_id": order[0]}}]
    else:
        content = [{"type": "text", "text": "Which order is it about?"}]
    read = tokens(body.get("system", "")) if len(messages) > 1 else 0
    return {
        "id": f"msg_{next(ids):024}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": "tool_use" if content[0]["type"] == "tool_use" else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens(messages),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": read,
            "output_tokens": tokens(content),
        },
    }


def message_events(body: dict) -> Iterator[str]:
    """The same, in pieces."""
    whole = message(body)
    block, usage = whole["content"][0], whole["usage"]
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield event("message_start", message=begun)
    if block["type"] == "text":
        yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        deltas = [{"type": "text_delta", "text": it} for it in words_of(block["text"])]
    else:
        yield event("content_block_start", index=0, content_block={**block, "input": {}})
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
    for delta in deltas:
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=ended, usage={"output_tokens": usage["output_tokens"]})
    yield event("message_stop")


def event(kind: str, **data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"


WHOLE = {"/v1/chat/completions": completion, "/v1/embeddings": embeddings, "/v1/messages": message}
STREAMED = {"/v1/chat/completions": completion_chunks, "/v1/messages": message_events}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if path not in WHOLE:
            self.begin(404, "application/json")
            self.write(json.dumps({"error": {"type": "not_found_error", "message": f"no {path} here"}}))
        elif body.get("stream"):
            self.begin(200, "text/event-stream")
            for piece in STREAMED[path](body):
                self.write(piece)
        else:
            self.begin(200, "application/json")
            self.write(json.dumps(WHOLE[path](body)))

    def begin(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()  # HTTP/1.0: the end of the connection is the end of the answer

    def write(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Serve as long as the block lasts; the address is what it gives."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8400)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    print(f"OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=none ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=none", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
