"""`tidegate worker`: processes that run the jobs whose ids Redis brings."""

from __future__ import annotations

import json
import os

import click

from tidegate.cli.language import text
from tidegate.cli.scaled import check_database
from tidegate.jobs import celery_app
from tidegate.services.job_kinds import QUEUES
from tidegate.settings import Settings
from tidegate.telemetry.shared import figures_folder, share_figures


@click.command(
    help=text(
        "执行任务的进程(Celery)。可以运行多个, 也可以只负责部分队列。",
        "Processes that run jobs (Celery). Any number may run, each for all queues or some.",
    )
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=None,
    help=text("子进程数。", "Number of processes."),
)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    type=click.Choice(list(QUEUES)),
    help=text("只负责这个队列, 可多次。", "Only this queue; repeatable."),
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help=text("就绪后输出一个 JSON。", "Print one JSON when ready."),
)
def worker(processes: int | None, queues: tuple[str, ...], as_json: bool) -> None:
    """Until SIGTERM; jobs in hand finish first, for up to 20 seconds."""
    settings = Settings.from_environment()
    celery_app.make_app(settings)  # says what is missing before anything is opened
    check_database(settings)
    share_figures(figures_folder(settings.data_dir))

    def ready() -> None:
        if as_json:
            click.echo(json.dumps({"pid": os.getpid(), "queues": list(queues or QUEUES)}))

    celery_app.work(
        settings,
        processes=processes or settings.processes,
        queues=queues or tuple(QUEUES),
        ready=ready,
    )
