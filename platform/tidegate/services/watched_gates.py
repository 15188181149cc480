"""Every answer of a gate is counted and timed, and what took too long is counted apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from tidegate.telemetry.meters import BUDGET_S, meters


@dataclass(slots=True)
class Judged:
    """How the question ended; `failed` unless somebody says better."""

    outcome: str = "failed"


@contextmanager
def timed(gate: str) -> Iterator[Judged]:
    """Around the evaluation of one set for one subject."""
    judged, started = Judged(), perf_counter()
    try:
        yield judged
    finally:
        took, found = perf_counter() - started, meters()
        found.evaluation_seconds.labels(gate).observe(took)
        found.decisions.labels(gate, judged.outcome).inc()
        if took > BUDGET_S:
            found.evaluations_over_budget.labels(gate).inc()
