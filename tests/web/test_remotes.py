"""Accounts on the pages: made, changed, stopped and looked at; what went in as a secret comes out nowhere."""

from __future__ import annotations

import pytest

from tidegate.sdk.http.messages import Request
from tidegate.sdk.http.sending import Sent
from tidegate.services.remotes import accounts, availability, breaker
from tidegate.services.remotes.line import Line
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.remote_tables import ConnectorAccount, RemoteBreaker
from tidegate.store.tables import CarrierService

SECRET = "sk-canary-7f3a91"
URL = "https://carrier.example"


@pytest.fixture
def account(desk):
    return accounts.add(
        desk.context, "sandbox", "lin", code="own", title="自营快递", settings={"url": URL},
        secrets={"secret": SECRET},
    )  # fmt: skip


def called(desk, account, api: str = "waybill.create", times: int = 1) -> None:
    line = Line(desk.context, account.id, (), [SECRET])
    for _ in range(times):
        line.through(Request("POST", "", api), lambda sent: setattr(sent, "status", 200) or Sent())


def test_an_account_is_made_on_the_page(desk) -> None:
    visitor = desk.client("en")
    fields = {
        "connector": "sandbox",
        "code": "own",
        "title": "Own carrier",
        "set-url": URL,
        "set-limits": "",
    }
    wrong = visitor.post("/connections/new", "/connections/new?connector=sandbox", **fields)
    assert wrong.status_code == 422
    html = wrong.get_data(as_text=True)
    assert "Secret: is required" not in html
    assert "secret: Secret is required" in html
    assert 'value="Own carrier"' in html  # nothing typed is lost
    inner = visitor.post(
        "/connections/new",
        "/connections/new?connector=sandbox",
        **{**fields, "set-url": "https://10.0.0.1", "secret-secret": SECRET},
    )
    assert inner.status_code == 422
    assert SECRET not in inner.get_data(as_text=True)
    made = visitor.post(
        "/connections/new",
        "/connections/new?connector=sandbox",
        **fields,
        **{"secret-secret": SECRET},
    )
    assert made.status_code == 303
    html = visitor.get("/connections/accounts/own").get_data(as_text=True)
    assert "Own carrier" in html
    assert URL in html
    assert SECRET not in html
    (row,) = desk.all(ConnectorAccount)
    assert SECRET not in row.credentials
    assert desk.context.box.open(row.credentials) == {"secret": SECRET}


def test_saving_without_a_secret_keeps_it(desk, account) -> None:
    page = "/connections/accounts/own"
    done = desk.client().post(
        f"{page}/save", page, **{"title": "新名", "set-url": f"{URL}/v2", "secret-secret": ""}
    )
    assert done.status_code == 303
    (row,) = desk.all(ConnectorAccount)
    assert (row.title, row.settings, row.version) == ("新名", {"url": f"{URL}/v2"}, 2)
    assert desk.context.box.open(row.credentials) == {"secret": SECRET}


def test_calls_are_listed_and_filtered(desk, account) -> None:
    called(desk, account, "waybill.create", 2)
    called(desk, account, "scans.list", 1)
    visitor = desk.client("en")
    html = visitor.get("/connections/accounts/own").get_data(as_text=True)
    assert html.count('<th scope="row">waybill.create</th>') == 2
    html = visitor.get("/connections/accounts/own?api=scans.list&outcome=ok").get_data(as_text=True)
    assert '<th scope="row">waybill.create</th>' not in html
    assert '<th scope="row">scans.list</th>' in html
    html = visitor.get("/connections/accounts/own?outcome=unclear").get_data(as_text=True)
    assert "No such calls" in html


def test_people_stop_and_restart_calls_with_a_reason(desk, account) -> None:
    called(desk, account)
    page = "/connections/accounts/own"
    visitor = desk.client("en")
    assert visitor.post(f"{page}/breaker/waybill", page, act="open", reason=" ").status_code == 422
    assert (
        visitor.post(
            f"{page}/breaker/waybill", page, act="open", reason="they move house"
        ).status_code
        == 303
    )
    html = visitor.get(page).get_data(as_text=True)
    assert "stopped by hand" in html
    assert "they move house" in html
    (row,) = desk.all(RemoteBreaker)
    assert (row.state, row.held) == ("open", True)
    assert (
        visitor.post(f"{page}/breaker/waybill", page, act="close", reason="done").status_code == 303
    )
    (row,) = desk.all(RemoteBreaker)
    assert (row.state, row.held) == ("closed", False)
    assert [one.kind for one in desk.all(SecurityEvent)][-2:] == ["breaker_held", "breaker_closed"]
    assert visitor.get("/people").status_code in (200, 303)


def test_an_account_is_paused_resumed_and_removed(desk, account) -> None:
    page = "/connections/accounts/own"
    visitor = desk.client()
    assert visitor.post(f"{page}/pause", page, reason="").status_code == 422
    assert visitor.post(f"{page}/pause", page, reason="盘点").status_code == 303
    assert "已暂停" in visitor.get("/connections").get_data(as_text=True)
    assert visitor.post(f"{page}/resume", page).status_code == 303
    called(desk, account)
    assert visitor.post(f"{page}/remove", page).status_code == 303
    assert visitor.get(page).status_code == 404
    assert desk.all(ConnectorAccount) == []


def test_the_board_and_the_rules_see_a_carrier_that_is_away(desk, account) -> None:
    with desk.context.store.begin(desk.context.tenant_id) as work:
        for service in work.session.query(CarrierService).limit(1):
            service.connector, code = "own", service.code
        work.commit()
    called(desk, account)
    breaker.keep_open(desk.context, account.id, "waybill", "lin", "维护")
    with desk.context.store.begin(desk.context.tenant_id, readonly=True) as work:
        assert availability.unreachable(work) == {code}
    assert "接口断开" in desk.client().get("/").get_data(as_text=True)
    breaker.close_now(desk.context, account.id, "waybill", "lin", "好了")
    with desk.context.store.begin(desk.context.tenant_id, readonly=True) as work:
        assert availability.unreachable(work) == frozenset()
