"""Whether credentials work, before they are kept: one call of the connector, over a client that keeps no record.

Connectors whose tokens are good for one use are not tried like this: the use must be ours (`single_use_tokens`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from tidegate.errors import TidegateError
from tidegate.sdk import discovery
from tidegate.sdk.account import Account
from tidegate.sdk.capabilities import ChecksCredentials
from tidegate.sdk.http.dialing import Dialer
from tidegate.sdk.http.messages import Request, Response
from tidegate.sdk.http.sending import Sender, Sent
from tidegate.sdk.manifest import Manifest
from tidegate.sdk.values import Tokens
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import checked_settings
from tidegate.services.remotes.checking import Checked


class TrialHttp:
    """tidegate.sdk.http.client.Http of an account that is not there yet."""

    def __init__(self, context: Context) -> None:
        reach = context.reach
        self._sender = Sender(reach.trusted, times=reach.times, connections=1)
        self._clock = context.clock

    def send(self, request: Request) -> Response:
        return self._sender.send(request, Sent())

    def throttled(self, api: str, wait_s: float | None = None) -> None:
        """Nothing comes after it."""

    def now(self) -> datetime:
        return self._clock()


class TrialTokens:
    """tidegate.sdk.account.TokenKeeper without an account: asks once, and keeps it as long as the trial takes."""

    def __init__(self) -> None:
        self.refresh: Callable[[Tokens | None], Tokens] | None = None
        self._held: Tokens | None = None

    def access(self) -> str:
        return self._held.access if self._held else self.renewed("")

    def renewed(self, stale: str) -> str:
        if self.refresh is None:
            raise LookupError("the connector asked for a token while it was being made")
        self._held = self.refresh(self._held)
        return self._held.access


def can_try(manifest: Manifest) -> bool:
    """Whether the connector can be asked without an account."""
    able = manifest.capabilities
    costs = "refresh_tokens" in able and manifest.single_use_tokens
    return "check_credentials" in able and not costs


def try_out(
    context: Context, connector: str, settings: Mapping[str, str], secrets: Mapping[str, str]
) -> Checked:
    """Ask the platform who we are with these; nothing is kept.

    Raises:
        NotFound: no such connector. InputError: a setting is wrong or missing; `fields["field"]` names it.
    """
    manifest = discovery.manifest_of(connector)
    given, hidden = checked_settings(context, manifest, settings, secrets)
    if not can_try(manifest):
        return Checked(asked=False)
    tokens = TrialTokens() if "refresh_tokens" in manifest.capabilities else None
    account = Account(
        id=0, shop="", manifest=manifest, settings=manifest.filled(given), http=TrialHttp(context),
        secret=lambda name: hidden.get(name, ""), tokens=tokens,
        dialer=Dialer(context.reach.trusted, context.reach.times),
    )  # fmt: skip
    try:
        made = discovery.connect(account)
        if tokens is not None:
            tokens.refresh = made.refresh_tokens
        if not isinstance(made, ChecksCredentials):
            return Checked(asked=False)
        return Checked(asked=True, who=made.check_credentials()[:80])
    except TidegateError as error:
        return Checked(asked=True, error=error)
