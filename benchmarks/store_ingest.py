"""Orders over HTTP against a bare gunicorn that does one INSERT per request, at the same durability, in one run.

Ours answers POST /api/v1/orders: token, validation, address and phone checks, order + line + event + job, answered when
on the disk. The bare one is Flask under the same gunicorn settings: json.loads, INSERT of id and body into one table,
COMMIT with synchronous=FULL (SQLite) or synchronous_commit=on. The client is one process of raw sockets with 16
connections that count answers of 2xx. After ours, the server is killed with SIGKILL and the orders that were
acknowledged are looked for. Wanted: ratio >= 1.0, none missing.

    .venv/bin/python benchmarks/store_ingest.py [--own-postgres] [--sync-ms 5] [--seconds 5] [--connections 16]

`--own-postgres` adds PostgreSQL from its wheel. `--sync-ms` adds SQLite once more on a disk whose syncs take so much
longer, for both of them.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine, select, text

sys.path.insert(0, str(Path(__file__).parent))
from shared.servers import postgres_and_redis
from shared.slow_disk import slow_disk

from tidegate.bootstrap import open_context
from tidegate.services.accounts import founding, tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.settings import Settings
from tidegate.store.tables import Order

HERE = "http://127.0.0.1"
WANTED = 1.0
SERVE = """
import os, sys
from gunicorn.app.base import BaseApplication
class Server(BaseApplication):
    def load_config(self):
        port, workers, threads = sys.argv[1:4]
        for name, value in {"bind": f"127.0.0.1:{port}", "workers": int(workers), "threads": int(threads),
                            "worker_class": "gthread", "loglevel": "warning", "keepalive": 30,
                            "control_socket_disable": True}.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)
    def load(self):
        return globals()[sys.argv[4]]()
def ours():
    from dataclasses import replace
    from pathlib import Path
    from tidegate.bootstrap import open_context
    from tidegate.settings import Settings
    from tidegate_web.app import create_app
    folder, url = Path(sys.argv[5]), sys.argv[6]
    settings = replace(Settings.from_environment(None), data_dir=folder, database_url=url, log_level="ERROR")
    return create_app(open_context(settings, carriers={}, migrate=False), secret_key="k" * 32)
def bare():
    import json
    from flask import Flask, request
    from sqlalchemy import create_engine, event, text
    engine = create_engine(sys.argv[6], pool_size=32, connect_args={"timeout": 30} if "sqlite" in sys.argv[6] else {})
    if "sqlite" in sys.argv[6]:
        @event.listens_for(engine, "connect")
        def _set(raw, _record):
            raw.execute("PRAGMA journal_mode=WAL"); raw.execute("PRAGMA synchronous=FULL")
    app = Flask("bare")
    statement = text("INSERT INTO bare VALUES (:number, :body)")
    @app.post("/api/v1/orders")
    def take():
        given = json.loads(request.get_data())
        with engine.begin() as connection:
            connection.execute(statement, {"number": given["order"]["number"], "body": json.dumps(given)})
        return {"number": given["order"]["number"]}, 201
    return app
Server().run()
"""


@dataclass
class Load:
    """What the client saw."""

    seconds: float = 0
    waits_ms: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        return len(self.acknowledged) / self.seconds

    def p(self, share: float) -> float:
        return sorted(self.waits_ms)[int(len(self.waits_ms) * share)]


def document(number: str) -> dict[str, Any]:
    n = int(number[1:])
    return {
        "order": {
            "number": number, "channel": "erp", "shop": "北岸器物", "total": "129.00 CNY",
            "source_status": "to_ship", "ordered_at": "2026-11-17T20:00:00+08:00",
        },
        "payment": {"status": "paid", "method": "online", "paid_total": "129.00 CNY"},
        "recipient": {
            "name": "张三", "phone": f"138{n % 100_000_000:08d}", "province": "浙江省",
            "city": "杭州市", "district": "余杭区", "address": f"文一西路 {n} 号",
        },
        "items": [
            {"sku": "KETTLE", "title": "手冲壶", "quantity": 1, "line_total": "99.00 CNY"},
            {"sku": "CUP", "title": "玻璃杯", "quantity": 2, "line_total": "30.00 CNY"},
        ],
    }  # fmt: skip


def request(path: str, body: bytes, secret: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Wire:
    """One connection of the client."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""
        self.number = ""
        self.sent_at = 0.0

    def answer(self) -> int | None:
        """The status, once all of the answer is here."""
        told = self.socket.recv(65536)
        if not told:
            raise ConnectionError
        self.kept += told
        head, _, body = self.kept.partition(b"\r\n\r\n")
        low = head.lower()
        if b"content-length:" not in low:
            return None
        if len(body) < int(low.split(b"content-length:")[1].split(b"\r\n")[0]):
            return None
        self.kept = b""
        return int(head[9:12])


def drive(
    port: int, requests: Iterator[tuple[str, bytes]], connections: int, seconds: float
) -> Load:
    """Keep every connection busy; what was acknowledged, and how long each took."""
    load, wires = Load(), [Wire(port) for _ in range(connections)]
    selector = selectors.DefaultSelector()
    begun = time.perf_counter()

    def send(wire: Wire) -> None:
        wire.number, data = next(requests)
        wire.sent_at = time.perf_counter()
        wire.socket.sendall(data)

    for wire in wires:
        selector.register(wire.socket, selectors.EVENT_READ, wire)
        send(wire)
    open_ones = len(wires)
    while open_ones:
        for key, _ in selector.select(30):
            wire: Wire = key.data
            status = wire.answer()
            if status is None:
                continue
            now = time.perf_counter()
            load.waits_ms.append((now - wire.sent_at) * 1000)
            if 200 <= status < 300:
                load.acknowledged.append(wire.number)
            else:
                load.refused += 1
            if now - begun < seconds:
                send(wire)
            else:
                selector.unregister(wire.socket)
                open_ones -= 1
    load.seconds = time.perf_counter() - begun
    return load


