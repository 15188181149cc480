"""Which courier services can't be asked for waybills just now: a fact that routing rules read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import and_, or_, select

from tidegate.domain.rates import Quote
from tidegate.store.remote_tables import ConnectorAccount, RemoteBreaker
from tidegate.store.tables import CarrierService
from tidegate.store.unit_of_work import UnitOfWork

GROUP = "waybill"  # the group of calls that makes waybills (`waybill.create`)
_KEPT = "unreachable services"


def unreachable(work: UnitOfWork) -> frozenset[str]:
    """Codes of services; looked up once per unit of work."""
    found: frozenset[str] | None = work.session.info.get(_KEPT)
    if found is None:
        found = work.session.info[_KEPT] = frozenset(work.session.scalars(_STATEMENT))
    return found


def marked(work: UnitOfWork, quotes: Sequence[Quote]) -> list[Quote]:
    """The quotes, those that can't be had just now said so."""
    away = unreachable(work)
    if not away:
        return list(quotes)
    return [replace(one, available=False) if one.service in away else one for one in quotes]


_STATEMENT = (
    select(CarrierService.code)
    .join(ConnectorAccount, ConnectorAccount.code == CarrierService.connector)
    .outerjoin(
        RemoteBreaker,
        and_(RemoteBreaker.account_id == ConnectorAccount.id, RemoteBreaker.api_group == GROUP),
    )
    .where(or_(ConnectorAccount.state != "active", RemoteBreaker.state != "closed"))
)
