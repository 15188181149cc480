"""How many jobs a merchant gets at a time."""

from __future__ import annotations

import pytest

from tidegate.jobs.pace import FIRST, Pace

KEY = (1, "advance_order")


def after(*turns: tuple[int, float]) -> int:
    pace = Pace()
    for count, took_s in turns:
        pace.ran(KEY, count, took_s)
    return pace.size(KEY, 50)


@pytest.mark.parametrize(
    ("turns", "size"),
    [
        ((), FIRST),
        (((16, 0.1),), 32),  # twofold at most
        (((16, 0.1), (32, 0.2)), 50),  # the kind's own limit
        (((16, 8.0),), 2),  # shrinks at once: 2 take a second
        (((16, 80.0),), 1),  # one always
        (((16, 8.0), (2, 0.02)), 4),  # and grows again
        (((3, 0.01),), FIRST),  # a few that were due say nothing of many
    ],
)
def test_a_turn_is_about_a_second(turns: tuple[tuple[int, float], ...], size: int) -> None:
    assert after(*turns) == size


def test_merchants_and_kinds_have_their_own() -> None:
    pace = Pace()
    pace.ran(KEY, 16, 16.0)
    assert pace.size(KEY, 50) == 1
    assert pace.size((2, "advance_order"), 50) == FIRST
    assert pace.size((1, "alert_wakeup"), 50) == FIRST
