"""Pure: the paths of HTTP APIs -> the names of their methods, in which there are no ids."""

from __future__ import annotations

from collections.abc import Collection

_VERBS = {"get": "retrieve", "post": "create", "delete": "delete", "patch": "update", "put": "update"}
_MAX_WORDS = 6


def method_name(method: str, path: str, words: Collection[str], verbs: Collection[str] = ()) -> str:
    """The name of a method, such as `batches.cancel`; `batches.list` and `batches.retrieve` are told apart.

    Args:
        method: of HTTP, in lower case.
        path: from its first resource on; a query is left out.
        words: the words of the API's paths; what is none of them is an id.
        verbs: those of them that say by themselves what is done.
    """
    parts = path.partition("?")[0].strip("/").split("/")
    known = [part for part in parts[:_MAX_WORDS] if part in words]
    if known and known[-1] == parts[-1]:
        if known[-1] in verbs:
            return ".".join(known)
        verb = "list" if method == "get" else _VERBS.get(method, method)
    else:
        verb = _VERBS.get(method, method)
    return ".".join([*known, verb])
