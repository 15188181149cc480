"""Every way a call can go wrong ends in the right family, in time, within the size, and quotes nothing."""

from __future__ import annotations

import socket
import sys
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from crooked import Crooked, crooked

from tidegate.errors import RemoteBroken, RemoteRetry, RemoteUnknown, TidegateError
from tidegate.sdk.http.messages import Request, Response, form
from tidegate.sdk.http.sending import Sender, Sent, Times, retry_after_s

CANARY = "sk-canary-7f3a91"
TIMES = Times(connect_s=1.0, read_s=0.4, total_s=1.0)


@pytest.fixture
def server() -> Iterator[Crooked]:
    with crooked() as made:
        yield made


@pytest.fixture
def sender(server: Crooked) -> Iterator[Sender]:
    made = Sender([f"127.0.0.1:{server.port}"], times=TIMES, most_bytes=1_000_000)
    yield made
    made.close()


def post(server: Crooked, path: str, *, idempotent: bool = False) -> Request:
    return form(
        f"{server.url}/{path}?sign={CANARY}",
        "waybill.create",
        {"secret": CANARY},
        idempotent=idempotent,
    )


@pytest.fixture(autouse=True)
def no_secret_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("DEBUG")
    yield
    assert CANARY not in caplog.text


def failed(sender: Sender, request: Request) -> TidegateError:
    with pytest.raises(TidegateError) as caught:
        sender.send(request)
    error = caught.value
    said = f"{error!r} {error} {error.texts} {error.fields} {error.__cause__!r} {request!r}"
    assert CANARY not in said
    return error


def test_an_answer_comes_back_whole(server: Crooked, sender: Sender) -> None:
    server.answers += [(404, "X-Thing: a\r\n", b"{}")]
    sent = Sent()
    found = sender.send(post(server, "orders"), sent)
    assert (found.status, found.headers["x-thing"], found.body) == (404, "a", b"{}")
    assert (sent.status, sent.attempts) == (404, 1)
    assert sent.server_at is not None
    sender.send(post(server, "orders"))
    assert server.connections == 1  # kept alive


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("silent", "timeout"),
        ("slow-header", "timeout"),
        ("slow-body", "timeout"),
        ("reset", "cut"),
        ("half-body", "cut"),
        ("half-header", "cut"),
        ("garbage", "cut"),
    ],
)
def test_sent_and_no_clear_answer_is_unknown_once(
    server: Crooked, sender: Sender, path: str, why: str
) -> None:
    start = time.monotonic()
    error = failed(sender, post(server, path))
    assert type(error) is RemoteUnknown
    assert error.fields["why"] == why
    assert time.monotonic() - start < TIMES.total_s + 0.8
    assert len(server.asked) == 1  # a POST is never sent again
    error = failed(sender, post(server, path, idempotent=True))
    assert type(error) is RemoteRetry


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_5xx_is_unclear(server: Crooked, sender: Sender, status: int) -> None:
    server.answers += [(status, "Retry-After: 7\r\n", b"x")] * 2
    error = failed(sender, post(server, "x"))
    assert type(error) is RemoteUnknown
    assert (error.fields["status"], error.fields["retry_after_s"]) == (status, 7)
    assert type(failed(sender, post(server, "x", idempotent=True))) is RemoteRetry


@pytest.mark.parametrize(("header", "wait"), [("Retry-After: 30\r\n", 30), ("", 5)])
def test_429_says_later_and_when(server: Crooked, sender: Sender, header: str, wait: int) -> None:
    server.answers += [(429, header, b"")]
    error = failed(sender, post(server, "x"))
    assert type(error) is RemoteRetry
    assert error.fields["retry_after_s"] == wait


def test_retry_after_as_a_date_goes_by_the_servers_clock() -> None:
    server = datetime(2015, 10, 21, 7, 27, 0, tzinfo=UTC)
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT", server) == 60
    assert retry_after_s("Wed, 21 Oct 2015 07:26:00 GMT", server) == 0
    assert retry_after_s("999999999999") == 3600
    assert retry_after_s("soon") is None


def test_nobody_listening_is_certainly_not_sent(sender: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    own = Sender([f"127.0.0.1:{port}"], times=TIMES)
    sent = Sent()
    with pytest.raises(RemoteRetry) as caught:
        own.send(Request("GET", f"http://127.0.0.1:{port}/", "x.get", idempotent=True), sent)
    assert caught.value.code == "remote.unreachable"
    assert sent.attempts == 2
    with pytest.raises(RemoteRetry):
        own.send(Request("POST", f"http://127.0.0.1:{port}/", "x.make"), sent)
    assert sent.attempts == 3  # once


def test_a_handshake_that_fails_is_certainly_not_sent(server: Crooked, sender: Sender) -> None:
    error = failed(sender, Request("POST", f"https://127.0.0.1:{server.port}/", "x.make"))
    assert type(error) is RemoteRetry
    assert server.asked == []


def test_a_bomb_is_stopped_at_the_limit(server: Crooked, sender: Sender) -> None:
    tracemalloc.start()
    error = failed(sender, post(server, "bomb"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert type(error) is RemoteBroken
    assert error.fields["why"] == "too_large"
    assert peak < 8_000_000


def test_a_body_in_another_coding_than_it_says_is_broken(server: Crooked, sender: Sender) -> None:
    assert failed(sender, post(server, "bad-gzip")).fields["why"] == "encoding"


def test_redirects_are_not_followed(server: Crooked, sender: Sender) -> None:
    error = failed(sender, post(server, "redirect"))
    assert type(error) is RemoteBroken
    assert [path.split("?")[0] for path in server.asked] == ["/redirect"]


def test_cookies_are_not_kept(server: Crooked, sender: Sender) -> None:
    server.answers += [(200, "Set-Cookie: a=b; Path=/\r\n", b"")]
    sender.send(post(server, "x"))
    assert len(sender._trusted.cookies) == 0


def test_chinese_in_old_charsets_is_read() -> None:
    head = {"content-type": "application/json; charset=GBK"}
    assert Response(200, head, '{"名":"镕"}'.encode("gb18030")).json() == {"名": "镕"}
    assert (
        Response(200, {"content-type": 'text/html; charset="gb2312"'}, "潮闸".encode("gbk")).text()
        == "潮闸"
    )
    assert Response(200, {"content-type": "x; charset=rot13"}, "潮".encode()).text() == "潮"
    assert Response(200, {}, "潮".encode() + b"\xff").text() == "潮\ufffd"
