"""Starts the sandbox in a thread and gives its handle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from tidegate_connectors.sandbox.server.clock import SandboxClock, real_time
from tidegate_connectors.sandbox.server.desk import Answer, Behaviour, Desk
from tidegate_connectors.sandbox.server.itinerary import OUTCOMES
from tidegate_connectors.sandbox.server.ledger import Ledger, LedgerRow
from tidegate_connectors.sandbox.server.listener import Listener
from tidegate_connectors.sandbox.server.pusher import Pusher
from tidegate_connectors.sandbox.server.signature import Gatekeeper


class RunningSandbox:
    """A sandbox that answers at `url` until `stop()`; usable as a context manager."""

    def __init__(
        self, listener: Listener, ledger: Ledger, clock: SandboxClock, pusher: Pusher
    ) -> None:
        host, port = listener.server_address[0], listener.server_address[1]
        self.url = f"http://{host!s}:{port}"
        self.clock = clock
        self._listener = listener
        self._ledger = ledger
        self._pusher = pusher
        self._thread = threading.Thread(
            target=listener.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="sandbox",
            daemon=True,
        )
        self._thread.start()

    def fault(self, name: str, calls: int = 1, on: str = "any", seconds: float = 30.0) -> None:
        """Spoil the next `calls` calls of kind `on` (see faults.FAULTS)."""
        self._listener.faults.add(name, calls, on, seconds)

    def clear_faults(self) -> None:
        self._listener.faults.clear()

    def push_to(self, url: str, secret: str) -> None:
        """Push scans that come from now on to this address, signed; an empty address ends it."""
        if url:
            self._pusher.start(url, secret)
        else:
            self._pusher.stop()

    def ledger(self) -> list[LedgerRow]:
        """Every waybill this carrier ever made, in order."""
        return self._ledger.rows()

    def stop(self) -> None:
        """Stop answering and close the file; safe to call twice."""
        if self._listener.stopping.is_set():
            return
        self._listener.stopping.set()
        self._pusher.stop()
        self._listener.shutdown()
        self._thread.join()
        self._listener.close_connections()
        self._listener.server_close()
        self._ledger.close()

    def __enter__(self) -> RunningSandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_server(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    secret: str,
    app_key: str = "tidegate",
    path: Path | None = None,
    time_scale: float = 1.0,
    seed: int = 20261111,
    pool_size: int = 9_000_000,
    pickup_after_h: float | None = 6.0,
    outcomes: Mapping[str, float] | None = None,
    clock: Callable[[], datetime] = real_time,
    unix_time: Callable[[], float] = time.time,
) -> RunningSandbox:
    """Start a sandbox carrier; port 0 takes a free one.

    `path` keeps numbers and scans over a restart (None: in memory). With `time_scale` 3600 an hour
    of the carrier's work takes a second; scans carry the clock's own time. `pickup_after_h` None
    waits for a call of `pickups`. `unix_time` is what signatures are compared with.

    Raises:
        ValueError: an empty secret, or a time scale that is not above 0.
    """
    if not secret or time_scale <= 0:
        raise ValueError("the sandbox needs a secret and a time_scale above 0")
    ledger = Ledger(path)
    moving = SandboxClock(clock)
    behaviour = Behaviour(seed, time_scale, pool_size, pickup_after_h, outcomes or OUTCOMES)
    try:
        listener = Listener(
            (host, port),
            Desk(ledger, moving, behaviour),
            Gatekeeper(app_key, secret, unix_time),
            lambda where, body: _drawer(running, where, body),
        )
    except BaseException:
        ledger.close()
        raise
    running = RunningSandbox(listener, ledger, moving, Pusher(ledger, moving, unix_time))
    return running


def _drawer(sandbox: RunningSandbox, where: str, body: Answer) -> Answer:
    """`/ledger` lists the waybills; `/control` orders faults, forgets them, moves the clock or pushes."""
    if where == "/ledger":
        rows = [asdict(row) for row in sandbox.ledger()]
        return {"waybills": [{k: _plain(v) for k, v in row.items()} for row in rows]}
    known = {"clear", "fault", "calls", "on", "seconds", "advance_h", "push_url", "push_secret"}
    unknown = set(body) - known
    if unknown:
        raise ValueError(f"unknown: {sorted(unknown)}")
    if body.get("clear"):
        sandbox.clear_faults()
    if "fault" in body:
        options = {name: body[name] for name in ("calls", "on", "seconds") if name in body}
        sandbox.fault(str(body["fault"]), **options)
    if "advance_h" in body:
        sandbox.clock.advance(timedelta(hours=float(body["advance_h"])))
    if "push_url" in body:
        sandbox.push_to(str(body["push_url"]), str(body.get("push_secret", "")))
    return {"now": sandbox.clock.now().isoformat()}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
