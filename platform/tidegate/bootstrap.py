"""The only place that wires things: settings, store, rules, carriers and the clock become a Context."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from cryptography.fernet import Fernet
from sqlalchemy import select

from tidegate import crash_points
from tidegate.correlation.correlator import Alarm, Correlator
from tidegate.engine.patterns.matcher import Matcher
from tidegate.errors import ConfigError, NotFound
from tidegate.logs import configure_logs
from tidegate.sdk.carrier import Carrier
from tidegate.sdk.webhooks import WebhookReceiver
from tidegate.services.context import Context
from tidegate.services.judging import Judges
from tidegate.services.remotes.connected import Connected
from tidegate.services.remotes.reach import Reach
from tidegate.services.remotes.shops import ConnectedShops
from tidegate.services.remotes.windows import Windows
from tidegate.services.rulebook import Rulebook
from tidegate.services.secrets_box import SecretsBox
from tidegate.services.watched_carriers import watched
from tidegate.services.webhooks.guarded import GuardedCaller
from tidegate.services.workshop.publications import publications
from tidegate.settings import Settings
from tidegate.store.engines import Limits
from tidegate.store.revisions import newest_revision, revision_at
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store, open_engine
from tidegate.telemetry.tracing import start_traces

if TYPE_CHECKING:
    from alembic.config import Config

DEFAULT_TENANT = "main"
log = structlog.get_logger()


def utc_now() -> datetime:
    """The real clock; tests pass their own."""
    return datetime.now(UTC)


def alembic_config(url: str) -> Config:
    """Migrations without alembic.ini, so that an installed wheel finds them too."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "tidegate_migrations:.")
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade_database(settings: Settings) -> None:
    """Bring the database to the newest revision; makes the data folder when needed."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if revision_at(settings.database_url) != newest_revision():
        from alembic import command

        command.upgrade(alembic_config(settings.database_url), "head")


def limits_of(settings: Settings) -> Limits:
    """What a process may ask of the database at once."""
    size = settings.pool_size
    return Limits(pool=size, overflow=size, statement_s=settings.statement_timeout_s)


def connector(name: str) -> EntryPoint:
    """The connector package registered as `name` in the entry point group tidegate.connectors.

    Raises:
        NotFound: no installed package offers it.
    """
    found = {point.name: point for point in entry_points(group="tidegate.connectors")}
    if name not in found:
        known = ", ".join(sorted(found)) or "-"
        raise NotFound(
            "connector.unknown",
            zh=f"没有名为 {name} 的连接器; 已安装: {known}。",
            en=f"There is no connector {name!r}; installed: {known}.",
            name=name,
        )
    return found[name]


def open_carriers(settings: Settings) -> dict[str, Carrier]:
    """Carriers whose address and secret come from settings, by connector name; the others are accounts in the
    database."""
    if settings.sandbox_url is None:
        return {}
    module = connector("sandbox").load()
    made: Carrier = module.make_carrier(
        {"url": settings.sandbox_url, "secret": sandbox_secret(settings)}
    )
    return {"sandbox": made}


def open_receivers() -> Mapping[str, WebhookReceiver]:
    """What can be called from outside, by connector name: packages that offer `make_receiver`."""
    return _Receivers()


class _Receivers(Mapping[str, WebhookReceiver]):
    """Loads all connectors with the first question: most commands are never called from outside."""

    @cached_property
    def _found(self) -> dict[str, WebhookReceiver]:
        loaded = ((one.name, one.load()) for one in entry_points(group="tidegate.connectors"))
        return {
            name: module.make_receiver()
            for name, module in loaded
            if hasattr(module, "make_receiver")
        }

    def __getitem__(self, name: str) -> WebhookReceiver:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def secret_keys(settings: Settings) -> tuple[str, ...]:
    """Keys that credentials and personal bodies are encrypted with, the newest first: TIDEGATE_SECRETS_KEYS, or
    secrets.key in the data folder (a key a line), which is made when there is none."""
    if settings.secrets_keys:
        return settings.secrets_keys
    path = settings.data_dir / "secrets.key"
    return tuple(_kept_secret(path, lambda: Fernet.generate_key().decode("ascii")).split())


def new_secret_key(settings: Settings) -> tuple[str, ...]:
    """A newer key in front of those in secrets.key, which stay: backups were made under them.

    Raises:
        ConfigError: the keys come from the environment; an operator puts the new one there.
    """
    if settings.secrets_keys:
        raise ConfigError(
            "secrets.from_environment",
            zh="密钥来自 TIDEGATE_SECRETS_KEYS; 请把新密钥写在最前面, 再运行 tidegate accounts rotate-keys。",
            en="The keys come from TIDEGATE_SECRETS_KEYS; put the new one first there, then run tidegate accounts "
            "rotate-keys.",
        )
    keys = (Fernet.generate_key().decode("ascii"), *secret_keys(settings))
    path = settings.data_dir / "secrets.key"
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(keys))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return keys


def sandbox_secret(settings: Settings) -> str:
    """The secret shared with our sandbox carrier; made once and kept in the data folder."""
    return _kept_secret(settings.data_dir / "sandbox.secret")


def web_secret(settings: Settings) -> str:
    """The key that signs cookies and CSRF tokens; TIDEGATE_SECRET_KEY, or made once and kept."""
    return settings.secret_key or _kept_secret(settings.data_dir / "web.secret")


def open_context(
    settings: Settings | None = None,
    *,
    carriers: Mapping[str, Carrier] | None = None,
    clock: Callable[[], datetime] = utc_now,
    migrate: bool = True,
) -> Context:
    """Everything a use case needs, for the one tenant of an embedded installation."""
    settings = settings or Settings.from_environment()
    configure_logs(settings.log_level, _log_style(settings))
    if settings.traces_url:
        start_traces(settings.traces_url)
    if migrate:
        upgrade_database(settings)
    store = Store(open_engine(settings.database_url, limits_of(settings)))
    tenant_id = _tenant(store, settings, clock())
    points = crash_points.wanted(os.environ)
    if points is not None:
        points.watch(store.engine)
    context = Context(
        store=store,
        tenant_id=tenant_id,
        rules=Rulebook(settings.rules_dir, published=publications(store, tenant_id, clock)),
        carriers={},
        clock=clock,
        data_dir=settings.data_dir,
        timezone=settings.timezone,
        currency=settings.currency,
        judges=Judges(match=pattern_search(settings)),
        receivers=open_receivers(),
        box=SecretsBox(secret_keys(settings)),
        caller=GuardedCaller(settings.trusted_hosts),
        reach=Reach(trusted=settings.trusted_hosts, windows=Windows(settings.redis_url)),
    )
    fixed = open_carriers(settings) if carriers is None else carriers
    if points is not None:
        fixed = {name: points.around(remote) for name, remote in fixed.items()}
    fixed = watched(fixed, store)
    context = replace(context, shops=ConnectedShops(context))
    return replace(context, carriers=fixed if carriers is not None else Connected(context, fixed))


def pattern_search(settings: Settings) -> Matcher | None:
    """Who searches patterns: durable-rules in a child process that starts with the first question,
    or (None) our matcher alone.

    Raises:
        ConfigError: TIDEGATE_PATTERNS is neither.
    """
    if settings.patterns == "own":
        return None
    if settings.patterns == "durable":
        return Correlator(_alarmed)
    raise ConfigError(
        "settings.patterns",
        zh=f"TIDEGATE_PATTERNS 应为 durable 或 own，而不是 {settings.patterns}。",
        en=f"TIDEGATE_PATTERNS is durable or own, not {settings.patterns!r}.",
        value=settings.patterns,
    )


def _log_style(settings: Settings) -> str:
    """Pretty where a person reads along, JSON where a machine does."""
    if settings.log_style in ("json", "pretty"):
        return settings.log_style
    if settings.log_style == "auto":
        return "pretty" if sys.stderr.isatty() else "json"
    raise ConfigError(
        "settings.log_style",
        zh=f"TIDEGATE_LOG_STYLE 应为 auto、json 或 pretty，而不是 {settings.log_style}。",
        en=f"TIDEGATE_LOG_STYLE is auto, json or pretty, not {settings.log_style!r}.",
        value=settings.log_style,
    )


def _alarmed(alarm: Alarm) -> None:
    tell = log.info if alarm.kind == "not_installed" else log.error
    tell(
        "patterns.alarm", kind=alarm.kind, detail=alarm.detail, pattern=alarm.pattern,
        pause_s=alarm.pause_s,
    )  # fmt: skip


def _tenant(store: Store, settings: Settings, now: datetime) -> int:
    with store.unscoped() as session:
        found = session.scalar(select(Tenant).where(Tenant.code == DEFAULT_TENANT))
        if found is None:
            found = Tenant(
                code=DEFAULT_TENANT,
                name="Tidegate",
                timezone=settings.timezone,
                currency=settings.currency,
                created_at=now,
            )
            session.add(found)
            session.commit()
        return found.id


def _kept_secret(path: Path, make: Callable[[], str] = lambda: secrets.token_hex(32)) -> str:
    """A secret in a file that only its owner can read.

    Raises:
        ConfigError: the file is empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_text(encoding="ascii").strip()
        if not kept:
            raise ConfigError(
                "secret.empty",
                zh=f"密钥文件 {path.name} 是空的; 删除它, 下次启动会重新生成。",
                en=f"The secret file {path.name} is empty; delete it and it is made again.",
                file=path.name,
            ) from None
        return kept
    made = make()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(made)
    return made
