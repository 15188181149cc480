"""Settings, frozen; `bootstrap` reads them once from the environment or a `.env` file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from environs import Env


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default. Each is the variable TIDEGATE_<NAME> (see .env.example)."""

    data_dir: Path
    database_url: str
    redis_url: str | None
    rules_dir: Path | None  # None: the packs that ship with Tidegate
    host: str
    port: int
    secret_key: str | None  # None: made once and kept in the data folder
    language: str
    timezone: str
    currency: str
    log_level: str
    sandbox_url: str | None  # None: `run` starts a sandbox carrier of its own
    patterns: str = "durable"  # or "own": who searches patterns first
    allowed_hosts: tuple[str, ...] = ()  # names besides loopback that pages answer to
    trusted_hosts: tuple[str, ...] = ()  # inside our network, yet may be called from here
    secrets_keys: tuple[str, ...] = ()  # newest first; (): made once and kept in the data folder
    trusted_proxies: int = 0  # how many in front of us set X-Forwarded-*
    threads: int = 32  # requests answered at once by a web process
    pool_size: int = 16  # database connections kept open by a process; as many more under load
    statement_timeout_s: int = 120  # PostgreSQL ends a statement that takes longer
    log_style: str = "auto"  # json, pretty, or pretty at a terminal only
    metrics_token: str = ""  # opens /metrics to other machines
    traces_url: str = ""  # OTLP collector over HTTP; needs the extra `otel`
    lease_s: int = 60  # a job whose worker was not heard of for so long goes to another
    processes: int = 2  # of `serve` and of `worker`

    @classmethod
    def from_environment(cls, dotenv: Path | None = Path(".env")) -> Settings:
        """Read TIDEGATE_* from the environment; what is unset there may stand in `dotenv`."""
        env = Env(prefix="TIDEGATE_")
        if dotenv is not None and dotenv.is_file():
            env.read_env(str(dotenv), recurse=False)
        data_dir = Path(env.str("DATA_DIR", "var")).expanduser()
        rules_dir = env.str("RULES_DIR", "")
        return cls(
            data_dir=data_dir,
            database_url=with_driver(env.str("DATABASE_URL", ""))
            or f"sqlite:///{data_dir.absolute() / 'tidegate.db'}",
            redis_url=env.str("REDIS_URL", "") or None,
            rules_dir=Path(rules_dir) if rules_dir else None,
            host=env.str("HOST", "127.0.0.1"),
            port=env.int("PORT", 8000),
            secret_key=env.str("SECRET_KEY", "") or None,
            language=env.str("LANGUAGE", "zh"),
            timezone=env.str("TIMEZONE", "Asia/Shanghai"),
            currency=env.str("CURRENCY", "CNY"),
            log_level=env.str("LOG_LEVEL", "INFO"),
            sandbox_url=env.str("SANDBOX_URL", "") or None,
            patterns=env.str("PATTERNS", "") or "durable",
            allowed_hosts=tuple(
                name.strip() for name in env.str("ALLOWED_HOSTS", "").split(",") if name.strip()
            ),
            trusted_hosts=tuple(
                name.strip() for name in env.str("TRUSTED_HOSTS", "").split(",") if name.strip()
            ),
            secrets_keys=tuple(
                key.strip() for key in env.str("SECRETS_KEYS", "").split(",") if key.strip()
            ),
            trusted_proxies=int(env.str("TRUSTED_PROXIES", "") or 0),
            threads=int(env.str("THREADS", "") or 32),
            pool_size=int(env.str("POOL_SIZE", "") or 16),
            statement_timeout_s=int(env.str("STATEMENT_TIMEOUT_S", "") or 120),
            log_style=env.str("LOG_STYLE", "") or "auto",
            metrics_token=env.str("METRICS_TOKEN", ""),
            traces_url=env.str("TRACES_URL", ""),
            lease_s=int(env.str("LEASE_S", "") or 60),
            processes=int(env.str("PROCESSES", "") or 2),
        )


def with_driver(url: str) -> str:
    """PostgreSQL addresses as everybody writes them, for the driver that we ship (psycopg 3)."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url
