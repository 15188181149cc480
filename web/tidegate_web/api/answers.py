"""Answers that have no dataclass of their own."""

from __future__ import annotations

from marshmallow import Schema
from marshmallow import fields as m

from tidegate.services.syncing.previews import PreviewOrder
from tidegate.services.workshop.feedback import Hits
from tidegate.services.workshop.overriding import Overridden
from tidegate.services.workshop.testing import Proposed
from tidegate_web.api.shapes import schema_of


class Yaml(Schema):
    """A file; see the media type."""


class RuleHits(Schema):
    set_id = m.String(required=True)
    rules = m.Dict(keys=m.String(), values=m.Nested(schema_of(Hits)), required=True)


class Feedback(Schema):
    set_id = m.String(required=True)
    hours = m.Integer(required=True)
    decisions = m.Integer(required=True)
    by_verdict = m.Dict(keys=m.String(), values=m.Integer(), required=True)
    no_rule_decided = m.Integer(required=True)
    never_hit = m.List(m.String(), required=True)
    overridden = m.List(m.Nested(schema_of(Overridden)), required=True)


class Rule(Schema):
    document = m.Dict(keys=m.String(), required=True)


class ProposedTests(Schema):
    items = m.List(m.Nested(schema_of(Proposed)), required=True)


class Made(Schema):
    """Where a change of a draft went."""

    set_id = m.String(required=True)
    rule_id = m.String(required=True)
    version = m.Integer(required=True)


class Started(Schema):
    id = m.Integer(required=True)


class Applied(Schema):
    asked_again = m.Integer(required=True)


class NewSecret(Schema):
    """Of an endpoint or an address; no other answer shows the secret."""

    id = m.Integer(required=True)
    secret = m.String(required=True)


class Connector(Schema):
    id = m.String(required=True)
    kinds = m.List(m.String(), required=True)
    title = m.Dict(keys=m.String(), values=m.String(), required=True)
    about = m.Dict(keys=m.String(), values=m.String(), required=True)
    verified = m.String(required=True)
    capabilities = m.List(m.String(), required=True)


class Asked(Schema):
    tasks = m.List(m.String(), required=True)


class Checked(Schema):
    asked = m.Boolean(required=True)
    who = m.String(required=True)
    code = m.String(required=True)


class Previewed(Schema):
    orders = m.List(m.Nested(schema_of(PreviewOrder)), required=True)
