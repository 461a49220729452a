"""Who a model is."""

from __future__ import annotations

from dataclasses import dataclass

PROFILE_ATTRIBUTE = "_otelml_profile"
"""The one attribute that otelml leaves on a model: a dict of plain built-in types, which unpickles where otelml is
absent."""

MAX_NAME_LENGTH = 256
"""Characters of a model's name, version or id that are accepted by `describe` and reported."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The identity of a model, as the `ml.model.*` attributes report it.

    Attributes:
        name: given by `otelml.describe` or a model registry; else the class name.
        system: the library, as a value of `ml.system.name`.
        version: the version given with the name.
        id: the identifier in a model registry, such as `models:/churn/3`.
        task: a value of `ml.model.task`.
        architecture: the class that does the work, also inside a pipeline or a search.
        system_version: the version of the library.
        feature_names: names of the input columns, in order, where they were given by hand.
    """

    name: str
    system: str
    version: str | None = None
    id: str | None = None
    task: str | None = None
    architecture: str | None = None
    system_version: str | None = None
    feature_names: tuple[str, ...] | None = None
