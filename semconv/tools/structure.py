"""Checks the shape of every definition against the definition/2 syntax, narrowed to what this registry uses.

The syntax is Weaver's (weaver v0.25 `schemas/semconv-syntax.v2.md`). Stricter here than there: every signal and every
reference states its requirement level, the annotations that the generator needs are obligatory, and what the generator
would ignore (deprecations, entity associations, texts on references) is refused until it knows what to do with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sources import MANIFEST, PLANNED, SIGNAL_KINDS, Item, Problem, Sources

STABILITIES = ("development", "alpha", "beta", "release_candidate", "stable")
REQUIREMENT_LEVELS = ("required", "conditionally_required", "recommended", "opt_in")
CARDINALITIES = ("low", "bounded", "high", "unbounded")
INSTRUMENTS = ("counter", "updowncounter", "gauge", "histogram")
SPAN_KINDS = ("client", "server", "producer", "consumer", "internal")
SEVERITIES = range(1, 25)
PRIMITIVES = ("string", "int", "double", "boolean")
TYPES = (
    *PRIMITIVES,
    *(f"{name}[]" for name in PRIMITIVES),
    *(f"template[{name}]" for name in PRIMITIVES),
    *(f"template[{name}[]]" for name in PRIMITIVES),
    "any",
    "template[any]",
)


class _Keys(NamedTuple):
    required: frozenset[str]
    optional: frozenset[str]


def _keys(required: str, optional: str = "") -> _Keys:
    return _Keys(frozenset(required.split()), frozenset(optional.split()))


_KEYS = {
    "attributes": _keys("key type stability brief annotations", "note examples"),
    "attribute_groups": _keys("id visibility attributes", "brief stability note"),
    "spans": _keys("type kind name requirement_level stability brief annotations attributes", "note"),
    "metrics": _keys("name instrument unit requirement_level stability brief annotations attributes", "note"),
    "events": _keys("name requirement_level stability brief annotations attributes", "note"),
    "entities": _keys("type stability brief identity", "description note"),
    "span_refinements": _keys("id ref stability brief attributes", "note"),
}
_REF = _keys("ref requirement_level", "sampling_relevant")
_REF_GROUP = _keys("ref_group")
_MEMBER = _keys("id value brief stability")
_MANIFEST = _keys("schema_url description stability dependencies")
_DEPENDENCY = _keys("schema_url registry_path")
_NON_EMPTY_TEXT = ("brief", "note")


def check_structure(sources: Sources) -> list[Problem]:
    """Return every fault of shape; nothing else can be checked while there is one."""
    problems = [*_manifest(sources.manifest), *_planned(sources.planned)]
    for item in sources.items:
        problems.extend(item.problem(message) for message in _entry(item))
    return problems


def _manifest(manifest: dict[str, Any]) -> Iterator[Problem]:
    file = MANIFEST
    for message in _named(manifest, _MANIFEST):
        yield Problem(file, "manifest", message)
    url = manifest.get("schema_url")
    if isinstance(url, str) and ("opentelemetry.io" in url or "example." in url):
        yield Problem(file, "schema_url", "must be a URL of this project, not a placeholder and not opentelemetry.io")
    if not isinstance(url, str) or url.count("/") < 4 or not url.startswith("https://"):
        yield Problem(file, "schema_url", "must read https://HOST/PATH/VERSION")
    dependencies = manifest.get("dependencies")
    for dependency in dependencies if isinstance(dependencies, list) else (None,):
        if not isinstance(dependency, dict) or dependency.keys() != _DEPENDENCY.required:
            yield Problem(file, "dependencies", "must be a list of entries with `schema_url` and `registry_path`")


def _planned(planned: list[Any]) -> Iterator[Problem]:
    for entry in planned:
        if not isinstance(entry, dict):
            yield Problem(PLANNED, str(entry), "must be a mapping with `part`, `planned` and lists of signals")
            continue
        for kind in SIGNAL_KINDS:
            if kind in entry and not _is_list_of(entry[kind], str):
                yield Problem(PLANNED, str(entry.get("part")), f"`{kind}` must be a list of names")


def _entry(item: Item) -> Iterator[str]:
    data = item.data
    yield from _named(data, _KEYS[item.kind])
    yield from _texts(data)
    if "stability" in data and data["stability"] not in STABILITIES:
        yield f"stability {data['stability']!r} is unknown; use one of: {', '.join(STABILITIES)}"
    if item.kind in ("spans", "metrics", "events") and data.get("requirement_level") not in ("recommended", "opt_in"):
        yield "requirement_level of a signal must be `recommended` or `opt_in`"
    for field in ("attributes", "identity", "description"):
        if field in data:
            yield from _references(item.kind, field, data[field])
    yield from _SPECIFIC[item.kind](data)


def _named(data: dict[str, Any], keys: _Keys) -> Iterator[str]:
    for key in sorted(keys.required - data.keys()):
        yield f"`{key}` is missing; add it"
    for key in sorted(str(key) for key in data.keys() - keys.required - keys.optional):
        yield f"`{key}` is not allowed here; remove it or correct its spelling"


def _texts(data: dict[str, Any]) -> Iterator[str]:
    for key in _NON_EMPTY_TEXT:
        if key in data and (not isinstance(data[key], str) or not data[key].strip()):
            yield f"`{key}` must be a non-empty text"
    brief = data.get("brief")
    if isinstance(brief, str) and brief.strip() and not brief.rstrip().endswith("."):
        yield "brief must end with a period"


def _references(kind: str, field: str, references: Any) -> Iterator[str]:
    if not isinstance(references, list) or not references:
        yield f"`{field}` must be a list with at least one entry"
        return
    for reference in references:
        if not isinstance(reference, dict) or ("ref" in reference) == ("ref_group" in reference):
            yield f"`{field}` has an entry that is neither a `ref` nor a `ref_group`: {reference!r}"
        elif "ref_group" in reference and kind == "attribute_groups":
            yield f"{reference['ref_group']}: a group must not hold another group; list its attributes"
        elif "ref_group" in reference:
            yield from (f"{reference['ref_group']}: {message}" for message in _named(reference, _REF_GROUP))
        else:
            for message in _reference(kind, reference):
                yield f"{reference['ref']}: {message}"


def _reference(kind: str, reference: dict[str, Any]) -> Iterator[str]:
    yield from _named(reference, _REF)
    yield from _texts(reference)
    if "requirement_level" in reference and not _is_level(reference["requirement_level"]):
        yield (
            "requirement_level must be required, recommended, opt_in, `recommended: <when>`"
            " or `conditionally_required: <when>`"
        )
    if "sampling_relevant" in reference and kind not in ("spans", "span_refinements"):
        yield "sampling_relevant is for spans only; remove it"


def _is_level(level: Any) -> bool:
    if isinstance(level, dict):
        (name, condition), *more = level.items() or (("", ""),)
        return not more and name in ("conditionally_required", "recommended") and _is_sentence(condition)
    return level in REQUIREMENT_LEVELS and level != "conditionally_required"


def _is_sentence(text: Any) -> bool:
    return isinstance(text, str) and text.endswith(".")


def _attribute(data: dict[str, Any]) -> Iterator[str]:
    kind = data.get("type")
    if isinstance(kind, dict):
        yield from _members(kind)
    elif "type" in data and kind not in TYPES:
        yield f"type {kind!r} is unknown; use a primitive, an array, a template, `any` or an enum with `members`"
    elif kind in ("string", "int", "double") and not data.get("examples"):
        yield "examples are missing; give at least one"
    if _annotation(data, "cardinality") not in CARDINALITIES:
        yield f"annotations.cardinality must be one of: {', '.join(CARDINALITIES)}"


def _members(kind: dict[str, Any]) -> Iterator[str]:
    members = kind.get("members")
    if kind.keys() != {"members"} or not isinstance(members, list) or not members:
        yield "an enum type must hold `members`, a list with at least one entry, and nothing else"
        return
    for member in members:
        if not isinstance(member, dict):
            yield f"enum member {member!r} must be a mapping"
            continue
        label = f"enum member {member.get('id')!r}"
        yield from (f"{label}: {message}" for message in (*_named(member, _MEMBER), *_texts(member)))
        if "stability" in member and member["stability"] not in STABILITIES:
            yield f"{label}: stability {member['stability']!r} is unknown; use one of: {', '.join(STABILITIES)}"
        if not all(isinstance(member.get(key, ""), str) for key in ("id", "value")):
            yield f"{label}: id and value must be texts"
    for key in ("id", "value"):
        values = [member.get(key) for member in members if isinstance(member, dict)]
        for value in sorted({str(value) for value in values if values.count(value) > 1}):
            yield f"two enum members share the {key} {value!r}; make each unique"


def _group(data: dict[str, Any]) -> Iterator[str]:
    if data.get("visibility") not in ("internal", "public"):
        yield "visibility must be `internal` or `public`"
    elif data["visibility"] == "public" and not {"brief", "stability"} <= data.keys():
        yield "a public group needs `brief` and `stability`"


def _span(data: dict[str, Any]) -> Iterator[str]:
    if data.get("kind") not in SPAN_KINDS:
        yield f"kind must be exactly one of: {', '.join(SPAN_KINDS)}"
    name = data.get("name")
    if not isinstance(name, dict) or not isinstance(name.get("note"), str) or not _has_patterns(name["note"]):
        yield "name.note must begin with a name pattern in backticks"
    operations = _annotation(data, "live_check", "operations")
    if not _is_list_of(operations, str):
        yield "annotations.live_check.operations must list the operation names by which a span of this type is known"


def _has_patterns(note: str) -> bool:
    return note.startswith("`") and note.count("`") % 2 == 0


def _metric(data: dict[str, Any]) -> Iterator[str]:
    instrument = data.get("instrument")
    if instrument not in INSTRUMENTS:
        yield f"instrument must be one of: {', '.join(INSTRUMENTS)}"
    if _annotation(data, "code_generation", "metric_value_type") not in ("int", "double"):
        yield "annotations.code_generation.metric_value_type must be `int` or `double`"
    boundaries = _annotation(data, "code_generation", "bucket_boundaries")
    if instrument != "histogram":
        if boundaries is not None:
            yield "only a histogram has annotations.code_generation.bucket_boundaries; remove them"
    elif not _is_list_of(boundaries, (int, float)) or sorted(set(boundaries)) != boundaries:
        yield "a histogram needs annotations.code_generation.bucket_boundaries, numbers in ascending order"


def _event(data: dict[str, Any]) -> Iterator[str]:
    severity = _annotation(data, "code_generation", "severity_number")
    if severity not in SEVERITIES:
        yield "annotations.code_generation.severity_number must be between 1 and 24"
    elif f"({severity})" not in str(data.get("note", "")):
        yield f"note must state the severity number that is annotated, ({severity})"


def _nothing_more(data: dict[str, Any]) -> Iterable[str]:
    return ()


_SPECIFIC = {
    "attributes": _attribute,
    "attribute_groups": _group,
    "spans": _span,
    "metrics": _metric,
    "events": _event,
    "entities": _nothing_more,
    "span_refinements": _nothing_more,
}


def _annotation(data: dict[str, Any], *path: str) -> Any:
    value: Any = data.get("annotations")
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _is_list_of(value: Any, kind: type[Any] | tuple[type[Any], ...]) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, kind) for entry in value)
