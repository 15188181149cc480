"""What an invariant is, and all of them run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select

from tidegate.services.context import Context
from tidegate.store.unit_of_work import UnitOfWork

NAMED = 20  # ids named per invariant; all are counted
AT_MOST = 10_000  # ids read per query
SETTLED_AFTER = timedelta(minutes=10)  # whatever moves by itself has moved by then


@dataclass(frozen=True, slots=True)
class Look:
    """Where and when the invariants are looked at."""

    work: UnitOfWork
    context: Context
    now: datetime

    def ids(self, what: str, query: Select[int]) -> list[str]:
        """The rows that a query finds, as `order 12`."""
        return [f"{what} {id_}" for id_ in self.work.session.scalars(query.limit(AT_MOST))]


@dataclass(frozen=True, slots=True)
class Invariant:
    """`broken` names what breaks it. `texts` is the promise in a sentence, zh and en."""

    id: str
    texts: Mapping[str, str]
    broken: Callable[[Look], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Result:
    """One invariant looked at; `offenders` are the first NAMED of `count`."""

    id: str
    texts: Mapping[str, str]
    count: int
    offenders: tuple[str, ...]


def invariants() -> list[Invariant]:
    """Every invariant of the modules beside this one, by number."""
    package = importlib.import_module(__package__)
    found: list[Invariant] = []
    for module in pkgutil.iter_modules(package.__path__, f"{__package__}."):
        found += getattr(importlib.import_module(module.name), "INVARIANTS", ())
    return sorted(found, key=lambda one: int(one.id[1:]))


def check(context: Context) -> list[Result]:
    """Look at all of them for one tenant. Reads only; a reader sees one state of the database."""
    results = []
    with context.store.begin(context.tenant_id, readonly=True) as work, work.every_shop():
        look = Look(work, context, context.clock())
        for one in invariants():
            offenders = sorted(set(one.broken(look)))
            results.append(Result(one.id, one.texts, len(offenders), tuple(offenders[:NAMED])))
    return results
