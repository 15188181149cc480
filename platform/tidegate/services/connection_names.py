"""What connections are called, by the subject keys of their alerts and decisions (`account:3`, `webhook:7`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select

from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import WebhookEndpoint


class Named(NamedTuple):
    """`kind` is account or webhook, `address` an account's code or an endpoint's id, `called` a person's words."""

    kind: str
    address: str
    called: str


NOBODY = Named("", "", "")


def names_of(work: UnitOfWork, keys: Sequence[str]) -> Mapping[str, Named]:
    """By subject key; keys of parcels, and of what was removed, are left out."""
    ids: dict[str, set[int]] = {"account": set(), "webhook": set()}
    for kind, _, number in (key.partition(":") for key in keys):
        if kind in ids:
            ids[kind].add(int(number))
    accounts = select(ConnectorAccount).where(ConnectorAccount.id.in_(ids["account"]))
    endpoints = select(WebhookEndpoint).where(WebhookEndpoint.id.in_(ids["webhook"]))
    found = {
        f"account:{row.id}": Named("account", row.code, row.title)
        for row in work.session.scalars(accounts)
    }
    return found | {
        f"webhook:{row.id}": Named("webhook", str(row.id), row.name)
        for row in work.session.scalars(endpoints)
    }