@contextmanager
def server(
    which: str, folder: Path, url: str, workers: int, threads: int
) -> Iterator[tuple[int, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVE, str(port), str(workers), str(threads), which]
    child = subprocess.Popen([*command, str(folder), url])
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        time.sleep(1.5)  # all workers
        yield child.pid, port
    finally:
        for one in [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]:
            one.send_signal(signal.SIGKILL)
        child.wait()


def single(start: int, secret: str) -> Iterator[tuple[str, bytes]]:
    n = start
    while True:
        number = f"S{n:08d}"
        yield number, request("/api/v1/orders", json.dumps(document(number)).encode(), secret)
        n += 1


def bulk(start: int, secret: str, size: int) -> Iterator[tuple[str, bytes]]:
    n = start
    while True:
        numbers = [f"B{n + k:08d}" for k in range(size)]
        body = json.dumps({"orders": [document(number) for number in numbers]}).encode()
        yield numbers[0], request("/api/v1/orders/bulk", body, secret)
        n += size


def settled(url: str, folder: Path) -> str:
    """A database of ours with a token."""
    settings = replace(
        Settings.from_environment(None), data_dir=folder, database_url=url, log_level="ERROR"
    )
    context = open_context(settings, carriers={})
    founding.create_owner(context, "o@example.com", "Lin", "潮水退去 才知道 2026", "bench")
    secret = tokens.create(context, local_principal(1), "erp", "integrator", 90, None)
    context.store.close()
    return secret


def missing(url: str, numbers: list[str]) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        there = set(connection.execute(select(Order.number)).scalars())
    engine.dispose()
    return len(set(numbers) - there)


def compare(name: str, url: str, bare_url: str, asked: argparse.Namespace, workers: int) -> float:
    folder = Path(tempfile.mkdtemp(prefix="tidegate-ingest-"))
    secret = settled(url, folder)
    engine = create_engine(bare_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (number TEXT PRIMARY KEY, body TEXT)"))
    engine.dispose()
    found: dict[str, list[Load]] = {"ours": [], "bare": []}
    for round_ in range(asked.rounds):
        for which, address in (("bare", bare_url), ("ours", url)):
            with server(which, folder, address, workers, asked.threads) as (_, port):
                start = 10_000_000 * (round_ + 1)
                drive(port, single(start + 9_000_000, secret), asked.connections, 0.5)
                load = drive(port, single(start, secret), asked.connections, asked.seconds)
            found[which].append(load)  # killed with SIGKILL right after the last answer
    lost = sum(missing(url, load.acknowledged) for load in found["ours"])
    best = {which: max(loads, key=lambda load: load.rate) for which, loads in found.items()}
    ratio = best["ours"].rate / best["bare"].rate
    for which, load in best.items():
        print(
            f"{name}, one per request, {which}: {load.rate:,.0f}/s, p50 {load.p(0.5):.1f} ms,"
            f" p99 {load.p(0.99):.1f} ms, refused {load.refused}"
        )
    print(
        f"{name}: ratio {ratio:.2f} (wanted {WANTED}); acknowledged and missing after SIGKILL: {lost}"
    )
    with server("ours", folder, url, workers, asked.threads) as (_, port):
        load = drive(port, bulk(90_000_000, secret, 500), 4, asked.seconds)
    orders = len(load.acknowledged) * 500
    print(
        f"{name}, 500 per request: {orders / load.seconds:,.0f} orders/s, p50 {load.p(0.5):.0f} ms"
    )
    return ratio if not lost else 0.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--own-postgres", action="store_true", help="PostgreSQL from its wheel, too"
    )
    parser.add_argument(
        "--sync-ms", type=int, default=0, help="once more with syncs that take longer"
    )
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--threads", type=int, default=32)
    asked = parser.parse_args()
    os.environ["TIDEGATE_PATTERNS"] = "own"
    folder = tempfile.mkdtemp(prefix="tidegate-ingest-")
    ratios = [compare("SQLite", *of_sqlite(folder, "quick"), asked, 1)]
    if asked.sync_ms:
        os.environ["LD_PRELOAD"] = slow_disk(Path(folder), asked.sync_ms)
        name = f"SQLite, syncs {asked.sync_ms} ms longer"
        ratios.append(compare(name, *of_sqlite(folder, "slow"), asked, 1))
        del os.environ["LD_PRELOAD"]
    if asked.own_postgres:
        with (
            tempfile.TemporaryDirectory(prefix="tidegate-bench-") as place,
            postgres_and_redis(Path(place)) as servers,
        ):
            url = servers["TIDEGATE_DATABASE_URL"]
            ratios.append(compare("PostgreSQL", url, url, asked, 2))
    return 0 if min(ratios) >= WANTED else 1


def of_sqlite(folder: str, name: str) -> tuple[str, str]:
    return f"sqlite:///{folder}/{name}-ours.db", f"sqlite:///{folder}/{name}-bare.db"


if __name__ == "__main__":
    sys.exit(main())
