"""The figures a process counts itself, in a registry of our own. Labels are codes from short lists, never ids.

Several processes (gunicorn's workers, Celery's) share figures through files in a folder (`shared.py`), which is named
before the first figure is counted, because prometheus-client decides at its import where values live.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
QUICK_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TINY_S = (0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5)
BUDGET_S = 0.05  # what one rule set may take for one order (docs/promises.md)


@dataclass(frozen=True, slots=True)
class Meters:
    """Every figure that code counts; those read from the database are in services/health/figures.py."""

    registry: CollectorRegistry
    requests: Histogram
    job_runs: Counter
    job_seconds: Histogram
    carrier_calls: Counter
    carrier_seconds: Histogram
    decisions: Counter
    evaluation_seconds: Histogram
    evaluation_fallbacks: Counter
    evaluations_over_budget: Counter
    reservations_failed: Counter


@lru_cache(maxsize=1)
def meters() -> Meters:
    """The figures of this process, made when first asked for."""
    # Not at the top: the import fixes whether values live in memory or in shared files.
    from prometheus_client import CollectorRegistry, Counter, Histogram

    registry = CollectorRegistry()
    return Meters(
        registry=registry,
        requests=Histogram(
            "tidegate_request_seconds", "Time to answer a request.",
            ("endpoint", "method", "status"), registry=registry, buckets=QUICK_S,
        ),
        job_runs=Counter(
            "tidegate_job_runs", "Jobs begun and how they ended: begun, done, failed.",
            ("kind", "outcome"), registry=registry,
        ),
        job_seconds=Histogram(
            "tidegate_job_seconds", "Time one run of a job or batch took.",
            ("kind",), registry=registry, buckets=QUICK_S,
        ),
        carrier_calls=Counter(
            "tidegate_carrier_calls",
            "Calls to carriers by outcome: confirmed, refused, retry, unknown, broken.",
            ("connector", "call", "outcome"), registry=registry,
        ),
        carrier_seconds=Histogram(
            "tidegate_carrier_seconds", "Time a carrier took to answer.",
            ("connector", "call"), registry=registry, buckets=QUICK_S,
        ),
        decisions=Counter(
            "tidegate_decisions", "Answers of the gates.", ("gate", "outcome"), registry=registry,
        ),
        evaluation_seconds=Histogram(
            "tidegate_rule_evaluation_seconds", "Time a rule set took for one subject.",
            ("gate",), registry=registry, buckets=TINY_S,
        ),
        evaluation_fallbacks=Counter(
            "tidegate_rule_fallbacks", "Decisions left to the reference evaluator.",
            ("gate",), registry=registry,
        ),
        evaluations_over_budget=Counter(
            "tidegate_rule_over_budget", f"Evaluations that took more than {BUDGET_S * 1000:g} ms.",
            ("gate",), registry=registry,
        ),
        reservations_failed=Counter(
            "tidegate_reservations_failed", "Orders for which stock could not be reserved.",
            (), registry=registry,
        ),
    )  # fmt: skip
