"""Robots and webhooks over HTTP: shown, signed, cut to size, and through every trouble."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from notice_account import NOTICE
from shop_account import ShopAccount, open_account

from tidegate.errors import (
    RemoteBroken,
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    TidegateError,
)
from tidegate.sdk.stage.protocol import Fault
from tidegate_platforms.dingtalk import DingTalkServer
from tidegate_platforms.feishu import FeishuServer
from tidegate_platforms.notify_webhook import NoticeReceiver
from tidegate_platforms.wecom import WeComServer

SERVERS: dict[str, Callable[[], Any]] = {
    "dingtalk": DingTalkServer, "feishu": FeishuServer,
    "wecom": WeComServer, "notify_webhook": NoticeReceiver,
}  # fmt: skip
Opened = Callable[..., tuple[Any, ShopAccount]]


@pytest.fixture
def opened(sqlite_tables_url: str, tmp_path: Path) -> Iterator[Opened]:
    """`opened("wecom", key="…")`: the server and an account at it."""
    made: list[tuple[Any, ShopAccount]] = []

    def open_(name: str, **own: str) -> tuple[Any, ShopAccount]:
        server = SERVERS[name]()
        server.start()
        made.append((server, open_account(name, server, sqlite_tables_url, tmp_path, **own)))
        return made[-1]

    yield open_
    for server, account in made:
        account.context.store.close()
        server.stop()


def sent(account: ShopAccount, notice: Any = NOTICE) -> TidegateError | None:
    try:
        account.connector.send_notice(notice)
    except TidegateError as error:
        return error
    return None


@pytest.mark.parametrize("name", SERVERS)
def test_a_notice_is_shown_and_no_secret_is_recorded(opened: Opened, name: str) -> None:
    server, account = opened(name)
    assert sent(account) is None
    (text,) = server.notices()
    assert "潮闸告警: 2 条" in text
    assert "订单 880011" in text
    assert [call.outcome for call in server.calls] == ["done"]
    assert account.recorded()
    assert "canary" not in account.recorded()
    assert "Y2FuYXJ5" not in account.recorded()


@pytest.mark.parametrize("name", ["dingtalk", "feishu", "wecom"])
def test_a_robot_links_to_the_page_of_alerts(opened: Opened, name: str) -> None:
    server, account = opened(name)
    sent(account)
    assert server.notices()[0].endswith("\nhttps://tidegate.example.com/alerts")


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(
    ("fault", "family"),
    [
        (Fault.THROTTLED, RemoteRetry),
        (Fault.EXPIRED, RemoteCredentials),
        (Fault.REFUSED, RemoteRefused),
        (Fault.BUSY, RemoteRetry),
        (Fault.DOWN, RemoteRetry),
        (Fault.CUT, RemoteRetry),
    ],
)
def test_each_trouble_has_its_family(
    opened: Opened, name: str, fault: Fault, family: type[TidegateError]
) -> None:
    server, account = opened(name)
    server.fail(fault)
    error = sent(account)
    assert type(error) is family
    assert "canary" not in f"{error!r} {error} {error.fields}"


@pytest.mark.parametrize("name", ["dingtalk", "feishu", "wecom"])
def test_an_unreadable_answer_is_said_to_be_one(opened: Opened, name: str) -> None:
    server, account = opened(name)
    server.fail(Fault.GARBAGE)
    assert isinstance(sent(account), RemoteBroken)


def test_a_robot_that_wants_a_pause_gets_it(opened: Opened) -> None:
    server, account = opened("dingtalk")
    server.fail(Fault.THROTTLED)
    error = sent(account)
    assert error is not None
    assert error.fields["retry_after_s"] == 600
    assert isinstance(sent(account), RemoteRetry)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("name", "wrong", "code"),
    [
        ("dingtalk", {"token": "x"}, "dingtalk.300001"),
        ("dingtalk", {"secret": "x"}, "dingtalk.310000"),
        ("dingtalk", {"keyword": "x"}, "dingtalk.310000"),
        ("feishu", {"token": "x"}, "feishu.19001"),
        ("feishu", {"secret": "x"}, "feishu.19021"),
        ("wecom", {"key": "x"}, "wecom.93000"),
        ("notify_webhook", {"secret": "whsec_eA=="}, "notify_webhook.401"),
    ],
)
def test_wrong_credentials_are_noticed(
    opened: Opened, name: str, wrong: dict[str, str], code: str
) -> None:
    server, account = opened(name, **wrong)
    error = sent(account)
    assert isinstance(error, RemoteCredentials)
    assert error.code == code
    assert not server.notices()


@pytest.mark.parametrize(
    ("name", "apart_s"), [("dingtalk", 7200), ("feishu", 7200), ("notify_webhook", 900)]
)
def test_a_clock_that_is_off_is_found_out_by_the_first_answer(
    opened: Opened, name: str, apart_s: int
) -> None:
    server, account = opened(name)
    server.skew(apart_s)
    assert isinstance(sent(account), RemoteCredentials)
    assert sent(account) is None


def test_a_long_notice_fits_into_wecom_with_title_and_link(opened: Opened) -> None:
    server, account = opened("wecom")
    long = replace(NOTICE, lines=[f"[警告] 打单超时 · 订单 88{n:04}" for n in range(100)])
    assert sent(account, long) is None
    (text,) = server.notices()
    assert len(text.encode()) <= 2048
    first, *_, more, link = text.split("\n")
    assert first == NOTICE.title
    assert more == f"… +{100 - text.count('订单')}"
    assert link == NOTICE.link


@pytest.mark.parametrize("name", ["dingtalk", "feishu", "wecom"])
def test_everybody_is_called_only_when_asked_for_and_urgent(opened: Opened, name: str) -> None:
    calls = {
        "dingtalk": lambda one: one["at"]["isAtAll"],
        "wecom": lambda one: one["text"].get("mentioned_list") == ["@all"],
        "feishu": lambda one: one["content"]["text"].startswith('<at user_id="all">'),
    }
    server, account = opened(name, mention_all="yes")
    sent(account)
    sent(account, replace(NOTICE, urgent=False))
    assert [calls[name](one) for one in server.shown] == [True, False]


def test_tags_in_a_text_call_nobody_on_feishu(opened: Opened) -> None:
    server, account = opened("feishu")
    sent(account)
    assert "<" not in server.notices()[0]


def test_a_webhook_knows_a_repeat_by_its_key(opened: Opened) -> None:
    server, account = opened("notify_webhook")
    server.fail(Fault.CUT)
    assert isinstance(sent(account), RemoteRetry)
    assert sent(account) is None
    assert len(server.calls) == 2
    assert list(server.shown) == [NOTICE.key]
