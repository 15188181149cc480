"""Two processes and one database: one refresh, one probe; two processes and one Redis: one limit."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from away import nobody_connects
from cryptography.fernet import Fernet
from sqlalchemy import select

from tidegate.services.remotes.tokens import TokenBook
from tidegate.store.remote_tables import AccountToken, RemoteBreaker, RemoteCall

SCRIPT = Path(__file__).with_name("across.py")


class Platform:
    """Gives tokens; each refresh token is good for one use. `/slow` takes two seconds."""

    def __init__(self) -> None:
        self.valid, self.refreshes, self.refused = "first", 0, 0
        self.slow: list[tuple[float, float]] = []  # when each call began and ended
        self.lock = threading.Lock()
        platform = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.reply(*platform.token(parse_qs(body)["refresh_token"][0]))

            def do_GET(self) -> None:
                began = time.monotonic()
                threading.Event().wait(2)
                platform.slow.append((began, time.monotonic()))
                self.reply(200, {})

            def reply(self, status: int, document: dict[str, str]) -> None:
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, old: str) -> tuple[int, dict[str, str]]:
        threading.Event().wait(0.3)
        with self.lock:
            if old != self.valid:
                self.refused += 1
                return 400, {"error": "invalid_grant"}
            self.refreshes += 1
            self.valid = f"refresh-{self.refreshes}"
            return 200, {"access": f"access-{self.refreshes}", "refresh": self.valid}


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()
    yield made
    made.server.shutdown()
    made.server.server_close()


def run(act: str, **given: str) -> list[str]:
    """Two processes that begin together; what all their threads told."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps({"act": act, **given})],
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: list[str] = json.loads(done.stdout)
    return told


def place(context, account_id: int, platform: Platform, key: str) -> dict[str, str]:
    return {
        "database": context.store.engine.url.render_as_string(hide_password=False),
        "account": str(account_id), "host": platform.host, "url": f"http://{platform.host}", "key": key,
    }  # fmt: skip


def test_sixteen_threads_of_two_processes_refresh_once(context, account_id, platform) -> None:
    key = Fernet.generate_key().decode()
    where = place(context, account_id, platform, key)
    told = run("refresh", **where)
    assert told == ["access-1"] * 16
    assert (platform.refreshes, platform.refused) == (1, 0)
    told = run(
        "refresh", **where, stale="access-1"
    )  # the platform refused it in the middle of its life
    assert told == ["access-2"] * 16
    assert (platform.refreshes, platform.refused) == (2, 0)
    with context.store.begin(1, readonly=True) as work:
        row = work.session.scalars(select(AccountToken)).one()
    assert (row.version, row.lease) == (2, "")
    assert "access-2" not in row.sealed


def test_of_two_processes_one_call_probes(context, account_id, platform) -> None:
    now = datetime.now(UTC)
    with context.store.begin(1) as work:
        work.add(
            RemoteBreaker(
                account_id=account_id, api_group="orders", state="open", since_at=now, open_s=30,
                until_at=now - timedelta(seconds=1), updated_at=now,
            )
        )  # fmt: skip
        work.commit()
    told = run("probe", **place(context, account_id, platform, Fernet.generate_key().decode()))
    assert set(told) == {"ok", "remote.breaker_open"}
    (_, answered), *others = sorted(platform.slow)
    assert all(began > answered for began, _ in others)  # whoever came late found it closed
    with context.store.begin(1, readonly=True) as work:
        assert work.session.scalars(select(RemoteBreaker)).one().state == "closed"
        calls = work.session.scalars(select(RemoteCall)).all()
    assert len(calls) == told.count("ok") == len(platform.slow)


@pytest.mark.redis
def test_two_processes_share_one_limit_within_two_percent(tmp_path, redis_url: str) -> None:
    calls, per_s = 50, 1
    told = run(
        "spend", database=f"sqlite:///{tmp_path / 'x.db'}", host="x", key=Fernet.generate_key().decode(),
        redis=redis_url, calls=str(calls), per_s=str(per_s), seconds="5",
    )  # fmt: skip
    moments = sorted(float(one) for one in told)
    most = max(
        sum(1 for other in moments[at : at + 200] if other < moment + per_s * 0.9)
        for at, moment in enumerate(moments)
    )
    share = len(moments) / (calls * 5)
    print(
        f"{len(moments)} calls in 5 s of a limit of {calls}/s; at most {most} in any second; {share:.3f}"
    )
    assert most <= calls * 1.02
    assert len(moments) >= calls * 4  # and it is used, not only kept


class TestOneProcess:
    """The life of a token, with a clock that the test moves."""

    def book(self, context, account_id, clock, lifetimes=3600):
        from tidegate.sdk.values import Tokens

        asked = []

        def renew(held):
            asked.append(held.refresh if held else None)
            return Tokens(
                f"a{len(asked)}", f"r{len(asked)}", clock.now + timedelta(seconds=lifetimes)
            )

        made = TokenBook(context, account_id)
        made.refresh = renew
        return made, asked

    def test_a_token_is_renewed_between_70_and_80_percent_of_its_life(
        self, context, account_id, clock
    ) -> None:
        book, asked = self.book(context, account_id, clock)
        assert book.access() == "a1"
        clock.forward(3600 * 0.7 - 1)
        assert book.access() == "a1"
        clock.forward(3600 * 0.1 + 2)
        assert book.access() == "a2"
        assert asked == [None, "r1"]

    def test_a_refresh_that_fails_early_leaves_the_old_token_in_use(
        self, context, account_id, clock
    ) -> None:
        from tidegate.errors import RemoteRetry

        book, _ = self.book(context, account_id, clock)
        book.access()

        def away(_held):
            raise RemoteRetry("remote.no_answer", zh="x", en="x")

        book.refresh = away
        clock.forward(3600 * 0.9)
        assert book.access() == "a1"
        clock.forward(3600)
        with pytest.raises(RemoteRetry):
            book.access()

    def test_refused_credentials_are_told_and_the_lease_is_free_again(
        self, context, account_id, clock
    ) -> None:
        from tidegate.errors import RemoteCredentials

        told = []
        book = TokenBook(context, account_id, told.append)

        def refused(_held):
            raise RemoteCredentials("mall.invalid_grant", zh="x", en="x")

        book.refresh = refused
        for _ in range(2):
            with pytest.raises(RemoteCredentials):
                book.access()
        assert told == ["mall.invalid_grant"] * 2

    def test_a_holder_that_died_is_replaced_after_its_lease(
        self, context, account_id, clock
    ) -> None:
        book, asked = self.book(context, account_id, clock)
        assert book._claim(0)
        assert book._claim(0) == ""
        clock.forward(61)
        assert book.access() == "a1"
        assert asked == [None]

    @pytest.mark.parametrize(
        "context", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
    )
    def test_a_new_pair_waits_for_our_own_database(self, context, account_id, clock) -> None:
        """The platform took the old pair back: the new one must not be lost while nobody can be told."""
        book, asked = self.book(context, account_id, clock)
        book.access()
        renew, away = book.refresh, ExitStack()

        def renew_and_lose_the_database(held):
            made = renew(held)
            away.enter_context(nobody_connects(context.store.engine.url))
            threading.Timer(1.5, away.close).start()
            return made

        book.refresh = renew_and_lose_the_database
        clock.forward(3600)
        assert book.access() == "a2"
        assert TokenBook(context, account_id).access() == "a2"
        assert asked == [None, "r1"]
