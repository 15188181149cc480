"""/api/v1: review, publish, shadow, roll back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tidegate.errors import NotFound
from tidegate.services.workshop import (
    applying,
    documents,
    drafts,
    lifecycle,
    readiness,
    shadowing,
    simulating,
)
from tidegate.services.workshop.documents import DraftDocument
from tidegate.services.workshop.model import VersionInfo
from tidegate.services.workshop.readiness import Readiness
from tidegate.services.workshop.shadowing import ShadowReport
from tidegate_web import desk
from tidegate_web.api import answers, bodies
from tidegate_web.api.operations import operation
from tidegate_web.api.shapes import schema_of
from tidegate_web.pages.api_drafts import told

pages = Blueprint("api_releases", __name__, url_prefix="/api/v1")
REVIEW: dict[str, Any] = {
    "answer": schema_of(DraftDocument), "if_match": True, "etag": True, "errors": [409],
}  # fmt: skip


@operation(pages, "GET", "/sets/<set_id>/draft/readiness", answer=schema_of(Readiness))
def ready(set_id: str) -> Any:
    """What still keeps the draft from being published."""
    context = desk.context()
    documents.draft(context, set_id)
    found = drafts.draft_of(context, set_id)
    assert found is not None  # noqa: S101  else NotFound above
    return readiness.readiness(context, found)


@operation(pages, "POST", "/sets/<set_id>/draft/review", body=bodies.Note, **REVIEW)
def ask(set_id: str, version: int, body: Any) -> Any:
    """Ask for a review."""
    return told(
        lifecycle.ask_for_review(desk.context(), set_id, version, desk.actor(), body["note"])
    )


@operation(pages, "POST", "/sets/<set_id>/draft/approve", body=bodies.Note, **REVIEW)
def approve(set_id: str, version: int, body: Any) -> Any:
    """Approve exactly this version of the draft."""
    return told(lifecycle.approve(desk.context(), set_id, version, desk.actor(), body["note"]))


@operation(pages, "POST", "/sets/<set_id>/draft/send-back", body=bodies.Reason, **REVIEW)
def send_back(set_id: str, version: int, body: Any) -> Any:
    """Send the draft back with a reason."""
    return told(lifecycle.send_back(desk.context(), set_id, version, desk.actor(), body["reason"]))


@operation(
    pages, "POST", "/sets/<set_id>/draft/publish", body=bodies.Publish, status=201,
    answer=schema_of(VersionInfo), if_match=True, errors=[409],
)  # fmt: skip
def publish(set_id: str, version: int, body: Any) -> Any:
    """Publish the draft: now, at a time, with an end, or in shadow."""
    context = desk.context()
    draft = drafts.draft_of(context, set_id)
    simulated = simulating.latest(context, set_id, draft.ruleset.hash) if draft else None
    summary = {"simulation": simulated.as_summary()} if simulated else {}
    return lifecycle.publish(
        context, set_id, version, desk.actor(), starts_at=body["starts_at"],
        ends_at=body["ends_at"], mode=body["mode"], note=body["note"], summary=summary,
    )  # fmt: skip


@operation(
    pages, "POST", "/sets/<set_id>/roll-back", body=bodies.RollBack, status=201,
    answer=schema_of(VersionInfo), errors=[409],
)  # fmt: skip
def roll_back(set_id: str, body: Any) -> Any:
    """Publish an earlier version once more, at once."""
    return lifecycle.roll_back(desk.context(), set_id, body["to"], desk.actor(), body["reason"])


@operation(
    pages, "POST", "/sets/<set_id>/versions/<int:number>/withdraw", body=bodies.Reason, status=204
)
def withdraw(set_id: str, number: int, body: Any) -> Any:
    """Withdraw a version: the one before decides again."""
    lifecycle.withdraw(desk.context(), set_id, number, desk.actor(), body["reason"])


@operation(
    pages, "POST", "/sets/<set_id>/versions/<int:number>/cancel", body=bodies.Note, status=204,
    errors=[409],
)  # fmt: skip
def cancel(set_id: str, number: int, body: Any) -> Any:
    """Cancel a version that has not begun."""
    lifecycle.cancel_scheduled(desk.context(), set_id, number, desk.actor(), body["note"])


@operation(pages, "GET", "/sets/<set_id>/shadow", answer=schema_of(ShadowReport))
def shadow(set_id: str) -> Any:
    """What the version in shadow has said so far, and where it differs from what decides."""
    found = shadowing.shadow_report(desk.context(), set_id)
    if found is None:
        raise NotFound(
            "rules.no_shadow",
            zh=f"规则集 {set_id} 没有影子版本在运行。",
            en=f"No version of {set_id} runs in shadow.",
            set=set_id,
        )
    return found


@operation(pages, "POST", "/sets/<set_id>/shadow/stop", body=bodies.Note, status=204)
def stop_shadow(set_id: str, body: Any) -> Any:
    """Stop the version in shadow."""
    lifecycle.stop_shadow(desk.context(), set_id, desk.actor(), body["note"])


@operation(pages, "POST", "/sets/<set_id>/apply", answer=answers.Applied, errors=[409, 422])
def apply(set_id: str) -> Any:
    """Ask the live set again about the open orders that it would now judge differently."""
    return {"asked_again": applying.apply(desk.context(), set_id, desk.actor())}
