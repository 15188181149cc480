"""One operation of the API: its address, what it takes and answers; run as a view and told in the description."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, wraps
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, jsonify, request
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError

from tidegate.errors import NotFound
from tidegate.services.kept_answers import Once
from tidegate_web import desk
from tidegate_web.api.problems import problem
from tidegate_web.api.shapes import as_json
from tidegate_web.language import t

YAML = "text/yaml"
JSON_TYPE = "application/json"
MOST_INT = 2**31 - 1
LONGEST_TEXT = 5_000_000
PER_PAGE, MOST_PER_PAGE = 50, 200
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"\Z')


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with its headers; `version` becomes the ETag of a draft."""

    body: Any = None
    status: int = 200
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """`if_match`: writes a draft and must say which version it was made from. `paged`: `items` on pages.

    `takes` and `gives` are `json` or `yaml`; `answer` is None where nothing comes back. `once`: takes an
    Idempotency-Key. `also` is another status of success.
    """

    name: str
    method: str
    path: str
    summary: str
    about: str
    tag: str
    status: int
    body: type[Schema] | None
    query: type[Schema] | None
    answer: type[Schema] | None
    errors: tuple[int, ...]
    if_match: bool = False
    etag: bool = False
    paged: bool = False
    takes: str = "json"
    gives: str = "json"
    public: bool = False
    once: bool = False
    also: int | None = None


OPERATIONS: dict[str, Operation] = {}


class Halt(Exception):
    """An answer that ends the operation early."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def operation(
    pages: Blueprint,
    method: str,
    path: str,
    *,
    answer: type[Schema] | None = None,
    body: type[Schema] | None = None,
    query: type[Schema] | None = None,
    status: int = 200,
    errors: Sequence[int] = (),
    **more: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a view. It gets the parts of its address, and `body`, `query`, `version` and `once` where it takes
    them; it returns data for `answer`, or an `Answer`.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        summary, _, about = (view.__doc__ or view.__name__).strip().partition("\n\n")
        made = Operation(
            name=view.__name__, method=method, path=f"{pages.url_prefix}{path}",
            summary=summary.rstrip("."), about=" ".join(about.split()), tag=pages.name,
            status=status, body=body, query=query, answer=answer,
            errors=_statuses(path, method, body, query, more, errors), **more,
        )  # fmt: skip
        OPERATIONS[f"{pages.name}.{view.__name__}"] = made

        @wraps(view)
        def run(**args: Any) -> Response:
            try:
                return _answered(made, view(**_given(made, args)))
            except Halt as halt:
                return halt.response

        pages.add_url_rule(path, view.__name__, run, methods=[method])
        return view

    return decorate


def _statuses(
    path: str,
    method: str,
    body: object,
    query: object,
    more: Mapping[str, Any],
    errors: Sequence[int],
) -> tuple[int, ...]:
    found = set(errors) | ({404} if "<" in path else set())
    if not more.get("public"):
        found |= {401, 403}
    if method != "GET":
        found |= {400}
    if body is not None or more.get("takes") == "yaml":
        found |= {400, 413, 415, 422}
    if query is not None or more.get("paged"):
        found |= {422}
    if more.get("if_match"):
        found |= {412, 422, 428}
    if more.get("once"):
        found |= {422, 503, 507}
    return tuple(sorted(found))


def _given(made: Operation, args: dict[str, Any]) -> dict[str, Any]:
    for value in args.values():
        if isinstance(value, int) and value > MOST_INT:
            raise NotFound("api.none", zh=t("api.none"), en=t("api.none"))
    if made.query is not None or made.paged:
        args["query"] = _query(made)
    if made.if_match:
        args["version"] = _version()
    if made.once:
        args["once"] = _once(made)
    if made.takes == "yaml":
        args["text"] = _text()
    elif made.body is not None:
        args["body"] = _body(made.body)
    return args


def _query(made: Operation) -> dict[str, Any]:
    schema = made.query() if made.query else Schema()
    given = dict(request.args)
    paging = {
        name: given.pop(name) for name in ("page", "per_page") if made.paged and name in given
    }
    try:
        found: dict[str, Any] = schema.load(given, unknown=EXCLUDE)
    except ValidationError as error:
        raise Halt(_invalid(_messages(error), "query")) from None
    if made.paged:
        found["page"] = _whole(paging.get("page"), 1, MOST_INT, "page")
        found["per_page"] = _whole(paging.get("per_page"), PER_PAGE, MOST_PER_PAGE, "per_page")
    return found


def _whole(text: str | None, otherwise: int, most: int, name: str) -> int:
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 11 and 1 <= int(text) <= most):
        raise Halt(_invalid({name: [t("api.whole", most=most)]}, "query"))
    return int(text)


def _version() -> int:
    """Of the draft that the change was made from, by If-Match; "0" where there was none."""
    text = request.headers.get("If-Match")
    if text is None:
        raise Halt(problem(428, "api.if_match_needed", t("api.if_match_needed")))
    found = _ETAG.match(text.strip())
    if not found:
        raise Halt(problem(422, "api.if_match_wrong", t("api.if_match_wrong")))
    return int(found.group(1))


def _once(made: Operation) -> Once | None:
    """The Idempotency-Key with a fingerprint of the request; None where there is no key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.match(key):
        raise Halt(problem(422, "api.idempotency_key", t("api.idempotency_key")))
    asked = sha256(f"{made.method} {made.path}\n".encode() + request.get_data()).hexdigest()
    return Once(desk.scope(), key, asked)


