"""Mails over real SMTP: encrypted or not at all, logged in, known by their Message-ID, through every trouble."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parents[1]))
from notice_account import NOTICE
from shop_account import ShopAccount, open_account

from tidegate.errors import RemoteCredentials, RemoteRefused, RemoteRetry, TidegateError
from tidegate.sdk.http.dialing import Dialer
from tidegate.sdk.stage.protocol import Fault
from tidegate.store.remote_tables import RemoteCall
from tidegate_platforms.email import MailServer
from tidegate_platforms.email.server import GONE, PASSWORD, RECIPIENT, USER

Opened = Callable[..., tuple[MailServer, ShopAccount]]


@pytest.fixture
def opened(sqlite_tables_url: str, tmp_path: Path) -> Iterator[Opened]:
    made: list[tuple[MailServer, ShopAccount]] = []

    def open_(security: str = "starttls", **own: str) -> tuple[MailServer, ShopAccount]:
        server = MailServer(security)
        server.start()
        made.append((server, open_account("email", server, sqlite_tables_url, tmp_path, **own)))
        return made[-1]

    yield open_
    for server, account in made:
        account.context.store.close()
        server.stop()


def sent(account: ShopAccount) -> TidegateError | None:
    try:
        account.connector.send_notice(NOTICE)
    except TidegateError as error:
        return error
    return None


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_notice_becomes_a_mail(opened: Opened, security: str) -> None:
    server, account = opened(security)
    assert sent(account) is None
    (mail,) = server.mails.values()
    assert (mail["Subject"], mail["From"], mail["To"]) == (NOTICE.title, USER, RECIPIENT)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines() == [
        NOTICE.title, *(f"- {line}" for line in NOTICE.lines), NOTICE.link,
    ]  # fmt: skip
    assert account.connector.check_credentials() == "127.0.0.1"
    assert PASSWORD not in account.recorded()
    assert "notice.send" in recorded_apis(account)


def recorded_apis(account: ShopAccount) -> set[str]:
    with account.context.store.begin(1, readonly=True) as work:
        return set(work.session.scalars(select(RemoteCall.api)))


def test_nothing_is_said_without_encryption(opened: Opened) -> None:
    server, account = opened("plain")
    error = sent(account)
    assert isinstance(error, RemoteRefused)
    assert error.code == "email.not_supported"
    assert not server.mails


def test_a_certificate_nobody_vouches_for_is_refused(opened: Opened) -> None:
    server, account = opened("tls", certificate=" ")
    error = sent(account)
    assert isinstance(error, RemoteRetry)
    assert error.fields["why"] == "tls"
    assert not server.mails


def test_a_title_with_line_breaks_makes_no_headers(opened: Opened) -> None:
    server, account = opened()
    account.connector.send_notice(replace(NOTICE, title="告警\r\nBcc: eve@mail.invalid"))
    (mail,) = server.mails.values()
    assert mail["Bcc"] is None
    assert mail["Subject"] == "告警 Bcc: eve@mail.invalid"


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        (Fault.THROTTLED, RemoteRetry),
        (Fault.EXPIRED, RemoteCredentials),
        (Fault.REFUSED, RemoteRefused),
        (Fault.BUSY, RemoteRetry),
        (Fault.DOWN, RemoteRetry),
        (Fault.CUT, RemoteRetry),
        (Fault.GARBAGE, RemoteRetry),
    ],
)
def test_each_trouble_has_its_family(
    opened: Opened, fault: Fault, family: type[TidegateError]
) -> None:
    server, account = opened()
    server.fail(fault)
    error = sent(account)
    assert type(error) is family
    assert not any(
        word in f"{error!r} {error} {error.fields}" for word in (USER, RECIPIENT, PASSWORD)
    )


def test_a_mail_that_is_repeated_is_known_by_its_id(opened: Opened) -> None:
    server, account = opened()
    server.fail(Fault.CUT)
    assert isinstance(sent(account), RemoteRetry)
    assert sent(account) is None
    assert len(server.calls) == 2
    assert len(server.mails) == 1


def test_a_server_that_never_answers_is_left(opened: Opened) -> None:
    server, account = opened()
    server.fail(Fault.SLOW, seconds=1.5)
    error = sent(account)
    assert isinstance(error, RemoteRetry)
    assert error.fields["why"] == "timeout"


def test_a_wrong_password_is_noticed(opened: Opened) -> None:
    server, account = opened(password="x")
    error = sent(account)
    assert isinstance(error, RemoteCredentials)
    assert error.code == "email.535"
    assert not server.mails


def test_some_refused_addresses_are_told_and_the_others_have_the_mail(opened: Opened) -> None:
    server, account = opened(recipients=f"{GONE}, {RECIPIENT}")
    error = sent(account)
    assert isinstance(error, RemoteRefused)
    assert error.code == "email.some_refused"
    assert GONE not in str(error)
    assert len(server.mails) == 1


def test_only_refused_addresses_are_a_definite_no(opened: Opened) -> None:
    _, account = opened(recipients=GONE)
    error = sent(account)
    assert isinstance(error, RemoteRefused)
    assert error.code == "email.550"


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 25), ("169.254.169.254", 587), ("::1", 465), ("8.8.8.8", 22)]
)
def test_inner_hosts_and_other_ports_are_not_called(host: str, port: int) -> None:
    with pytest.raises(RemoteRetry) as caught:
        Dialer().talk("notice.send", host, port, (25, 465, 587), lambda *_: 1)
    assert caught.value.code == "remote.address_refused"
