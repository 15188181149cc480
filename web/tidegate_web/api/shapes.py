"""Marshmallow schemas of answers, made from the frozen dataclasses that services return: what a page is shown is
what a program gets, field by field.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from marshmallow import Schema
from marshmallow import fields as m

SCALARS: Mapping[Any, type[m.Field[Any]]] = {
    str: m.String,
    int: m.Integer,
    bool: m.Boolean,
    float: m.Float,
    datetime: m.AwareDateTime,
    date: m.Date,
}


class Exact(m.Field[Any]):
    """A decimal, money or any other value as text."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        return None if value is None else str(value)


class Free(m.Field[Any]):
    """Whatever the document holds there."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return as_json(value)


@cache
def schema_of(shape: type[Any], without: tuple[str, ...] = ()) -> type[Schema]:
    """The schema of a dataclass, its parts' with it."""
    hints = get_type_hints(shape)
    made = {
        one.name: _field(hints[one.name], required=True)
        for one in fields(shape)
        if one.name not in without
    }
    return Schema.from_dict(made, name=shape.__name__)


def _field(hint: Any, **more: Any) -> m.Field[Any]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (left,) = [one for one in inner if one is not type(None)]
        return _field(left, allow_none=True, **more)
    if hint in SCALARS:
        return SCALARS[hint](**more)
    if (
        is_dataclass(hint)
        and isinstance(hint, type)
        and hint.__module__.startswith("tidegate.services")
    ):
        return m.Nested(schema_of(hint), **more)
    if origin is not None and issubclass(origin, Mapping):
        values = _field(inner[1]) if inner[1] is not Any else None
        return m.Dict(keys=m.String(), values=values, **more) if values else Free(**_open(more))
    if _is_list(origin, inner):
        return m.List(_field(inner[0]), **more)
    if origin is frozenset:
        return m.List(_field(inner[0]), **more)
    if hint is Decimal or (isinstance(hint, type) and hint.__name__ == "Money"):
        return Exact(**_text(more))
    return Free(**_open(more))


def _is_list(origin: Any, inner: Any) -> bool:
    if origin is tuple:
        return len(inner) == 2 and inner[1] is Ellipsis
    return origin is not None and issubclass(origin, Sequence)


def _text(more: dict[str, Any]) -> dict[str, Any]:
    kind = ["string", "null"] if more.get("allow_none") else "string"
    return {**more, "metadata": {"type": kind}}


def _open(more: dict[str, Any]) -> dict[str, Any]:
    return {**more, "allow_none": True}


def as_json(value: Any) -> Any:
    """Plain data of any value: decimals and money as text, instants in ISO 8601, dataclasses as objects."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type) and not hasattr(value, "minor"):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(as_json(one) for one in value)
    if isinstance(value, Sequence):
        return [as_json(one) for one in value]
    return str(value)