def _text() -> str:
    if request.mimetype not in (YAML, "application/yaml", "text/x-yaml"):
        raise Halt(problem(415, "api.media_type", t("api.media_type", type=YAML)))
    data = request.get_data(cache=False)
    if len(data) > LONGEST_TEXT:
        raise Halt(problem(413, "api.too_large", t("api.too_large")))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Halt(problem(400, "api.encoding", t("api.encoding"))) from None


def _body(shape: type[Schema]) -> dict[str, Any]:
    if request.mimetype != JSON_TYPE:
        raise Halt(problem(415, "api.media_type", t("api.media_type", type=JSON_TYPE)))
    data = request.get_data()
    if len(data) > LONGEST_TEXT:
        raise Halt(problem(413, "api.too_large", t("api.too_large")))
    try:
        given = json.loads(data, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Halt(problem(400, "api.not_json", t("api.not_json"))) from None
    if not _is_encodable(given):
        raise Halt(problem(400, "api.encoding", t("api.encoding")))
    try:
        found: dict[str, Any] = _reader(shape).load(given)
    except ValidationError as error:
        raise Halt(_invalid(_messages(error), "")) from None
    return found


@cache
def _reader(shape: type[Schema]) -> Schema:
    """Made once: marshmallow copies every field of a schema that is made."""
    return shape(unknown=RAISE)


@cache
def _writer(shape: type[Schema]) -> Schema:
    return shape()


def _no_constant(text: str) -> None:
    raise ValueError(text)


def _is_encodable(given: Any) -> bool:
    """Lone surrogates can be written in JSON and kept nowhere."""
    try:
        json.dumps(given, ensure_ascii=False, default=str).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _invalid(messages: Mapping[str, Any], where: str) -> Response:
    errors = list(_flat(messages, f"/{where}" if where else ""))
    return problem(422, "api.invalid", t("api.invalid"), errors=errors)


def _messages(error: ValidationError) -> Mapping[str, Any]:
    found = error.messages
    return found if isinstance(found, Mapping) else {"_schema": found}


def _flat(messages: Any, place: str) -> list[dict[str, str]]:
    if isinstance(messages, Mapping):
        return [
            entry
            for name, inner in messages.items()
            for entry in _flat(inner, place if name == "_schema" else f"{place}/{name}")
        ]
    said = messages if isinstance(messages, list) else [messages]
    return [{"pointer": place, "code": "api.invalid", "detail": str(one)} for one in said]


def _answered(made: Operation, found: Any) -> Response:
    answer = found if isinstance(found, Answer) else Answer(found)
    status = made.status if answer.status == 200 else answer.status
    if isinstance(answer.body, Response):
        response = answer.body
    elif made.answer is None:
        response = Response(status=status)
        response.headers.pop("Content-Type", None)
    else:
        response = jsonify(_dumped(made, answer.body))
    response.status_code = status
    if answer.version is not None:
        response.headers["ETag"] = f'"{answer.version}"'
    response.headers.update(answer.headers)
    return response


def _dumped(made: Operation, body: Any) -> Any:
    assert made.answer is not None  # noqa: S101  checked by the caller
    schema = _writer(made.answer)
    if not made.paged:
        return schema.dump(body)
    items, query = body
    start = (query["page"] - 1) * query["per_page"]
    page = items[start : start + query["per_page"]]
    return {
        "items": [schema.dump(one) for one in page],
        "total": len(items),
        "page": query["page"],
        "per_page": query["per_page"],
    }


def yaml_answer(text: str, name: str) -> Response:
    """A set as a file."""
    response = Response(text, mimetype=YAML)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.yaml"'
    return response


def free(value: Any) -> Any:
    """Data without a shape of its own."""
    return as_json(value)


__all__ = ["OPERATIONS", "Answer", "Operation", "free", "operation", "yaml_answer"]
