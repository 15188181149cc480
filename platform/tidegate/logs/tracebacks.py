"""A traceback that can't hold personal data: where it happened and what kind of error, never what it said.

The message of a database error quotes the row, that of a parser the text, that of a KeyError the key.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

FRAMES = 25  # the innermost; recursion would fill the disk
CAUSES = 5


def plain_traceback(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace `exc_info` by `exception`: the causes, outermost first, each with its frames."""
    told = event.pop("exc_info", None)
    error = _error(told)
    if error is not None:
        event["exception"] = [_described(one) for one in _causes(error)]
    return event


def _error(told: Any) -> BaseException | None:
    if isinstance(told, BaseException):
        return told
    if isinstance(told, tuple):
        return told[1] if len(told) > 1 and isinstance(told[1], BaseException) else None
    return sys.exc_info()[1] if told else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _described(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    kind = type(error)
    described: dict[str, Any] = {
        "type": kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}",
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    code = getattr(error, "code", None)
    if isinstance(code, str):
        described["code"] = code
    return described
