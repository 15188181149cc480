"""What `orders` of a manifest may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from tidegate.sdk.fields import order_fields
from tidegate.sdk.mapping.converters import CONVERTERS

KEYS = {"fields", "each", "items", "extra", "tokens"}
TOKENS = {"token", "name", "phone", "address"}
ABOUT = {"path", "convert", "values", "default", "constant", "blank"}


def check_orders(about: Mapping[str, Any]) -> None:
    """Raises ValidationError with the place; an empty mapping is none."""
    if not about:
        return
    if strange := sorted(set(about) - KEYS):
        raise ValidationError(f"unknown key {strange[0]}")
    if "order.number" not in (about.get("fields") or {}):
        raise ValidationError({"fields": ["order.number is needed"]})
    if (about.get("items") or {}) and not about.get("each"):
        raise ValidationError({"each": ["the path of the lines is needed"]})
    tokens = about.get("tokens") or {}
    if not isinstance(tokens, Mapping) or set(tokens) - TOKENS:
        raise ValidationError({"tokens": [f"may name {', '.join(sorted(TOKENS))}"]})
    if strange := [name for name in tokens.values() if name not in about.get("extra", ())]:
        raise ValidationError({"tokens": [f"{strange[0]} must be among extra"]})
    for part, owners in (("fields", ("order", "recipient")), ("items", ("item",))):
        for name, how in (about.get(part) or {}).items():
            _field(part, name, how, owners)


def _field(part: str, name: str, how: Any, owners: tuple[str, ...]) -> None:
    target = order_fields().get(name)
    if target is None or target.part not in owners:
        raise ValidationError({part: {name: ["is no field that can be mapped here"]}})
    if isinstance(how, str) or _texts(how):
        return
    if not isinstance(how, Mapping) or set(how) - ABOUT:
        raise ValidationError({part: {name: [f"may say {', '.join(sorted(ABOUT))}"]}})
    if "path" not in how and "constant" not in how:
        raise ValidationError({part: {name: ["needs a path or a constant"]}})
    if "convert" in how and how["convert"] not in CONVERTERS:
        raise ValidationError({part: {name: [f"convert is one of {', '.join(CONVERTERS)}"]}})
    if target.choices and "values" in how:
        _choices(part, name, how["values"], target.choices)


def _choices(part: str, name: str, values: Any, choices: tuple[str, ...]) -> None:
    if not isinstance(values, Mapping):
        raise ValidationError({part: {name: ["values is a mapping"]}})
    for value in values.values():
        if str(value) not in (*choices, ""):
            raise ValidationError({part: {name: [f"{value} is not one of {', '.join(choices)}"]}})


def _texts(how: Any) -> bool:
    return isinstance(how, list) and bool(how) and all(isinstance(one, str) for one in how)
