"""The processes of a run: platforms, each a server of its own, and the product, embedded or scaled out."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

STAGE = Path(__file__).parent / "work_stage.py"
READY_S = 120.0


class Platform:
    """One platform's process. `ask` waits for its answer; several may be asked at once, each by one thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(STAGE), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        told = self.ask("start")
        self.url: str = told["url"]
        self.settings: dict[str, str] = told["settings"]

    def ask(self, do: str, **more: Any) -> Any:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            print(
                json.dumps({"do": do, **more}, ensure_ascii=False),
                file=self._process.stdin,
                flush=True,
            )
            said = self._process.stdout.readline()
        assert said, f"the process of {self.name} ended"
        return json.loads(said)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@dataclass
class Product:
    """Tidegate as an operator starts it."""

    folder: Path
    database_url: str
    redis_url: str | None = None
    url: str = ""
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        found = {
            name: text for name, text in os.environ.items() if not name.startswith("TIDEGATE_")
        }
        found |= {
            "TIDEGATE_DATABASE_URL": self.database_url, "TIDEGATE_DATA_DIR": str(self.folder),
            "TIDEGATE_TRUSTED_HOSTS": "127.0.0.1", "TIDEGATE_LANGUAGE": "en",
            "TIDEGATE_SECRET_KEY": "k" * 32, "TIDEGATE_PATTERNS": "own", "TIDEGATE_LOG_LEVEL": "WARNING",
        }  # fmt: skip
        return found | ({"TIDEGATE_REDIS_URL": self.redis_url} if self.redis_url else {})

    def start(self) -> None:
        """Embedded: one process. Scaled out: pages, relay and workers, calls to others by workers of their own."""
        if self.redis_url is None:
            self.url = self._start("run", "--port", free_port(), "--no-open")["url"]
            return
        self.url = self._start("serve", "--port", free_port(), "--processes", "1")["url"]
        self._start("relay")
        calls = ("waybill", "write_back", "tracking", "sync", "fetch", "webhook")
        own = ("orders", "alert", "report")
        for processes, queues in (("6", calls), ("2", own)):
            words = [word for queue in queues for word in ("--queue", queue)]
            self._start("worker", "--processes", processes, *words)

    def stop(self) -> None:
        for process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self.started.clear()

    def memory_mib(self) -> int:
        """Of all its processes now."""
        return int(self._sum(lambda one: one.memory_info().rss)) >> 20

    def cpu_s(self) -> float:
        """Seconds of processor time that its processes have taken."""
        return self._sum(lambda one: sum(one.cpu_times()[:2]))

    def _sum(self, of: Callable[[psutil.Process], float]) -> float:
        total = 0.0
        for process in self.started:
            with contextlib.suppress(psutil.NoSuchProcess):
                one = psutil.Process(process.pid)
                total += sum(of(each) for each in [one, *one.children(recursive=True)])
        return total

    def logs(self) -> str:
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-3000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )

    def _start(self, *words: str) -> dict[str, Any]:
        path = self.folder / f"{words[0]}-{len(self.started)}.log"
        with path.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tidegate", *words, "--json"], env=self.environment,
                stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("{"), (said, path.read_text()[-3000:])
        found: dict[str, Any] = json.loads(said)
        return found


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def until(claim: Any, seconds: float, what: str, every_s: float = 0.5) -> float:
    """Wait for it; the seconds it took."""
    begun = time.monotonic()
    while not claim():
        took = time.monotonic() - begun
        assert took < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(every_s)
    return time.monotonic() - begun
