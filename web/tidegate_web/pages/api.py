"""/api/v1: what there is: the vocabulary, sets, versions, differences, templates, what rules did."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tidegate.services.workshop import (
    documents,
    drafts,
    feedback,
    history,
    overriding,
    templates,
)
from tidegate.services.workshop.comparing import Diff
from tidegate.services.workshop.documents import VersionDocument, VocabularyDocument
from tidegate.services.workshop.model import AuditEntry, SetInfo, VersionInfo
from tidegate.services.workshop.templates import Template
from tidegate_web import desk
from tidegate_web.api import answers, bodies
from tidegate_web.api.operations import operation, yaml_answer
from tidegate_web.api.shapes import schema_of

pages = Blueprint("api", __name__, url_prefix="/api/v1")


@operation(pages, "GET", "/vocabulary", answer=schema_of(VocabularyDocument))
def vocabulary() -> Any:
    """What rules may read and ask for.

    Facts with type, unit and possible values, gates, actions with their arguments, operators by type, calendars,
    hit policies and reason codes, in Chinese and English.
    """
    return documents.vocabulary(desk.context())


@operation(pages, "GET", "/sets", answer=schema_of(SetInfo), paged=True)
def sets(query: Any) -> Any:
    """Rule sets with their live version, draft, shadow and planned versions."""
    return drafts.sets(desk.context()), query


@operation(pages, "GET", "/sets/<set_id>", answer=schema_of(SetInfo))
def one_set(set_id: str) -> Any:
    """One rule set."""
    return drafts.info(desk.context(), set_id)


@operation(pages, "GET", "/sets/<set_id>/versions", answer=schema_of(VersionInfo), paged=True)
def versions(set_id: str, query: Any) -> Any:
    """Versions of a set, the newest first; 0 is the one that ships or lies in the rules folder."""
    return history.versions(desk.context(), set_id), query


@operation(
    pages, "GET", "/sets/<set_id>/document", query=bodies.Which, answer=schema_of(VersionDocument),
    errors=[422],
)  # fmt: skip
def document(set_id: str, query: Any) -> Any:
    """A version of a set as a document."""
    return documents.version_document(desk.context(), set_id, query["version"])


@operation(
    pages, "GET", "/sets/<set_id>/export", query=bodies.Which, answer=answers.Yaml, gives="yaml"
)
def export(set_id: str, query: Any) -> Any:
    """A version of a set as a YAML file.

    Canonical: the same set gives the same text, so that files under version control differ only where sets do.
    """
    text = history.text_of(desk.context(), set_id, query["version"])
    return yaml_answer(text, drafts.info(desk.context(), set_id).set_id)


@operation(pages, "GET", "/sets/<set_id>/diff", query=bodies.Between, answer=schema_of(Diff))
def diff(set_id: str, query: Any) -> Any:
    """What differs between two versions, in sentences."""
    return history.diff(desk.context(), set_id, query["before"], query["after"])


@operation(pages, "GET", "/sets/<set_id>/audit", answer=schema_of(AuditEntry), paged=True)
def audit(set_id: str, query: Any) -> Any:
    """Who did what to a set, the newest first."""
    context = desk.context()
    drafts.info(context, set_id)
    return history.audit(context, set_id, limit=10_000), query


@operation(pages, "GET", "/sets/<set_id>/hits", query=bodies.Days, answer=answers.RuleHits)
def hits(set_id: str, query: Any) -> Any:
    """How often each rule fired, by shop day, the oldest first."""
    context = desk.context()
    drafts.info(context, set_id)
    return {"set_id": set_id, "rules": feedback.hits(context, set_id, query["days"])}


@operation(pages, "GET", "/sets/<set_id>/feedback", query=bodies.Hours, answer=answers.Feedback)
def set_feedback(set_id: str, query: Any) -> Any:
    """Outcomes, orders that no rule decided, rules that never fired, rules that people overrule."""
    context, hours = desk.context(), query["hours"]
    drafts.info(context, set_id)
    found = feedback.outcomes(context, hours).get(set_id)
    return {
        "set_id": set_id,
        "hours": hours,
        "decisions": found.total if found else 0,
        "by_verdict": found.by_verdict if found else {},
        "no_rule_decided": feedback.no_rule_decided(context, set_id, hours),
        "never_hit": feedback.never_hit(context, set_id),
        "overridden": overriding.overridden(context, set_id),
    }


@operation(
    pages, "GET", "/templates", query=bodies.Find,
    answer=schema_of(Template, without=("raw",)), paged=True,
)  # fmt: skip
def every_template(query: Any) -> Any:
    """Ready rules with blanks."""
    return templates.find(desk.context(), query["q"], query["group"]), query


@operation(pages, "GET", "/templates/<template_id>", answer=schema_of(Template, without=("raw",)))
def one_template(template_id: str) -> Any:
    """One ready rule."""
    return templates.template(desk.context(), template_id)
