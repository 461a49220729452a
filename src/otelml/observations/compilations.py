"""What one compilation of a model, or of a part of one, was."""

from __future__ import annotations

from dataclasses import dataclass

from otelml.observations.model import ModelIdentity


@dataclass(frozen=True, slots=True)
class Compilation:
    """A compilation that has ended.

    Attributes:
        system: the library, a value of `ml.system.name`.
        of_pass: what was compiled, a value of `ml.compile.pass`.
        duration: seconds.
        model: whose call waits for it, if one does.
        id: the compiler's identifier.
        function: the function that was compiled.
        operations: number of operations in its graph.
        recompile_cause: a value of `ml.compile.recompile.cause`; None for code that was not compiled before.
        recompile_reason: the compiler's words for it.
        graph_breaks: why parts of the code were left to the interpreter, an item for each.
        error_type: why the compilation failed.
    """

    system: str
    of_pass: str
    duration: float
    model: ModelIdentity | None = None
    id: str | None = None
    function: str | None = None
    operations: int | None = None
    recompile_cause: str | None = None
    recompile_reason: str | None = None
    graph_breaks: tuple[str, ...] = ()
    error_type: str | None = None
