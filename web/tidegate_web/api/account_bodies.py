"""What programs send about accounts."""

from __future__ import annotations

from marshmallow import Schema, validate
from marshmallow import fields as m


class Reason(Schema):
    reason = m.String(required=True, validate=validate.Length(min=1, max=200))


class Since(Schema):
    since = m.AwareDateTime(required=True)


class OfTask(Schema):
    task = m.String(load_default="", validate=validate.Length(max=20))


class OfKind(Schema):
    q = m.String(load_default="", validate=validate.Length(max=80))
    kind = m.String(load_default="", validate=validate.Length(max=20))


class NewMapping(Schema):
    base = m.Integer(required=True, strict=True, validate=validate.Range(0, 2**31 - 1))
    overlay = m.Dict(keys=m.String(), required=True)


class TriedMapping(Schema):
    overlay = m.Dict(keys=m.String(), required=True)
