"""What synchronisation costs: `python benchmarks/sync.py [orders]`.

Orders pulled from a mall on this machine into SQLite with fsync, memory as it grows, and calls against an account's
limit as the mall counts them. The mall and its connector are those of the tests. One run.
"""

from __future__ import annotations

import importlib
import resource
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

MALL = Path(__file__).parents[1] / "tests" / "services" / "syncing" / "mall"
sys.path.insert(0, str(MALL))
from server import MallServer  # noqa: E402

from tidegate.bootstrap import open_context  # noqa: E402
from tidegate.services.context import Context  # noqa: E402
from tidegate.services.remotes import accounts  # noqa: E402
from tidegate.services.remotes.connected import connector_of  # noqa: E402
from tidegate.services.syncing import working  # noqa: E402
from tidegate.services.syncing.pacing import PacedHttp  # noqa: E402
from tidegate.settings import Settings  # noqa: E402
from tidegate.store.remote_tables import ConnectorAccount  # noqa: E402
from tidegate.store.tables import Order  # noqa: E402

SECRET = "bench-secret"
PER_S, SECONDS = 50, 5


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    folder = Path(tempfile.mkdtemp(prefix="tidegate-sync-"))
    _install(folder)
    with MallServer(SECRET) as mall:
        context = open_context(
            replace(
                Settings.from_environment(None), data_dir=folder, log_level="ERROR",
                database_url=f"sqlite:///{folder / 'x.db'}", trusted_hosts=("127.0.0.1",),
            ),
            carriers={},
        )  # fmt: skip
        _limit(context, mall)
        _pull(context, mall, many)
        context.store.close()


def _limit(context: Context, mall: MallServer) -> None:
    """A limit of PER_S calls a second, as many calls as it lets through for SECONDS."""
    account = accounts.add(
        context, "acme_mall", "bench", code="limited",
        settings={"url": mall.url, "limits": f"shop.get={PER_S}/1"}, secrets={"app_secret": SECRET},
    )  # fmt: skip
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = work.session.get_one(ConnectorAccount, account.id)
    made, _ = connector_of(context, row, paced=PacedHttp)
    start = time.monotonic()
    while time.monotonic() - start < SECONDS:
        made.check_credentials()
    times = [call.at_s for call in mall.calls if call.api == "shop.get"]
    worst = max(sum(1 for at in times if begin <= at < begin + 1) for begin in times)
    print(f"limit {PER_S}/s: {len(times)} calls in {SECONDS} s, at most {worst} in any second")
    accounts.pause(context, "limited", "bench", "done")


def _pull(context: Context, mall: MallServer, many: int) -> None:
    now = datetime.now(UTC).timestamp()
    for n in range(many):
        mall.place(f"B{n:07}", now - 600_000 + n * 5)
    account = accounts.add(
        context, "acme_mall", "bench", code="mall",
        settings={"url": mall.url, "page_size": "500", "limits": "orders.list=100000/1"},
        secrets={"app_secret": SECRET},
    )  # fmt: skip
    start, runs, peak = time.monotonic(), 0, []
    while True:
        done = working.run(context, account.id, "orders")
        runs += 1
        peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        if done is None or not done.behind:
            break
    took = time.monotonic() - start
    with context.store.begin(context.tenant_id, readonly=True) as work:
        stored = work.session.scalar(select(func.count()).select_from(Order))
    print(f"{stored} of {many} orders stored in {took:.0f} s ({many / took:.0f}/s), {runs} runs")
    print(
        f"peak memory with the mall inside: {peak[0]} MiB after the first run, {peak[-1]} at the end"
    )


def _install(folder: Path) -> None:
    info = folder / "site" / "acme_mall-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-mall\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidegate.connectors]\nacme_mall = acme_mall\n")
    sys.path.insert(0, str(info.parent))
    importlib.invalidate_caches()


if __name__ == "__main__":
    main()
