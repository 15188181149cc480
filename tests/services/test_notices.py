"""Alerts reach the accounts that asked for them: once, by severity, without a person's name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tidegate.errors import InputError, RemoteRetry
from tidegate.jobs.runner import drain
from tidegate.sdk.http.sending import Times
from tidegate.sdk.stage.protocol import Fault
from tidegate.services import alerts, labels
from tidegate.services.chain import advance
from tidegate.services.connection_alerts import watch_connections
from tidegate.services.notices.spreading import tell
from tidegate.services.notices.trying import send_test
from tidegate.services.remotes import accounts
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Alert, Job
from tidegate_platforms.wecom import WeComServer


@pytest.fixture
def robot() -> Iterator[WeComServer]:
    made = WeComServer()
    made.start()
    yield made
    made.stop()


def with_robot(world: Any, robot: WeComServer, code: str = "desk", **settings: str) -> None:
    trusted = robot.url.partition("//")[2]
    reach = replace(world.context.reach, trusted=(trusted,), times=Times(1.0, 1.0, 2.0))
    world.context = replace(world.context, reach=reach)
    given = {**robot.settings, **settings}
    key = given.pop("key")
    accounts.add(
        world.context, "wecom", "li", code=code, settings=given, secrets={"key": key}
    )  # fmt: skip


def late_for_print(world: Any) -> int:
    world.stock("KETTLE", 5)
    order_id = int(world.order())
    advance(world.context, order_id, "received")
    world.wait(hours=1, seconds=1)
    drain(world.context)
    return order_id


def test_an_alert_is_told_once_with_a_link_and_without_a_name(both: Any, robot: Any) -> None:
    with_robot(both, robot, site="https://tidegate.example.com/")
    order_id = late_for_print(both)
    alerts.watch(both.context, [both.parcel(order_id).id], "time")
    drain(both.context)
    alert = both.get(Alert)
    (text,) = robot.notices()
    title, line, link = text.split("\n")
    assert title == "潮闸告警: " + both.context.rules.reason_text("print_late")
    assert alert.severity == "warning"
    assert line.startswith("- [警告]")
    assert "订单" in line
    assert link == "https://tidegate.example.com/alerts"


def test_a_connection_that_fails_is_told_by_its_name(both: Any, robot: Any) -> None:
    with_robot(both, robot)
    accounts.add(
        both.context, "generic", "li", code="mall", title="北岸自有商城",
        settings={"url": "https://mall.example.com", "key": "k"}, secrets={"secret": "x" * 32},
    )  # fmt: skip
    with both.context.store.begin(1) as work:
        row = work.session.query(ConnectorAccount).filter_by(code="mall").one()
        row.state, row.reason = "broken", "account.credentials"
        work.commit()
    watch_connections(both.context)
    drain(both.context)
    (text,) = robot.notices()
    assert "[严重] 平台拒绝了凭据 · 连接 北岸自有商城 · " in text


def test_severity_decides_who_is_told_and_rising_tells_the_others(world: Any, robot: Any) -> None:
    with_robot(world, robot, code="all", severity="info", language="en")
    with_robot(world, robot, code="boss", severity="critical")
    late_for_print(world)
    assert [text[:8] for text in robot.notices()] == ["Tidegate"]
    with world.context.store.begin(1) as work:
        alert = work.session.query(Alert).one()
        alert.severity = "critical"
        tell(work, [(alert, "warning")], world.now)
        work.commit()
    drain(world.context)
    assert [text[:4] for text in robot.notices()] == ["Tide", "潮闸告警"]


def test_paused_accounts_are_left_out_and_nothing_is_queued_for_nobody(
    world: Any, robot: Any
) -> None:
    with_robot(world, robot)
    accounts.pause(world.context, "desk", "li", "夜里不看")
    late_for_print(world)
    assert world.count(Alert) == 1
    assert world.count(Job, Job.name == "send_notice") == 0
    assert robot.notices() == []


def test_a_robot_that_is_down_is_tried_again_and_shows_it_once(world: Any, robot: Any) -> None:
    with_robot(world, robot)
    robot.fail(Fault.DOWN)
    late_for_print(world)
    assert robot.notices() == []
    world.wait(minutes=30)
    drain(world.context)
    assert len(robot.notices()) == 1


def test_what_was_settled_meanwhile_is_not_told(world: Any, robot: Any) -> None:
    with_robot(world, robot)
    robot.fail(Fault.DOWN)
    late_for_print(world)
    labels.print_labels(world.context, None, "li")
    world.wait(minutes=30)
    drain(world.context)
    assert robot.notices() == []


def test_a_key_that_is_refused_marks_the_account(world: Any, robot: Any) -> None:
    with_robot(world, robot, key="wrong")
    late_for_print(world)
    account = world.get(ConnectorAccount, ConnectorAccount.code == "desk")
    assert (account.state, account.reason) == ("broken", "wecom.93000")


def test_another_tenant_hears_nothing(world: Any, intruder: Any, robot: Any) -> None:
    with_robot(intruder, robot)
    late_for_print(world)
    drain(intruder.context)
    assert world.count(Alert) == 1
    assert robot.calls == []


def test_a_test_notice_arrives_in_the_language_of_the_account(world: Any, robot: Any) -> None:
    with_robot(world, robot)
    with_robot(world, robot, "night", language="en")
    send_test(world.context, "desk")
    send_test(world.context, "desk")
    send_test(world.context, "night")
    first, again, english = robot.notices()
    assert first.startswith("潮闸测试通知")
    assert again.startswith("潮闸测试通知")
    assert english.startswith("Tidegate: a test notice")


def test_a_test_notice_says_what_is_wrong(world: Any, robot: Any) -> None:
    with_robot(world, robot)
    robot.fail(Fault.BUSY)
    with pytest.raises(RemoteRetry):
        send_test(world.context, "desk")
    url, secrets = {"url": robot.url}, {"secret": "s"}
    accounts.add(world.context, "sandbox", "li", code="courier", settings=url, secrets=secrets)
    with pytest.raises(InputError, match="sends no notices"):
        send_test(world.context, "courier")
