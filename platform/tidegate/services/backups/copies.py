"""A consistent copy of the database while others write, and the way back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL

from tidegate.errors import ConfigError, InputError

MINUTES = 60
# Each index is looked up in its table row by row: with the usual 2 MB of pages a check takes four times as long.
CHECKING = ("cache_size = -262144", "mmap_size = 2147418112")


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy one moment of the database; writers go on meanwhile. The copy is checked.

    Raises:
        InputError: the database is damaged: the copy is not kept.
    """
    with (
        closing(sqlite3.connect(source, timeout=30)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)  # all pages in one read transaction: one moment, no starting over
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, whole in itself
    check_sqlite(target)


def check_sqlite(path: Path) -> None:
    """Every page and every reference.

    Raises:
        InputError: something is wrong.
    """
    with closing(sqlite3.connect(path)) as connection:
        for setting in CHECKING:
            connection.execute(f"PRAGMA {setting}")
        said = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(5)
    if said != ["ok"] or orphans:
        what = said[0] if said != ["ok"] else f"foreign key in {orphans[0][0]}"
        raise InputError(
            "backup.database_damaged",
            zh=f"数据库检查未通过（{what}）；请保留原文件，从上一个备份恢复。",
            en=f"The database does not pass its check ({what}); keep the file and restore the last backup.",
            what=what,
        )


def dump_postgres(url: URL, target: Path) -> None:
    """`pg_dump` in its own format, from one snapshot."""
    quickly = "--compress=1"  # half the time of its usual 6, for a file a quarter larger
    given = ["--format=custom", quickly, "--no-owner", "--no-privileges", f"--file={target}"]
    _run("pg_dump", url, given)


def load_postgres(url: URL, source: Path) -> None:
    """`pg_restore` into an empty database, all or nothing."""
    more = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", url, [*more, f"--dbname={url.database}", str(source)])


def _run(tool: str, url: URL, arguments: list[str]) -> None:
    found = shutil.which(tool)
    if found is None:
        raise ConfigError(
            "backup.no_tool",
            zh=f"没有找到 {tool}；请安装 PostgreSQL 客户端（Debian/Ubuntu: postgresql-client），版本不低于服务器。",
            en=f"{tool} is not installed; install the PostgreSQL client (Debian/Ubuntu: postgresql-client), "
            "not older than the server.",
            tool=tool,
        )
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    given = {
        "PGHOST": url.host or query.get("host"), "PGPORT": str(url.port or query.get("port", "")),
        "PGUSER": url.username, "PGPASSWORD": url.password, "PGDATABASE": url.database,
        "PGSSLMODE": query.get("sslmode"),
    }  # fmt: skip
    done = subprocess.run(  # noqa: S603  (a tool of PostgreSQL by its full path)
        [found, *arguments],
        env={**os.environ, **{name: value for name, value in given.items() if value}},
        capture_output=True, text=True, timeout=MINUTES * 60, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ConfigError(  # what the tool says may quote a row: its exit code is told, not its words
            "backup.tool_failed",
            zh=f"{tool} 失败（退出码 {done.returncode}）；请手动运行一次查看原因（见 docs/backup.md）。",
            en=f"{tool} failed (exit code {done.returncode}); run it by hand to see why (docs/backup.md).",
            tool=tool,
            exit_code=done.returncode,
        )
