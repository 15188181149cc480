"""/api/v1/orders/<order>/decisions: what the rules said about an order, and why."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tidegate.services.view_order import order_view
from tidegate_web import desk
from tidegate_web.api import trial_answers
from tidegate_web.api.operations import operation

pages = Blueprint("api_orders", __name__, url_prefix="/api/v1")


@operation(pages, "GET", "/orders/<int:order_id>/decisions", answer=trial_answers.Decisions)
def decisions(order_id: int) -> Any:
    """Every decision about an order, rule by rule. Personal values are masked."""
    found = order_view(desk.context(), order_id)
    return {"order_id": order_id, "decisions": found.decisions}
