"""Which module an optimizer trains, and which run that is."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from otelml._guard import guarded
from otelml.instrumentation.torch.identity import identity, unwrapped
from otelml.instrumentation.torch.training import sizes
from otelml.instrumentation.torch.training.anomalies import Watch
from otelml.observations import ModelIdentity
from otelml.observations.training import RunDeclaration
from otelml.semconv import attributes as names
from otelml.semconv.attributes import SystemName
from otelml.telemetry.training import TrainingRun, TrainingTelemetry
from otelml.telemetry.training.declared import current, undeclared


class Trained:
    """A module that has been called for training, or the place of one that is not known.

    Attributes:
        on_cuda: whether it was on an NVIDIA or AMD GPU when it was first called.
        run: its run, once an optimizer has updated it.
        tokens: the name and position of the argument that takes tokens.
        watch: what looks for anomalies in its run.
    """

    __slots__ = ("_module", "on_cuda", "run", "tokens", "watch")

    def __init__(self, module: torch.nn.Module | None, gone: Callable[[Any], object]) -> None:
        self._module = None if module is None else weakref.ref(module, gone)
        self.run: TrainingRun | None = None
        self.tokens = None if module is None else sizes.token_argument(module)
        self.watch = Watch()
        first = None if module is None else next(module.parameters(), None)
        self.on_cuda = first is not None and first.is_cuda

    def module(self) -> torch.nn.Module | None:
        """The module, as long as it lives."""
        return None if self._module is None else self._module()


class Owners:
    """The modules and optimizers of a process. Nothing is written on them, and nothing keeps them alive.

    Attributes:
        called: by id, the modules that were called for training, wrappers as they are, and what is known of each.
    """

    def __init__(self, telemetry: TrainingTelemetry, modules: dict[int, Trained | None]) -> None:
        """Know nothing yet.

        Args:
            telemetry: where runs begin.
            modules: by id, the modules that have been called for training; None for one that has nothing to be trained.
        """
        self._telemetry = telemetry
        self._modules = modules
        self.called: dict[int, tuple[weakref.ref[Any], Trained | None]] = {}
        self._optimizers: dict[int, tuple[weakref.ref[Any], Trained]] = {}
        self._over: list[TrainingRun] = []

    def trained(self, module: Any) -> Trained | None:
        """What is known of a module called for training; None where it has nothing to be trained, as a loss has."""
        found = self.called.get(id(module))
        if found is not None:
            return found[1]
        inner = unwrapped(module)
        key = id(inner)
        known = self._modules.get(key)
        if key not in self._modules or (known is not None and known.module() is not inner):
            known = self._modules[key] = self._seen(inner, key)
        outer = id(module)
        self.called[outer] = (weakref.ref(module, lambda _: self.called.pop(outer, None)), known)
        return known

    def _seen(self, inner: Any, key: int) -> Trained | None:
        if any(parameter.requires_grad for parameter in inner.parameters()):
            return Trained(inner, lambda _: self._gone(key))
        weakref.finalize(inner, self._modules.pop, key, None)
        return None

    @guarded
    def _gone(self, key: int) -> None:
        # Called wherever the garbage collector runs: nothing is emitted here.
        known = self._modules.pop(key, None)
        if known is not None and known.run is not None:
            self._over.append(known.run)

    def in_training(self, module: Any) -> Trained | None:
        """What is known of a module whose parameters an optimizer has updated; None for any other."""
        found = self.called.get(id(module))
        if found is not None:
            known = found[1]
        else:
            inner = unwrapped(module)
            known = self._modules.get(id(inner))
            if known is not None and known.module() is not inner:
                return None
        return known if known is not None and known.run is not None else None

    def of(self, optimizer: Any) -> Trained:
        """What an optimizer trains, with a run for what is declared now."""
        found = self._optimizers.get(id(optimizer))
        owner = found[1] if found is not None else self._find(optimizer)
        declared = current()
        run = owner.run
        if run is None or run.ended or declared not in (None, run.declared):
            owner.run = self._begin(owner, optimizer, declared)
            owner.watch = Watch()
        return owner

    def _begin(self, owner: Trained, optimizer: Any, declared: RunDeclaration | None) -> TrainingRun:
        over, self._over = self._over, []
        for run in (*over, owner.run):
            if run is not None:
                run.end()
        module = owner.module()
        facts: dict[str, str | int] = {names.ML_TRAINING_OPTIMIZER_NAME: type(optimizer).__name__}
        if module is not None:
            facts[names.ML_MODEL_PARAMETER_COUNT] = sum(it.numel() for it in module.parameters() if it.requires_grad)
        return self._telemetry.run(
            None if module is None else _identity(module),
            SystemName.PYTORCH,
            declared or undeclared(),
            facts,
        )

    def _find(self, optimizer: Any) -> Trained:
        key = id(optimizer)
        parameters = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        best, most = None, 0
        for known in list(self._modules.values()):
            module = known.module() if known is not None else None
            if module is not None:
                shared = sum(id(parameter) in parameters for parameter in module.parameters())
                if shared > most:
                    best, most = known, shared
        # An optimizer whose module was never called, as when a compiled function calls it, is a run without a model.
        owner = best or Trained(None, lambda _: None)
        self._optimizers[key] = (weakref.ref(optimizer, lambda _: self._optimizers.pop(key, None)), owner)
        return owner


@guarded
def _identity(module: Any) -> ModelIdentity | None:
    return identity(module)
