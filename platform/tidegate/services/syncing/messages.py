"""Messages that orders changed: the order is fetched and stored first, the message confirmed afterwards.

A crash between the two brings the message again, and the order is stored again, which changes nothing. What can't be
fetched for good is confirmed all the same: the windows of the sync find it, and one message must not hold the others.
What can't be fetched now is asked for again after the others, and then comes again; what was stored beside it is
confirmed, so that a platform that fails now and then is read through all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.capabilities import FetchesOrder, TellsChanges
from tidegate.sdk.gathering import gather
from tidegate.sdk.values import OrderMessage, OrderPage
from tidegate.services.context import Context
from tidegate.services.intake import import_orders

log = structlog.get_logger()
MOST_ROUNDS = 20  # a run; the next one goes on
STORED_AT_ONCE = 20  # orders of a transaction


class Messenger(FetchesOrder, TellsChanges, Protocol):
    """A connector that tells of changes and fetches what they name."""


@dataclass
class Followed:
    """`behind`: there may be more to read at once."""

    messages: int = 0
    orders: int = 0
    changed: int = 0
    unreadable: int = 0
    behind: bool = False


def follow_messages(
    context: Context,
    source: str,
    connector: Messenger,
    most_rounds: int = MOST_ROUNDS,
    *,
    into: Followed | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> Followed:
    """Read until there are none, `most_rounds` times, or while `go_on` says so. `source` is `connector:account`, for
    the time line.
    `into` is counted into message by message, so that it tells what was confirmed before an error.

    Raises:
        RemoteRetry, RemoteUnknown: the platform can't now; what was stored is confirmed or will come again.
    """
    done = into if into is not None else Followed()
    for _ in range(most_rounds):
        if done.messages and not go_on():
            break
        told = connector.changed_orders()
        if not told:
            return done
        waiting, trouble = _store(context, source, connector, told, done)
        over = [one.id for one in told if one.order_number not in waiting]
        if over:
            connector.confirm_changes(over)
            done.messages += len(over)
        if trouble is not None:
            raise trouble
    done.behind = True
    return done


def _store(
    context: Context,
    source: str,
    connector: FetchesOrder,
    told: Sequence[OrderMessage],
    done: Followed,
) -> tuple[set[str], RemoteRetry | RemoteUnknown | None]:
    """Each order once, however many messages name it: the numbers that are still to be fetched, and why."""
    numbers = list(dict.fromkeys(one.order_number for one in told if one.order_number))
    waiting = set(numbers)
    trouble: RemoteRetry | RemoteUnknown | None = None

    def ask(number: str) -> OrderPage | None:
        try:
            return connector.fetch_order(number)
        except RemoteRefused as error:
            log.warning("sync.message_refused", source=source, code=error.code)
            return None

    for start in range(0, len(numbers), STORED_AT_ONCE):
        some = gather(numbers[start : start + STORED_AT_ONCE], ask)
        _import(context, source, list(some.found.values()), done)
        waiting -= some.found.keys()
        trouble = some.error or trouble
        if some.away:
            break
    return waiting, trouble


def _import(
    context: Context, source: str, pages: Sequence[OrderPage | None], done: Followed
) -> None:
    """Store what was fetched, in one transaction; None was refused."""
    drafts = [draft for page in pages if page is not None for draft in page.drafts]
    stored = import_orders(context, drafts, source=source)
    done.orders += len(drafts)
    done.changed += stored.created + stored.updated
    done.unreadable += sum(1 if page is None else len(page.rejected) for page in pages)
