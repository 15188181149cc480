"""A disk of a few megabytes, and something that fills it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """16 MB, or what the test asks for."""
    size = getattr(request, "param", "16m")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path, disk: Path) -> None:
    """Until nothing more fits, whoever else writes meanwhile."""
    with ballast.open("wb", buffering=0) as file:
        while (left := os.statvfs(disk)).f_bavail:
            with suppress(OSError):  # somebody else took what was left
                file.write(b"x" * (left.f_bavail * left.f_frsize))
