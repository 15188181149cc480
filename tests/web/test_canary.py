"""One person's name, phone and address go through everything; no log line, figure, error page or job holds them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import structlog
from flask import request
from sqlalchemy import text

from tidegate.errors import RemoteUnknown
from tidegate.jobs import names, running
from tidegate.jobs.runner import drain
from tidegate.logs import configure_logs
from tidegate.services import labels
from tidegate.services.intake import import_source
from tidegate.services.job_kinds import DEFAULT
from tidegate.services.work import enqueue
from tidegate.store.tables import Effect, Event, Job, Order, Parcel, Stock
from tidegate_connectors.files import open_source

NAME, PHONE, STREET = "欧阳金丝雀", "13912347788", "金丝雀路8123号"
CANARIES = (NAME, PHONE, STREET, "139 1234 7788", "金丝雀")
HEAD = "订单编号,收货人,联系电话,收货地址,订单状态,实付金额,总金额,商家编码,数量\n"
ROW = f"{{}},{NAME},{PHONE},浙江省杭州市余杭区仓前街道{STREET},已付款,129.00,129.00,{{}},{{}}\n"


def found_in(told: str) -> list[str]:
    return [canary for canary in CANARIES if canary in told]


class Careless:
    """A carrier whose errors repeat what was sent."""

    name = "sandbox"

    def __init__(self, carrier: Any) -> None:
        self._carrier = carrier
        self.broken = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._carrier, name)

    def create_waybill(self, request: Any) -> Any:
        if self.broken:
            self.broken = False
            raise ValueError(f"no such place: {request.recipient}")
        return self._carrier.create_waybill(request)


@contextmanager
def logs_as_in_production() -> Iterator[None]:
    kept, handlers = structlog.get_config(), list(logging.getLogger().handlers)
    configure_logs("DEBUG", "json")
    yield
    structlog.configure(**kept)
    logging.getLogger().handlers[:] = handlers


def jobs_as_text(desk: Any) -> str:
    return "".join(f"{job.name} {job.args} {job.key} {job.error}" for job in desk.all(Job))


def test_the_canary_is_in_no_log_figure_error_page_or_job(
    desk: Any, tmp_path: Any, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = desk.context
    carriers = dict(context.carriers)
    object.__setattr__(context, "carriers", {"sandbox": Careless(carriers["sandbox"])})
    sku = max(desk.all(Stock), key=lambda row: row.on_hand - row.reserved).sku
    path = tmp_path / "orders.csv"
    path.write_text(HEAD + ROW.format("C1", sku, 1) + ROW.format("C2", sku, -1), encoding="utf-8")
    with logs_as_in_production():
        report = import_source(context, open_source([str(path)], "generic"))
        assert (report.accepted, len(report.rejected)) == (1, 1)
        (order,) = desk.all(Order, Order.number == "C1")
        assert (order.recipient_name, order.recipient_phone) == (NAME, PHONE)
        drain(context)
        for _ in range(3):
            desk.clock.now += timedelta(minutes=5)
            drain(context)
        (parcel,) = desk.all(Parcel, Parcel.order_id == order.id)
        assert parcel.waybill_no, "the order got its waybill after the careless error"
        labels.print_labels(context, [parcel.id], "local")
        pages = _error_pages(desk, order.id)
        _a_job_that_quotes(desk, order.id, monkeypatch)
        _a_statement_that_quotes(desk, order)
    said = capfd.readouterr().err
    assert "waybill.connector_failed" in said
    assert "jobs.failed" in said
    assert "web.unexpected" in said
    assert "web.request" in said
    for line in said.splitlines():
        json.loads(line)
    figures = desk.client().get("/metrics").get_data(as_text=True)
    assert "tidegate_carrier_calls_total" in figures
    events = "".join(str(one.data) for one in desk.all(Event, Event.order_id == order.id))
    effects = "".join(f"{one.answer} {one.error_code}" for one in desk.all(Effect))
    looked_at = {
        "logs": said, "figures": figures, "error pages": pages, "jobs": jobs_as_text(desk),
        "events": events, "effects": effects,
    }  # fmt: skip
    assert all(looked_at.values())
    assert {name: found_in(told) for name, told in looked_at.items() if found_in(told)} == {}


def _error_pages(desk: Any, order_id: int) -> str:
    """Pages of every kind of error; what a person typed may only come back in the form it was typed into."""
    visitor = desk.client()
    desk.app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)

    @desk.app.before_request
    def _break() -> None:
        if "break" in request.args:
            raise RuntimeError(f"{NAME} {PHONE} {STREET}")

    answers = [
        visitor.get("/orders?break=1"),
        visitor.get("/api/v1/orders/C1?break=1"),
        visitor.get("/orders/999999"),
        visitor.get("/nowhere"),
        visitor.client.post(f"/orders/{order_id}/act", data={"name": NAME, "phone": PHONE}),
    ]
    assert [one.status_code for one in answers][:4] == [500, 500, 404, 404]
    assert answers[4].status_code >= 400
    for address in (f"/orders?break={PHONE}", f"/nowhere/{PHONE}", f"/orders?q={NAME}"):
        visitor.get(address)  # the page repeats its own address; a log line must not
    return "".join(one.get_data(as_text=True) for one in answers)


def _a_job_that_quotes(desk: Any, order_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose errors quote the person fails until it is dead."""
    context = desk.context

    def quoting(_context: Any, _args: Any) -> None:
        raise KeyError(f"{NAME} {PHONE} {STREET}")

    functions = {**names.FUNCTIONS, "quoting": quoting, "sulking": _sulking}
    monkeypatch.setattr(running, "FUNCTIONS", functions)
    for name in ("quoting", "sulking"):
        with context.store.begin(context.tenant_id) as work:
            args = {"order_id": order_id}
            enqueue(work, name, args, due_at=context.clock(), now=context.clock())
            work.commit()
    for _ in range(DEFAULT.attempts + 1):
        drain(context)
        desk.clock.now += timedelta(minutes=15)
    dead = desk.all(Job, Job.state == "dead")
    assert {job.name for job in dead} >= {"quoting", "sulking"}


def _sulking(_context: Any, _args: Any) -> None:
    raise RemoteUnknown("carrier.no_answer", zh=f"{NAME} {PHONE}", en=f"{NAME} {STREET}")


def _a_statement_that_quotes(desk: Any, order: Any) -> None:
    """The database repeats the row in its message; whoever logs the error does not."""
    log = structlog.get_logger()
    try:
        with desk.context.store.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO sales_order (id, recipient_name, recipient_phone) VALUES (:i, :n, :p)"
                ),
                {"i": order.id, "n": NAME, "p": PHONE},
            )
    except Exception:
        log.exception("canary.statement")
        logging.getLogger("library").exception("a library quotes: %s", PHONE)
