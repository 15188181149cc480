"""/api/v1/accounts and /api/v1/connectors: synchronisation, its log and field mappings; never a secret."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tidegate.services.remotes import accounts, checking, overlays
from tidegate.services.remotes.accounts import AccountView
from tidegate.services.remotes.overlays import Version
from tidegate.services.syncing import acts, runs
from tidegate.services.syncing.previews import mapping_page
from tidegate.services.syncing.runs import Run
from tidegate.services.view_sync import TaskLine, gallery, sync_state
from tidegate_web import desk
from tidegate_web.api import account_bodies as bodies
from tidegate_web.api import answers
from tidegate_web.api.operations import operation
from tidegate_web.api.shapes import schema_of

pages = Blueprint("api_accounts", __name__, url_prefix="/api/v1")


@operation(pages, "GET", "/connectors", query=bodies.OfKind, answer=answers.Connector, paged=True)
def connectors(query: Any) -> Any:
    """What can be connected. `verified` says against what a connector was tried: live, sandbox, vectors or none."""
    return [
        {
            "id": one.id, "kinds": list(one.kinds), "title": dict(one.title),
            "about": dict(one.about), "verified": one.verified,
            "capabilities": sorted(one.capabilities),
        }
        for one in gallery(query["q"], query["kind"])
    ], query  # fmt: skip


@operation(pages, "GET", "/accounts", answer=schema_of(AccountView), paged=True)
def every(query: Any) -> Any:
    """Accounts at platforms; secrets by name only."""
    return accounts.accounts(desk.context()), query


@operation(pages, "GET", "/accounts/<code>", answer=schema_of(AccountView))
def one(code: str) -> Any:
    """One account."""
    return accounts.account(desk.context(), code)


@operation(pages, "GET", "/accounts/<code>/tasks", answer=schema_of(TaskLine), paged=True)
def tasks(code: str, query: Any) -> Any:
    """What an account does by itself, when, and how it went the last time."""
    return list(sync_state(desk.context(), code).tasks), query


@operation(
    pages, "GET", "/accounts/<code>/runs", query=bodies.OfTask, answer=schema_of(Run), paged=True
)
def log(code: str, query: Any) -> Any:
    """The sync log, the newest 1,000 first."""
    account_id = accounts.account(desk.context(), code).id
    return runs.runs(desk.context(), account_id, query["task"], limit=1_000), query


@operation(
    pages, "POST", "/accounts/<code>/pull", answer=answers.Asked, status=202, errors=[409, 422]
)
def pull(code: str) -> Any:
    """Run its tasks now; look at the log for what came of it."""
    return {"tasks": list(acts.pull_now(desk.context(), code, desk.actor()))}


@operation(
    pages, "POST", "/accounts/<code>/replay", body=bodies.Since, status=204, errors=[409, 422]
)
def replay(code: str, body: Any) -> Any:
    """Read the orders changed since a moment once more; they are updated, none doubles."""
    acts.replay(desk.context(), code, body["since"], desk.actor())


@operation(pages, "POST", "/accounts/<code>/pause", body=bodies.Reason, status=204, errors=[422])
def pause(code: str, body: Any) -> Any:
    """Stop its calls; what needs them waits."""
    accounts.pause(desk.context(), code, desk.actor(), body["reason"])


@operation(pages, "POST", "/accounts/<code>/resume", status=204)
def resume(code: str) -> Any:
    """Let its calls through again."""
    accounts.resume(desk.context(), code, desk.actor())


@operation(pages, "POST", "/accounts/<code>/check", answer=answers.Checked)
def check(code: str) -> Any:
    """One call with its credentials. `asked` is false where the connector has no call for it."""
    found = checking.check(desk.context(), code)
    return {
        "asked": found.asked, "who": found.who, "code": found.error.code if found.error else ""
    }  # fmt: skip


@operation(pages, "GET", "/accounts/<code>/mapping", answer=schema_of(Version))
def mapping(code: str) -> Any:
    """What was changed of the connector's field mapping; version 0 is the connector's own."""
    return mapping_page(desk.context(), code).version


@operation(
    pages, "PUT", "/accounts/<code>/mapping", body=bodies.NewMapping, answer=schema_of(Version),
    errors=[409, 422],
)  # fmt: skip
def change_mapping(code: str, body: Any) -> Any:
    """Another overlay, made from version `base`: `fields` and `items` in the manifest's form, null leaves one out."""
    context = desk.context()
    return overlays.save(context, code, body["overlay"], desk.actor(), base=body["base"])


@operation(pages, "DELETE", "/accounts/<code>/mapping", answer=schema_of(Version))
def reset_mapping(code: str) -> Any:
    """The connector's own mapping again."""
    return overlays.reset(desk.context(), code, desk.actor())


@operation(
    pages, "POST", "/accounts/<code>/mapping/preview", body=bodies.TriedMapping,
    answer=answers.Previewed, errors=[422],
)  # fmt: skip
def preview(code: str, body: Any) -> Any:
    """The orders that an overlay would make of the account's samples; recipients masked."""
    return {"orders": mapping_page(desk.context(), code, body["overlay"]).orders}
