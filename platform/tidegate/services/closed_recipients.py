"""Recipients that a platform keeps to itself: what travels in their place, and which services take it.

Nothing here opens anybody (services/opened_recipients.py does, for a person): a waybill is made from the token or the
cipher text, by an account whose manifest says that it takes the platform's closed recipients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from tidegate.domain.rates import Quote
from tidegate.errors import InputError, TidegateError
from tidegate.sdk.carrier import ClosedRecipient
from tidegate.sdk.manifest import Manifest
from tidegate.sdk.values import RecipientToken
from tidegate.services.remotes.connected import manifest_for
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import CarrierService, Order
from tidegate.store.unit_of_work import UnitOfWork

CLOSED_KINDS = ("token", "masked")
NEEDS_PLATFORM = "needs_platform_waybill"  # the reason that a parcel is held for
USUAL_TOKENS = ("oaid", "recipient_token")  # names in an order's extra, where a manifest says none
PARTS = ("name", "phone", "address")
ANY_SHOP = "any_shop"
_KEPT = "accounts of closed recipients"


@dataclass(frozen=True, slots=True)
class _Account:
    """`services` are codes of carrier services that go by this account."""

    shop_id: int | None
    manifest: Manifest
    services: frozenset[str]


def is_closed(order: Order) -> bool:
    return order.recipient_kind in CLOSED_KINDS


def closed_recipient(work: UnitOfWork, order: Order) -> ClosedRecipient | None:
    """What may travel of a closed recipient; None when the order is plain, or brought masks and nothing else."""
    if not is_closed(order):
        return None
    own = [one for one in _accounts(work) if one.manifest.channel == order.channel]
    own.sort(key=lambda one: one.shop_id != order.shop_id)
    for manifest in (*(one.manifest for one in own), None):
        token = token_of(order.number, order.extra, manifest)
        if token is not None:
            return ClosedRecipient(
                order.channel, order.number, token.token, token.cipher, order.town or ""
            )
    return None


def token_of(
    number: str, extra: Mapping[str, Any], manifest: Manifest | None
) -> RecipientToken | None:
    """What the order brought in place of its recipient, by the manifest's `tokens`."""
    names = (manifest.orders.get("tokens") or {}) if manifest is not None else {}
    usual = next((name for name in USUAL_TOKENS if extra.get(name)), "")
    token = str(extra.get(names.get("token", usual)) or "")
    cipher = {part: str(extra[names[part]]) for part in PARTS if extra.get(names.get(part, ""))}
    return RecipientToken(number, token, cipher) if token or cipher else None


def takes(work: UnitOfWork, order: Order, service_code: str) -> bool:
    """Whether a waybill of this service can be made for the order's recipient as it came."""
    if is_closed(order):
        return service_code in taking(work, order)
    return service_code not in _closed_only(work)


def taking(work: UnitOfWork, order: Order) -> frozenset[str]:
    """Codes of services whose account takes the order's closed recipient; none when no token came."""
    if closed_recipient(work, order) is None:
        return frozenset()
    return frozenset(
        code
        for one in _accounts(work)
        if (of := one.manifest.closed_recipients.get(order.channel)) is not None
        and (of == ANY_SHOP or one.shop_id in (None, order.shop_id))
        for code in one.services
    )


def marked_closed(work: UnitOfWork, order: Order, quotes: Sequence[Quote]) -> list[Quote]:
    """The quotes; those whose account can't take the order's recipient as it came say so."""
    if is_closed(order):
        fit = taking(work, order)
        away = {one.service for one in quotes if one.service not in fit}
    else:
        away = set(_closed_only(work))
    return [replace(one, takes_recipient=False) if one.service in away else one for one in quotes]


def _closed_only(work: UnitOfWork) -> frozenset[str]:
    """Services whose account makes waybills from platforms' tokens alone."""
    only = (one.services for one in _accounts(work) if not one.manifest.plain_recipients)
    return frozenset(code for services in only for code in services)


def refuse_untaken(work: UnitOfWork, order: Order, service_code: str) -> None:
    """Raises InputError when a person chose a service that can't take the order's recipient."""
    if takes(work, order, service_code):
        return
    if not is_closed(order):
        raise InputError(
            "service.closed_only",
            zh=f"{service_code} 的账号只接带平台密文的订单, 订单 {order.number} 的收件人是明文; 请选别的快递产品。",
            en=f"The account of {service_code} takes platforms' closed recipients only and order {order.number} is in "
            "clear; choose another service.",
            field="service",
            service=service_code,
        )
    raise InputError(
        "service.closed_recipient",
        zh=f"订单 {order.number} 的收件人是平台密文, {service_code} 的账号不接受; "
        "请选用该平台电子面单账号的快递产品, 或先把收件人改为明文。",
        en=f"The recipient of order {order.number} is closed and the account of {service_code} does not take it; "
        "choose a service of an account that makes the platform's own waybills, or enter the recipient in clear first.",
        field="service",
        service=service_code,
    )


def _accounts(work: UnitOfWork) -> list[_Account]:
    """Looked up once per unit of work."""
    kept: list[_Account] | None = work.session.info.get(_KEPT)
    if kept is None:
        with work.every_shop():  # an account of all shops serves theirs too
            kept = work.session.info[_KEPT] = list(_looked_up(work))
    return kept


def _looked_up(work: UnitOfWork) -> Iterator[_Account]:
    services: dict[str, set[str]] = {}
    for code, account in work.session.execute(
        select(CarrierService.code, CarrierService.connector)
    ):
        services.setdefault(account, set()).add(code)
    for row in work.session.scalars(select(ConnectorAccount).order_by(ConnectorAccount.id)):
        try:
            manifest = manifest_for(row)
        except TidegateError:  # not installed any more: it takes nobody
            continue
        yield _Account(row.shop_id, manifest, frozenset(services.get(row.code, ())))
