"""/api/v1/sets/<set>/draft: everything the editor writes. A change names the version of the draft it was made
from (If-Match); somebody else's save in between is a 412.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tidegate.services.workshop import documents, drafts, templates
from tidegate.services.workshop.documents import DraftDocument
from tidegate.services.workshop.model import Draft
from tidegate_web import desk
from tidegate_web.api import answers, bodies
from tidegate_web.api.operations import Answer, operation
from tidegate_web.api.shapes import schema_of

pages = Blueprint("api_drafts", __name__, url_prefix="/api/v1")
DRAFT = schema_of(DraftDocument)
WRITES: dict[str, Any] = {"answer": DRAFT, "if_match": True, "etag": True}


def told(draft: Draft) -> Answer:
    """The draft as it is now, its version as ETag."""
    return Answer(documents.draft_document(draft), version=draft.version)


@operation(pages, "POST", "/sets", body=bodies.NewSet, answer=DRAFT, status=201, etag=True)
def create(body: Any) -> Any:
    """Make a new, empty set."""
    made = drafts.create(
        desk.context(), body["id"], body["gate"], body["title"], body["policy"], desk.actor()
    )
    headers = {"Location": f"/api/v1/sets/{made.set_id}/draft"}
    return Answer(documents.draft_document(made), version=made.version, headers=headers)


@operation(pages, "POST", "/import", takes="yaml", answer=DRAFT, etag=True, errors=[412])
def import_set(text: str) -> Any:
    """Take a set from a YAML file into its draft: a new draft, or the next save of the open one."""
    return told(drafts.import_text(desk.context(), text, desk.actor()))


@operation(pages, "POST", "/sets/<set_id>/draft", answer=DRAFT, etag=True)
def start(set_id: str) -> Any:
    """Open a draft from what decides now; the open one if there is one."""
    return told(drafts.start(desk.context(), set_id, desk.actor()))


@operation(pages, "GET", "/sets/<set_id>/draft", answer=DRAFT, etag=True)
def show(set_id: str) -> Any:
    """The open draft."""
    found = documents.draft(desk.context(), set_id)
    return Answer(found, version=found.version)


@operation(pages, "DELETE", "/sets/<set_id>/draft", status=204, if_match=True)
def discard(set_id: str, version: int) -> Any:
    """Throw the draft away."""
    drafts.discard(desk.context(), set_id, version, desk.actor())


@operation(pages, "PUT", "/sets/<set_id>/draft/text", takes="yaml", **WRITES)
def save_text(set_id: str, version: int, text: str) -> Any:
    """Write the whole set as YAML, its tests under `tests`."""
    return told(drafts.save_text(desk.context(), set_id, version, text, desk.actor()))


@operation(pages, "PATCH", "/sets/<set_id>/draft", body=bodies.Head, **WRITES)
def save_head(set_id: str, version: int, body: Any) -> Any:
    """Change title, note, hit policy, severity, what is missing, otherwise, four eyes."""
    return told(drafts.save_head(desk.context(), set_id, version, body, desk.actor()))


@operation(pages, "POST", "/sets/<set_id>/draft/rules", body=bodies.NewRule, status=201, **WRITES)
def add_rule(set_id: str, version: int, body: Any) -> Any:
    """Add a rule."""
    rule = body["document"]
    return told(
        drafts.save_rule(
            desk.context(), set_id, version, str(rule.get("id") or ""), rule, desk.actor(),
            new=True, stage=body["stage"], after=body["after"],
        )
    )  # fmt: skip


@operation(pages, "GET", "/sets/<set_id>/draft/rules/<rule_id>", answer=answers.Rule)
def one_rule(set_id: str, rule_id: str) -> Any:
    """A rule of the draft, or of what decides where there is none."""
    return {"document": documents.rule_document(desk.context(), set_id, rule_id)}


@operation(pages, "PUT", "/sets/<set_id>/draft/rules/<rule_id>", body=bodies.RuleDocument, **WRITES)
def save_rule(set_id: str, rule_id: str, version: int, body: Any) -> Any:
    """Write a rule."""
    return told(
        drafts.save_rule(desk.context(), set_id, version, rule_id, body["document"], desk.actor())
    )


@operation(pages, "DELETE", "/sets/<set_id>/draft/rules/<rule_id>", **WRITES)
def remove_rule(set_id: str, rule_id: str, version: int) -> Any:
    """Remove a rule."""
    return told(drafts.remove_rule(desk.context(), set_id, version, rule_id, desk.actor()))


@operation(
    pages, "POST", "/sets/<set_id>/draft/rules/<rule_id>/copy", body=bodies.Copy, status=201,
    **WRITES,
)  # fmt: skip
def copy_rule(set_id: str, rule_id: str, version: int, body: Any) -> Any:
    """Copy a rule; the copy stands below it, switched off."""
    return told(
        drafts.copy_rule(desk.context(), set_id, version, rule_id, body["id"], desk.actor())
    )


@operation(pages, "POST", "/sets/<set_id>/draft/rules/<rule_id>/move", body=bodies.Move, **WRITES)
def move_rule(set_id: str, rule_id: str, version: int, body: Any) -> Any:
    """Move a rule within its stage."""
    return told(
        drafts.move_rule(desk.context(), set_id, version, rule_id, body["place"], desk.actor())
    )


@operation(
    pages, "POST", "/sets/<set_id>/draft/rules/<rule_id>/switch", body=bodies.Switch, **WRITES
)
def switch_rule(set_id: str, rule_id: str, version: int, body: Any) -> Any:
    """Switch a rule, or a row of a table (`table.row`), on or off."""
    return told(
        drafts.switch_rule(desk.context(), set_id, version, rule_id, body["on"], desk.actor())
    )


@operation(pages, "PUT", "/sets/<set_id>/draft/parameters/<name>", body=bodies.Entry, **WRITES)
def save_parameter(set_id: str, name: str, version: int, body: Any) -> Any:
    """Write a named threshold."""
    return told(
        drafts.save_parameter(desk.context(), set_id, version, name, body["document"], desk.actor())
    )


@operation(pages, "DELETE", "/sets/<set_id>/draft/parameters/<name>", **WRITES)
def remove_parameter(set_id: str, name: str, version: int) -> Any:
    """Remove a named threshold."""
    return told(drafts.save_parameter(desk.context(), set_id, version, name, None, desk.actor()))


@operation(pages, "PUT", "/sets/<set_id>/draft/lists/<name>", body=bodies.Entry, **WRITES)
def save_list(set_id: str, name: str, version: int, body: Any) -> Any:
    """Write a named list."""
    return told(
        drafts.save_list(desk.context(), set_id, version, name, body["document"], desk.actor())
    )


@operation(pages, "DELETE", "/sets/<set_id>/draft/lists/<name>", **WRITES)
def remove_list(set_id: str, name: str, version: int) -> Any:
    """Remove a named list."""
    return told(drafts.save_list(desk.context(), set_id, version, name, None, desk.actor()))


@operation(pages, "PUT", "/sets/<set_id>/draft/tables/<name>", body=bodies.Table, **WRITES)
def save_table(set_id: str, name: str, version: int, body: Any) -> Any:
    """Write a decision table with all its rows."""
    return told(
        drafts.save_table(
            desk.context(), set_id, version, name, body["document"], desk.actor(), body["stage"]
        )
    )


@operation(pages, "DELETE", "/sets/<set_id>/draft/tables/<name>", **WRITES)
def remove_table(set_id: str, name: str, version: int) -> Any:
    """Remove a decision table."""
    return told(drafts.save_table(desk.context(), set_id, version, name, None, desk.actor()))


@operation(pages, "PUT", "/sets/<set_id>/draft/tests", body=bodies.Cases, **WRITES)
def save_cases(set_id: str, version: int, body: Any) -> Any:
    """Write all tests of the set."""
    return told(drafts.save_cases(desk.context(), set_id, version, body["tests"], desk.actor()))


@operation(
    pages, "POST", "/sets/<set_id>/draft/templates/<template_id>", body=bodies.Fill, status=201,
    answer=answers.Made, if_match=True, etag=True,
)  # fmt: skip
def use_template(set_id: str, template_id: str, version: int, body: Any) -> Any:
    """Put a ready rule with its two tests into the draft."""
    draft, rule_id = templates.use(
        desk.context(), set_id, version, template_id, body["blanks"], desk.actor()
    )
    made = {"set_id": set_id, "rule_id": rule_id, "version": draft.version}
    return Answer(made, version=draft.version)
