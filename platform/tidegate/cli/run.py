"""`tidegate run`: the whole platform in one process on SQLite, no other server needed."""

from __future__ import annotations

import json
import os
import socket
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from tidegate.cli.language import text
from tidegate.embedded import Embedded
from tidegate.errors import ConfigError
from tidegate.settings import Settings


@click.command(
    help=text("启动网页、任务和沙箱快递(单进程)。", "Start web, jobs and sandbox carrier.")
)
@click.option(
    "--demo", is_flag=True, help=text("演示店铺, 数据单独存放。", "Demo shop, kept apart.")
)
@click.option("--host", default=None, help=text("监听地址。", "Address to bind."))
@click.option("--port", type=int, default=None, help=text("端口。", "Port."))
@click.option(
    "--open/--no-open", "open_page", default=None, help=text("打开浏览器。", "Open a browser.")
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help=text("就绪后输出一个 JSON。", "Print one JSON when ready."),
)
def run(
    demo: bool, host: str | None, port: int | None, open_page: bool | None, as_json: bool
) -> None:
    """Serve until interrupted."""
    settings = run_settings(Settings.from_environment(), demo=demo, host=host, port=port)
    refuse_open_network(settings)
    refuse_taken_port(settings.host, settings.port)
    url = f"http://{settings.host}:{settings.port}/"
    embedded = Embedded(settings, demo=demo)

    def ready() -> None:
        if as_json:
            said = {
                "url": url,
                "pid": os.getpid(),
                "data_dir": str(settings.data_dir),
                "demo": demo,
            } | ({"setup_code": embedded.setup_code} if embedded.setup_code else {})
            click.echo(json.dumps(said))
        else:
            click.echo(
                text(
                    f"潮闸已就绪: {url}  (Ctrl+C 停止)", f"Tidegate is ready: {url}  (Ctrl+C stops)"
                )
            )
            if embedded.setup_code and settings.allowed_hosts:
                click.echo(setup_hint(embedded.setup_code))
        if open_page if open_page is not None else (sys.stdout.isatty() and _has_display()):
            webbrowser.open(url)

    Server(embedded, settings, ready).run()


def setup_hint(code: str) -> str:
    return text(
        f"还没有负责人账户: 打开 /setup, 输入一次性设置码 {code}",
        f"There is no owner yet: open /setup and enter the one-time set-up code {code}",
    )


def run_settings(settings: Settings, *, demo: bool, host: str | None, port: int | None) -> Settings:
    """The demo gets a data folder and database of its own, so that it never mixes with real orders."""
    settings = replace(settings, host=host or settings.host, port=port or settings.port)
    if not demo or "TIDEGATE_DATABASE_URL" in os.environ:
        return settings
    folder = settings.data_dir / "demo"
    return replace(
        settings, data_dir=folder, database_url=f"sqlite:///{folder.absolute() / 'tidegate.db'}"
    )


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn with one worker of threads; the jobs run beside the pages in that worker."""

    def __init__(self, embedded: Embedded, settings: Settings, ready: Callable[[], None]) -> None:
        self.embedded = embedded
        self.settings = settings
        self.ready = ready
        super().__init__()

    def load_config(self) -> None:
        values: dict[str, Any] = {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": self.settings.threads,
            "graceful_timeout": 20,
            "timeout": 120,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": lambda _worker: self.ready(),
            "worker_exit": lambda _server, _worker: self.embedded.stop(),
        }
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return self.embedded.start()


def refuse_open_network(settings: Settings) -> None:
    """An address of the network needs the names it answers to: they also make sign-in compulsory."""
    if settings.host in ("127.0.0.1", "localhost", "::1") or settings.allowed_hosts:
        return
    raise ConfigError(
        "web.loopback_only",
        zh=f"要监听 {settings.host}，先在 TIDEGATE_ALLOWED_HOSTS 写明访问用的域名（见 docs/people.md）。",
        en=f"To listen on {settings.host}, name the hosts in TIDEGATE_ALLOWED_HOSTS (see docs/people.md).",
        host=settings.host,
    )


def refuse_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                "web.port_taken",
                zh=f"端口 {port} 已被占用; 换一个: tidegate run --port {port + 1}。",
                en=f"Port {port} is taken; use another: tidegate run --port {port + 1}.",
                port=port,
            ) from error


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
