"""Accounts at work: a carrier made from what the database says, stopped and changed while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from tidegate.bootstrap import connector
from tidegate.errors import RemoteRetry
from tidegate.sdk.carrier import Contact, WaybillRequest
from tidegate.services.remotes import accounts, checking
from tidegate.services.remotes.connected import Connected
from tidegate.store.remote_tables import ConnectorAccount, RemoteCall

SECRET = "sk-canary-7f3a91"
WHO = Contact("王五", "13912345678", "浙江省", "杭州市", "西湖区", "文三路 1 号")


@pytest.fixture
def sandbox() -> Iterator[Any]:
    module = connector("sandbox").load()
    server = module.start_server(
        secret=SECRET, clock=lambda: datetime.now(UTC), unix_time=time.time
    )
    yield server
    server.stop()


@pytest.fixture
def open_to(context, sandbox):
    """The context with the sandbox listed as a system inside the network."""
    host = sandbox.url.partition("//")[2]
    return replace(context, reach=replace(context.reach, trusted=(host,)))


def request(key: str) -> WaybillRequest:
    return WaybillRequest(key, "SF.standard", "T1", "T1-1", WHO, WHO, (), 500)


def test_an_account_carries_and_every_call_is_kept(open_to, sandbox, clock) -> None:
    accounts.add(
        open_to,
        "sandbox",
        "lin",
        code="own",
        settings={"url": sandbox.url},
        secrets={"secret": SECRET},
    )
    carriers = Connected(open_to)
    assert list(carriers) == ["own"]
    made = carriers["own"].create_waybill(request("K1"))
    assert carriers["own"].create_waybill(request("K1")) == made
    with open_to.store.begin(1, readonly=True) as work:
        calls = work.session.scalars(select(RemoteCall).order_by(RemoteCall.id)).all()
    assert [(one.api, one.outcome) for one in calls] == [("waybill.create", "ok")] * 2
    said = " ".join(f"{one.request}{one.answer}{one.code}" for one in calls)
    assert not [word for word in (WHO.name, WHO.phone, SECRET) if word in said]
    assert Connected(replace(open_to, tenant_id=2)).get("own") is None  # another merchant's

    accounts.pause(open_to, "own", "lin", "盘点")
    carriers.look()
    with pytest.raises(RemoteRetry) as caught:
        carriers["own"].create_waybill(request("K2"))
    assert caught.value.code == "account.paused"
    accounts.resume(open_to, "own", "lin")
    carriers.look()
    assert carriers["own"].create_waybill(request("K2")) != made


def test_a_changed_secret_is_used_at_once(open_to, sandbox) -> None:
    accounts.add(
        open_to, "sandbox", "lin", settings={"url": sandbox.url}, secrets={"secret": "wrong"}
    )
    carriers = Connected(open_to)
    with pytest.raises(RemoteRetry):
        carriers["sandbox"].create_waybill(request("K1"))
    accounts.change(open_to, "sandbox", "lin", secrets={"secret": SECRET})
    carriers.look()
    assert carriers["sandbox"].create_waybill(request("K1")).waybill_no
    assert checking.check(open_to, "sandbox").error is None


def test_carriers_of_settings_have_an_account_of_their_own(context, sandbox) -> None:
    module = connector("sandbox").load()
    fixed = {"sandbox": module.make_carrier({"url": sandbox.url, "secret": SECRET})}
    for tenant in (1, 2):
        own = replace(context, tenant_id=tenant)
        for _ in range(2):
            carriers = Connected(own, fixed)
        assert carriers["sandbox"].create_waybill(request(f"K{tenant}")).waybill_no
        with own.store.begin(tenant, readonly=True) as work:
            assert [row.code for row in work.session.scalars(select(ConnectorAccount))] == [
                "sandbox"
            ]
            assert len(work.session.scalars(select(RemoteCall)).all()) == 1


def test_an_account_that_can_not_be_opened_leaves_the_others_at_work(open_to, sandbox) -> None:
    given = {"settings": {"url": sandbox.url}, "secrets": {"secret": SECRET}}
    for code in ("good", "sealed"):
        accounts.add(open_to, "sandbox", "lin", code=code, **given)
    with open_to.store.begin(1) as work:
        row = work.session.scalars(select(ConnectorAccount).filter_by(code="sealed")).one()
        row.credentials = "gAAAA-of-another-key"
        work.commit()
    assert list(Connected(open_to)) == ["good"]
    assert accounts.account(open_to, "sealed").secrets == ["?"]
