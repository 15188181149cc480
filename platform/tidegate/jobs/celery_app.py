"""Celery as a messenger: it carries ids of jobs that are due, nothing else. The only module that knows it.

Whatever Redis loses, repeats or delivers late, the job table decides (docs/decisions/0003). So nothing that
guards work in a broker is used: no late acknowledgement, no result, no ETA, no retry, no beat.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from multiprocessing import process
from typing import Any

from tidegate.bootstrap import open_context
from tidegate.errors import ConfigError
from tidegate.jobs import rescue, table
from tidegate.jobs.leases import Leases
from tidegate.jobs.pace import Key, Pace
from tidegate.jobs.rows import Claimed
from tidegate.jobs.runner import BATCH
from tidegate.jobs.running import run
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.job_kinds import kind_of
from tidegate.settings import Settings
from tidegate.store.unit_of_work import Store, open_engine
from tidegate.telemetry.shared import forget_the_dead

TASK = "tidegate.run_jobs"
PREFIX = "tidegate."
LANE_S = 20.0  # a child stays with one lane for so long, then others have their turn
HARD_LIMIT_S = 900  # ends a child that hangs; its leases end, and another takes its jobs
REPORT_LIMIT_S = 5 * 3600
SETTINGS: dict[str, Any] = {
    "task_ignore_result": True,
    "task_acks_late": False,
    "task_reject_on_worker_lost": False,
    "task_store_errors_even_if_ignored": False,
    "worker_prefetch_multiplier": 1,
    "worker_max_tasks_per_child": 5000,
    "worker_max_memory_per_child": 800_000,  # KiB
    "worker_soft_shutdown_timeout": 20,
    "worker_redirect_stdouts": False,
    "worker_hijack_root_logger": False,
    "worker_send_task_events": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": True,
    },
    "accept_content": ["json"],
    "task_serializer": "json",
    "timezone": "UTC",
}


def make_app(settings: Settings) -> Any:
    """The Celery application of this installation, with its one task.

    Raises:
        ConfigError: no Redis is named, or Celery is not installed.
    """
    if settings.redis_url is None:
        raise ConfigError(
            "scale.no_redis",
            zh="还没有设置 TIDEGATE_REDIS_URL；单机用 tidegate run，不需要 Redis。",
            en="TIDEGATE_REDIS_URL is not set; on one machine use tidegate run, which needs no Redis.",
        )
    try:
        from celery import Celery  # an extra: embedded installations do without
    except ImportError as error:
        raise ConfigError(
            "scale.no_celery",
            zh="没有安装 Celery；请运行 pip install 'tidegate[scale]'。",
            en="Celery is not installed; run pip install 'tidegate[scale]'.",
        ) from error
    app = Celery("tidegate", broker=settings.redis_url)
    app.conf.update(SETTINGS)
    app.conf.task_default_queue = PREFIX + "orders"
    return app


def add_task(app: Any, settings: Settings) -> None:
    """Let the processes of this worker run jobs; each opens a platform of its own when it is born."""
    from celery import signals

    child = Child(settings)

    @app.task(name=TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
    def run_jobs(ids: Sequence[int]) -> int:
        return child.run_jobs(ids)

    signals.worker_process_init.connect(child.begin, weak=False)
    signals.worker_process_shutdown.connect(child.end, weak=False)


class Child:
    """One process of a worker; made before the fork.

    Celery tells the standard library that its children are daemons, which may not start processes, and keys them by a
    class of its own, which can't be handed on. A simulation starts processes, and ends them: to the library the child
    is what its parent was.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._main = process.current_process()
        self._contexts: Contexts | None = None
        self._leases: Leases | None = None
        self._pace = Pace()

    def begin(self, **_: object) -> Contexts:
        """After the fork: no connection is shared with the parent."""
        forget_the_dead()  # the child before us may have been killed
        process._current_process = self._main  # type: ignore[attr-defined]
        context = open_context(self._settings, migrate=False)
        self._contexts = Contexts(context)
        self._leases = Leases(context.store, self._settings.lease_s)
        self._leases.start()
        rescue.rescue_of_the_dead(context.store)  # what the child before us had in hand
        return self._contexts

    def end(self, **_: object) -> None:
        """Hand back what is in hand; the process ends."""
        if self._contexts is not None and self._leases is not None:
            self._leases.stop()
            self._leases.release()
            self._contexts.first.store.close()

    def run_jobs(self, ids: Sequence[int]) -> int:
        """Claim those that still wait and run them, a batch per tenant and kind; the number."""
        contexts = self._contexts or self.begin()
        first = contexts.first
        jobs = table.claim_ids(
            first.store, ids, first.clock(), worker=rescue.worker_name(),
            lease_s=self._settings.lease_s,
        )  # fmt: skip
        jobs.sort(key=lambda job: (job.tenant_id, job.name, job.id))
        for (tenant_id, name), batch in groupby(jobs, key=lambda job: (job.tenant_id, job.name)):
            in_hand = self._turn(contexts, (tenant_id, name), list(batch))
            for lane in {job.lane for job in in_hand if job.lane is not None}:
                self._go_on(contexts.of(tenant_id), name, lane)
        if len(jobs) < len(ids):  # rows that somebody wrote to just then are passed over
            table.send_again(first.store, set(ids) - {job.id for job in jobs})
        return len(jobs)

    def _turn(self, contexts: Contexts, key: Key, jobs: list[Claimed]) -> list[Claimed]:
        """Run as many as the merchant gets at a time, hand the others back to the end of the queue; those that ran."""
        tenant_id, name = key
        kind = kind_of(name)
        most = self._pace.size(key, kind.at_once) if kind.judges else len(jobs)
        mine, others = jobs[:most], jobs[most:]
        table.hand_back(contexts.first.store, others)
        began = time.monotonic()
        run(contexts.of(tenant_id), mine, self._leases)
        self._pace.ran(key, len(mine), time.monotonic() - began)
        return mine

    def _go_on(self, context: Context, name: str, lane: str) -> None:
        """Whoever has a lane in hand works it off: the relay sends one message of a lane at a time."""
        end = time.monotonic() + LANE_S
        while time.monotonic() < end:
            jobs = table.claim(
                context.store, context.tenant_id, context.clock(), min(BATCH, kind_of(name).at_once),
                names=[name], lane=lane, worker=rescue.worker_name(), lease_s=self._settings.lease_s,
            )  # fmt: skip
            if not jobs:
                return
            run(context, jobs, self._leases)


