"""What two processes do at once; started by test_across_processes. They are forks of one that has everything imported."""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tidegate.errors import RemoteCredentials, TidegateError
from tidegate.logs import configure_logs
from tidegate.sdk.http.messages import Request, form
from tidegate.sdk.http.sending import Sender, Times
from tidegate.sdk.manifest import Limit
from tidegate.sdk.values import Tokens
from tidegate.services.context import Context
from tidegate.services.remotes.line import AccountHttp, Line
from tidegate.services.remotes.reach import Reach
from tidegate.services.remotes.tokens import TokenBook
from tidegate.services.remotes.windows import Windows
from tidegate.services.rulebook import Rulebook
from tidegate.services.secrets_box import SecretsBox
from tidegate.store.unit_of_work import Store, open_engine


def context_of(given: dict[str, str]) -> Context:
    return Context(
        Store(open_engine(given["database"])), 1, Rulebook(None), {}, lambda: datetime.now(UTC), Path("."),
        box=SecretsBox([given["key"]]),
        reach=Reach((given["host"],), Times(2, 5, 8), Windows(given.get("redis") or None)),
    )  # fmt: skip


def refresh(given: dict[str, str], context: Context) -> list[str]:
    """Eight threads want a token at once; the server keeps count of who asks."""
    line = Line(context, int(given["account"]))
    http = AccountHttp(line, Sender(context.reach.trusted, times=context.reach.times))

    def renew(held: Tokens | None) -> Tokens:
        old = held.refresh if held else "first"
        answer = http.send(form(f"{given['url']}/token", "token.refresh", {"refresh_token": old}))
        if answer.status != 200:
            raise RemoteCredentials("mall.invalid_grant", zh="x", en="x")
        found = answer.json()
        return Tokens(found["access"], found["refresh"], datetime.now(UTC) + timedelta(hours=1))

    book, told = TokenBook(context, int(given["account"])), []
    book.refresh = renew
    stale = given.get("stale", "")

    def one() -> None:
        try:
            told.append(book.renewed(stale) if stale else book.access())
        except TidegateError as error:
            told.append(error.code)

    together([one] * 8)
    return told


def spend(given: dict[str, str], context: Context) -> list[str]:
    """Calls as fast as the windows let them, for some seconds."""
    limits = (Limit("*", int(given["calls"]), int(given["per_s"]), "test"),)
    until, told = time.monotonic() + float(given["seconds"]), []

    def one() -> None:
        while time.monotonic() < until:
            try:
                context.reach.windows.take("1", "orders.list", limits)
                told.append(repr(time.time()))
            except TidegateError as error:
                time.sleep(min(float(str(error.fields["retry_after_s"])), 0.02))

    together([one] * 3)
    return told


def probe(given: dict[str, str], context: Context) -> list[str]:
    """Calls through an open breaker whose pause is over: how many were let through."""
    http = AccountHttp(
        Line(context, int(given["account"])),
        Sender(context.reach.trusted, times=context.reach.times),
    )
    told: list[str] = []

    def one() -> None:
        try:
            http.send(Request("GET", f"{given['url']}/slow", "orders.list"))
            told.append("ok")
        except TidegateError as error:
            told.append(error.code)

    together([one] * 4)
    return told


def together(acts: list) -> None:
    gate = threading.Barrier(len(acts))
    threads = [threading.Thread(target=lambda act=act: (gate.wait(30), act())) for act in acts]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)


def act(given: dict[str, str], gate: Any, told: Any) -> None:
    """In a process of its own, which opens its own context and begins when both are there."""
    context = context_of(given)
    gate.wait(60)
    told.put(globals()[given["act"]](given, context))


if __name__ == "__main__":
    configure_logs("CRITICAL")  # to stderr: stdout carries the answer
    given = json.loads(sys.argv[1])
    forks = multiprocessing.get_context("fork")
    gate, told = forks.Barrier(2), forks.Queue()
    children = [forks.Process(target=act, args=(given, gate, told)) for _ in range(2)]
    for child in children:
        child.start()
    answers = [told.get(timeout=90) for _ in children]
    for child in children:
        child.join()
    print(json.dumps([one for answer in answers for one in answer]))
    sys.exit(max(child.exitcode or 0 for child in children))
