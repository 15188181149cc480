"""Calls of a platform to us, taken in the real way: an address, its secret, the receiver, what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select

from tidegate.bootstrap import open_receivers, utc_now
from tidegate.contract import canaries
from tidegate.contract.bench import Stand
from tidegate.contract.card import NotChecked, Wrong
from tidegate.contract.parcels import carrier_of
from tidegate.contract.pulling import FIRST, base, order
from tidegate.sdk.stage.protocol import PushesOrders, PushesScans, SignedPush
from tidegate.sdk.webhooks import HookContent, HookEvent, HookRefused, HookRequest
from tidegate.services.context import Context
from tidegate.services.hooks import addresses
from tidegate.services.hooks.receiving import receive
from tidegate.store.webhook_tables import HookMessage

OTHER_SECRET = "whsec_b3RoZXItc2VjcmV0LW9mLXRoZS1raXQtMDAwMA=="  # noqa: S105  one that signed nothing
WAYBILL = "SF1234567890123"


@dataclass
class Gate:
    """One address of a stand. `name` is the connector's."""

    stand: Stand
    context: Context
    door: addresses.Door
    name: str

    @property
    def signs(self) -> bool:
        return self.context.receivers[self.name].signs

    def knock(self, push: SignedPush, *, later: timedelta = timedelta()) -> bool:
        """Whether it was let in; anything but an answer or a refusal is the connector's fault.

        Raises:
            Wrong: the receiver broke.
        """
        headers = {name.lower(): value for name, value in push.headers.items()}
        asked = HookRequest(headers, push.body, _query(push.query))
        context = replace(self.context, clock=lambda: utc_now() + later)
        try:
            answer = receive(context, self.door, asked)
        except HookRefused as refused:
            self.stand.heard.note("refusal", refused.code)
            return False
        except Exception as error:
            self.stand.heard.note_error(error)
            name = type(error).__name__
            raise Wrong(
                f"推送让接收器抛出 {name}: 看不懂的内容应抛 ValueError、KeyError 或 TypeError, "
                "没有签名应抛 HookRefused。",
                f"A push made the receiver raise {name}: what can't be read is ValueError, KeyError or TypeError, what "
                "is not proven HookRefused.",
            ) from None
        return answer.status < 300

    def kept(self) -> list[HookMessage]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            rows = work.session.scalars(
                select(HookMessage)
                .where(HookMessage.address_id == self.door.id)
                .order_by(HookMessage.id)
            )
            found = list(rows)
            work.session.expunge_all()
            return found

    def meaning(self, row: HookMessage) -> HookContent:
        """What the job makes of a kept message. Raises what the receiver raises."""
        payload = self.context.box.open(row.payload or "")
        event = HookEvent(row.event_id, row.kind, payload, row.happened_at)
        return self.context.receivers[self.name].content(event)

    def payload(self, row: HookMessage) -> str:
        return str(self.context.box.open(row.payload or ""))


def gate(stand: Stand, name: str, secret: str = "") -> Gate:
    """An address with the platform's own secret, or another."""
    context = replace(stand.context, receivers=open_receivers())
    if name not in context.receivers:
        raise Wrong(
            "manifest.yaml 声明了 push, 但包里没有 make_receiver。",
            "manifest.yaml names push and the package has no make_receiver.",
        )
    account, own = stand.server.push_secret
    stand.heard.keep_secrets({"push secret": own})
    addresses.create(
        context, name, "kit", "contract kit", account=stand.code, secret=secret or own or OTHER_SECRET,
        secret_account=account,
    )  # fmt: skip
    path = addresses.addresses(context)[-1].path
    door = addresses.find_door(context, name, path.rpartition("/")[2])
    assert door is not None  # noqa: S101  made just now
    return Gate(stand, context, door, name)


def told(stand: Stand) -> tuple[SignedPush, str]:
    """A genuine push, and the order or waybill that it is about."""
    server, at = stand.server, utc_now().replace(microsecond=0) - timedelta(hours=1)
    if isinstance(server, PushesOrders):
        placed = order(31, base(stand.manifest.sync) - timedelta(minutes=5))
        server.place(placed)  # type: ignore[attr-defined]  # who pushes orders has some
        return server.order_push(placed.number), str(FIRST + 31)
    if isinstance(server, PushesScans):
        carrier = stand.manifest.carriers.get(carrier_of(stand), carrier_of(stand))
        code = next(code for code in stand.manifest.tracking if not code.endswith("*"))
        server.add_scan(carrier, WAYBILL, code, at, "扫描")  # type: ignore[attr-defined]
        return server.scan_push(carrier, WAYBILL), WAYBILL
    raise NotChecked(
        "协议服务器缺少 PushesOrders 或 PushesScans。",
        "The protocol server lacks PushesOrders and PushesScans.",
    )


def forged(push: SignedPush) -> Sequence[SignedPush]:
    """The same with another digit in the body, and with all that could be a proof taken away."""
    digit = next(place for place, one in enumerate(push.body) if 0x30 <= one <= 0x38)
    changed = push.body[:digit] + bytes([push.body[digit] + 1]) + push.body[digit + 1 :]
    bare = {name: text for name, text in push.headers.items() if name.lower() == "content-type"}
    found = [replace(push, body=changed)]
    return found if bare == dict(push.headers) else [*found, replace(push, headers=bare)]


def names_nobody(text: str) -> bool:
    return not any(value in text for value in canaries.PEOPLE.values())


def _query(text: str) -> Mapping[str, str]:
    return dict(part.partition("=")[::2] for part in text.split("&") if part)
