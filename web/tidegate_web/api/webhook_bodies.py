"""What programs send about webhooks."""

from __future__ import annotations

from marshmallow import Schema, validate
from marshmallow import fields as m

from tidegate.services.webhooks.catalogue import KINDS
from tidegate_web.api.bodies import Flag


class NewEndpoint(Schema):
    name = m.String(required=True, validate=validate.Length(min=1, max=80))
    url = m.String(required=True, validate=validate.Length(min=1, max=500))
    events = m.List(
        m.String(validate=validate.OneOf(list(KINDS))),
        required=True,
        validate=validate.Length(min=1, max=len(KINDS)),
    )
    personal = Flag(load_default=False)


class NewAddress(Schema):
    connector = m.String(required=True, validate=validate.Length(min=1, max=40))
    name = m.String(required=True, validate=validate.Length(min=1, max=80))
    secret = m.String(load_default="", validate=validate.Length(max=200))
    secret_account = m.String(load_default="", validate=validate.Length(max=120))


class InState(Schema):
    state = m.String(
        load_default="",
        validate=validate.OneOf(
            ["", "waiting", "delivered", "dead", "dropped", "done", "ignored", "failed"]
        ),
    )
