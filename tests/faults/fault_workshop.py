"""Somebody at the workshop: every step may be repeated after a crash."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import fault_merchant
from sqlalchemy import func, select

from tidegate.jobs.runner import drain
from tidegate.services.context import Context
from tidegate.services.intake import import_orders
from tidegate.services.workshop import drafts, lifecycle, simulating
from tidegate.store.simulation_tables import Simulation, SimulationChange
from tidegate.store.workshop_tables import RuleVersion

SET = "review"


def play(context: Context, times: list[datetime]) -> dict[str, Any]:
    """Publish a change of the set, if nobody did; then a second change is simulated until one run is done."""
    fault_merchant.expire_leases(context)
    import_orders(context, fault_merchant.drafts(1, 1, times[0]), source="faults")
    if not kept(context)["versions"]:
        draft = drafts.start(context, SET, "li")
        saved = drafts.save_head(context, SET, draft.version, {"note": "first"}, "li")
        lifecycle.publish(context, SET, saved.version, "li", note="first")
    draft = drafts.start(context, SET, "li")
    drafts.save_head(context, SET, draft.version, {"note": "second"}, "li")
    if not kept(context)["simulations"]:
        simulating.start(context, SET, simulating.Request(), "li")
    for _ in range(8):
        drain(context)
        times[0] += timedelta(minutes=4)
    return {}


def kept(context: Context) -> dict[str, Any]:
    """Versions, the note of the draft, states of simulations, and changes of runs that did not end well."""
    draft = drafts.draft_of(context, SET)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        left = select(func.count()).select_from(SimulationChange).join(
            Simulation, Simulation.id == SimulationChange.simulation_id
        ).where(Simulation.state != "done")  # fmt: skip
        return {
            "versions": list(work.session.scalars(select(RuleVersion.number))),
            "note": draft.ruleset.note if draft else None,
            "simulations": list(work.session.scalars(select(Simulation.state))),
            "left": work.session.scalar(left),
        }  # fmt: skip
