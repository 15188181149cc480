"""An order of an ERP from its pull to the number it is told: all services real, the ERP on its protocol server."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from tidegate.jobs.runner import drain
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.stage.protocol import Fault, SampleLine, SampleOrder
from tidegate.services.chain import advance
from tidegate.services.handover import hand_over
from tidegate.services.labels import print_labels
from tidegate.services.remotes import accounts
from tidegate.services.remotes.connected import connector_of
from tidegate.services.syncing.pulling import Source, pull_orders
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Effect, Order
from tidegate_platforms.jushuitan import JushuitanServer


def connected(world: Any, server: JushuitanServer) -> Source:
    """An account of the ERP in this world; its clock is weeks away from the server's."""
    host = server.url.partition("//")[2]
    world.context = replace(world.context, reach=replace(world.context.reach, trusted=(host,)))
    given = dict(server.settings) | {"limits": "*=1000/1"}
    hidden = {name: given.pop(name) for name in ("app_secret", "access_token", "refresh_token")}
    accounts.add(world.context, "jushuitan", "lin", settings=given, secrets=hidden)
    with world.context.store.begin(1, readonly=True) as work:
        row = work.session.scalars(select(ConnectorAccount)).one()
        work.session.expunge(row)
    made, _ = connector_of(world.context, row, "聚水潭主店")
    sync = replace(manifest_of("jushuitan").sync, lag_s=0, back_s=3_600)
    return Source("jushuitan:1", made, sync)


def test_an_order_of_the_erp_goes_out_and_its_number_comes_back(world: Any) -> None:
    with JushuitanServer() as server:
        assert isinstance(server, JushuitanServer)
        source = connected(world, server)
        at = world.now - timedelta(minutes=10)
        line = SampleLine("KETTLE", "手冲壶", 1, Decimal("129.00"))
        server.place(SampleOrder("900001", at, at, (line,), Decimal("129.00")))
        world.stock("KETTLE", 5)
        assert pull_orders(world.context, source).report.created == 1
        order = world.get(Order, Order.number == "900001")
        world.context = replace(world.context, shops={order.shop_id: source.connector})
        advance(world.context, order.id, "received")
        drain(world.context)
        parcel_id = world.parcel(order.id).id
        print_labels(world.context, [parcel_id], "li")
        server.fail(Fault.CUT, api="open.order.sent.upload")  # told, and the answer lost
        hand_over(world.context, [parcel_id], "li")
        drain(world.context)
        assert world.get(Effect, Effect.kind == "write_back").state == "unknown"
        world.wait(minutes=1)
        drain(world.context)
        assert world.get(Effect, Effect.kind == "write_back").state == "confirmed"
        waybill = world.parcel(order.id).waybill_no
        assert [(one.order_number, one.waybill_no) for one in server.shipped()] == [
            ("900001", waybill)
        ]
