"""Other instrumentations of a client that can be told from its patched methods only.

Most make their span before the call, where it is found in the context. Some make it afterwards, or don't make it
current; but what they have wrapped shows their name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from otelml.telemetry.genai import Owner

_MAX_DEPTH = 8


def rival_at(module: str, path: str, rivals: Mapping[str, Owner]) -> Owner | None:
    """Who has wrapped a method; None where nobody that is looked for has.

    Args:
        module: the module that has the class.
        path: of the method, as `Class.method`.
        rivals: by the start of the name of the module in which their wrappers are.
    """
    name, _, method = path.partition(".")
    function: Any = getattr(getattr(sys.modules.get(module), name, None), method, None)
    for _ in range(_MAX_DEPTH):
        wrapper = getattr(getattr(function, "_self_wrapper", None), "__module__", None)  # of wrapt's `FunctionWrapper`
        if isinstance(wrapper, str):
            for start, owner in rivals.items():
                if wrapper.startswith(start):
                    return owner
        function = getattr(function, "__wrapped__", None)
        if function is None:
            return None
    return None
