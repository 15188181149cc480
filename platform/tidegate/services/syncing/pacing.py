"""Waiting out one's own limits within a run: a short wait costs less than coming back through the job table."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from tidegate.errors import RemoteWait
from tidegate.sdk.http.client import Http
from tidegate.sdk.http.messages import Request, Response

LONGEST_S = 2.0  # longer waits go back into the job table
IN_ALL_S = 20.0  # of one connector, which lives for one run


class PacedHttp:
    """tidegate.sdk.http.client.Http that waits for its own limits, not for the platform."""

    def __init__(self, http: Http, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._sleep = sleep
        self._left = IN_ALL_S

    def send(self, request: Request) -> Response:
        while True:
            try:
                return self._http.send(request)
            except RemoteWait as error:
                wait = float(str(error.fields.get("retry_after_s") or 0.0))
                if not 0 < wait <= min(LONGEST_S, self._left):
                    raise
                self._left -= wait
                self._sleep(wait)

    def throttled(self, api: str, wait_s: float | None = None) -> None:
        self._http.throttled(api, wait_s)  # ours has it

    def now(self) -> datetime:
        return self._http.now()


def paced(http: Http) -> PacedHttp:
    """The same client, patient."""
    return PacedHttp(http)
