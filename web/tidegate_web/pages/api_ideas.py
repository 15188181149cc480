"""/api/v1/ideas: habits at the desk that could be rules."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tidegate.services.workshop import drafts, ideas
from tidegate.services.workshop.idea_shapes import Idea
from tidegate_web import desk
from tidegate_web.api import answers, bodies
from tidegate_web.api.operations import Answer, operation
from tidegate_web.api.shapes import schema_of

pages = Blueprint("api_ideas", __name__, url_prefix="/api/v1")


@operation(pages, "GET", "/ideas", answer=schema_of(Idea), paged=True)
def every(query: Any) -> Any:
    """Ideas for rules from what people did by hand, with support and exceptions."""
    return ideas.find(desk.context()), query


@operation(
    pages, "POST", "/ideas/<key>/rule", answer=answers.Made, status=201, errors=[412], etag=True
)
def make(key: str) -> Any:
    """Take an idea into the draft of its set; it is published by nobody."""
    set_id, rule_id = ideas.make_rule(desk.context(), key, desk.actor())
    draft = drafts.draft_of(desk.context(), set_id)
    version = draft.version if draft else 0
    return Answer({"set_id": set_id, "rule_id": rule_id, "version": version}, version=version)


@operation(pages, "POST", "/ideas/<key>/dismiss", body=bodies.Reason, status=204)
def dismiss(key: str, body: Any) -> Any:
    """Put an idea aside, with the reason."""
    ideas.dismiss(desk.context(), key, body["reason"], desk.actor())
