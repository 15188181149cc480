"""`tidegate run` as a newcomer types it: a real process, a real port, a demo shop that fills."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from ports import free_port

ROOT = Path(__file__).parents[1]


@contextmanager
def running(data_dir: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    env = {**os.environ, "TIDEGATE_DATA_DIR": str(data_dir), "TIDEGATE_LANGUAGE": "en"}
    env.pop("TIDEGATE_DATABASE_URL", None)
    port = free_port()
    command = [sys.executable, "-m", "tidegate", "run", "--json", "--no-open", "--port", str(port)]
    process = subprocess.Popen(
        [*command, *options], env=env, stdout=subprocess.PIPE, text=True, cwd=data_dir
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield ready["url"], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


def wait_for(url: str, wanted: str, seconds: float) -> str:
    end = time.monotonic() + seconds
    page = ""
    while time.monotonic() < end:
        page = requests.get(url, timeout=20).text
        if wanted in page:
            return page
        time.sleep(0.5)
    raise AssertionError(f"{wanted!r} did not come within {seconds} s: {page[:2000]}")


def test_the_demo_opens_fills_and_stops_cleanly(tmp_path: Path) -> None:
    with running(tmp_path, "--demo") as (url, process):
        assert requests.get(url + "healthz", timeout=20).status_code == 200
        wait_for(url + "orders", "/orders/", 60)
    assert process.returncode == 0
    assert (tmp_path / "demo" / "tidegate.db").is_file()
    assert not (tmp_path / "tidegate.db").exists(), "the demo must not touch the real database"


def test_a_second_start_finds_what_the_first_one_left(tmp_path: Path) -> None:
    with running(tmp_path) as (url, _):
        assert requests.get(url, timeout=20).status_code == 200
    secret = (tmp_path / "web.secret").read_text("ascii")
    assert (tmp_path / "web.secret").stat().st_mode & 0o077 == 0
    with running(tmp_path) as (url, process):
        assert requests.get(url, timeout=20).status_code == 200
    assert process.returncode == 0
    assert (tmp_path / "web.secret").read_text("ascii") == secret


def test_a_taken_port_and_an_open_network_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for options, word in (
            (["--port", str(taken.getsockname()[1])], "web.port_taken"),
            (["--host", "0.0.0.0"], "web.loopback_only"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "tidegate", "run", *options],
                env={**os.environ, "TIDEGATE_DATA_DIR": str(tmp_path)},
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert done.returncode == 2
            assert word in done.stderr
            assert "Traceback" not in done.stderr
