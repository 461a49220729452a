"""What the training examples leave out: compilation, tokens, micro-batches, and a loss that becomes NaN.

The model is recompiled for another length and has a graph break; the gradient scaler skips the step of the NaN. Run
under `opentelemetry-instrument`, it has no telemetry code.
"""

from __future__ import annotations

import sys

import torch
import torch._dynamo
from torch import nn

WORDS = 50


class Words(nn.Module):
    """Predicts the next of a few words."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 16)
        self.out = nn.Linear(16, WORDS)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Return the scores of each word at each place."""
        hidden = self.embedding(input_ids)
        torch._dynamo.graph_break()
        scores: torch.Tensor = self.out(hidden)
        return scores


def main() -> None:
    """Train for so many steps."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Words()
    compiled = torch.compile(model, backend="aot_eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    steps = int(sys.argv[1])
    for step in range(steps):
        optimizer.zero_grad()
        for length in (8, 12):
            text = torch.randint(WORDS, (4, length + 1))
            scores = compiled(input_ids=text[:, :-1])
            loss = nn.functional.cross_entropy(scores.flatten(0, 1), text[:, 1:].flatten())
            scaler.scale(loss * float("nan") if step == steps // 2 else loss).backward()
        scaler.step(optimizer)
        scaler.update()


if __name__ == "__main__":
    main()
