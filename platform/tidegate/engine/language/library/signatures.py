"""What a function is: its name's spellings, the types it takes and gives, its meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidegate.engine.language.types import ANY, Type, common, list_of

Result = Callable[[Sequence[Type]], Type | None]
SCALARS = frozenset(
    ("boolean", "number", "money", "text", "duration", "months", "instant", "date", "time", "any")
)
SPANS = ("number", "money", "duration", "months")
ORDERED = (*SPANS, "instant", "date", "time")


@dataclass(frozen=True)
class Function:
    """`usage` shows a correct call. `result` gives the type for argument types, or None when they
    do not fit.

    `run` is the meaning on known values (None: it needs more than its arguments); `zoned` is
    one that also needs the shop's zone, given first. `params` are the names by which arguments
    may be given, `|` between alternatives. With `gathers`, several arguments mean one list.
    """

    usage: str
    result: Result
    run: Callable[..., object] | None = None
    params: str = ""
    zh: str = ""
    zoned: Callable[..., object] | None = None
    gathers: bool = False

    @property
    def forms(self) -> list[list[str]]:
        """Parameter names of each alternative, in order."""
        return [[name.strip() for name in form.split(",")] for form in self.params.split("|")]


def fixed(result: Type, *wanted: str, optional: int = 0) -> Result:
    """A signature of type kinds (`a|b` is either); the last `optional` may be left out."""

    def check(given: Sequence[Type]) -> Type | None:
        if not len(wanted) - optional <= len(given) <= len(wanted):
            return None
        fits = all(_is(kind, want) for kind, want in zip(given, wanted, strict=False))
        return result if fits else None

    return check


def _is(kind: Type, wanted: str) -> bool:
    return kind.kind == "any" or wanted == "any" or kind.kind in wanted.split("|")


def first_of(result: Type, kinds: Sequence[str]) -> Result:
    """One argument of any of the kinds."""
    return fixed(result, "|".join(kinds))


def either(*checks: Result) -> Result:
    """The first signature that fits."""
    return lambda given: next((found for check in checks if (found := check(given))), None)


def same(*kinds: str, extra: int = 0) -> Result:
    """The type of the first argument, which is one of the kinds; up to `extra` numbers follow."""

    def check(given: Sequence[Type]) -> Type | None:
        if not 1 <= len(given) <= 1 + extra or given[0].kind not in (*kinds, "any"):
            return None
        return given[0] if all(kind.kind in ("number", "any") for kind in given[1:]) else None

    return check


def member(given: Sequence[Type], *kinds: str) -> Type | None:
    """What the one list argument holds, if that is one of the kinds (or anything, without)."""
    if len(given) != 1 or given[0].kind != "list":
        return None
    found = given[0].member or ANY
    return found if not kinds or found.kind in (*kinds, "any") else None


def of_members(*kinds: str) -> Result:
    """The type of the members of one list."""
    return lambda given: member(given, *kinds)


def one_list(result: Type, *kinds: str) -> Result:
    """A fixed result from one list of such members."""
    return lambda given: result if member(given, *kinds) else None


def joined(given: Sequence[Type]) -> Type | None:
    """The list type of several lists put together."""
    result: Type | None = given[0].member or ANY if given else None
    for kind in given:
        fits = kind.kind == "list" and (kind.member or ANY).kind in SCALARS
        result = common(result, kind.member or ANY) if result and fits else None
    return list_of(result) if result else None
