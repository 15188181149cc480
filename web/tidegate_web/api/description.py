"""OpenAPI 3.1 of the API, from the operations and their schemas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema
from marshmallow import fields as m

from tidegate import __version__
from tidegate.sdk.schemas import MoneyText, OrderGroup
from tidegate_web.api.operations import MOST_INT, MOST_PER_PAGE, OPERATIONS, PER_PAGE, Operation
from tidegate_web.api.problems import MEDIA_TYPE, TITLES
from tidegate_web.api.shapes import Exact, Free

TAGS = {
    "api": "What there is",
    "api_drafts": "Drafts",
    "api_trials": "Check, test, try",
    "api_simulations": "Simulate",
    "api_releases": "Review and publish",
    "api_ideas": "Ideas",
    "api_orders": "Orders",
    "api_stock": "Stock",
    "api_webhooks": "Webhooks",
    "api_jobs": "Background jobs",
    "api_accounts": "Connections",
}
ABOUT = """Orders in, and everything the pages of the rule workshop and of webhooks do, for programs: the same services.

Send `Authorization: Bearer tdg_…` (made under /tokens). Errors are problem documents (RFC 9457) in the language of
`Accept-Language`. A change of a draft names the version it was made from in `If-Match`: 428 without it, 412 when
somebody saved meanwhile; `"0"` says that there was no draft."""
LOOSE: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (m.Boolean, ("boolean", "string", "integer")),
    (m.Integer, ("integer", "string")),
    (MoneyText, ("string", "integer")),
)
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


@cache
def description() -> dict[str, Any]:
    """The whole document."""
    names = _Names()
    plugin = MarshmallowPlugin(schema_name_resolver=names)
    spec = APISpec(
        title="Tidegate", version=__version__, openapi_version="3.1.0",
        plugins=[plugin], info={"description": ABOUT},
        tags=[{"name": title} for title in TAGS.values()],
        security=[{"bearer": []}],
    )  # fmt: skip
    assert plugin.converter is not None  # noqa: S101  set by APISpec
    plugin.converter.add_attribute_function(_shape)  # type: ignore[no-untyped-call]  # apispec
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", dict(PROBLEM))
    for made in OPERATIONS.values():
        spec.path(path=_path(made.path), operations={made.method.lower(): _operation(made)})
    document: dict[str, Any] = spec.to_dict()
    for name in names.bodies:
        document["components"]["schemas"][name]["additionalProperties"] = False
    return document


class _Names:
    """Names of schemas in the document: classes of the same name get a number. Knows which are bodies."""

    def __init__(self) -> None:
        self.taken: dict[str, type[Schema]] = {}
        self.bodies: set[str] = set()

    def __call__(self, schema: Any) -> str:
        found = schema if isinstance(schema, type) else type(schema)
        name, number = found.__name__, 2
        while self.taken.setdefault(name, found) is not found:
            name, number = f"{found.__name__}{number}", number + 1
        if found.__module__.endswith("bodies"):
            self.bodies.add(name)
        return name


def _shape(self: Any, field: Any, **_: Any) -> dict[str, Any]:
    if isinstance(field, Exact):
        return {"type": ["string", "null"] if field.allow_none else "string"}
    if isinstance(getattr(field, "parent", None), OrderGroup):
        return _loose(field)
    if isinstance(field, Free):
        return {"type": ["object", "array", "string", "number", "boolean", "null"]}
    return {}


def _loose(field: Any) -> dict[str, Any]:
    """What files bring is text; a number, an amount or a yes that is written as text is read as well."""
    for kind, types in LOOSE:
        if isinstance(field, kind):
            return {"type": [*types, "null"] if field.allow_none else list(types)}
    return {}


def _path(path: str) -> str:
    return re.sub(r"<(?:int:)?(\w+)>", r"{\1}", path)


def _operation(made: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": f"{made.tag}.{made.name}",
        "summary": made.summary,
        "tags": [TAGS[made.tag]],
        "parameters": list(_parameters(made)),
        "responses": {str(made.status): _success(made)},
    }
    if made.also is not None:
        found["responses"][str(made.also)] = _success(made)
    if made.about:
        found["description"] = made.about
    content: dict[str, Any]
    if made.takes == "yaml":
        content = {"text/yaml": {"schema": {"type": "object"}}}
        found["requestBody"] = {"required": True, "content": content}
    elif made.body is not None:
        content = {"application/json": {"schema": made.body}}
        found["requestBody"] = {"required": True, "content": content}
    reference = {"$ref": "#/components/schemas/Problem"}
    for status in made.errors:
        found["responses"][str(status)] = {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": reference}},
        }
    return found


def _success(made: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"description": "Done"}
    if made.gives == "yaml":
        found["content"] = {"text/yaml": {"schema": {"type": "object"}}}
    elif made.answer is not None and made.paged:
        found["content"] = {"application/json": {"schema": _paged(made.answer)}}
    elif made.answer is not None:
        found["content"] = {"application/json": {"schema": made.answer}}
    if made.etag:
        found["headers"] = {
            "ETag": {"required": True, "schema": {"type": "string", "pattern": '^"[0-9]+"$'}}
        }
    return found


def _paged(answer: type[Schema]) -> dict[str, Any]:
    whole = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "required": ["items", "total", "page", "per_page"],
        "properties": {
            "items": {"type": "array", "items": answer},
            "total": whole,
            "page": whole,
            "per_page": whole,
        },
    }


def _parameters(made: Operation) -> Any:
    for kind, name in re.findall(r"<(int:)?(\w+)>", made.path):
        shape: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 160}
        if kind:
            shape = {"type": "integer", "minimum": 0, "maximum": MOST_INT}
        yield {"in": "path", "name": name, "required": True, "schema": shape}
    if made.if_match:
        shape = {"type": "string", "pattern": '^"[0-9]{1,9}"$'}
        yield {"in": "header", "name": "If-Match", "required": True, "schema": shape}
    if made.once:
        shape = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"}
        yield {"in": "header", "name": "Idempotency-Key", "required": False, "schema": shape}
    if made.query is not None:
        yield {"in": "query", "schema": made.query}
    if made.paged:
        for name, most, usual in (("page", MOST_INT, 1), ("per_page", MOST_PER_PAGE, PER_PAGE)):
            shape = {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
            yield {"in": "query", "name": name, "schema": shape}
