"""Traces: request → job → call to the outside. Without the package `opentelemetry` (extra `otel`) all of it is nothing.

A job carries the trace of the request that made it under TRACE in its arguments, in the form of W3C traceparent.
Spans carry names and ids, never what was sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import structlog

try:
    from opentelemetry import propagate, trace
except ImportError:  # the extra is not installed
    propagate = None  # type: ignore[assignment]
    trace = None  # type: ignore[assignment]

TRACE = "_trace"
log = structlog.get_logger()


@contextmanager
def span(
    name: str, carried: Mapping[str, Any] | None = None, **attributes: str | int
) -> Iterator[None]:
    """Time what happens inside; `carried` is what `carry` gave, so that a job continues the trace of its request."""
    if trace is None:
        yield
        return
    parent = propagate.extract(dict(carried)) if carried else None
    tracer = trace.get_tracer("tidegate")
    # Messages of exceptions may be personal: the kind is told, not the words.
    with tracer.start_as_current_span(
        name,
        context=parent,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except Exception as error:
            current.set_status(
                trace.StatusCode.ERROR, getattr(error, "code", None) or type(error).__name__
            )
            raise


def carry(args: Mapping[str, object]) -> dict[str, object]:
    """A job's arguments with the trace under way; as they are when there is none."""
    if trace is None or not trace.get_current_span().get_span_context().is_valid:
        return dict(args)
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return {**args, TRACE: carrier} if carrier else dict(args)


def start_traces(endpoint: str, service: str = "tidegate") -> bool:
    """Send spans to an OTLP collector at `endpoint` (http/protobuf); False without the extra."""
    parts = _exporter()
    if parts is None:
        log.warning("traces.not_installed", extra="otel")
        return False
    sdk, export, resources, otlp = parts
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": service}))
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    return True


def _exporter() -> tuple[ModuleType, ModuleType, ModuleType, ModuleType] | None:
    try:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter
        from opentelemetry.sdk import resources
        from opentelemetry.sdk import trace as sdk
        from opentelemetry.sdk.trace import export
    except ImportError:
        return None
    return sdk, export, resources, trace_exporter
