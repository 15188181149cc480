"""Answers of simulations."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema
from marshmallow import fields as m

from tidegate.services.view_decisions import DecisionView
from tidegate.services.workshop.simulating import Summary
from tidegate.services.workshop.simulation_shapes import (
    ChangeLine,
    Freight,
    LaneLine,
    RuleLine,
    RunLine,
    RunView,
)
from tidegate_web.api.shapes import schema_of


class Progress(Schema):
    set_id = m.String(required=True)
    run = m.Nested(schema_of(RunLine), required=True)
    error = m.Dict(keys=m.String(), values=m.String(), required=True, allow_none=True)


class Moved(Schema):
    before = m.String(required=True)
    after = m.String(required=True)
    subjects = m.Integer(required=True)
    changed = m.Integer(required=True)


class Result(Schema):
    """`outcomes` is the matrix: how many went from one outcome to another."""

    set_id = m.String(required=True)
    summary = m.Nested(schema_of(Summary), required=True)
    outcomes = m.List(m.Nested(Moved), required=True)
    freight = m.List(m.Nested(schema_of(Freight)), required=True)
    rules = m.List(m.Nested(schema_of(RuleLine)), required=True)
    lanes = m.List(m.Nested(schema_of(LaneLine)), required=True)
    dearest = m.List(m.Nested(schema_of(ChangeLine)), required=True)


class Changes(Schema):
    lines = m.List(m.Nested(schema_of(ChangeLine)), required=True)
    total = m.Integer(required=True)
    page = m.Integer(required=True)
    pages = m.Integer(required=True)


class Traced(Schema):
    """Why an order came out differently; `before` or `after` is null where that version can't judge it, both
    where its facts are gone.
    """

    line = m.Nested(schema_of(ChangeLine), required=True)
    before = m.Nested(schema_of(DecisionView), required=True, allow_none=True)
    after = m.Nested(schema_of(DecisionView), required=True, allow_none=True)
    gone = m.Boolean(required=True)


def told(found: RunView) -> dict[str, Any]:
    """The parts of a run that programs get."""
    rows = found.matrix.rows if found.matrix else ()
    return {
        "set_id": found.info.set_id,
        "summary": found.summary,
        "outcomes": [
            {"before": before.key, "after": cell.after, "subjects": cell.n, "changed": cell.changed}
            for before, cells, _ in rows
            for cell in cells
            if cell.n
        ],
        "freight": found.freight,
        "rules": found.rules,
        "lanes": found.lanes,
        "dearest": found.dearest,
    }
