"""Parts of documents that many documents share: they can be read like any dict or list, but not changed in place.

A rule of a thousand is the same object in every edition of its set until somebody writes another in its place; so
whoever reads or writes the set again can tell by `is` what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

_PLAIN = (str, bool, int, Decimal)
_NEVER = 1_000_000  # levels: what holds something else is too deep to be taken as it is


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError("a shared part of a document can't be changed in place; put another there")


class Entry(dict[str, Any]):
    """A mapping. `size` counts it and the values inside, `height` the levels below it; `lines` keeps its YAML by
    where it stands.
    """

    __slots__ = ("height", "lines", "size")
    size: int
    height: int
    lines: dict[tuple[str, int], list[str]]

    def __deepcopy__(self, _: object) -> dict[str, Any]:
        return dict(thawed(self))

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


class Members(list[Any]):
    """A list inside an `Entry`."""

    __slots__ = ()

    def __deepcopy__(self, _: object) -> list[Any]:
        return list(thawed(self))

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse


def frozen(document: Mapping[str, Any]) -> Entry:
    """The same data, to be shared."""
    found = Entry({key: _frozen(value) for key, value in document.items()})
    found.size, found.height = _measured(found)
    found.lines = {}
    return found


def thawed(value: Any) -> Any:
    """The same data, to be changed."""
    if isinstance(value, dict):
        return {key: thawed(item) for key, item in value.items()}
    return [thawed(item) for item in value] if isinstance(value, list) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozen(value)
    return Members(map(_frozen, value)) if isinstance(value, list) else value


def _measured(value: Any) -> tuple[int, int]:
    """How many values there are, itself with them, and how many levels below it."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return 1, 0 if value is None or isinstance(value, _PLAIN) else _NEVER
    inner = [_measured(item) for item in value]
    return 1 + sum(size for size, _ in inner), 1 + max((height for _, height in inner), default=-1)
