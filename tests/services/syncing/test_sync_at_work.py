"""Accounts pull by themselves; one that is in trouble is told in its log and holds no other."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from tidegate.sdk.stage.protocol import Fault
from tidegate.services.remotes import accounts
from tidegate.services.syncing import acts, runs, working
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sync_tables import AccountSample, AccountSync, SyncRun
from tidegate.store.tables import Job, Order


def test_an_account_pulls_every_minute_and_says_what_it_read(merchant) -> None:
    merchant.account()
    merchant.place("A1", "A2")
    merchant.place("", goods=[])  # no number: no order
    merchant.work()
    assert sorted(row.number for row in merchant.all(Order)) == ["A1", "A2"]
    (run,) = merchant.all(SyncRun)
    assert (run.task, run.read, run.accepted, run.rejected, run.code) == ("orders", 3, 2, 1, "")
    assert run.reasons == {"import.missing_number": 1}
    assert run.window_end == merchant.clock()
    merchant.clock.forward(30)
    merchant.work()
    assert len(merchant.all(SyncRun)) == 1
    merchant.clock.forward(31)
    merchant.place("A3")
    merchant.work()
    assert len(merchant.all(SyncRun)) == 2


def test_a_paused_account_does_not_run(merchant) -> None:
    merchant.account()
    accounts.pause(merchant.context, "mall", "lin", "盘点")
    merchant.work()
    assert merchant.mall.calls == []
    accounts.resume(merchant.context, "mall", "lin")
    merchant.place("A1")
    merchant.clock.forward(10)
    merchant.work()
    assert len(merchant.all(Order)) == 1


def test_trouble_of_one_shop_is_in_its_log_and_no_other_waits(merchant) -> None:
    first = merchant.account("bad")
    merchant.account("good", shop_id=None)
    merchant.place("A1")
    merchant.mall.fail(Fault.REFUSED, times=1, api="orders.list")
    merchant.work()
    assert len(merchant.all(Order)) == 1
    logs = {row.code: row for row in merchant.all(SyncRun)}
    assert set(logs) == {"", "acme_mall.not_now"}
    assert logs["acme_mall.not_now"].account_id == first.id
    assert [job for job in merchant.all(Job) if job.state == "dead"] == []


def test_refused_credentials_stop_the_account_until_somebody_mends_them(merchant) -> None:
    merchant.account(secret="wrong-secret")
    merchant.work()
    (row,) = merchant.all(ConnectorAccount)
    assert (row.state, row.reason) == ("broken", "acme_mall.bad_sign")
    asked = len(merchant.mall.calls)
    merchant.clock.forward(7200)
    merchant.work()
    assert len(merchant.mall.calls) == asked
    accounts.change(merchant.context, "mall", "lin", secrets={"app_secret": "s3cr3t-canary"})
    merchant.place("A1")
    merchant.clock.forward(10)
    merchant.work()
    assert len(merchant.all(Order)) == 1


def test_a_failure_waits_longer_each_time(merchant) -> None:
    account = merchant.account()
    merchant.mall.fail(Fault.REFUSED, times=3, api="orders.list")
    for _ in range(40):
        merchant.clock.forward(15)
        merchant.work()
    codes = [run.code for run in reversed(runs.runs(merchant.context, account.id))]
    assert codes[:4] == ["acme_mall.not_now"] * 3 + [""]
    times = [run.at for run in reversed(runs.runs(merchant.context, account.id))]
    pauses = [(b - a).total_seconds() for a, b in pairwise(times)]
    assert pauses[:3] == [60, 120, 240]


def test_a_run_that_got_on_before_it_failed_goes_on_soon(merchant) -> None:
    account = merchant.account(settings={"page_size": "2"})
    merchant.place(*(f"A{n}" for n in range(9)))
    for good in (2, 1, 1):
        merchant.mall.fail(Fault.REFUSED, times=1, api="orders.list", skip=good)
    for _ in range(8):
        merchant.clock.forward(5)
        merchant.work()
    found = list(reversed(runs.runs(merchant.context, account.id)))
    pauses = [(b.at - a.at).total_seconds() for a, b in pairwise(found)]
    assert [run.accepted > 0 for run in found[:3]] == [True] * 3
    assert pauses[:3] == [5, 5, 5]
    assert len(merchant.all(Order)) == 9


def test_waiting_for_a_limit_is_no_failure_and_a_success_only_for_who_got_on(merchant) -> None:
    account = merchant.account(settings={"page_size": "2", "limits": "orders.list=1/600"})
    merchant.place(*(f"A{n}" for n in range(5)))
    merchant.work()  # a page, then the limit
    (turn,) = merchant.all(AccountSync)
    assert (turn.failures, turn.code, turn.behind) == (0, "", True)
    assert turn.ok_at == merchant.clock()
    assert 500 < (turn.next_at - merchant.clock()).total_seconds() <= 600
    merchant.clock.forward(30)
    working.run(merchant.context, account.id, "orders")  # nothing left to call with
    (later,) = merchant.all(AccountSync)
    assert (later.failures, later.code, later.behind) == (0, "", True)
    assert (later.ok_at, later.last_at) == (turn.ok_at, merchant.clock())
    assert {run.code for run in runs.runs(merchant.context, account.id)} == {""}
    assert len([call for call in merchant.mall.calls if call.api == "orders.list"]) == 1


def test_pull_now_and_replay_from_a_moment(merchant) -> None:
    merchant.account()
    merchant.place("A1")
    merchant.work()
    merchant.mall.orders["A1"]["status"] = "sent"  # without a new modified time
    merchant.clock.forward(600)
    acts.pull_now(merchant.context, "mall", "lin")
    merchant.work()
    assert merchant.all(Order)[0].source_status == "to_ship"
    acts.replay(merchant.context, "mall", merchant.clock() - timedelta(hours=3), "lin")
    merchant.work()
    assert merchant.all(Order)[0].source_status == "shipped"
    assert [run.began_by for run in runs.runs(merchant.context, 1)][:2] == ["lin", "lin"]


def test_more_pages_than_a_run_takes_are_read_at_once(merchant, monkeypatch) -> None:
    merchant.account(settings={"page_size": "2"})
    merchant.place(*(f"A{n}" for n in range(130)))
    merchant.work()
    assert len(merchant.all(Order)) == 130
    log = runs.runs(merchant.context, 1)
    assert [run.behind for run in log] == [False, True]
    assert sum(run.accepted for run in log) == 130


def test_samples_are_kept_sealed(merchant) -> None:
    merchant.account()
    merchant.place("A1")
    merchant.work()
    (row,) = merchant.all(AccountSample)
    assert "王小明" not in row.sealed
    assert merchant.context.box.open(row.sealed)[0]["to"]["name"] == "王小明"


def test_a_run_that_caught_up_ends_though_the_clock_goes_on(merchant) -> None:
    account = merchant.account()
    merchant.place("A1")
    merchant.clock.goes_on = 1.0
    done = working.run(merchant.context, account.id, "orders")
    assert done is not None
    assert (done.pages, done.behind) == (1, False)


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.DOWN, Fault.GARBAGE])
def test_orders_come_later_when_their_shop_is_away_or_says_too_often(
    merchant, fault: Fault
) -> None:
    merchant.account()
    merchant.place("A1", "A2")
    merchant.mall.fail(fault, times=3, api="orders.list")
    merchant.work()
    assert merchant.all(Order) == []
    for _ in range(5):
        merchant.clock.forward(250)
        merchant.work()
    assert sorted(row.number for row in merchant.all(Order)) == ["A1", "A2"]
    assert {job.state for job in merchant.all(Job)} <= {"done", "ready"}
