"""What connectors of notices share: a notice as plain text of limited length, and the answer of a group robot."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of, verdict_of
from tidegate.sdk.http.messages import Response
from tidegate.sdk.values import Notice

API = "notice.send"
OK = "0"


def as_text(notice: Notice, *, most_bytes: int, first: str = "") -> str:
    """Title, lines and link as UTF-8 text of at most `most_bytes`; lines that find no room are counted at the end.

    `first` stands before the title (a keyword that a robot insists on, a call to everybody). Title and link stay.
    """
    title = " ".join(one for one in (first, _flat(notice.title)) if one)
    lines = [f"- {_flat(line)}" for line in notice.lines]
    for kept in range(len(lines), -1, -1):
        more = [f"… +{len(lines) - kept}"] if kept < len(lines) else []
        link = [notice.link] if notice.link else []
        text = "\n".join([title, *lines[:kept], *more, *link])
        if len(text.encode()) <= most_bytes:
            return text
    return title.encode()[:most_bytes].decode(errors="ignore")


def settle(account: Account, answer: Response, name: str) -> None:
    """End well when the robot's code under `name` says 0. A robot that wants to be left alone is for a while.

    Raises:
        RemoteRetry, RemoteRefused, RemoteCredentials, RemoteBroken: by the manifest's `errors`.
    """
    document = answer.json()
    code = document.get(name) if isinstance(document, Mapping) else None
    if code is None:
        raise broken(account.manifest, API)
    if str(code) == OK:
        return
    _, verdict = verdict_of(account.manifest, [str(code)])
    if verdict.kind == "later":
        account.http.throttled(API, verdict.wait_s)
    raise error_of(account.manifest, str(code))


def _flat(text: str) -> str:
    """On one line."""
    return " ".join(text.split())
