"""/api/v1: simulations of a draft on past orders, in the background."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint

from tidegate.errors import InputError
from tidegate.services.workshop import simulating, simulation_traces, simulation_view
from tidegate.services.workshop.simulation_shapes import RunLine
from tidegate_web import desk
from tidegate_web.api import answers, bodies, simulation_answers
from tidegate_web.api.operations import Answer, operation
from tidegate_web.api.shapes import schema_of

pages = Blueprint("api_simulations", __name__, url_prefix="/api/v1")


@operation(pages, "GET", "/sets/<set_id>/simulations", answer=schema_of(RunLine), paged=True)
def runs(set_id: str, query: Any) -> Any:
    """Simulations of a set, the newest first."""
    return simulation_view.form(desk.context(), set_id).runs, query


@operation(
    pages, "POST", "/sets/<set_id>/simulations", body=bodies.Simulate, status=202,
    answer=answers.Started,
)  # fmt: skip
def start(set_id: str, body: Any) -> Any:
    """Start a simulation of the draft against the live or an older version, on past orders or a file of orders."""
    minutes = simulating.MINUTES if body["minutes"] is None else Decimal(str(body["minutes"]))
    wanted = simulating.Request(
        against=body["against"], days=body["days"], channels=tuple(body["channels"]),
        sample=body["sample"], in_order=body["in_order"], minutes=minutes,
        capacity=body["capacity"], upload=_file(body["file"]),
    )  # fmt: skip
    made = simulating.start(desk.context(), set_id, wanted, desk.actor())
    return Answer({"id": made}, headers={"Location": f"/api/v1/simulations/{made}"})


@operation(pages, "GET", "/simulations/<int:simulation_id>", answer=simulation_answers.Progress)
def progress(simulation_id: int) -> Any:
    """How far a simulation is."""
    found = simulation_view.opened(desk.context(), simulation_id)
    return {"set_id": found.info.set_id, "run": found.line, "error": found.error}


@operation(
    pages, "GET", "/simulations/<int:simulation_id>/result", answer=simulation_answers.Result
)
def result(simulation_id: int) -> Any:
    """What a finished simulation found: outcomes from and to, freight, lanes, rules that made the difference."""
    found = simulation_view.opened(desk.context(), simulation_id)
    if found.summary is None:
        raise simulating.unknown(simulation_id)
    return simulation_answers.told(found)


@operation(
    pages, "GET", "/simulations/<int:simulation_id>/changes", query=bodies.Changed,
    answer=simulation_answers.Changes,
)  # fmt: skip
def changes(simulation_id: int, query: Any) -> Any:
    """Orders that come out differently, of a cell of the matrix or of a rule."""
    return simulation_view.cell(desk.context(), simulation_id, **query)


@operation(
    pages, "GET", "/simulations/<int:simulation_id>/changes/<int:change_id>",
    answer=simulation_answers.Traced,
)  # fmt: skip
def change(simulation_id: int, change_id: int) -> Any:
    """Why an order comes out differently: both versions, rule by rule."""
    return simulation_traces.traces(desk.context(), simulation_id, change_id)


@operation(pages, "POST", "/simulations/<int:simulation_id>/cancel", status=204, errors=[409])
def cancel(simulation_id: int) -> Any:
    """Stop a simulation."""
    simulating.cancel(desk.context(), simulation_id)


def _file(given: Mapping[str, Any] | None) -> simulating.Upload | None:
    if given is None:
        return None
    try:
        content = base64.b64decode(given["content"], validate=True)
    except ValueError:  # letters that base64 has not, or half a group
        raise InputError(
            "simulation.not_base64",
            zh="file.content 要用 base64 写。",
            en="file.content must be base64.",
            field="file",
        ) from None
    return simulating.Upload(given["name"], content, given["mapping"])
