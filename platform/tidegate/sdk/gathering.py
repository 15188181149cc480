"""What needs a call for each: orders of a page, parcels to follow. One call that fails now and then ends nothing.

A call that fails is made again after the others, through the same limits and breaker. When several fail in a row nobody
answers, when the platform says when to come again it means it, and refused credentials are a person's: then it is left
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tidegate.errors import RemoteCredentials, RemoteRetry, RemoteUnknown

MOST_ROUNDS = 3
MOST_IN_A_ROW = 3
Key = TypeVar("Key")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Gathered(Generic[Key, Found]):
    """`found` in the order they were asked for in; `left` is to be asked for again, none is lost. `away`: the platform
    is to be left alone. `error`: what went wrong last, None when nothing is left.
    """

    found: dict[Key, Found]
    left: tuple[Key, ...] = ()
    error: RemoteRetry | RemoteUnknown | None = None
    away: bool = False


def gather(keys: Iterable[Key], ask: Callable[[Key], Found]) -> Gathered[Key, Found]:
    """Ask for each. `ask` must be harmless to repeat. What was found is given back whatever came after it.

    Raises:
        Whatever `ask` raises besides RemoteRetry and RemoteUnknown, at once.
    """
    wanted = list(dict.fromkeys(keys))
    found: dict[Key, Found] = {}
    error: RemoteRetry | RemoteUnknown | None = None
    in_a_row, away = 0, False
    for key in _rounds(wanted, found):
        try:
            found[key] = ask(key)
            in_a_row = 0
        except (RemoteRetry, RemoteUnknown) as caught:
            error, in_a_row = caught, in_a_row + 1
            away = in_a_row == MOST_IN_A_ROW or _final(caught)
            if away:
                break
    ordered = {key: found[key] for key in wanted if key in found}
    left = tuple(key for key in wanted if key not in found)
    return Gathered(ordered, left, error if left else None, away)


def _final(error: RemoteRetry | RemoteUnknown) -> bool:
    return isinstance(error, RemoteCredentials) or "retry_after_s" in error.fields


def _rounds(wanted: Sequence[Key], found: Container[Key]) -> Iterator[Key]:
    """All of them, then those that were not found meanwhile, again."""
    for _ in range(MOST_ROUNDS):
        yield from [key for key in wanted if key not in found]
