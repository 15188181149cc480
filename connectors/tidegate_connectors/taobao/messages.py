"""TMC by pull: messages that trades changed, kept by the platform until they are confirmed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.values import OrderMessage
from tidegate_connectors.taobao.client import BEIJING, TIME, TopClient, rows_of

CONSUME, CONFIRM = "taobao.tmc.messages.consume", "taobao.tmc.messages.confirm"
MOST = 200  # messages of a call


class Messages:
    def __init__(self, account: Account, client: TopClient) -> None:
        self._settings, self._client = account.settings, client

    def changed_orders(self) -> Sequence[OrderMessage]:
        """Up to 200 that are not confirmed; those of other shops in the group are left where they are."""
        group = self._settings["tmc_group"]
        asked = {"group_name": group, "quantity": str(MOST)}
        inner = self._client.call(CONSUME, asked, session=False)
        nick = self._settings.get("seller_nick", "")
        rows = [
            row for row in rows_of(inner, "messages", "tmc_message") if isinstance(row, Mapping)
        ]
        return [_message(row) for row in rows if not nick or row.get("user_nick") == nick]

    def confirm_changes(self, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), MOST):
            chosen = ",".join(ids[start : start + MOST])
            asked = {"group_name": self._settings["tmc_group"], "s_message_ids": chosen}
            self._client.call(CONFIRM, asked, session=False)


def _message(row: Mapping[str, Any]) -> OrderMessage:
    """A message about no trade has no number; it is confirmed like the others."""
    content = row.get("content")
    try:
        told = json.loads(content) if isinstance(content, str) else content
    except ValueError:
        told = None
    number = told.get("tid") if isinstance(told, Mapping) else None
    return OrderMessage(
        str(row["id"]), str(number or ""), str(row.get("topic", "")), _at(row.get("pub_time"))
    )


def _at(text: Any) -> datetime | None:
    try:
        return datetime.strptime(str(text), TIME).replace(tzinfo=BEIJING)
    except ValueError:
        return None
