"""Messages that orders changed: the order is fetched and stored first, the message confirmed afterwards.

A crash between the two brings the message again, and the order is stored again, which changes nothing. What can't be
fetched for good is confirmed all the same: the windows of the sync find it, and one message must not hold the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from tidegate.errors import RemoteRefused
from tidegate.sdk.capabilities import FetchesOrder, TellsChanges
from tidegate.sdk.values import OrderMessage
from tidegate.services.context import Context
from tidegate.services.intake import import_orders

log = structlog.get_logger()
MOST_ROUNDS = 20  # a run; the next one goes on


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
    context: Context, source: str, connector: Messenger, most_rounds: int = MOST_ROUNDS
) -> Followed:
    """Read until there are none, or `most_rounds` times. `source` is `connector:account`, for the time line.

    Raises:
        RemoteRetry, RemoteUnknown: the platform can't now; what was stored is confirmed or will come again.
    """
    done = Followed()
    for _ in range(most_rounds):
        told = connector.changed_orders()
        if not told:
            return done
        _store(context, source, connector, told, done)
        connector.confirm_changes([one.id for one in told])
        done.messages += len(told)
    done.behind = True
    return done


def _store(
    context: Context,
    source: str,
    connector: FetchesOrder,
    told: Sequence[OrderMessage],
    done: Followed,
) -> None:
    """Each order once, however many messages name it."""
    for number in dict.fromkeys(one.order_number for one in told if one.order_number):
        try:
            page = connector.fetch_order(number)
        except RemoteRefused as error:
            log.warning("sync.message_refused", source=source, code=error.code)
            done.unreadable += 1
            continue
        stored = import_orders(context, page.drafts, source=source)
        done.orders += len(page.drafts)
        done.changed += stored.created + stored.updated
        done.unreadable += len(page.rejected)
