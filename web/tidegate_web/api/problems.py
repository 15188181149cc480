"""Errors of the API as problem documents (RFC 9457) in the language that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Response, jsonify, request

from tidegate.errors import TidegateError
from tidegate_web.language import TAGS, lang

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Sign-in needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Wrong media type",
    422: "Not valid",
    428: "Precondition needed",
    500: "Internal error",
    503: "Not just now",
    507: "Disk full",
}


def wanted() -> bool:
    """Whether the request goes to the API, so that a page would be of no use."""
    return (request.blueprint or "").startswith("api") or request.path.startswith("/api/")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """`code` is stable, `detail` a sentence for people; `errors` have a JSON pointer into what was sent each."""
    document: dict[str, Any] = {
        "type": f"urn:tidegate:problem:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    if errors:
        document["errors"] = list(errors)
    answer = jsonify(document)
    answer.status_code = status
    answer.mimetype = MEDIA_TYPE
    answer.headers["Content-Language"] = TAGS[lang()]
    for name, value in (headers or {}).items():
        answer.headers[name] = value
    return answer


def of_error(error: TidegateError, status: int) -> Response:
    """An error raised on purpose: a draft that changed is 412 and says by whom."""
    told = lang()
    theirs = getattr(error, "theirs", None)
    if theirs is not None:
        return problem(
            412, error.code, error.text(told), version=theirs.version,
            changed_by=theirs.changed_by, changed_at=theirs.changed_at.isoformat(),
            headers={"ETag": f'"{theirs.version}"'},
        )  # fmt: skip
    return problem(status, error.code, error.text(told), errors=list(_errors(error, told)))


def _errors(error: TidegateError, told: str) -> Iterator[dict[str, Any]]:
    found = getattr(error, "problems", None)
    if found:
        for one in found:
            entry = {"pointer": pointer(one.where), "code": one.code, "detail": one.text(told)}
            if one.line:
                entry |= {"line": one.line, "column": one.column}
            yield entry
        return
    readiness = getattr(error, "readiness", None)
    if readiness is not None:
        for blocker in readiness.blockers:
            yield {"pointer": "", "code": blocker.code, "detail": blocker.words[told]}
        return
    field = str(error.fields.get("field", ""))
    if field:
        yield {"pointer": pointer(field), "code": error.code, "detail": error.text(told)}


def pointer(where: str) -> str:
    """`rules.large.if[0]` as a JSON pointer, `/rules/large/if/0`."""
    if not where:
        return ""
    parts = where.replace("[", ".").replace("]", "").split(".")
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts if part)
