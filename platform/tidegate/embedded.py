"""One process, everything inside: pages, job runner, sandbox carrier and, if asked for, the demo shop."""

from __future__ import annotations

import threading
from dataclasses import replace
from importlib.metadata import entry_points
from types import SimpleNamespace
from typing import Any

import structlog

from tidegate.bootstrap import connector, open_context, sandbox_secret, web_secret
from tidegate.jobs.runner import Runner
from tidegate.services import demo as demo_shop
from tidegate.services.accounts import founding
from tidegate.services.accounts.secrets_kept import new_setup_code
from tidegate.services.context import Context
from tidegate.settings import Settings

log = structlog.get_logger()
DEMO_STEP_S = 4.0
DEMO_TIME_SCALE = 600.0  # in the demo the courier does ten minutes' work in a second


class Embedded:
    """Starts and stops the parts in order; safe to stop twice."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self.settings = settings
        self.demo = demo
        self.setup_code = ""  # while nobody signed up: opens /setup from another machine
        self._stopping = threading.Event()
        self._parts: list[Any] = []

    def start(self) -> Any:
        """The WSGI application, with runner and sandbox running beside it."""
        settings = self._with_sandbox()
        context = open_context(settings)
        self._parts.append(SimpleNamespace(stop=context.store.close))  # behind whoever writes
        runner = Runner(context, lease_s=settings.lease_s)
        runner.start()
        self._parts.append(runner)
        if self.demo:
            self._start_demo(context)
        (pages,) = entry_points(group="tidegate.web", name="app")
        create_app = pages.load()
        if not founding.anybody(context):
            self.setup_code = new_setup_code()
        return create_app(
            context,
            secret_key=web_secret(settings),
            language=settings.language,
            allowed_hosts=settings.allowed_hosts,
            setup_code=self.setup_code,
            proxies=settings.trusted_proxies,
            metrics_token=settings.metrics_token,
        )

    def stop(self) -> None:
        """Let running jobs finish, write what waits, then close the sandbox."""
        self._stopping.set()
        while self._parts:
            self._parts.pop().stop()

    def _with_sandbox(self) -> Settings:
        if self.settings.sandbox_url is not None:
            return self.settings
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        sandbox = connector("sandbox").load()
        server = sandbox.start_server(
            secret=sandbox_secret(self.settings),
            path=self.settings.data_dir / "sandbox.db",
            time_scale=DEMO_TIME_SCALE if self.demo else 1.0,
            pickup_after_h=None
            if self.demo
            else 6.0,  # the demo's warehouse calls the courier itself
        )
        self._parts.append(server)
        return replace(self.settings, sandbox_url=server.url)

    def _start_demo(self, context: Context) -> None:
        thread = threading.Thread(target=self._demo, args=(context,), name="demo", daemon=True)
        thread.start()

    def _demo(self, context: Context) -> None:
        shop = demo_shop.open_demo(context)
        while not self._stopping.wait(DEMO_STEP_S):
            try:
                shop.step()
            except Exception:  # the demo must not take the platform down; the log names the cause
                log.exception("demo.step_failed")
