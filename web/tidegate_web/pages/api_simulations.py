"""/api/v1: simulations of a draft on past orders, in the background."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tidegate.services.workshop import simulating, simulation_view
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
    """Start a simulation of the draft against the live or an older version on the shop's past orders."""
    wanted = simulating.Request(
        against=body["against"], days=body["days"], channels=tuple(body["channels"]),
        sample=body["sample"], in_order=body["in_order"],
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


@operation(pages, "POST", "/simulations/<int:simulation_id>/cancel", status=204, errors=[409])
def cancel(simulation_id: int) -> Any:
    """Stop a simulation."""
    simulating.cancel(desk.context(), simulation_id)
