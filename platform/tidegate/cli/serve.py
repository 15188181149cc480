"""`tidegate serve`: the pages alone, in several processes; jobs run elsewhere (`tidegate worker`)."""

from __future__ import annotations

import json
import mmap
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from tidegate.bootstrap import open_context, web_secret
from tidegate.cli.language import text
from tidegate.cli.run import refuse_open_network, refuse_taken_port, setup_hint
from tidegate.cli.scaled import check_database
from tidegate.services.accounts import founding
from tidegate.services.accounts.secrets_kept import new_setup_code
from tidegate.settings import Settings
from tidegate.telemetry.shared import figures_folder, forget_process, share_figures

STOPPING = b'{"ready": false, "reasons": [{"code": "process.stopping", "said": "this process is ending"}]}\n'


@click.command(
    help=text(
        "只提供网页和接口(多进程); 任务由 worker 和 relay 执行。",
        "Serve pages and the API in several processes; worker and relay do the jobs.",
    )
)
@click.option("--host", default=None, help=text("监听地址。", "Address to bind."))
@click.option("--port", type=int, default=None, help=text("端口。", "Port."))
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=None,
    help=text("进程数。", "Number of processes."),
)
@click.option(
    "--drain",
    "drain_s",
    type=click.FloatRange(0, 300),
    default=3.0,
    show_default=True,
    help=text(
        "收到 SIGTERM 后, /readyz 先答 503, 再服务这么多秒才停。",
        "After SIGTERM /readyz answers 503 and pages go on for so many seconds.",
    ),
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help=text("就绪后输出一个 JSON。", "Print one JSON when ready."),
)
def serve(
    host: str | None, port: int | None, processes: int | None, drain_s: float, as_json: bool
) -> None:
    """Until SIGTERM."""
    found = Settings.from_environment()
    settings = replace(found, host=host or found.host, port=port or found.port)
    refuse_open_network(settings)
    refuse_taken_port(settings.host, settings.port)
    check_database(settings)
    share_figures(figures_folder(settings.data_dir))
    code = _setup_code(settings)

    def ready() -> None:
        url = f"http://{settings.host}:{settings.port}/"
        said = {"url": url, "pid": os.getpid()} | ({"setup_code": code} if code else {})
        click.echo(json.dumps(said) if as_json else url)
        if code and not as_json:
            click.echo(setup_hint(code))

    Pages(settings, processes or settings.processes, drain_s, code, ready).run()


def _setup_code(settings: Settings) -> str:
    """One for all processes; empty once somebody signed up."""
    context = open_context(settings, migrate=False)
    code = "" if founding.anybody(context) else new_setup_code()
    context.store.close()  # no connection crosses the fork
    return code


class Pages(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn with threads in several processes; each opens the platform when it is born."""

    def __init__(
        self,
        settings: Settings,
        processes: int,
        drain_s: float,
        setup_code: str,
        ready: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.processes = processes
        self.drain_s = drain_s
        self.setup_code = setup_code
        self.ready = ready
        self.stopping = mmap.mmap(-1, 1)  # shared with the processes to come
        super().__init__()

    def load_config(self) -> None:
        values: dict[str, Any] = {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "workers": self.processes,
            "worker_class": "gthread",
            "threads": self.settings.threads,
            "graceful_timeout": 20,
            "timeout": 120,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": lambda _server: self.ready(),
            "child_exit": lambda _server, worker: forget_process(worker.pid),
        }
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        settings = self.settings
        (pages,) = entry_points(group="tidegate.web", name="app")
        app = pages.load()(
            open_context(settings, migrate=False),
            secret_key=web_secret(settings),
            language=settings.language,
            allowed_hosts=settings.allowed_hosts,
            setup_code=self.setup_code,
            proxies=settings.trusted_proxies,
            metrics_token=settings.metrics_token,
        )
        app.wsgi_app = Readiness(app.wsgi_app, self.stopping)
        return app

    def run(self) -> None:
        Draining(self).run()


class Readiness:
    """While the process ends, whoever spreads requests is told so before anything is refused."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], stopping: mmap.mmap) -> None:
        self._inner = inner
        self._stopping = stopping

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/readyz" and self._stopping[0]:
            length = str(len(STOPPING))
            start(
                "503 Service Unavailable",
                [("Content-Type", "application/json"), ("Content-Length", length)],
            )
            return [STOPPING]
        return self._inner(environ, start)


class Draining(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """SIGTERM: readiness off, serve on for a while, then finish what is in hand."""

    def handle_term(self) -> None:
        self.app.stopping[0] = 1
        end = time.monotonic() + self.app.drain_s
        while (left := end - time.monotonic()) > 0 and not self._hurried():
            time.sleep(min(0.1, left))
        super().handle_term()

    def _hurried(self) -> bool:
        """A second signal ends the wait."""
        hurry = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
        found = False
        while not self.SIG_QUEUE.empty():
            found = self.SIG_QUEUE.get_nowait() in hurry or found
        return found
