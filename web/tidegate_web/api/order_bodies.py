"""Orders as programs send them, and what they are told."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, pre_load, validate
from marshmallow import fields as m

from tidegate.sdk.quick_orders import quick_order
from tidegate.sdk.schemas import WORKED_OUT, group_schema, order_of
from tidegate_web import desk
from tidegate_web.api.bodies import document

MOST_ORDERS = 1_000
MOST_LINES = 5_000


class Order(Schema):
    """The unified order, as `orders show --json` prints it. Amounts are text, `12.50 CNY`; instants have a zone."""

    order = m.Nested(group_schema("order"), required=True)
    payment = m.Nested(group_schema("payment"), allow_none=True)
    recipient = m.Nested(group_schema("recipient"), allow_none=True)
    items = m.List(m.Nested(group_schema("item")), validate=validate.Length(max=MOST_LINES))
    extra = m.Dict(keys=m.String(), values=m.Raw(allow_none=True))

    def load(self, data: Any, **more: Any) -> Any:
        """`{"draft": …}`, so that nobody reads the document twice."""
        currency = desk.context().currency
        draft = quick_order(data, channel="", shop="", currency=currency)
        if draft is None:
            loaded = super().load(data, **more)
            draft = order_of(loaded, channel="", shop="", currency=currency)
        return {"draft": draft}

    @pre_load
    def _drop_worked_out(self, data: Any, **_: Any) -> Any:
        """What Tidegate adds on the way out may come back in."""
        if not isinstance(data, dict) or WORKED_OUT.isdisjoint(data):
            return data
        return {key: value for key, value in data.items() if key not in WORKED_OUT}


class Orders(Schema):
    """Up to a thousand orders, each as in `POST /orders`."""

    orders = m.List(document(), required=True, validate=validate.Length(min=1, max=MOST_ORDERS))


class OrderIssue(Schema):
    field = m.String(required=True)
    code = m.String(required=True)


class TakenOrder(Schema):
    """`outcome`: created, updated, unchanged. `issues` are things a person will be shown."""

    order_id = m.Integer(required=True)
    number = m.String(required=True)
    outcome = m.String(required=True)
    issues = m.List(m.Nested(OrderIssue), required=True)


class TakenRow(TakenOrder):
    """`row` counts from 1."""

    row = m.Integer(required=True)


class RefusedRow(Schema):
    row = m.Integer(required=True)
    pointer = m.String(required=True)
    code = m.String(required=True)
    detail = m.String(required=True)


class TakenOrders(Schema):
    """read = accepted + rejected."""

    read = m.Integer(required=True)
    accepted = m.Integer(required=True)
    created = m.Integer(required=True)
    updated = m.Integer(required=True)
    unchanged = m.Integer(required=True)
    orders = m.List(m.Nested(TakenRow), required=True)
    rejected = m.List(m.Nested(RefusedRow), required=True)
