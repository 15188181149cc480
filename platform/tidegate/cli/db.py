"""`tidegate db`: migrations without alembic.ini."""

from __future__ import annotations

import json

import click
from sqlalchemy.engine import make_url

from tidegate.bootstrap import upgrade_database
from tidegate.cli.language import text
from tidegate.settings import Settings
from tidegate.store.revisions import newest_revision, revision_at


@click.group(help=text("数据库结构。", "The database's structure."))
def db() -> None:
    """Group of database commands."""


@db.command(
    help=text("升级到最新结构(没有则新建)。", "Upgrade to the newest structure; make it if new.")
)
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def upgrade(as_json: bool) -> None:
    """Upgrade and say where it stands."""
    settings = Settings.from_environment()
    upgrade_database(settings)
    current, newest = revisions(settings.database_url)
    where = make_url(settings.database_url).render_as_string(hide_password=True)
    if as_json:
        click.echo(json.dumps({"database": where, "revision": current, "newest": newest}))
        return
    click.echo(text(f"{where} 已是最新结构 {current}。", f"{where} is at {current}, the newest."))


def revisions(database_url: str) -> tuple[str | None, str | None]:
    """(revision of the database, newest revision we ship)."""
    return revision_at(database_url), newest_revision()
