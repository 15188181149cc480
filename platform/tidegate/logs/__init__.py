"""Structured logs: one line an event, ids and codes only; JSON for servers, readable lines at a terminal."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog

from tidegate.logs.redaction import redact
from tidegate.logs.tracebacks import plain_traceback

OTHERS = logging.WARNING  # what libraries say below this is not ours to keep


def configure_logs(level: str = "INFO", style: str = "json") -> None:
    """Send log events to stderr from `level` on; `style` is json or pretty.

    Everything, also what libraries log, goes through the same redaction. Tracebacks name files and lines, never
    messages or local variables: those hold names, phones and addresses.
    """
    least = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    render = (
        _pretty() if style == "pretty" else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        plain_traceback,
        redact,
    ]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _take_over_libraries(shared, render)


class LibraryHandler(logging.StreamHandler[TextIO]):
    """Writes what libraries log, in our shape, to whatever stderr is at the moment."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _value: TextIO) -> None:
        pass


def _take_over_libraries(shared: list[Any], render: Any) -> None:
    root = logging.getLogger()
    for old in [found for found in root.handlers if isinstance(found, LibraryHandler)]:
        root.removeHandler(old)
    handler = LibraryHandler()
    handler.setLevel(OTHERS)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *shared,
                render,
            ],
        )
    )
    root.addHandler(handler)


def _pretty() -> Any:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
