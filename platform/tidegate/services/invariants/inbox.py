"""I9, I11: what others told us is applied or waits with a next try, and so is what we owe to others."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from tidegate.domain.tracking import STATES
from tidegate.services.invariants.checks import SETTLED_AFTER, Invariant, Look
from tidegate.services.states import is_final
from tidegate.store.tables import Parcel, Scan
from tidegate.store.webhook_tables import HookMessage, WebhookDelivery, WebhookEvent


def _applied(look: Look) -> Iterator[str]:
    """A scan newer than all that its parcel knows was never looked at; one that ends a parcel must have ended it."""
    unseen = (
        select(Scan.id)
        .join(Parcel, Parcel.id == Scan.parcel_id)
        .where(Scan.state.in_(STATES))
        .where(Parcel.last_scan_at.is_(None) | (Parcel.last_scan_at < Scan.at))
    )
    yield from look.ids("scan", unseen)
    ends = [
        code
        for code, state in STATES.items()
        if state.parcel_state and is_final("parcel", state.parcel_state)
    ]
    moved = {STATES[code].parcel_state for code in ends}
    stays = (
        select(Scan.id)
        .join(Parcel, Parcel.id == Scan.parcel_id)
        .where(Scan.applied, Scan.state.in_(ends), Parcel.state.not_in(moved))
    )
    yield from look.ids("scan", stays)


def _worked(look: Look) -> Iterator[str]:
    """I9. Of calls in: nothing lies there past its time, and what failed says why."""
    late = look.now - SETTLED_AFTER
    lies = (HookMessage.state == "waiting") & (HookMessage.due_at < late)
    mute = (HookMessage.state == "failed") & HookMessage.error.is_(None)
    yield from look.ids("hook_message", select(HookMessage.id).where(lies | mute))


def _told_us(look: Look) -> Iterator[str]:
    yield from _applied(look)
    yield from _worked(look)


def _owed(look: Look) -> Iterator[str]:
    """I11. Every event is spread to its endpoints; every delivery is done, waiting, or dead with a cause."""
    late = look.now - SETTLED_AFTER
    kept_back = select(WebhookEvent.id).where(
        WebhookEvent.spread_at.is_(None), WebhookEvent.at < late
    )
    yield from look.ids("webhook_event", kept_back)
    lies = (WebhookDelivery.state == "waiting") & (WebhookDelivery.due_at < late)
    mute = (
        (WebhookDelivery.state == "dead")
        & WebhookDelivery.error.is_(None)
        & WebhookDelivery.status.is_(None)
    )
    yield from look.ids("webhook_delivery", select(WebhookDelivery.id).where(lies | mute))


INVARIANTS = (
    Invariant(
        "I9",
        {
            "zh": "收到的轨迹和推送都已处理, 或因来得太晚只作保存, 或有原因和下次重试",
            "en": "Every scan and call received is applied, kept because it came too late, or tried again",
        },
        _told_us,
    ),
    Invariant(
        "I11",
        {
            "zh": "要通知外部的事件都已送达、等待重试, 或已放弃并留有原因",
            "en": "Every event owed to a subscriber is delivered, waiting, or dead with its cause",
        },
        _owed,
    ),
)
