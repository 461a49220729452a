"""Pure: the model that a request is for, and the JSON of what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_MODELS = "models/"
_MAX_BODY = 4_000_000
"""Of a larger body, in characters, nothing is read: that would take longer than a few milliseconds."""


def model_in(given: Mapping[str, Any]) -> str | None:
    """The model in the path of a request; of others that answer, such as endpoints, the name without the project."""
    resource: str = given["path"].partition("?")[0].partition(":")[0]
    if _MODELS in resource and not resource.startswith("tunedModels/"):
        return resource.rpartition("/")[2]
    return "/".join(resource.split("/")[-2:]) or None


def parsed(body: object) -> Mapping[str, Any]:
    """The JSON object of an answer; empty where it is none, or too large."""
    if not isinstance(body, str) or not body or len(body) > _MAX_BODY:
        return {}
    found = json.loads(body)
    return found if isinstance(found, dict) else {}
