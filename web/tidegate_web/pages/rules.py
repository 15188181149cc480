"""/rules: the rule sets that decide, read-only: sentences, parameters and their tests."""

from __future__ import annotations

from flask import Blueprint, Response

from tidegate.services.view_rules import rule_sets
from tidegate_web import desk
from tidegate_web.fragments import page
from tidegate_web.language import lang

pages = Blueprint("rules", __name__)


@pages.get("/rules")
def show() -> Response:
    context = desk.context()
    problems = [error.text(lang()) for error in context.rules.problems]
    return page("rules", sets=rule_sets(context), problems=problems)
