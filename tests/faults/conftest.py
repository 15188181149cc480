"""The fault suite: real processes that die, remotes over HTTP that misbehave, and books kept outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "power_cut"))

from fault_desk import open_desk, quiet_logs, subscriber
from fault_disk import small_disk
from fault_house import make_merchant, open_merchant
from fault_postgres import postgres
from fault_remote import FaultServer

__all__ = [
    "make_merchant", "open_desk", "open_merchant", "postgres", "quiet_logs", "small_disk", "subscriber",
]  # fmt: skip


@pytest.fixture(scope="session")
def remote() -> Iterator[FaultServer]:
    """Carriers and shops of every duplicate class; the books are kept per case."""
    server = FaultServer()
    yield server
    server.stop()
