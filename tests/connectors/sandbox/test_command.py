"""`tidegate sandbox` as somebody types it: a process that tells its address and keeps its book."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate.sdk.carrier import Contact, WaybillRequest
from tidegate_connectors.sandbox import SandboxCarrier

HOUSE = Contact("发货组", "057300000000", "浙江省", "嘉兴市", "南湖区", "物流园 8 号")
REQUEST = WaybillRequest("P1-1", "SF.standard", "1", "P1", HOUSE, HOUSE, [], 500)


def command(data_dir: Path, *options: str) -> subprocess.Popen[str]:
    env = {**os.environ, "TIDEGATE_DATA_DIR": str(data_dir), "TIDEGATE_LANGUAGE": "en"}
    return subprocess.Popen(
        [sys.executable, "-m", "tidegate", "sandbox", *options],
        env=env, cwd=data_dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextmanager
def running(data_dir: Path, *options: str) -> Iterator[str]:
    process = command(data_dir, "--port", "0", "--json", *options)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")


def test_it_serves_stops_cleanly_and_keeps_its_numbers(tmp_path: Path) -> None:
    numbers = []
    for _ in range(2):
        with running(tmp_path) as url:
            secret = (tmp_path / "sandbox.secret").read_text("ascii")
            carrier = SandboxCarrier(url, "tidegate", secret, 5)
            numbers.append(carrier.create_waybill(REQUEST).waybill_no)
            carrier.close()
    assert numbers[0] == numbers[1]
    assert (tmp_path / "sandbox.db").is_file()


def test_own_secret_and_file_are_used(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    with running(tmp_path, "--secret", "mine", "--data", str(path)) as url:
        carrier = SandboxCarrier(url, "tidegate", "mine", 5)
        assert carrier.query_waybill("x") is None
        carrier.close()
    assert path.is_file()
    assert not (tmp_path / "sandbox.secret").exists()


def test_a_taken_port_and_a_time_scale_of_zero_are_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options in (("--port", port), ("--time-scale", "0")):
            process = command(tmp_path, *options)
            _, complaints = process.communicate(timeout=20)
            assert process.returncode == 2
            assert options[0] in complaints
            assert "Traceback" not in complaints
