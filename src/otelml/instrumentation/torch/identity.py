"""Who a module is."""

from __future__ import annotations

import sys
from typing import Any

from otelml.observations import ModelIdentity
from otelml.observations.model import MAX_NAME_LENGTH
from otelml.observations.profile import identity_in, profile_of
from otelml.semconv.attributes import SystemName

_MAX_DEPTH = 10

_INNER = {
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch.distributed.fsdp.fully_sharded_data_parallel.FullyShardedDataParallel": "_fsdp_wrapped_module",
    "torch.distributed.algorithms._checkpoint.checkpoint_wrapper.CheckpointWrapper": "_checkpoint_wrapped_module",
    "torch.optim.swa_utils.AveragedModel": "module",
    "deepspeed.runtime.engine.DeepSpeedEngine": "module",
}
"""The attribute in which a wrapper keeps the module that does the work, by the wrapper's class."""


def identity(module: Any) -> ModelIdentity:
    """The identity of a module: what its profile, or that of a module it wraps, says, completed with its class's name.

    Args:
        module: any `nn.Module`, compiled, parallel, sharded or adapted or none of these.
    """
    layers = wrapped(module)
    said: dict[str, Any] = {}
    for layer in reversed(layers):
        said |= identity_in(profile_of(layer))
    name = class_name(layers[-1])
    version = getattr(sys.modules.get("torch"), "__version__", None)
    return ModelIdentity(
        name=said.get("name") or name,
        version=said.get("version"),
        id=said.get("id"),
        task=said.get("task"),
        architecture=name,
        system=SystemName.PYTORCH,
        system_version=str(version) if version is not None else None,
        feature_names=said.get("feature_names"),
    )


def unwrapped(module: Any) -> Any:
    """The module that does the work, inside what `torch.compile`, DDP, FSDP and PEFT put around it."""
    return wrapped(module)[-1]


def wrapped(module: Any) -> list[Any]:
    """A module and those that it wraps, the outermost first."""
    layers = [module]
    while len(layers) < _MAX_DEPTH:
        inner = _inner(layers[-1])
        if inner is None:
            break
        layers.append(inner)
    return layers


def class_name(module: Any) -> str:
    """The name of a module's class, without what changes classes in place: FSDP2, `replicate`, parametrizations."""
    cls = type(module)
    if cls.__module__.startswith("torch.jit."):
        # TorchScript's classes tell what they were made of.
        return str(getattr(module, "original_name", cls.__name__))[:MAX_NAME_LENGTH]
    while len(cls.__bases__) > 1 and cls.__bases__[0].__module__.startswith("torch.distributed."):
        cls = cls.__bases__[-1]
    if cls.__module__ == "torch.nn.utils.parametrize":
        cls = cls.__bases__[0]
    return cls.__name__[:MAX_NAME_LENGTH]


def _inner(module: Any) -> Any:
    for cls in type(module).__mro__:
        attribute = _INNER.get(f"{cls.__module__}.{cls.__qualname__}")
        if attribute is not None:
            return getattr(module, attribute, None)
        if cls.__name__ == "PeftModel" and cls.__module__.startswith("peft."):
            return module.get_base_model()
    return None
