"""Documents that a mapping reads, overheard by whoever wants samples of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_HEARD: ContextVar[tuple[list[Any], int] | None] = ContextVar("heard", default=None)


@contextmanager
def documents(most: int) -> Iterator[list[Any]]:
    """The first `most` documents that any mapping reads in this thread meanwhile, as they came."""
    found: list[Any] = []
    token = _HEARD.set((found, most))
    try:
        yield found
    finally:
        _HEARD.reset(token)


def heard(document: Any) -> None:
    """A mapping reads this document."""
    listener = _HEARD.get()
    if listener is not None and len(listener[0]) < listener[1]:
        listener[0].append(document)
