"""One trace from the request to the call outside, over the job in between; nothing without the package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tidegate.errors import RemoteUnknown
from tidegate.jobs.watching import watched
from tidegate.services.watched_carriers import WatchedCarrier
from tidegate.telemetry.tracing import TRACE, carry, span


@pytest.fixture(scope="module")
def provider() -> TracerProvider:
    made = TracerProvider()
    trace.set_tracer_provider(made)  # once a process
    return made


@pytest.fixture
def spans(provider: TracerProvider) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    yield exporter
    processor.shutdown()


class Silent:
    name = "sandbox"

    def create_waybill(self, request: Any) -> Any:
        raise RemoteUnknown("carrier.no_answer", zh="张三", en="Zhang San 13800002291")


def test_request_job_and_call_are_one_trace(spans: InMemorySpanExporter) -> None:
    with span("POST orders.act"):
        args = carry({"order_id": 7})
    assert set(args) == {"order_id", TRACE}
    with pytest.raises(RemoteUnknown), watched(1, "advance_order", [args], 12):
        WatchedCarrier(Silent()).create_waybill(None)  # type: ignore[arg-type]
    request, call, job = spans.get_finished_spans()
    assert [one.name for one in (request, job, call)] == [
        "POST orders.act", "job advance_order", "carrier create_waybill",
    ]  # fmt: skip
    assert job.parent is not None
    assert call.parent is not None
    assert job.parent.span_id == request.context.span_id
    assert call.parent.span_id == job.context.span_id
    assert len({one.context.trace_id for one in (request, job, call)}) == 1
    assert dict(job.attributes or {}) == {"order_id": 7, "job_id": 12}
    assert call.status.description == "carrier.no_answer"
    told = "".join(one.to_json() for one in (request, job, call))
    assert not any(word in told for word in ("张三", "Zhang", "13800002291"))


def test_without_a_trace_a_job_carries_none() -> None:
    assert carry({"order_id": 7}) == {"order_id": 7}


def test_without_the_package_nothing_happens() -> None:
    probe = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from tidegate.telemetry import tracing\n"
        "with tracing.span('x', {'traceparent': 'y'}, order_id=1):\n"
        "    print(tracing.carry({'a': 1}), tracing.start_traces('http://127.0.0.1:1'))\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "{'a': 1} False" in done.stdout
