"""All figures as Prometheus reads them: those counted in processes and those read from the database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

from tidegate.services.context import Context
from tidegate.services.health.figures import read_figures
from tidegate.telemetry.meters import FOLDER, meters
from tidegate.telemetry.shared import read_shared

KEPT_S = 5.0  # two scrapers ask the database once


class Exposition:
    """The text of /metrics; the database's part is kept for some seconds."""

    def __init__(self, context: Context, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._monotonic = monotonic
        self._lock = Lock()
        self._read: tuple[float, list[Any]] | None = None

    def text(self) -> tuple[bytes, str]:
        """(body, content type)."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)  # `collect` is all that is asked of it
        own = read_shared() if FOLDER in os.environ else generate_latest(meters().registry)
        return own + generate_latest(registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Any]:
        with self._lock:
            now = self._monotonic()
            if self._read is None or now - self._read[0] >= KEPT_S:
                self._read = (now, list(_families(self._context, kept=True)))
            found = self._read[1]
        yield from found
        yield from _families(self._context, kept=False)

    def describe(self) -> Iterator[Any]:
        """Nothing: registering must not read the database."""
        return iter(())


def _families(context: Context, *, kept: bool) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily  # see telemetry.meters

    for figure, samples in read_figures(context, kept=kept):
        family = GaugeMetricFamily(figure.name, figure.said, labels=figure.labels)
        for labels, value in samples:
            family.add_metric(labels, value)
        yield family
