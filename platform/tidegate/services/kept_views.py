"""Views that pages ask for all the time: one that took long is shown again for a while instead of read again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from tidegate.services.context import Context

LONG_S = 0.5  # what is read quicker is read each time
TIMES = (
    10  # as long as it took is it kept: reading takes a tenth of a core, however many people look
)
MOST_S = 30.0
View = TypeVar("View")
Who = tuple[int, frozenset[int] | None]  # a merchant, and the shops that somebody may see


@dataclass
class _Place(Generic[View]):
    lock: Lock = field(default_factory=Lock)  # of several who ask at once one reads
    view: View | None = None
    until: float = 0.0


class KeptViews(Generic[View]):
    """Of one kind of view: what each merchant, and each choice of shops, was shown last."""

    def __init__(
        self, read: Callable[[Context], View], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._lock = Lock()
        self._places: WeakKeyDictionary[Engine, dict[Who, _Place[View]]] = WeakKeyDictionary()

    def of(self, context: Context) -> View:
        """The view, read now or a few seconds ago; the context's own merchant and shops only."""
        place = self._place(context)
        with place.lock:
            began = self._monotonic()
            if place.view is not None and began < place.until:
                return place.view
            view = self._read(context)
            ended = self._monotonic()
            took = ended - began
            place.view = view if took >= LONG_S else None
            place.until = ended + min(MOST_S, TIMES * took)
            return view

    def _place(self, context: Context) -> _Place[View]:
        who = (context.tenant_id, context.store.shops)
        with self._lock:
            return self._places.setdefault(context.store.engine, {}).setdefault(who, _Place())
