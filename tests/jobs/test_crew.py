"""A crew grows while all its threads are kept waiting, up to a limit, and shrinks by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tidegate.jobs import crew
from tidegate.jobs.crew import Crew


def until(claim: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


class Work:
    """Rounds that hang until they are let go."""

    def __init__(self, hanging: int) -> None:
        self.left = hanging
        self.inside = 0
        self.go = threading.Event()
        self.lock = threading.Lock()

    def __call__(self, turn: int) -> int:
        with self.lock:
            if not self.left:
                return 0
            self.left -= 1
            self.inside += 1
        assert self.go.wait(60)
        with self.lock:
            self.inside -= 1
        return 1


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "STUCK_S", 0.05)


def test_threads_come_while_all_hang_up_to_the_limit_and_go_afterwards() -> None:
    work, stopping = Work(hanging=10), threading.Event()
    team = Crew("sync", 1, work, stopping, most=3)
    team.start()
    until(lambda: work.inside == 1)
    for inside in (2, 3):
        until(team.reinforce)
        until(lambda wanted=inside: work.inside == wanted)  # type: ignore[misc]
    time.sleep(0.1)
    assert not team.reinforce(), "that is the most"
    work.left = 0
    work.go.set()
    mine = [one for one in threading.enumerate() if one.name.startswith("jobs-sync-")]
    until(lambda: sum(one.is_alive() for one in mine) == 1)
    stopping.set()
    team.join(time.monotonic() + 10)
    assert not any(one.is_alive() for one in mine)


def test_nobody_comes_while_somebody_is_free() -> None:
    work, stopping = Work(hanging=1), threading.Event()
    team = Crew("sync", 2, work, stopping, most=9)
    team.start()
    until(lambda: work.inside == 1)
    time.sleep(0.1)
    assert not team.reinforce()
    work.go.set()
    stopping.set()
    team.join(time.monotonic() + 10)
