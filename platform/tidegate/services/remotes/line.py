"""An account's line to its platform: through the breaker, the limits and a bulkhead, and into the record."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from tidegate.errors import RemoteRetry, RemoteWait, TidegateError
from tidegate.sdk.http.messages import Request, Response
from tidegate.sdk.http.sending import Sender, Sent
from tidegate.sdk.manifest import Limit
from tidegate.services.context import Context
from tidegate.services.remotes import breaker, calls
from tidegate.services.remotes.skew import Skew
from tidegate.services.remotes.unasked import before_a_call

QUEUE_S = 2.0  # how long a call waits for others of its account
BUSY_AGAIN_S = 1
Found = TypeVar("Found")


class Line:
    """Safe to share between threads. `secrets` are cut out of records whatever the masks do."""

    def __init__(
        self,
        context: Context,
        account_id: int,
        limits: Sequence[Limit] = (),
        secrets: Iterable[str] = (),
    ) -> None:
        self._context = context
        self._account_id = account_id
        self._limits = tuple(limits)
        self._secrets = tuple(secrets)
        self._places = threading.BoundedSemaphore(context.reach.in_flight)
        self._skew = Skew(context, account_id)

    def through(self, request: Request, call: Callable[[Sent], Found]) -> Found:
        """Run one call. What it raises is raised again, once it is recorded.

        Raises:
            RemoteRetry: it was not let through; nothing was sent. RemoteWait for a place, a limit, or our database.
        """
        if not self._places.acquire(timeout=QUEUE_S):
            raise _busy(request.api)
        try:
            return self._let_through(request, call)
        finally:
            self._places.release()

    def throttled(self, api: str, wait_s: float | None = None) -> None:
        """The platform said in a body that `api` is called too often."""
        self._context.reach.windows.throttled(str(self._account_id), api, wait_s)

    def now(self) -> datetime:
        return self._skew.now()

    def _let_through(self, request: Request, call: Callable[[Sent], Found]) -> Found:
        context, group = self._context, calls.group_of(request.api)
        with before_a_call(request.api):
            passed = breaker.admit(context, self._account_id, group)
        try:
            context.reach.windows.take(str(self._account_id), request.api, self._limits)
        except RemoteRetry:
            if passed.probe:
                breaker.give_back(context, self._account_id, group)
            raise
        sent, error, at, start = Sent(), None, context.clock(), time.monotonic()
        try:
            return call(sent)
        except TidegateError as caught:
            error = caught
            raise
        finally:
            sent.took_ms = sent.took_ms or round((time.monotonic() - start) * 1000)
            self._after(request, sent, error, at, passed)

    def _after(
        self,
        request: Request,
        sent: Sent,
        error: TidegateError | None,
        at: datetime,
        passed: breaker.Passed,
    ) -> None:
        call = calls.call_of(request, sent, error, at, self._secrets)
        if call.outcome == "throttled" and error is not None:
            wait = error.fields.get("retry_after_s")
            self.throttled(request.api, float(str(wait)) if wait is not None else None)
        calls.record(self._context, self._account_id, call, passed)
        if sent.server_at is not None:
            self._skew.seen(sent.server_at, sent.took_ms)


class AccountHttp:
    """The client that a connector gets (tidegate.sdk.http.client.Http)."""

    def __init__(self, line: Line, sender: Sender) -> None:
        self._line = line
        self._sender = sender

    def send(self, request: Request) -> Response:
        return self._line.through(request, lambda sent: self._sender.send(request, sent))

    def throttled(self, api: str, wait_s: float | None = None) -> None:
        self._line.throttled(api, wait_s)

    def now(self) -> datetime:
        return self._line.now()


def _busy(api: str) -> RemoteWait:
    return RemoteWait(
        "remote.busy",
        zh=f"这个账号同时进行的调用太多 ({api}), 稍后再试; 什么都没有发出。",
        en=f"The account has too many calls under way ({api}); it is tried again, nothing was sent.",
        api=api,
        retry_after_s=BUSY_AGAIN_S,
    )
