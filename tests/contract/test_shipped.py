"""The kit is green for every connector of ours that has a protocol server."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from tidegate.contract.suite import check_connector
from tidegate.sdk.stage.protocol import GROUP

SHIPPED = sorted(
    one.name for one in entry_points(group=GROUP) if one.module.startswith("tidegate_platforms.")
)


def test_there_is_something_to_check() -> None:
    assert SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_is_green(name: str) -> None:
    card = check_connector(name)
    assert card.green, card.text("en")
