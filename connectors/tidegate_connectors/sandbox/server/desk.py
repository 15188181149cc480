"""The carrier's desk: what each call does, without HTTP."""

from __future__ import annotations

import hashlib
import json
import random
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tidegate_connectors.sandbox.server.clock import SandboxClock
from tidegate_connectors.sandbox.server.itinerary import Route, itinerary, pick_outcome
from tidegate_connectors.sandbox.server.ledger import (
    SERIALS,
    Ledger,
    PlannedScan,
    draw_serial,
    from_ms,
    let_happen,
    plan,
    to_ms,
)
from tidegate_connectors.sandbox.server.numbering import (
    pool_of,
    province_code,
    sort_code,
    waybill_no,
)
from tidegate_connectors.sandbox.server.refusal import Refusal

Answer = dict[str, Any]
SERVICE = re.compile(r"[A-Z][A-Z0-9_]{0,19}\.[a-z0-9_]{1,20}")
MAX_WEIGHT_G = 50_000
PAGE = 100
MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How this carrier works. Hours of its work pass `time_scale` times as fast as the clock."""

    seed: int
    time_scale: float
    pool_size: int
    pickup_after_h: float | None  # None: only after a call of `pickups`
    outcomes: Mapping[str, float]


class Desk:
    """Each method takes the parsed body and returns what goes into `data`."""

    def __init__(self, ledger: Ledger, clock: SandboxClock, behaviour: Behaviour) -> None:
        self._ledger = ledger
        self._clock = clock
        self._behaviour = behaviour

    @property
    def calls(self) -> Mapping[str, Callable[[Answer], Answer]]:
        """What can be called, by the last part of its path."""
        return {
            "create": self.create,
            "query": self.query,
            "cancel": self.cancel,
            "pickups": self.pickups,
            "scans": self.scans,
        }

    def create(self, body: Answer) -> Answer:
        """A waybill for an order code; the same code and body are answered as the first time."""
        code = _text(body, "order_code", 80)
        fingerprint = _fingerprint(body)
        with self._ledger.transaction() as run:
            known = _find(run, code)
            if known is not None:
                _must_be_repeat(known, fingerprint)
                run.execute(
                    "UPDATE waybill SET creates = creates + 1 WHERE order_code = ?", (code,)
                )
                return _waybill(known)
            route, street = _read_route(body)
            number = self._number(run, route.service)
            now_ms = to_ms(self._clock.now())
            segments = sort_code(route.to_province, route.to_city, route.to_district, street)
            run.execute(
                "INSERT INTO waybill (order_code, fingerprint, waybill_no, sort_code, service,"
                " from_province, from_city, to_province, to_city, to_district, created_ms)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (code, fingerprint, number, segments, route.service, route.from_province,
                 route.from_city, route.to_province, route.to_city, route.to_district, now_ms),
            )  # fmt: skip
            if self._behaviour.pickup_after_h is not None:
                chance = random.Random(f"{self._behaviour.seed}/{number}/pickup")  # noqa: S311
                wait_h = self._behaviour.pickup_after_h * chance.uniform(0.6, 1.4)
                self._collect(run, number, route, now_ms + self._ms(wait_h))
            return {"waybill_no": number, "sort_code": segments, "status": "made"}

    def query(self, body: Answer) -> Answer:
        """What became of an order code."""
        with self._ledger.transaction() as run:
            known = _find(run, _text(body, "order_code", 80))
        if known is None:
            return {"status": "absent"}
        if known["cancelled_ms"] is not None:
            return {"status": "cancelled"}
        return _waybill(known)

    def cancel(self, body: Answer) -> Answer:
        """Void a waybill that nobody picked up yet; the order code stays burnt."""
        code = _text(body, "order_code", 80)
        with self._ledger.transaction() as run:
            now_ms = to_ms(self._clock.now())
            let_happen(run, now_ms)
            known = _find(run, code)
            if known is None:
                raise Refusal(
                    "not_found", "没有这个订单号的运单", "no waybill under this order code"
                )
            if _scanned(run, known["waybill_no"]):
                raise Refusal("already_picked_up", "快件已揽收, 不能取消", "already picked up")
            run.execute("DELETE FROM plan WHERE waybill_no = ?", (known["waybill_no"],))
            run.execute(
                "UPDATE waybill SET cancelled_ms = coalesce(cancelled_ms, ?) WHERE order_code = ?",
                (now_ms, code),
            )
        return {"status": "cancelled"}

    def pickups(self, body: Answer) -> Answer:
        """The courier comes now for these waybill numbers; asking again changes nothing."""
        numbers = body.get("waybill_nos")
        if not isinstance(numbers, list) or not all(isinstance(n, str) for n in numbers):
            raise Refusal(
                "bad_request", "waybill_nos 应为运单号列表", "waybill_nos is a list of text"
            )
        answer: Answer = {"booked": [], "cancelled": [], "unknown": []}
        with self._ledger.transaction() as run:
            now_ms = to_ms(self._clock.now())
            let_happen(run, now_ms)
            for number in numbers:
                answer[self._book(run, number, now_ms)].append(number)
        return answer

    def scans(self, body: Answer) -> Answer:
        """Scans after a cursor, in the order they became known."""
        limit = body.get("limit", PAGE)
        if not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE:
            raise Refusal("bad_request", f"limit 应为 1 至 {MAX_PAGE}", f"limit is 1 to {MAX_PAGE}")
        after = self._after(body.get("cursor", ""))
        with self._ledger.transaction() as run:
            let_happen(run, to_ms(self._clock.now()))
            found = run.execute(
                "SELECT * FROM scan WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit + 1)
            ).fetchall()
        page = found[:limit]
        last = page[-1]["seq"] if page else after
        return {
            "scans": [scan_document(row) for row in page],
            "cursor": f"{self._ledger.id}:{last}",
            "more": len(found) > limit,
        }

    def _number(self, run: sqlite3.Connection, service: str) -> str:
        digit = pool_of(service.partition(".")[0])
        serial = draw_serial(run, digit, self._behaviour.pool_size)
        if serial is None:
            raise Refusal(
                "pool_empty", "单号池已用完, 请充值", "the number pool is empty; top it up"
            )
        return waybill_no(digit, (self._ledger.first_serial + serial) % SERIALS)

    def _book(self, run: sqlite3.Connection, number: str, now_ms: int) -> str:
        row = run.execute("SELECT * FROM waybill WHERE waybill_no = ?", (number,)).fetchone()
        if row is None:
            return "unknown"
        if row["cancelled_ms"] is not None:
            return "cancelled"
        if row["collected_ms"] is None or (
            row["collected_ms"] > now_ms and not _scanned(run, number)
        ):
            self._collect(run, number, _route(row), now_ms)
        return "booked"

    def _collect(self, run: sqlite3.Connection, number: str, route: Route, at_ms: int) -> None:
        outcome = pick_outcome(self._behaviour.seed, number, self._behaviour.outcomes)
        steps = itinerary(self._behaviour.seed, number, route, outcome)
        plan(
            run,
            number,
            [
                PlannedScan(n, at_ms + self._ms(s.after_h) + n, s.code, s.place, s.description)
                for n, s in enumerate(steps)
            ],
        )
        run.execute("UPDATE waybill SET collected_ms = ? WHERE waybill_no = ?", (at_ms, number))

    def _ms(self, hours: float) -> int:
        return round(hours * 3_600_000 / self._behaviour.time_scale)

    def _after(self, cursor: object) -> int:
        """The sequence number in a cursor; with one of another ledger all begins again."""
        if cursor == "":
            return 0
        ledger, _, seq = str(cursor).partition(":")
        if not (seq.isascii() and seq.isdigit()):
            raise Refusal("bad_cursor", "游标无法识别", "the cursor is none of ours")
        return int(seq) if ledger == self._ledger.id else 0


def _must_be_repeat(known: sqlite3.Row, fingerprint: str) -> None:
    if known["fingerprint"] != fingerprint:
        raise Refusal(
            "order_code_reused", "订单号已用于另一份内容", "this order code came with other content"
        )
    if known["cancelled_ms"] is not None:
        raise Refusal(
            "order_code_cancelled",
            "订单号已取消, 不可再用",
            "this order code was cancelled; use a new one",
        )


def _read_route(body: Answer) -> tuple[Route, str]:
    """The route and the street of a create call; refuses what no courier could carry."""
    service = _text(body, "service", 41)
    if not SERVICE.fullmatch(service):
        raise Refusal(
            "bad_service", "快递产品应形如 SF.standard", "a service looks like SF.standard"
        )
    sender, recipient = _contact(body, "sender"), _contact(body, "recipient")
    weight_g = body.get("weight_g")
    if not isinstance(weight_g, int) or weight_g <= 0:
        raise Refusal(
            "bad_weight", "重量应为大于 0 的克数", "weight_g is a number of grams above 0"
        )
    if weight_g > MAX_WEIGHT_G:
        raise Refusal("overweight", "超过 50 千克", "heavier than 50 kg")
    if province_code(recipient["province"]) is None:
        raise Refusal("address_not_served", "收件省份不在服务范围", "the province is not served")
    route = Route(
        service,
        sender["province"],
        sender["city"],
        recipient["province"],
        recipient["city"],
        recipient["district"],
    )
    return route, recipient["address"]


def _contact(body: Answer, who: str) -> dict[str, str]:
    found = body.get(who)
    if not isinstance(found, dict):
        raise Refusal("bad_request", f"缺少 {who}", f"{who} is missing")
    for field in ("name", "phone", "province", "city", "address"):
        if not str(found.get(field) or "").strip():
            raise Refusal(f"{who}_incomplete", f"{who}.{field} 为空", f"{who}.{field} is empty")
    return {name: str(value or "").strip() for name, value in found.items()}


def _text(body: Answer, field: str, longest: int) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise Refusal(
            "bad_request", f"{field} 应为 1 至 {longest} 字", f"{field}: 1 to {longest} characters"
        )
    return value


def _fingerprint(body: Answer) -> str:
    whole = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


def _find(run: sqlite3.Connection, code: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = run.execute(
        "SELECT * FROM waybill WHERE order_code = ?", (code,)
    ).fetchone()
    return row


def _scanned(run: sqlite3.Connection, number: str) -> bool:
    query = "SELECT 1 FROM scan WHERE waybill_no = ? LIMIT 1"
    return run.execute(query, (number,)).fetchone() is not None


def _route(row: sqlite3.Row) -> Route:
    return Route(
        row["service"],
        row["from_province"],
        row["from_city"],
        row["to_province"],
        row["to_city"],
        row["to_district"],
    )


def _waybill(row: sqlite3.Row) -> Answer:
    return {"waybill_no": row["waybill_no"], "sort_code": row["sort_code"], "status": "made"}


def scan_document(row: sqlite3.Row) -> Answer:
    return {
        "event_id": f"{row['waybill_no']}-{row['position']}",
        "waybill_no": row["waybill_no"],
        "at": from_ms(row["at_ms"]).isoformat(),
        "code": row["code"],
        "place": row["place"],
        "description": row["description"],
    }
