"""`tidegate relay`: tells workers what is due, and keeps the job table in order."""

from __future__ import annotations

import json
import os

import click

from tidegate.bootstrap import open_context
from tidegate.cli.language import text
from tidegate.cli.scaled import check_database
from tidegate.jobs.celery_app import Messenger
from tidegate.jobs.relay import work
from tidegate.settings import Settings
from tidegate.telemetry.shared import figures_folder, share_figures


@click.command(
    help=text(
        "转发: 把到期任务的编号发给 worker, 并负责定时任务。可以运行多个。",
        "Send ids of due jobs to workers, and run the schedules. Any number may run.",
    )
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help=text("就绪后输出一个 JSON。", "Print one JSON when ready."),
)
def relay(as_json: bool) -> None:
    """Until SIGTERM."""
    settings = Settings.from_environment()
    messenger = Messenger(settings)
    check_database(settings)
    share_figures(figures_folder(settings.data_dir))
    context = open_context(settings, migrate=False)

    def ready() -> None:
        if as_json:
            click.echo(json.dumps({"pid": os.getpid()}))

    work(context, messenger, lease_s=settings.lease_s, ready=ready)
