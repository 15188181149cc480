"""SF's protocol server, fresh for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that tests here can import carrier_account

from tidegate_platforms.sf import SFServer


@pytest.fixture
def server() -> Iterator[SFServer]:
    with SFServer() as running:
        assert isinstance(running, SFServer)
        yield running
