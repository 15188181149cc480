"""Children that answer well, badly or not at all, and correlators in the test's hands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "engine")]  # for questions and random_patterns

from questions import NO, YES, Question, a_set, question  # noqa: E402  after the path

from tidegate.correlation.correlator import Alarm, Correlator  # noqa: E402


@pytest.fixture(scope="session")
def yes() -> Question:
    return question(a_set(), YES)


@pytest.fixture(scope="session")
def no() -> Question:
    return question(a_set(), NO)


@pytest.fixture(scope="session")
def durable() -> None:
    """durable-rules is an extra; where there is no compiler these tests cannot run."""
    if find_spec("durable_rules_engine") is None:
        pytest.skip("durable-rules is not installed: it needs a C compiler")


@dataclass
class Bench:
    """Makes correlators whose alarms, clock and chance are in the test's hands."""

    alarms: list[Alarm] = field(default_factory=list)
    now: float = 0.0
    chance: float = 0.99
    made: list[Correlator] = field(default_factory=list)

    def correlator(self, **options: Any) -> Correlator:
        given = {
            "limit_s": 5.0,
            "random": lambda: self.chance,
            "clock": lambda: self.now,
            **options,
        }
        found = Correlator(self.alarms.append, **given)
        self.made.append(found)
        return found

    @property
    def kinds(self) -> list[str]:
        return [alarm.kind for alarm in self.alarms]


@pytest.fixture
def bench() -> Iterator[Bench]:
    found = Bench()
    yield found
    for correlator in found.made:
        correlator.close()


Child = Callable[[str], list[str]]


@pytest.fixture
def child(tmp_path: Path) -> Child:
    """A command whose process says it is ready and then runs `body` for each `line` it is asked."""

    def command(body: str, greeting: str = "print('{\"ready\": true}', flush=True)") -> list[str]:
        script = tmp_path / f"child{len(list(tmp_path.iterdir()))}.py"
        script.write_text(
            "import json, os, signal, sys, time\n"
            f"{greeting}\n"
            "for line in sys.stdin:\n"
            "    n = json.loads(line)['n']\n"
            + "".join(f"    {row}\n" for row in body.splitlines()),
            "utf-8",
        )
        return [sys.executable, "-I", str(script)]

    return command
