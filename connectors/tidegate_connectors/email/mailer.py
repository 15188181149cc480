"""Mails to operators. Message-ID is the same in every attempt, so that a repeat can be known as one."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.utils import format_datetime

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.notices import API, as_text
from tidegate.sdk.signing import sha256_hex
from tidegate.sdk.values import Notice
from tidegate_connectors.email.session import Smtp, talk

MOST_BYTES = 200_000
MOST_SUBJECT = 150
ACCOUNT = "account.check"


class Mailer:
    """Safe to share between threads: each mail has a connection of its own."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def send_notice(self, notice: Notice) -> None:
        """Raises as `session.talk`; RemoteRefused also when some addresses were refused (the others have it)."""
        mail, to = self._mail(notice), self._recipients()

        def send(smtp: Smtp) -> int:
            return len(smtp.send_message(mail, self._account.settings["sender"], to))

        if refused := talk(self._account, API, send):
            raise RemoteRefused(
                "email.some_refused",
                zh=f"{len(to)} 个收件地址中有 {refused} 个被邮件服务器拒收, 其余已发出; 请核对收件地址。",
                en=f"The mail server refused {refused} of {len(to)} recipients, the others have the mail; check them.",
                refused=refused,
            )

    def check_credentials(self) -> str:
        """Log in and leave. Raises as `session.talk`."""
        talk(self._account, ACCOUNT, lambda smtp: smtp.noop())
        return self._account.settings["host"]

    def _recipients(self) -> list[str]:
        return [
            one for one in re.split(r"[,;，；\s]+", self._account.settings["recipients"]) if one
        ]

    def _mail(self, notice: Notice) -> EmailMessage:
        settings, mail = self._account.settings, EmailMessage()
        try:
            mail["From"], mail["To"] = settings["sender"], ", ".join(self._recipients())
        except (ValueError, IndexError):
            raise _bad_address() from None
        mail["Subject"] = " ".join(notice.title.split())[:MOST_SUBJECT]
        mail["Date"] = format_datetime(self._account.http.now())
        domain = settings["sender"].rpartition("@")[2] or "localhost"
        mail["Message-ID"] = f"<{sha256_hex(notice.key)[:40]}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        if notice.urgent:
            mail["X-Priority"] = "1"
        mail.set_content(as_text(notice, most_bytes=MOST_BYTES), cte="base64")
        return mail


def _bad_address() -> RemoteRefused:
    return RemoteRefused(
        "email.bad_address",
        zh="发件或收件地址不是邮箱地址; 请在连接页核对邮件账号的设置。",
        en="The sender or a recipient is no mail address; check the account's settings on the connections page.",
    )


def connect(account: Account) -> Mailer:
    return Mailer(account)
