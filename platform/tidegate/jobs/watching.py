"""Every run of a job is counted, timed, traced, and its ids stand in each log line written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import structlog

from tidegate.telemetry.meters import meters
from tidegate.telemetry.tracing import TRACE, span

BOUND = ("order_id", "parcel_id", "effect_id", "simulation_id")  # of a job's arguments: ids only


@contextmanager
def watched(
    tenant_id: int, name: str, args: Sequence[Mapping[str, Any]], job_id: int | None = None
) -> Iterator[None]:
    """Around one run of a job, or of several of one name (`args` of each)."""
    first = args[0] if args else {}
    told = {key: first[key] for key in BOUND if len(args) == 1 and isinstance(first.get(key), int)}
    if job_id is not None:
        told["job_id"] = job_id
    figures, started, outcome = meters(), perf_counter(), "failed"
    figures.job_runs.labels(name, "begun").inc(len(args))
    with structlog.contextvars.bound_contextvars(tenant_id=tenant_id, job=name, **told):
        try:
            with span(f"job {name}", first.get(TRACE), **told):
                yield
            outcome = "done"
        finally:
            figures.job_runs.labels(name, outcome).inc(len(args))
            figures.job_seconds.labels(name).observe(perf_counter() - started)
