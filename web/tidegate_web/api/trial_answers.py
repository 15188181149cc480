"""Answers of trying a set: decisions as people read them, personal values masked."""

from __future__ import annotations

from marshmallow import Schema
from marshmallow import fields as m

from tidegate.services.view_decisions import DecisionView
from tidegate_web.api.shapes import Free, schema_of


class TriedSubject(Schema):
    kind = m.String(required=True)
    name = m.String(required=True)
    at = m.AwareDateTime(required=True)
    order_id = m.Integer(required=True, allow_none=True)
    rebuilt = m.Boolean(required=True)


class Tried(Schema):
    subject = m.Nested(TriedSubject, required=True)
    decision = m.Nested(schema_of(DecisionView), required=True)
    live = m.Nested(schema_of(DecisionView), required=True, allow_none=True)
    unsaved = Free(required=True, allow_none=True)


class Way(Schema):
    sentence = m.Dict(keys=m.String(), values=m.String(), required=True)


class Explained(Schema):
    """`holds`: it comes out already. `complete`: there are no others."""

    want = m.String(required=True)
    holds = m.Boolean(required=True)
    total = m.Integer(required=True)
    complete = m.Boolean(required=True)
    ways = m.List(m.Nested(Way), required=True)


class Decisions(Schema):
    order_id = m.Integer(required=True)
    decisions = m.List(m.Nested(schema_of(DecisionView)), required=True)
