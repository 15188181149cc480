"""/api/v1: check, test and try a set; nothing here touches an order."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint

from tidegate.errors import InputError
from tidegate.services.workshop import checking, testing, trying
from tidegate.services.workshop.checking import CheckReport
from tidegate.services.workshop.testing import Mutants, TestsPage
from tidegate.services.workshop.trying import Subject
from tidegate_web import desk
from tidegate_web.api import answers, bodies, trial_answers
from tidegate_web.api.operations import operation
from tidegate_web.api.shapes import schema_of

pages = Blueprint("api_trials", __name__, url_prefix="/api/v1")


@operation(pages, "GET", "/sets/<set_id>/check", answer=schema_of(CheckReport))
def check(set_id: str) -> Any:
    """Check a set: what can never fire, conflicts, gaps, each with an order that shows it."""
    return checking.findings(desk.context(), set_id)


@operation(pages, "POST", "/sets/<set_id>/check/accept", body=bodies.Accept, status=204)
def accept(set_id: str, body: Any) -> Any:
    """Accept a finding with a reason."""
    checking.accept(desk.context(), set_id, body["key"], body["reason"], desk.actor())


@operation(pages, "GET", "/sets/<set_id>/tests", answer=schema_of(TestsPage))
def tests(set_id: str) -> Any:
    """Run every test of a set; what they cover."""
    return testing.tests_page(desk.context(), set_id)


@operation(pages, "GET", "/sets/<set_id>/tests/proposed", answer=answers.ProposedTests)
def proposed(set_id: str) -> Any:
    """Tests that the rules themselves ask for."""
    return {"items": testing.proposed(desk.context(), set_id)}


@operation(pages, "GET", "/sets/<set_id>/tests/mutants", answer=schema_of(Mutants), errors=[409])
def mutants(set_id: str) -> Any:
    """Changes of one threshold or operator that no test would notice."""
    return testing.survivors(desk.context(), set_id)


@operation(pages, "POST", "/sets/<set_id>/try", body=bodies.Try, answer=trial_answers.Tried)
def try_set(set_id: str, body: Any) -> Any:
    """Try a set on an order, a saved test or facts.

    `live` is what decides now, where it says something else. Personal values are masked.
    """
    found = trying.run(desk.context(), set_id, _subject(set_id, body), _rule(body))
    return {"subject": found.subject, "decision": found.view, "live": found.live,
            "unsaved": found.unsaved}  # fmt: skip


@operation(
    pages, "POST", "/sets/<set_id>/explain", body=bodies.Explain, answer=trial_answers.Explained
)
def explain(set_id: str, body: Any) -> Any:
    """The smallest changes that would give the wanted action."""
    return trying.ways(desk.context(), set_id, _subject(set_id, body), body["want"], _rule(body))


def _subject(set_id: str, body: dict[str, Any]) -> Subject:
    context = desk.context()
    given = [name for name in ("order", "test", "facts") if name in body]
    if len(given) != 1:
        raise InputError(
            "api.one_subject",
            zh="order、test、facts 三个里给一个。",
            en="Give one of order, test and facts.",
            field=given[-1] if given else "facts",
        )
    if "order" in body:
        return trying.order_subject(context, set_id, body["order"])
    if "test" in body:
        return trying.case_subject(context, set_id, body["test"])
    text = json.dumps(body["facts"], ensure_ascii=False, default=str)
    return trying.hand_subject(context, set_id, {}, text)


def _rule(body: dict[str, Any]) -> str:
    return json.dumps(body["rule"], ensure_ascii=False, default=str) if "rule" in body else ""
