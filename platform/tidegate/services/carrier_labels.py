"""Labels that carriers give themselves: fetched once, kept sealed for a month, printed in place of our own drawing.

Whose label it is: the account's setting `labels` (own, carrier), else its manifest's. A closed recipient's label is the
platform's, whatever the setting says: our own drawing would show masks.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select

from tidegate.documents.merging import check_printable
from tidegate.errors import InputError, RemoteRefused, TidegateError
from tidegate.sdk.carrier import Issued
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.values import Label
from tidegate.services.closed_recipients import is_closed
from tidegate.services.context import Context
from tidegate.services.effect_rows import WAYBILL
from tidegate.services.states import record
from tidegate.services.work import enqueue
from tidegate.store.label_tables import KeptLabel
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import CarrierService, Effect, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
PRINTABLE = ("waybill", "printed")
KINDS = ("pdf", "png", "print_data")
_KEPT = "accounts that give labels"


@dataclass(frozen=True, slots=True)
class Given:
    """A kept label, opened. Personal data: it goes to a printer and nowhere else."""

    id: int
    kind: str
    content: bytes
    template: str
    account: str
    connector: str

    def __repr__(self) -> str:
        return f"Given({self.id} {self.kind})"


def account_of(work: UnitOfWork, order: Order, parcel: Parcel) -> str | None:
    """Code of the account that gives the parcel's label; None: we draw it."""
    found = _giving(work).get(parcel.service_code or "")
    if found is None:
        return None
    code, whose = found
    return code if whose == "carrier" or is_closed(order) else None


def fetch_later(work: UnitOfWork, order: Order, parcel: Parcel, now: datetime) -> None:
    """A job in the lane of the account, where the label comes from there."""
    account = account_of(work, order, parcel)
    if account is not None:
        key, args = f"label:{parcel.id}", {"parcel_id": parcel.id}
        enqueue(work, "fetch_label", args, due_at=now, now=now, key=key, lane=account)


