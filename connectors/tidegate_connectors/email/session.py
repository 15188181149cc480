"""One SMTP session over a connection that is already open: encrypted, logged in, its errors made ours."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from tidegate.errors import RemoteRefused, TidegateError
from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.http import troubles
from tidegate.sdk.http.flight import Flight

PORTS = (465, 587, 25, 2525)
FIRST_REPLY = 200  # what smtplib can't read is -1
Found = TypeVar("Found")


class Smtp(smtplib.SMTP):
    """Over a connection that was opened by our rules, not by its own."""

    def __init__(self, connection: socket.socket, host: str, us: str) -> None:
        self._given = connection
        try:
            super().__init__(host, 0, local_hostname=us, timeout=connection.gettimeout() or 12.0)
        except BaseException:
            connection.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._given


def talk(account: Account, api: str, work: Callable[[Smtp], Found]) -> Found:
    """What `work` returns in a session that is encrypted and logged in.

    Raises:
        RemoteRetry, RemoteRefused, RemoteCredentials: by the manifest's `errors` (SMTP's reply codes).
        RemoteRetry: no connection or no answer. RemoteRefused: the settings can't be used.
    """
    host, port = account.settings["host"], _port(account)

    def session(connection: socket.socket, flight: Flight) -> Found:
        try:
            with _opened(account, connection, flight) as smtp:
                return work(smtp)
        except smtplib.SMTPNotSupportedError:
            raise _wrong(
                "email.not_supported", "不支持 STARTTLS 或登录", "offers no STARTTLS or login"
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise _sorted(account, api, error, flight) from None

    return account.dialer.talk(api, host, port, PORTS, session)


def _opened(account: Account, connection: socket.socket, flight: Flight) -> Smtp:
    settings, tls = account.settings, _context(account)
    host, us = settings["host"], settings["sender"].rpartition("@")[2] or "localhost"
    if settings["security"] == "tls":
        connection = tls.wrap_socket(connection, server_hostname=host)
        flight.on(connection, begun=False)
    smtp = Smtp(connection, host, us)
    try:
        if settings["security"] == "starttls":
            smtp.starttls(context=tls)
            flight.on(smtp.sock, begun=False)
        if settings.get("user"):
            smtp.login(settings["user"], account.secret("password"))
    except BaseException:
        smtp.close()
        raise
    return smtp


def _context(account: Account) -> ssl.SSLContext:
    own = account.settings.get("certificate", "")
    try:
        return ssl.create_default_context(cadata=own or None)
    except (ssl.SSLError, ValueError):
        raise _wrong(
            "email.certificate", "的自建证书不是 PEM", "has a certificate that is no PEM"
        ) from None


def _port(account: Account) -> int:
    text = account.settings["port"]
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise _wrong("email.port", "的端口不对", "has a port that is none")
    return int(text)


def _sorted(account: Account, api: str, error: Exception, flight: Flight) -> TidegateError:
    """By the reply code where there is one. Replies are never quoted: they name people."""
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= FIRST_REPLY:
        return error_of(account.manifest, str(error.smtp_code))
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [str(code) for code, _ in error.recipients.values()]
        later = [code for code in codes if code.startswith("4")]
        return error_of(account.manifest, *(later or codes))
    if isinstance(error, ssl.SSLError):
        return troubles.unreachable(api, "tls")
    late = flight.late or isinstance(error.__context__ or error, TimeoutError)
    return troubles.unclear(api, "timeout" if late else "cut", idempotent=True)


def _wrong(code: str, zh: str, en: str) -> RemoteRefused:
    return RemoteRefused(
        code,
        zh=f"邮件服务器{zh}; 请在连接页核对邮件账号的设置。",
        en=f"The mail server {en}; check the account's settings on the connections page.",
    )
