"""`tidegate sandbox`: the practice carrier as a server of its own."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import click

from tidegate.bootstrap import connector, sandbox_secret
from tidegate.cli.language import text
from tidegate.errors import ConfigError
from tidegate.settings import Settings


@click.command(
    help=text("启动沙箱快递(模拟取号接口)。", "Start the sandbox carrier, a practice service.")
)
@click.option("--port", type=int, default=8765, show_default=True, help=text("端口。", "Port."))
@click.option(
    "--time-scale",
    type=float,
    default=1.0,
    show_default=True,
    help=text(
        "快递走得比时钟快几倍, 3600 为每秒一小时。", "Times faster; 3600 is an hour a second."
    ),
)
@click.option(
    "--secret", default=None, help=text("密钥, 默认用数据目录里的。", "Secret; else the kept one.")
)
@click.option(
    "--pickup-after",
    type=float,
    default=6.0,
    show_default=True,
    help=text("取号后约几小时揽收。", "Hours from waybill to pick-up, about."),
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=None,
    help=text("记账文件, 默认在数据目录。", "Its file; default in the data folder."),
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help=text("就绪后输出一个 JSON。", "Print one JSON when ready."),
)
def sandbox(
    port: int,
    time_scale: float,
    secret: str | None,
    pickup_after: float,
    data: Path | None,
    as_json: bool,
) -> None:
    """Serve until interrupted."""
    if time_scale <= 0 or pickup_after < 0:
        raise click.UsageError(
            text("--time-scale 须大于 0, --pickup-after 不小于 0。", "--time-scale is above 0.")
        )
    settings = Settings.from_environment()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        server = (
            connector("sandbox")
            .load()
            .start_server(
                port=port,
                secret=secret or sandbox_secret(settings),
                path=data or settings.data_dir / "sandbox.db",
                time_scale=time_scale,
                pickup_after_h=pickup_after,
            )
        )
    except OSError as error:
        raise ConfigError(
            "sandbox.port",
            zh=f"端口 {port} 用不了({error.strerror}); 换一个, 如 --port {port + 1}。",
            en=f"Port {port} cannot be used ({error.strerror}); try --port {port + 1}.",
            port=port,
        ) from error
    _tell(server.url, secret is not None, as_json)
    stopped.wait()
    server.stop()


def _tell(url: str, own_secret: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"url": url, "pid": os.getpid()}))
        return
    click.echo(
        text(
            f"沙箱快递已就绪: {url}  (Ctrl+C 停止)", f"Sandbox carrier ready: {url}  (Ctrl+C stops)"
        )
    )
    click.echo(
        text("让潮闸用它:", "Point Tidegate at it:") + f"\n  export TIDEGATE_SANDBOX_URL={url}"
    )
    if own_secret:
        click.echo(
            text(
                "把同一密钥写进潮闸数据目录的 sandbox.secret。",
                "Put the same secret into sandbox.secret in Tidegate's data folder.",
            )
        )
