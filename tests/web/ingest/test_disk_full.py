"""A full disk: refused with a clear word, nothing damaged, reading goes on, and so does writing once there is room."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tidegate.store.tables import Order

SIZE = "6m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_told_and_writing_goes_on_once_there_is_room(
    small_disk: Path, open_program: Any, make_order: Any
) -> None:
    program = open_program(f"sqlite:///{small_disk / 'tidegate.db'}")
    acknowledged = []
    assert program("/orders", make_order("A0")).status_code == 201
    with (small_disk / "ballast").open("wb") as ballast:
        left = os.statvfs(small_disk)
        ballast.write(b"x" * (left.f_bavail * left.f_frsize - 700_000))
    refused = None
    for n in range(1, 3_000):
        answer = program("/orders", make_order(f"A{n}", order={"buyer": "b" * 200}))
        if answer.status_code != 201:
            refused = answer
            break
        acknowledged.append(f"A{n}")
    assert refused is not None
    assert acknowledged
    told = refused.get_json()
    assert (refused.status_code, told["code"]) == (507, "store.disk_full")
    assert "disk is full" in told["detail"]
    assert refused.headers["Retry-After"] == "5"
    program.language = "zh-CN"
    assert "磁盘已满" in program("/orders", make_order("C1")).get_json()["detail"]
    many = program("/orders/bulk", {"orders": [make_order(f"B{n}") for n in range(300)]})
    assert many.status_code == 507
    reader = program.app.test_client(use_cookies=False).get(
        "/api/v1/sets", headers={"Authorization": f"Bearer {program.secret}"}
    )
    assert reader.status_code == 200
    numbers = {order.number for order in program.rows(Order)}
    assert numbers == {"A0", *acknowledged}
    (small_disk / "ballast").unlink()
    begun = time.monotonic()
    while program("/orders", make_order("D1")).status_code != 201:
        assert time.monotonic() - begun < 60
    assert {order.number for order in program.rows(Order)} == {"A0", "D1", *acknowledged}
    with sqlite3.connect(small_disk / "tidegate.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
