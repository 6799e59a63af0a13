"""A document as a pydantic model, with every fault in the user's words and with its place."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from models.reading.document import Document, Route
from models.reading.faults import shortened
from models.reading.names import near

Model = TypeVar("Model", bound=BaseModel)

EXPECTED: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (`key: value` lines)",
    "model_type": "a mapping (`key: value` lines)",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "literal_error": "{expected}",
}
"""Pydantic's type of error → the allowed values, in words."""
MISSING = "is missing"


def validated(
    kind: type[Model],
    document: Document,
    *,
    data: Any = None,
    route: Route = (),
    expected: Mapping[str, str] | None = None,
    further_keys: Iterable[str] = (),
    context: Mapping[str, Any] | None = None,
) -> tuple[Model | None, list[str]]:
    """Validate a document, or a part of it.

    Args:
        kind: the pydantic model; a validator's ValueError may hold several faults, one per line.
        document: the document with the places of its parts.
        data: data to validate in place of the document's own data.
        route: route from the document to the data.
        expected: allowed values by pydantic's type of error, in addition to EXPECTED.
        further_keys: further keys that a file may have, listed in the message about an unknown key.
        context: context for the model's validators.

    Returns:
        The model, or None when there are faults, and the faults in the order of the data: place, route, value found and
        allowed values. Parts that the document could not read are not reported a second time.
    """
    try:
        return kind.model_validate(document.data if data is None else data, context=dict(context or {})), []
    except ValidationError as error:
        found = error.errors(include_url=False)
    words = {**EXPECTED, **(expected or {})}
    faults = []
    for one in found:
        at = tuple(one["loc"])
        text = _sentence(kind, one, words, further_keys)
        if (*route, *at) in document.unreadable or (text == MISSING and document.faults):
            continue
        label = ".".join(map(str, (*route, *at)))
        faults += [": ".join(filter(None, (document.place((*route, *at)), label, line))) for line in text.split("\n")]
    return None, faults


def _sentence(kind: type[BaseModel], error: Any, expected: Mapping[str, str], further_keys: Iterable[str]) -> str:
    """The value found and the allowed values, for one of pydantic's errors."""
    route, name, got, details = tuple(error["loc"]), error["type"], error["input"], error.get("ctx", {})
    if name == "extra_forbidden":
        allowed = [*(() if route[:-1] else further_keys), *model_at(kind, route[:-1]).model_fields]
        return f"unknown key{near(str(route[-1]), allowed)}; allowed here: {', '.join(allowed)}"
    if name == "missing":
        return MISSING
    if name == "value_error":
        return str(details["error"])
    allowed_text = expected[name].format(**details) if name in expected else error["msg"]
    hint = " (write numbers without quotes or commas)" if isinstance(got, str) and "number" in allowed_text else ""
    return f"got {shortened(got)}, allowed: {allowed_text}{hint}"


def model_at(kind: type[BaseModel], route: Route) -> type[BaseModel]:
    """The part of a schema at the end of a route."""
    for key in route:
        if isinstance(key, str) and key in kind.model_fields:
            inner = _models(kind.model_fields[key].annotation)
            kind = inner[0] if inner else kind
    return kind


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
