"""Taking back what was just removed: one press, offered with the message that says it is gone."""

from __future__ import annotations

from flask import flash

from tidegate.services.workshop import drafts
from tidegate_web import desk

KIND = "undo"


def flash_removed(message: str, set_id: str) -> None:
    """Say that something is gone from the draft of a set, with a button that brings it back."""
    draft = drafts.draft_of(desk.context(), set_id)
    flash(message, f"{KIND}:{set_id}:{draft.version}" if draft else "message")