def work(
    settings: Settings, *, processes: int, queues: Sequence[str], ready: Callable[[], None]
) -> None:
    """Run a worker until it is told to end; SIGTERM lets jobs in hand finish. `ready` is called once it listens."""
    from celery import signals

    app = make_app(settings)
    add_task(app, settings)
    signals.worker_ready.connect(lambda **_: ready(), weak=False)
    words = [
        "--quiet", "worker", "--pool=prefork", f"--concurrency={processes}",
        f"--queues={','.join(PREFIX + queue for queue in queues)}",
        "--without-gossip", "--without-mingle", "--optimization=fair",
        f"--loglevel={settings.log_level}", f"--hostname=tidegate-{os.getpid()}@%h",
    ]  # fmt: skip
    try:
        app.worker_main(words)
    finally:  # children that took too long are gone by now
        store = Store(open_engine(settings.database_url))
        rescue.rescue_of_the_dead(store)
        store.close()


class Messenger:
    """Sends ids and asks how many messages wait."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_app(settings)
        self._connection: Any = None

    def send(self, queue: str, ids: Sequence[int]) -> None:
        """One message. Raises what kombu raises when Redis is away."""
        limit = REPORT_LIMIT_S if queue == "report" else HARD_LIMIT_S
        self._app.send_task(
            TASK, args=[list(ids)], queue=PREFIX + queue, ignore_result=True, time_limit=limit,
            connection=self._open(), retry=False,
        )  # fmt: skip

    def waiting(self, queue: str) -> int:
        """Messages that no worker has taken yet. Raises what redis raises when it is away."""
        return int(self._open().default_channel.client.llen(PREFIX + queue))

    def close(self) -> None:
        """Forget the connection; the next call opens one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.release()

    def _open(self) -> Any:
        if self._connection is None:
            self._connection = self._app.connection_for_write()
        return self._connection
