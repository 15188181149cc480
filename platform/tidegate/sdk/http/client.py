"""Who sends a connector's requests. Connectors get one per account and never open a connection themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tidegate.sdk.http.messages import Request, Response


class Http(Protocol):
    """Time limits, rate limits, the breaker and the record of calls are behind it."""

    def send(self, request: Request) -> Response:
        """The answer, whatever its status below 500 but 429: platforms put their errors into bodies.

        Raises:
            RemoteRetry: certainly not sent, or refused with "later" (429, a limit, an open breaker);
                `fields["retry_after_s"]` says when, where it is known.
            RemoteUnknown: it may have been acted on (time-out or cut while waiting, a 5xx). For an `idempotent`
                request this is a RemoteRetry.
            RemoteBroken: the answer is too large, a redirect, or no HTTP.
        """
        ...

    def throttled(self, api: str, wait_s: float | None = None) -> None:
        """The platform said in a body that `api` is called too often: nothing is sent for so long, less afterwards."""
        ...

    def now(self) -> datetime:
        """The other side's clock, as its answers showed it; aware UTC."""
        ...
