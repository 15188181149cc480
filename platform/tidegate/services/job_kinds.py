"""How each kind of job is run: in which queue, how often it is tried, how long it may take.

Queues are bulkheads: each has threads or workers of its own, so that what is slow delays its own queue only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Args = Mapping[str, Any]
LONGEST_S = 600.0
DEFAULT_QUEUE = "orders"
QUEUES: Mapping[str, int] = {  # queue: threads of an embedded runner
    "orders": 2,
    "waybill": 4,
    "write_back": 2,
    "tracking": 2,
    "sync": 3,
    "fetch": 1,
    "webhook": 1,
    "alert": 1,
    "report": 1,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """`longest_s`: after so long its lease is not renewed any more, and another may take it over.

    `v` is the newest version of its arguments; `older` turns those of the version before into it. `at_once`: how many
    a thread takes; 1 where each waits for somebody else's answer, so that a slow one holds no others.
    `lanes`: its jobs call somebody, and of each lane one batch runs at a time.
    `judges`: it asks rules, so a merchant whose rules are slow gets as many at a time as take about a second.
    `recurs`: a schedule makes it anew within seconds; one that could not reach anybody is left to the next.
    """

    queue: str = DEFAULT_QUEUE
    attempts: int = 10
    longest_wait_s: float = 600.0
    longest_s: float = LONGEST_S
    lanes: bool = False
    judges: bool = False
    recurs: bool = False
    v: int = 1
    at_once: int = 50
    older: Callable[[Args], Args] | None = None


DEFAULT = Kind()
KINDS: Mapping[str, Kind] = {
    "advance_order": Kind(judges=True),
    "alert_wakeup": Kind("alert", judges=True),
    "watch_connections": Kind("alert", attempts=3, longest_wait_s=30),
    "watch_parcels": Kind("alert", judges=True),
    "send_notice": Kind("alert", attempts=8, lanes=True, at_once=1),
    "pull_scans": Kind("tracking", attempts=3, longest_wait_s=30, recurs=True),
    "pull_scans_of": Kind("tracking", attempts=3, longest_wait_s=30, at_once=1, recurs=True),
    "sync_accounts": Kind("tracking", attempts=3, longest_wait_s=30),
    "sync_account": Kind("sync", attempts=3, longest_wait_s=60, lanes=True, at_once=1),
    "fetch_order": Kind("fetch", attempts=20, longest_wait_s=1800, lanes=True, at_once=20),
    "prune_personal": Kind("report", attempts=3),
    "void_waybill": Kind("waybill", attempts=20, longest_wait_s=1800, lanes=True),
    "request_waybill": Kind("waybill", attempts=20, lanes=True),
    "ask_quotes": Kind("waybill", attempts=3, longest_wait_s=30, lanes=True),
    "fetch_label": Kind("waybill", attempts=12, longest_wait_s=1800, lanes=True),
    "write_back": Kind("write_back", attempts=20, longest_wait_s=1800, lanes=True),
    "work_hook_messages": Kind("tracking"),
    "deliver_webhooks": Kind("webhook"),
    "spread_webhooks": Kind("webhook"),
    "tend_webhooks": Kind("webhook", attempts=3),
    "simulate": Kind("report", attempts=3, longest_s=4 * 3600),
    "bring_sheet": Kind("report", attempts=3, longest_s=3600, at_once=1),
    "try_sheet": Kind("report", attempts=3, longest_s=3600),
    "count_rule_hits": Kind("report", attempts=3),
    "prune_jobs": Kind("report", attempts=3),
}


def kind_of(name: str) -> Kind:
    """The kind of a job; names without an entry are ordinary work on orders."""
    return KINDS.get(name, DEFAULT)


def queue_of(name: str) -> str:
    return kind_of(name).queue


def readable(name: str, v: int) -> bool:
    """Whether this version of Tidegate understands arguments of version `v`."""
    kind = kind_of(name)
    return v == kind.v or (v == kind.v - 1 and kind.older is not None)


def args_now(name: str, v: int, args: Args) -> Args:
    """The arguments in the newest form.

    Raises:
        KeyError: they are of a version that is not understood any more.
    """
    kind = kind_of(name)
    if v == kind.v:
        return args
    if kind.older is not None and v == kind.v - 1:
        return kind.older(args)
    raise KeyError(f"{name} v{v}")
