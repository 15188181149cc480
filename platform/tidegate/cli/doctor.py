"""`tidegate doctor`: what stands between this installation and a quiet night."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import click
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.exc import SQLAlchemyError

from tidegate.bootstrap import open_carriers
from tidegate.cli.db import revisions
from tidegate.cli.findings import Finding
from tidegate.cli.invariants import broken_invariants
from tidegate.cli.language import text
from tidegate.errors import TidegateError
from tidegate.services.health.examination import examine
from tidegate.services.rulebook import Rulebook
from tidegate.services.workshop.publications import publications
from tidegate.settings import Settings
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store, open_engine

WAL_RESET_FIXED = (3, 51, 3)  # https://sqlite.org/wal.html#walresetbug


@click.command(
    help=text("检查设置、数据库、规则和连接。", "Check settings, database, rules and links.")
)
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
@click.option(
    "--invariants",
    "with_invariants",
    is_flag=True,
    help=text("核对数据不变式 I1–I12。", "Check what must hold, I1–I12."),
)
def doctor(as_json: bool, with_invariants: bool) -> int:
    """Print every finding; exit 1 when one is an error."""
    settings = Settings.from_environment()
    looks = (*LOOKS, broken_invariants) if with_invariants else LOOKS
    findings = [finding for look in looks for finding in _look(look, settings)]
    if as_json:
        rows = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"findings": rows}, ensure_ascii=False, indent=1))
    else:
        marks = {"ok": "✓", "warning": "!", "error": "✗"}
        for finding in findings:
            click.echo(f"{marks[finding.level]} {finding.check}: {finding.said}")
    return 1 if any(finding.level == "error" for finding in findings) else 0


def _look(look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    """A check that itself fails is a finding, not a crash."""
    name = look.__name__.removeprefix("_").replace("_", " ")
    try:
        yield from look(settings)
    except TidegateError as error:
        yield Finding(name, "error", error.text(text("zh", "en")))
    except (SQLAlchemyError, OSError) as error:
        yield _broken(name, error)


def _broken(name: str, error: Exception) -> Finding:
    return Finding(name, "error", type(error).__name__ + ": " + str(error).split("\n")[0])


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".probe"
    probe.write_text("1", encoding="ascii")
    probe.unlink()
    yield Finding("data folder", "ok", str(folder.absolute()))


def _database(settings: Settings) -> Iterator[Finding]:
    current, newest = revisions(settings.database_url)
    if current != newest:
        said = text(
            f"结构是 {current}, 最新是 {newest}; 运行 tidegate db upgrade。",
            f"is at {current}, the newest is {newest}; run tidegate db upgrade.",
        )
        yield Finding("migrations", "error", said)
        return
    yield Finding("migrations", "ok", str(current))
    engine = open_engine(settings.database_url)
    try:
        for sign in examine(engine, settings, datetime.now(UTC)):
            yield Finding(sign.check, sign.level, text(sign.said["zh"], sign.said["en"]))
    finally:
        engine.dispose()


def _sqlite(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url.startswith("sqlite"):
        return
    engine = open_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            whole = connection.execute(sql("PRAGMA quick_check(1)")).scalar_one()
    finally:
        engine.dispose()
    yield Finding("sqlite file", "ok" if whole == "ok" else "error", str(whole))
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        said = text(
            f"{version}: 早于 3.51.3, 单进程写入可用; 多进程请用 PostgreSQL。",
            f"{version}, before 3.51.3: fine with one writing process; more need PostgreSQL.",
        )
        yield Finding("sqlite", "warning", said)
    else:
        yield Finding("sqlite", "ok", version)


def _rules(settings: Settings) -> Iterator[Finding]:
    """The sets in force, of the folder and as published, for each merchant."""
    books = [("", Rulebook(settings.rules_dir))]
    current, newest = revisions(settings.database_url)
    if current is not None and current == newest:
        books = list(_published(settings)) or books
    for whose, book in books:
        sets = [found for gate in book.vocabulary.gates for found in book.for_gate(gate)]
        for found in sets:
            said = f"{found.hash[:12]} · {len(found.rules)}"
            yield Finding(f"rules {whose}{found.gate}/{found.id}", "ok", said)
        for problem in book.problems:
            yield Finding(f"rules {whose}".strip(), "error", problem.text(text("zh", "en")))
        if not sets:
            yield Finding("rules", "error", text("没有找到规则集", "no rule set found"))


def _published(settings: Settings) -> Iterator[tuple[str, Rulebook]]:
    engine = open_engine(settings.database_url)
    store = Store(engine)
    try:
        with store.unscoped(readonly=True) as session:
            tenants = session.execute(select(Tenant.id, Tenant.code).order_by(Tenant.id)).all()
        for number, (tenant_id, code) in enumerate(tenants):
            look = publications(store, tenant_id, lambda: datetime.now(UTC))
            yield f"{code} " if number else "", Rulebook(settings.rules_dir, published=look)
    finally:
        engine.dispose()


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        yield Finding("redis", "ok", text("未设置(单机不需要)", "not set (one machine needs none)"))
        return
    import redis  # a fifth of a second that no other command should wait

    client = redis.Redis.from_url(settings.redis_url, socket_timeout=3)
    try:
        client.ping()
    except redis.RedisError as error:
        yield _broken("redis", error)
        return
    finally:
        client.close()
    yield Finding("redis", "ok", text("可达", "reachable"))


def _carriers(settings: Settings) -> Iterator[Finding]:
    for name, carrier in open_carriers(settings).items():
        carrier.query_waybill("doctor")
        yield Finding(f"carrier {name}", "ok", text("可达", "reachable"))


LOOKS = (_data_folder, _database, _sqlite, _rules, _redis, _carriers)
