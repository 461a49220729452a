"""Who counts the tokens of a model's texts: a tokenizer on this machine. Nothing here asks the network.

To load a tokenizer holds the interpreter up for a fraction of a second and takes tens of megabytes (tiktoken 0.12,
o200k_base: 0.3 s, 80 MB), so by default only those are used that the program has loaded itself. What is slow runs on a
thread of ours.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from otelml._guard import guarded
from otelml.settings import Settings
from otelml.telemetry.genai.abandoned import UNDERTAKER

Count = Callable[[str], int]

_MAX_MODELS = 200
_CACHE_VARIABLES = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
_O200K = (
    "fb374d419588a4632f3f557e76b4b70aebbca790",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
)
_CL100K = (
    "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
)
_FILES = {"o200k_base": _O200K, "o200k_harmony": _O200K, "cl100k_base": _CL100K}
"""tiktoken's encodings by the names of their files in its cache, and the digests without which it would download them
again."""


class Tokenizer:
    """The tokenizer of one model, which may yet have to be found.

    Attributes:
        model: as the request names it.
        count: gives the number of tokens of a text; None where there is none, or none yet.
        searched: whether it has been looked for.
    """

    __slots__ = ("count", "model", "searched")

    def __init__(self, model: str) -> None:
        self.model = model
        self.count: Count | None = None
        self.searched = False


class Tokenizers:
    """The tokenizers of one telemetry's models."""

    def __init__(self, settings: Settings) -> None:
        self._given = settings.genai_tokenizers
        self._loaded = settings.genai_token_estimates != "none"
        self._installed = settings.genai_token_estimates == "installed"
        self._known: dict[str, Tokenizer] = {}

    def of(self, model: str | None) -> Tokenizer | None:
        """The tokenizer of a model; None where there is none. It may be found by the time that it is needed."""
        if model is None or not self._loaded:
            return None
        known = self._known.get(model)
        if known is None:
            known = Tokenizer(model)
            if len(self._known) < _MAX_MODELS:
                self._known[model] = known
            if self._given or self._installed:
                UNDERTAKER.expect()
                UNDERTAKER.take(partial(self._search, known))
            else:
                known.searched = True
        if known.searched and known.count is None:
            known.count = _loaded(model)
        return None if known.searched and known.count is None else known

    @guarded
    def _search(self, known: Tokenizer) -> None:
        try:
            known.count = next((count for give in self._given if (count := give(known.model)) is not None), None)
            if known.count is None:
                known.count = _loaded(known.model)
            if known.count is None and self._installed:
                known.count = _installed_tiktoken(known.model) or _cached_tokenizer(known.model)
        finally:
            known.searched = True


def _loaded(model: str) -> Count | None:
    """A tokenizer that the program has loaded."""
    registry, models = sys.modules.get("tiktoken.registry"), sys.modules.get("tiktoken.model")
    if registry is None or models is None:
        return None
    encoding = registry.ENCODINGS.get(_encoding_of(models, model))
    return None if encoding is None else partial(_count_encoded, encoding)


def _encoding_of(models: Any, model: str) -> str | None:
    try:
        name: str = models.encoding_name_for_model(model.rpartition("/")[2])  # routers put the vendor before the model
    except KeyError:
        return None
    return name


def _count_encoded(encoding: Any, text: str) -> int:
    return len(encoding.encode_ordinary(text))


def _installed_tiktoken(model: str) -> Count | None:
    if find_spec("tiktoken") is None:
        return None
    name = _encoding_of(import_module("tiktoken.model"), model)
    if name is None or name not in _FILES or not _is_in_cache(*_FILES[name]):
        return None
    return partial(_count_encoded, import_module("tiktoken").get_encoding(name))


def _is_in_cache(key: str, digest: str) -> bool:
    """Whether tiktoken will find a file in its cache, and find it whole."""
    default = os.path.join(tempfile.gettempdir(), "data-gym-cache")
    folder = next((os.environ[name] for name in _CACHE_VARIABLES if name in os.environ), default)
    file = Path(folder, key)
    return bool(folder) and file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest


def _cached_tokenizer(model: str) -> Count | None:
    """The tokenizer of a repository of Hugging Face, where the model is named after one and its files are here."""
    if model.count("/") != 1 or find_spec("tokenizers") is None or find_spec("huggingface_hub") is None:
        return None
    try:
        path = import_module("huggingface_hub").try_to_load_from_cache(model, "tokenizer.json")
    except ValueError:  # no name of a repository
        return None
    if not isinstance(path, str):
        return None
    tokenizer = import_module("tokenizers").Tokenizer.from_file(path)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
