"""Whether an account works: one cheap call with its credentials."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import update

from tidegate.errors import TidegateError
from tidegate.sdk.capabilities import ChecksCredentials
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.connected import connector_of
from tidegate.store.remote_tables import ConnectorAccount


@dataclass(frozen=True, slots=True)
class Checked:
    """`asked` is False when the connector has no call for it; `error` says what was wrong."""

    asked: bool
    error: TidegateError | None = None
    who: str = ""  # our name there, as the platform told it


def check(context: Context, code: str) -> Checked:
    """Ask the platform who we are, and keep how it went.

    Raises:
        NotFound: there is no such account.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = account_row(work, code)
    found = _ask(context, row)
    now = context.clock()
    values: dict[str, object] = {
        "checked_at": now, "check_code": found.error.code if found.error else "",
    }  # fmt: skip
    if found.asked and found.error is None and row.state == "broken":
        values |= {"state": "active", "reason": "", "updated_at": now}
    with context.store.begin(context.tenant_id) as work:
        work.session.execute(
            update(ConnectorAccount)
            .where(ConnectorAccount.id == row.id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        work.commit()
    return found


def _ask(context: Context, row: ConnectorAccount) -> Checked:
    try:
        made, _ = connector_of(context, row)
        if not isinstance(made, ChecksCredentials):
            return Checked(asked=False)
        return Checked(asked=True, who=made.check_credentials()[:80])
    except TidegateError as error:
        return Checked(asked=True, error=error)