def fetch(context: Context, parcel_id: int) -> None:
    """Ask the carrier and keep what it gives; safe to repeat. A definite no is noted on the parcel.

    Raises:
        RemoteRetry, RemoteUnknown: ask again later.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        parcel = work.session.get(Parcel, parcel_id)
        if parcel is None or parcel.state not in PRINTABLE or not parcel.waybill_no:
            return
        order = work.session.get_one(Order, parcel.order_id)
        account = account_of(work, order, parcel)
        if account is None or kept(work, [parcel]):
            return
        issued = _issued(work, order, parcel)
    carrier = context.carriers.get(account)
    if carrier is None:
        return
    try:
        label = _usable(carrier.label(issued))  # type: ignore[attr-defined]  # accounts have it
    except RemoteRefused as error:
        _note(context, parcel_id, account, error.code)
        return
    _keep(context, parcel_id, issued.waybill_no, account, label)


def kept(work: UnitOfWork, parcels: Sequence[Parcel]) -> dict[int, KeptLabel]:
    """By parcel; labels of waybills that were given up are not there."""
    numbers = {parcel.id: parcel.waybill_no for parcel in parcels if parcel.waybill_no}
    if not numbers:
        return {}
    rows = work.session.scalars(select(KeptLabel).where(KeptLabel.parcel_id.in_(numbers)))
    return {row.parcel_id: row for row in rows if row.waybill_no == numbers[row.parcel_id]}


def opened(work: UnitOfWork, context: Context, ids: Sequence[int]) -> dict[int, Given]:
    """Kept labels by id."""
    rows = work.session.scalars(select(KeptLabel).where(KeptLabel.id.in_(ids))).all()
    with work.every_shop():
        accounts = work.session.execute(select(ConnectorAccount.code, ConnectorAccount.connector))
        connectors = {code: connector for code, connector in accounts}
    return {
        row.id: Given(
            row.id, row.kind, base64.b64decode(context.box.open(row.sealed)), row.template,
            row.account, connectors.get(row.account, ""),
        )
        for row in rows
    }  # fmt: skip


def missing(order: Order, parcel: Parcel, account: str) -> InputError:
    """The problem of a parcel whose carrier has not given its label yet."""
    own = "" if is_closed(order) else "，或把账号设置 labels 改为 own 用自己画的面单"
    mine = "" if is_closed(order) else ", or set the account's `labels` to own for our own drawing"
    return InputError(
        "labels.carrier_label_missing",
        zh=f"包裹 {parcel.number} 的面单还没有从账号 {account} 取到，正在再取；"
        f"请稍后再打，仍没有时到连接页看调用记录{own}。",
        en=f"The label of parcel {parcel.number} has not come from the account {account} yet and is fetched again; "
        f"print in a moment, and if it still lacks look at the account's calls{mine}.",
        parcel=parcel.number,
        account=account,
    )


def _giving(work: UnitOfWork) -> Mapping[str, tuple[str, str]]:
    """Service -> the account that can give its labels, and whose labels are wanted; once per unit of work."""
    found: dict[str, tuple[str, str]] | None = work.session.info.get(_KEPT)
    if found is not None:
        return found
    found = {}
    wanted = select(CarrierService.code, ConnectorAccount).join(
        ConnectorAccount, ConnectorAccount.code == CarrierService.connector
    )
    with work.every_shop():  # an account of all shops serves theirs too
        rows = work.session.execute(wanted).all()
    for service, row in rows:
        try:
            manifest = manifest_of(row.connector)
        except TidegateError:  # not installed any more
            continue
        if "label" in manifest.capabilities:
            found[service] = (row.code, str(row.settings.get("labels") or manifest.labels))
    work.session.info[_KEPT] = found
    return found


def _issued(work: UnitOfWork, order: Order, parcel: Parcel) -> Issued:
    key = work.session.scalar(
        select(Effect.client_key).where(
            Effect.parcel_id == parcel.id, Effect.kind == WAYBILL,
            Effect.generation == parcel.generation,
        )
    )  # fmt: skip
    return Issued(key or "", parcel.waybill_no or "", parcel.service_code or "", order.number)


def _usable(label: Label) -> Label:
    """Raises RemoteRefused for what no printer of ours takes."""
    try:
        if label.kind in KINDS and label.content:
            check_printable(label.kind, label.content)
            return label
    except InputError:
        log.warning("label.unreadable", kind=label.kind)
    raise RemoteRefused(
        "labels.unusable",
        zh="快递给的面单不是可用的 PDF、PNG 或打印数据；请把账号设置 labels 改为 own。",
        en="The carrier's label is no usable PDF, PNG or print data; set the account's `labels` to own.",
    )


def _keep(context: Context, parcel_id: int, waybill_no: str, account: str, label: Label) -> None:
    sealed = context.box.seal(base64.b64encode(label.content).decode("ascii"))
    with context.store.begin(context.tenant_id) as work:
        parcel = work.session.get_one(Parcel, parcel_id)
        if parcel.waybill_no != waybill_no or kept(work, [parcel]):
            return
        work.add(
            KeptLabel(
                parcel_id=parcel_id, waybill_no=waybill_no, account=account, kind=label.kind,
                template=label.template[:300], sealed=sealed, key_id=context.box.key_id,
                fetched_at=context.clock(),
            )
        )  # fmt: skip
        work.commit()


def _note(context: Context, parcel_id: int, account: str, code: str) -> None:
    log.warning("label.refused", parcel_id=parcel_id, account=account, code=code)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        parcel = work.session.get_one(Parcel, parcel_id)
        record(
            work, "label_refused", order_id=parcel.order_id, parcel_id=parcel_id, now=now,
            actor_kind="carrier", actor=account, data={"code": code},
        )  # fmt: skip
        work.commit()
