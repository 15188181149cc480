"""Who runs the jobs of a benchmark: the runner that `tidegate run` has, or a relay and three Celery workers.

As a program it is one of the latter, by its first argument: what `tidegate relay` and `tidegate worker` run, but for
the carriers, which are sandbox carriers at the addresses of BENCH_CARRIERS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tidegate.bootstrap import connector, open_context, sandbox_secret
from tidegate.jobs import celery_app
from tidegate.jobs import relay as relay_jobs
from tidegate.jobs.runner import Runner
from tidegate.sdk.carrier import Carrier
from tidegate.services.context import Context
from tidegate.services.job_kinds import QUEUES
from tidegate.settings import Settings

WORKERS = 3


def sandbox_carriers(settings: Settings, addresses: Mapping[str, str]) -> dict[str, Carrier]:
    """Sandbox carriers by the names of their accounts."""
    make, secret = connector("sandbox").load().make_carrier, sandbox_secret(settings)
    return {name: make({"url": url, "secret": secret}) for name, url in addresses.items()}


@contextmanager
def at_work(
    context: Context, settings: Settings, addresses: Mapping[str, str], *, scaled: bool
) -> Iterator[None]:
    """Jobs are run while the block lasts."""
    if scaled:
        with _processes(settings, addresses):
            yield
        return
    runner = Runner(context)
    runner.start()
    try:
        yield
    finally:
        runner.stop()


@contextmanager
def _processes(settings: Settings, addresses: Mapping[str, str]) -> Iterator[None]:
    environment = {
        **os.environ, "TIDEGATE_DATABASE_URL": settings.database_url,
        "TIDEGATE_REDIS_URL": settings.redis_url or "", "TIDEGATE_LOG_LEVEL": "CRITICAL",
        "TIDEGATE_DATA_DIR": str(settings.data_dir), "BENCH_CARRIERS": json.dumps(addresses),
    }  # fmt: skip
    parts = [
        subprocess.Popen(
            [sys.executable, __file__, role], env=environment, start_new_session=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        for role in ("relay", *["worker"] * WORKERS)
    ]  # fmt: skip
    try:
        for part in parts:
            assert part.stdout is not None
            if part.stdout.readline().strip() != "ready":
                raise SystemExit("a relay or worker did not come up")
        yield
    finally:
        for part in parts:
            part.terminate()
        for part in parts:
            part.wait(60)
            assert part.stdout is not None
            part.stdout.close()


# one of the processes


def opened(settings: Settings, **how: Any) -> Context:
    addresses = json.loads(os.environ["BENCH_CARRIERS"])
    return open_context(settings, carriers=sandbox_carriers(settings, addresses), **how)


def worker(settings: Settings) -> None:
    celery_app.open_context = opened
    celery_app.work(settings, processes=1, queues=tuple(QUEUES), ready=_ready)


def relay(settings: Settings) -> None:
    context = opened(settings, migrate=False)
    messenger = celery_app.Messenger(settings)
    relay_jobs.work(context, messenger, lease_s=settings.lease_s, ready=_ready)


def _ready() -> None:
    print("ready", flush=True)


if __name__ == "__main__":
    {"relay": relay, "worker": worker}[sys.argv[1]](Settings.from_environment(None))
