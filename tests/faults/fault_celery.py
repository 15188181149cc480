"""A Celery worker as `tidegate worker` is one, with the carriers and shops of the fault server."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from fault_client import FaultCarrier, FaultShop

from tidegate.bootstrap import open_context
from tidegate.jobs import celery_app
from tidegate.services.context import Context
from tidegate.services.job_kinds import QUEUES
from tidegate.settings import Settings


def opened(settings: Settings, **how: Any) -> Context:
    """The context of a child: everything as it is, connected with the fault server."""
    remote = (os.environ["FAULT_URL"], os.environ["FAULT_CASE"], os.environ["FAULT_CLASS"], 1.0)
    context = open_context(settings, carriers={}, **how)
    carriers = {"sandbox": FaultCarrier(*remote)}
    return replace(context, carriers=carriers, shops={1: FaultShop(*remote)})


if __name__ == "__main__":
    celery_app.open_context = opened
    celery_app.work(
        Settings.from_environment(None), processes=2, queues=tuple(QUEUES),
        ready=lambda: print("ready", flush=True),
    )  # fmt: skip
