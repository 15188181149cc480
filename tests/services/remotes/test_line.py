"""Calls of an account: the breaker, limits, the bulkhead, the other side's clock, and what the record keeps."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from away import nobody_connects
from sqlalchemy import func, select, text

from tidegate.errors import InputError, NotFound, RemoteRetry, RemoteWait, TidegateError
from tidegate.sdk.http.messages import Request, form, json_post
from tidegate.sdk.http.sending import Sender, Sent
from tidegate.sdk.manifest import Limit
from tidegate.services.remotes import breaker
from tidegate.services.remotes.carrying import mark
from tidegate.services.remotes.line import AccountHttp, Line
from tidegate.services.remotes.windows import limits_of
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.remote_tables import ConnectorAccount, RemoteBreaker, RemoteCall

SECRET, PHONE, NAME = "sk-canary-7f3a91", "13912345678", "欧阳金丝雀"


@pytest.fixture
def http(context, account_id) -> AccountHttp:
    return make(context, account_id)


def make(context, account_id: int, limits: tuple[Limit, ...] = ()) -> AccountHttp:
    line = Line(context, account_id, limits, [SECRET])
    return AccountHttp(line, Sender(context.reach.trusted, times=context.reach.times))


def ask(http: AccountHttp, server, path: str = "orders", api: str = "orders.list") -> str:
    """How a call ended: ok, or the code of the error."""
    try:
        http.send(Request("GET", f"{server.url}/{path}", api))
    except TidegateError as error:
        return error.code
    return "ok"


def rows(context, table: type[Any]) -> list[Any]:
    with context.store.begin(1, readonly=True) as work:
        return list(work.session.scalars(select(table).order_by(table.id)))


def state(context) -> str:
    (found,) = rows(context, RemoteBreaker)
    return found.state


def test_it_opens_after_five_failures_that_are_half_of_the_calls(context, http, server) -> None:
    server.answers += [(200, "", b"{}")] * 5 + [(500, "", b"")] * 4
    assert [ask(http, server) for _ in range(9)] == ["ok"] * 5 + ["remote.unclear"] * 4
    assert rows(context, RemoteBreaker) == []
    server.answers += [(500, "", b"")]
    assert ask(http, server) == "remote.unclear"  # 5 of 10
    assert state(context) == "open"
    before = len(server.asked)
    assert ask(http, server) == "remote.breaker_open"
    assert ask(http, server, api="stock.pull") == "ok"  # another group goes on
    assert len(server.asked) == before + 1


@pytest.mark.parametrize(
    "context", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_while_our_database_is_away_nothing_is_sent_and_that_is_said(context, http, server) -> None:
    server.answers += [(200, "", b"{}")] * 2
    assert ask(http, server) == "ok"
    with nobody_connects(context.store.engine.url), pytest.raises(RemoteWait) as caught:
        http.send(Request("GET", f"{server.url}/orders", "orders.list"))
    assert caught.value.code == "remote.own_database"
    assert len(server.asked) == 1
    assert ask(http, server) == "ok"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "context", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_an_answer_is_not_lost_when_our_database_goes_meanwhile(context, account_id, clock) -> None:
    line = Line(context, account_id)
    with ExitStack() as meanwhile:

        def answered(sent: Sent) -> str:
            """By a server whose clock is off, which is worth keeping."""
            meanwhile.enter_context(nobody_connects(context.store.engine.url))
            sent.server_at = clock() + timedelta(seconds=90)
            return "SF1"

        assert line.through(Request("POST", "", "waybill.create"), answered) == "SF1"
        assert mark(context, account_id, "active", "broken", "x") is False
    assert line.now() - clock() > timedelta(seconds=80)
    assert mark(context, account_id, "active", "broken", "x") is True
    assert [row.state for row in rows(context, ConnectorAccount)] == ["broken"]


def test_fewer_than_half_do_not_open_it(context, http, server) -> None:
    server.answers += [(200, "", b"{}")] * 6 + [(500, "", b"")] * 5
    for _ in range(11):
        ask(http, server)
    assert rows(context, RemoteBreaker) == []


def test_failures_older_than_a_minute_do_not_count(context, http, server, clock) -> None:
    server.answers += [(500, "", b"")] * 8
    for _ in range(4):
        ask(http, server)
    clock.forward(61)
    for _ in range(4):
        ask(http, server)
    assert rows(context, RemoteBreaker) == []


def test_refusals_and_429_are_answers(context, http, server) -> None:
    server.answers += [(403, "", b"")] * 8
    assert {ask(http, server) for _ in range(8)} == {"ok"}
    assert rows(context, RemoteBreaker) == []
    assert {row.outcome for row in rows(context, RemoteCall)} == {"refused"}


def opened(http, server) -> None:
    server.answers += [(500, "", b"")] * 5
    for _ in range(5):
        ask(http, server)
    assert ask(http, server) == "remote.breaker_open"


def test_it_doubles_up_to_ten_minutes_and_closes_by_one_good_probe(
    context, http, server, clock
) -> None:
    opened(http, server)
    for open_s in (30, 60, 120, 240, 480, 600, 600):
        with pytest.raises(RemoteRetry) as caught:
            http.send(Request("GET", f"{server.url}/x", "orders.list"))
        assert caught.value.fields["retry_after_s"] == open_s
        clock.forward(open_s - 1)
        assert ask(http, server) == "remote.breaker_open"
        clock.forward(1)
        server.answers += [(500, "", b"")]
        assert ask(http, server) == "remote.unclear"
    clock.forward(600)
    assert ask(http, server) == "ok"
    assert state(context) == "closed"
    server.answers += [(500, "", b"")] * 4
    assert {ask(http, server) for _ in range(4)} == {"remote.unclear"}
    assert state(context) == "closed"  # failures before it closed don't count


def test_a_probe_that_died_is_replaced(context, account_id, http, server, clock) -> None:
    opened(http, server)
    clock.forward(30)
    assert breaker.admit(context, account_id, "orders").probe
    assert ask(http, server) == "remote.breaker_open"
    clock.forward(46)
    assert ask(http, server) == "ok"
    assert state(context) == "closed"


def test_a_probe_that_was_not_sent_is_given_back(context, account_id, http, server, clock) -> None:
    limited = make(context, account_id, (Limit("*", 1, 600, "test"),))
    assert ask(limited, server, api="stock.pull") == "ok"
    opened(http, server)
    clock.forward(30)
    assert ask(limited, server) == "remote.own_limit"
    assert ask(http, server) == "ok"


def test_people_open_and_close_it_with_a_reason(context, account_id, http, server, clock) -> None:
    breaker.keep_open(context, account_id, "orders", "lin", "平台维护")
    clock.forward(100_000)
    assert ask(http, server) == "remote.breaker_open"
    with pytest.raises(InputError):
        breaker.close_now(context, account_id, "orders", "lin", "  ")
    assert ask(http, server) == "remote.breaker_open"
    breaker.close_now(context, account_id, "orders", "lin", "维护结束")
    assert ask(http, server) == "ok"
    kinds = [(row.kind, row.actor, row.data["reason"]) for row in rows(context, SecurityEvent)]
    assert kinds == [("breaker_held", "lin", "平台维护"), ("breaker_closed", "lin", "维护结束")]
    with pytest.raises(NotFound):
        breaker.keep_open(context, account_id + 1, "orders", "lin", "x")


def test_a_limit_holds_and_says_when(context, account_id, server) -> None:
    http = make(
        context, account_id, (Limit("orders.list", 3, 600, "test"), Limit("*", 5, 600, "test"))
    )
    assert [ask(http, server) for _ in range(4)] == ["ok"] * 3 + ["remote.own_limit"]
    assert [ask(http, server, api="stock.pull") for _ in range(3)] == [
        "ok",
        "ok",
        "remote.own_limit",
    ]
    assert len(server.asked) == 5
    with pytest.raises(RemoteRetry) as caught:
        http.send(Request("GET", server.url, "orders.list"))
    assert 500 < caught.value.fields["retry_after_s"] <= 600


def test_429_stops_calls_for_as_long_as_was_said_then_slows_them(
    context, account_id, server
) -> None:
    http = make(context, account_id, (Limit("*", 8, 600, "test"),))
    server.answers += [(429, "Retry-After: 1\r\n", b"")]
    assert ask(http, server) == "remote.throttled"
    assert ask(http, server) == "remote.own_limit"
    time.sleep(1.1)
    told = [ask(http, server) for _ in range(8)]
    assert told == ["ok"] * 3 + ["remote.own_limit"] * 5  # 1 of 8 is taken, each now counts double


def test_a_platforms_own_code_for_too_often_slows_the_window_too(
    context, account_id, server
) -> None:
    http = make(context, account_id, (Limit("*", 4, 600, "test"),))
    http.throttled("orders.list")
    assert [ask(http, server) for _ in range(3)] == ["ok", "ok", "remote.own_limit"]


def test_an_accounts_own_figures_stand_in_for_the_manifests() -> None:
    declared = (Limit("*", 10, 1, "docs"), Limit("a.b", 5, 1, "docs"))
    found = {
        one.api: (one.calls, one.per_s) for one in limits_of(declared, {"limits": "a.b=300/60"})
    }
    assert found == {"*": (10, 1), "a.b": (300, 60)}
    with pytest.raises(InputError):
        limits_of(declared, {"limits": "a.b=lots"})


def test_at_most_four_at_once(context, account_id, http, server) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def call(_sent) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.05)
        with lock:
            inside -= 1

    line = Line(context, account_id)
    threads = [
        threading.Thread(target=line.through, args=(Request("GET", "", "x.y"), call))
        for _ in range(12)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert most == 4


def test_the_other_sides_clock_is_measured_and_kept(
    context, account_id, http, server, clock
) -> None:
    from datetime import UTC, datetime

    clock.now = datetime.now(UTC)
    server.skew = timedelta(minutes=10)
    for _ in range(3):
        clock.now = datetime.now(UTC)
        ask(http, server)
    off = (http.now() - clock.now).total_seconds()
    assert abs(off - 600) < 3
    (row,) = rows(context, ConnectorAccount)
    assert abs(row.clock_offset_ms / 1000 - 600) < 3
    assert abs((make(context, account_id).now() - clock.now).total_seconds() - 600) < 3


def test_a_second_is_no_skew(context, http, server, clock) -> None:
    from datetime import UTC, datetime

    clock.now = datetime.now(UTC)
    ask(http, server)
    assert http.now() == clock.now


@pytest.mark.parametrize("path", ["orders", "reset", "garbage", "silent"])
def test_secrets_and_people_are_in_no_record(context, http, server, path, caplog, capsys) -> None:
    person = {
        "receiver": NAME,
        "mobile": PHONE,
        "code": PHONE,
        "status": "ok",
        NAME: 1,
        "list": [SECRET, PHONE],
    }
    server.answers += [
        (200, "Content-Type: application/json\r\n", json.dumps(person, ensure_ascii=False).encode())
    ]
    for request in (
        json_post(f"{server.url}/{path}/{SECRET}" if path == "orders" else f"{server.url}/{path}", "orders.get",
                  {**person, "page": 3}, params={"sign": SECRET, "method": SECRET}, headers={"X-Key": SECRET}),
        form(f"{server.url}/{path}", "token.refresh", {"refresh_token": SECRET, "state": SECRET}),
    ):  # fmt: skip
        try:
            http.send(request)
        except TidegateError as error:
            said = f"{error!r}{error.texts}{error.fields}{error.__cause__!r}"
            assert not [word for word in (SECRET, PHONE, NAME) if word in said]
    dump = everything(context)
    assert "orders.get" in dump
    assert not [word for word in (SECRET, PHONE, NAME) if word in dump]
    told = caplog.text + "".join(capsys.readouterr())
    assert not [word for word in (SECRET, PHONE, NAME) if word in told]


def test_the_record_shows_shape_and_plain_fields(context, http, server) -> None:
    server.answers += [
        (200, "", b'{"code":10000,"data":{"total":3,"list":[{"order_id":"A1","buyer":"x"}]}}')
    ]
    http.send(
        json_post(
            f"{server.url}/x", "orders.list", {"page": 2, "shop": "abc"}, params={"method": "a.b"}
        )
    )
    (row,) = rows(context, RemoteCall)
    assert row.request == 'POST method=a.b {"page":"2","shop":"‹3›"}'
    assert (
        row.answer
        == '{"code":"10000","data":{"total":"3","list":[{"order_id":"‹2›","buyer":"‹1›"}]}}'
    )
    assert (row.outcome, row.status, row.api_group, row.attempt) == ("ok", 200, "orders", 1)


def test_old_records_go(context, http, server, clock, monkeypatch) -> None:
    from tidegate.services.remotes import calls

    monkeypatch.setattr(calls, "PRUNE_EVERY", 5)
    monkeypatch.setattr(calls, "MOST_KEPT", 6)
    for _ in range(10):
        ask(http, server)
    assert len(rows(context, RemoteCall)) == 6
    clock.forward(8 * 86_400)
    for _ in range(5):
        ask(http, server)
    assert len(rows(context, RemoteCall)) == 5


def everything(context) -> str:
    """All rows of all tables as text."""
    from tidegate.store.schema import Base

    with context.store.unscoped(readonly=True) as session:
        return "\n".join(
            repr(tuple(row))
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table))
        )


def test_an_answer_is_not_lost_when_the_record_can_not_be_kept(context, http, server) -> None:
    with context.store.unscoped() as session:
        session.execute(text("ALTER TABLE remote_call RENAME TO gone"))
        session.commit()
    assert http.send(Request("GET", f"{server.url}/x", "orders.list")).status == 200
    with context.store.unscoped() as session:
        session.execute(text("ALTER TABLE gone RENAME TO remote_call"))
        session.commit()
        assert session.scalar(select(func.count()).select_from(RemoteCall)) == 0
