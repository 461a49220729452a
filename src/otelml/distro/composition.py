"""The composition root: settings, providers and instrumentors, put together once a process."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from types import ModuleType

import wrapt
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from opentelemetry.instrumentation.environment_variables import OTEL_PYTHON_DISABLED_INSTRUMENTATIONS
from opentelemetry.util._importlib_metadata import entry_points

from otelml import settings
from otelml._forks import call_in_children
from otelml._guard import guarded
from otelml.distro import genai, monitoring
from otelml.distro.export_log import EXPORT_LOG
from otelml.distro.providers import provide
from otelml.instrumentation._base import LibraryInstrumentor

_logger = logging.getLogger("otelml")
_lock = threading.RLock()

INSTRUMENTORS = {
    "sklearn": "otelml.instrumentation.sklearn:SklearnInstrumentor",
    "torch": "otelml.instrumentation.torch:TorchInstrumentor",
    "openai": "otelml.instrumentation.openai:OpenAIInstrumentor",
    "anthropic": "otelml.instrumentation.anthropic:AnthropicInstrumentor",
    "bedrock": "otelml.instrumentation.bedrock:BedrockInstrumentor",
    "google_genai": "otelml.instrumentation.google_genai:GoogleGenAIInstrumentor",
    "groq": "otelml.instrumentation.groq:GroqInstrumentor",
    "mistralai": "otelml.instrumentation.mistralai:MistralAIInstrumentor",
    "cohere": "otelml.instrumentation.cohere:CohereInstrumentor",
    "litellm": "otelml.instrumentation.litellm:LiteLLMInstrumentor",
    "huggingface_hub": "otelml.instrumentation.huggingface_hub:HuggingFaceHubInstrumentor",
    "mcp": "otelml.instrumentation.mcp:MCPInstrumentor",
    "ollama": "otelml.instrumentation.ollama:OllamaInstrumentor",
    "mlflow": "otelml.instrumentation.mlflow:MLflowInstrumentor",
    "lightning": "otelml.instrumentation.lightning:LightningInstrumentor",
    "transformers": "otelml.instrumentation.transformers:TransformersInstrumentor",
    "transformers_trainer": "otelml.instrumentation.transformers_trainer:TransformersTrainerInstrumentor",
    "accelerate": "otelml.instrumentation.accelerate:AccelerateInstrumentor",
    "nvidia": "otelml.instrumentation.nvidia:NvidiaInstrumentor",
}
"""The instrumentors by the name that switches one off; the entry points of the project say the same to the launcher."""

_AT_ONCE = frozenset({"sklearn", "mlflow", "nvidia"})
"""Those that are switched on whether their library is imported or not. The others wait for it: with a dozen clients,
loading the hooks that a program does not use would take half of the time that enabling may take."""

_LIBRARIES = {
    "bedrock": ("botocore",),
    "google_genai": ("google.genai",),
    "lightning": ("lightning", "pytorch_lightning"),
    "transformers_trainer": ("transformers",),
}
"""The modules that an instrumentor waits for, where they are not of its name."""

_on = False
_awaited: set[str] = set()


def prepare() -> None:
    """Do what has to be done before `opentelemetry-instrument` loads the instrumentors.

    Where a configurator is installed, as with opentelemetry-distro and those of vendors, it has set up the SDK by now;
    where none is, nobody would. otelml has no configurator of its own: with two of them one is left out, and the
    launcher warns of it whenever a process starts.
    """
    settings.use(settings.resolve(on_error=lambda message: _logger.error("%s The default is used.", message)))
    EXPORT_LOG.install()
    if not entry_points(group="opentelemetry_configurator"):
        provide()
    genai.set_up(settings.current())
    monitoring.set_up(settings.current())


def instrument(arguments: Mapping[str, object]) -> None:
    """Put everything together: see `otelml.instrument`."""
    resolved = settings.resolve(arguments)
    genai.check(resolved)
    global _on
    with _lock:
        settings.use(resolved)
        EXPORT_LOG.install()
        provide()
        genai.set_up(resolved)
        monitoring.set_up(resolved)
        _on = True
        disabled = disabled_instrumentations()
        for name in INSTRUMENTORS:
            if "*" not in disabled and name not in disabled:
                (_switch_on if name in _AT_ONCE else _await)(name)


def uninstrument() -> None:
    """Switch everything off that is on: see `otelml.uninstrument`."""
    global _on
    with _lock:
        _on = False
        for name, location in INSTRUMENTORS.items():
            if location.partition(":")[0] in sys.modules:
                _switch_off(name)
        genai.switch_off()
        monitoring.switch_off()
        EXPORT_LOG.uninstall()


def disabled_instrumentations() -> set[str]:
    """The names that `OTEL_PYTHON_DISABLED_INSTRUMENTATIONS` switches off."""
    return {name.strip() for name in os.environ.get(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS, "").split(",")}


def load(name: str) -> LibraryInstrumentor:
    """The process's one instrumentor of that name."""
    module, _, attribute = INSTRUMENTORS[name].partition(":")
    instrumentor: LibraryInstrumentor = getattr(import_module(module), attribute)()
    return instrumentor


def _await(name: str) -> None:
    for library in _LIBRARIES.get(name, (name,)):
        if library in sys.modules:
            _switch_on(name)
        elif library not in _awaited:  # a post-import hook can't be taken back
            _awaited.add(library)
            wrapt.register_post_import_hook(partial(_arrived, name), library)


def _arrived(name: str, _library: ModuleType) -> None:
    # Without the lock: this thread holds that of the import, which a thread that enables may wait for.
    disabled = disabled_instrumentations()
    if _on and "*" not in disabled and name not in disabled:
        _switch_on(name)


@guarded
def _switch_on(name: str) -> None:
    instrumentor = load(name)
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.configure(settings.current())
        return
    try:
        instrumentor.instrument(raise_exception_on_conflict=True)
    except DependencyConflictError as error:
        if error.conflict.found:
            _logger.warning("%s is not instrumented: %s", name, error.conflict)


@guarded
def _switch_off(name: str) -> None:
    instrumentor = load(name)
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


call_in_children(_renew_lock)
