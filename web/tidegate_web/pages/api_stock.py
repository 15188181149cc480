"""/api/v1/stock: counts and changes told by a warehouse or an ERP."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import Schema
from marshmallow import fields as m
from marshmallow import validate as v

from tidegate.services.stock_sync import MOST, MOST_UNITS, StockLevel, Told, sync_stock
from tidegate_web import desk
from tidegate_web.api.operations import operation
from tidegate_web.api.shapes import schema_of

pages = Blueprint("api_stock", __name__, url_prefix="/api/v1")


class Level(Schema):
    """One SKU in one warehouse: `on_hand`, a count, or `change`, units more or fewer; one of the two."""

    sku = m.String(required=True, validate=v.Length(min=1, max=80))
    warehouse = m.String(required=True, validate=v.Length(min=1, max=40))
    on_hand = m.Integer(strict=True, validate=v.Range(min=0, max=MOST_UNITS))
    change = m.Integer(strict=True, validate=v.Range(min=-MOST_UNITS, max=MOST_UNITS))


class Levels(Schema):
    """`reference` names this message: told again under it, nothing changes."""

    reference = m.String(validate=v.Length(min=1, max=80), allow_none=True, load_default=None)
    levels = m.List(m.Nested(Level), required=True, validate=v.Length(min=1, max=MOST))


class Synced(Schema):
    levels = m.List(m.Nested(schema_of(StockLevel)), required=True)


@operation(pages, "POST", "/stock/sync", body=Levels, answer=Synced, errors=[404])
def sync(body: Any) -> Any:
    """Take stock over, all levels or none.

    What is promised stays promised: when fewer units are there than are reserved, `missing` says how many.
    """
    told = [Told(**level) for level in body["levels"]]
    source = desk.actor()
    return {"levels": sync_stock(desk.context(), told, source=source, reference=body["reference"])}
