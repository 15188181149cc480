"""The plumbing that all protocol servers stand on goes wrong exactly as it was told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Asked, StageServer, Told, told
from tidegate.sdk.stage.weather import Weather


class Counter(StageServer):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def answer(self, asked: Asked, api: str) -> Told:
        self.count += 1
        return told({"count": self.count, "said": asked.form})

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return told({"error": fault.value}, outcome=fault.value)


@pytest.fixture
def server() -> Iterator[Counter]:
    with Counter() as running:
        assert isinstance(running, Counter)
        yield running


def test_faults_come_in_their_number_and_place(server: Counter) -> None:
    server.fail(Fault.THROTTLED, times=2, skip=1, api="a.b")
    said = [
        requests.post(f"{server.url}/a/b", data={"x": "潮"}, timeout=5).json() for _ in range(4)
    ]
    assert said == [
        {"count": 1, "said": {"x": "潮"}},
        {"error": "throttled"},
        {"error": "throttled"},
        {"count": 2, "said": {"x": "潮"}},
    ]
    assert [call.outcome for call in server.calls] == ["done", "throttled", "throttled", "done"]


def test_a_cut_is_after_the_work_and_down_is_before_it(server: Counter) -> None:
    server.fail(Fault.CUT)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{server.url}/a", timeout=5)
    assert server.count == 1
    server.fail(Fault.DOWN)
    assert requests.post(f"{server.url}/a", timeout=5).status_code == 500
    assert server.count == 1
    server.fail(Fault.GARBAGE)
    assert b"not json" in requests.post(f"{server.url}/a", timeout=5).content
    assert server.count == 2


def test_its_limit_is_kept_and_its_clock_is_its_own(server: Counter) -> None:
    server.limits = {"a": (2, 60.0)}
    said = [requests.get(f"{server.url}/a", timeout=5).json() for _ in range(3)]
    assert said[2] == {"error": "throttled"}
    server.skew(86_400 * 400)
    year = requests.get(f"{server.url}/b", timeout=5).headers["Date"].split()[3]
    assert int(year) >= server.now().year


def test_weather_is_the_same_for_the_same_seed_and_spares_what_it_is_told_to(
    server: Counter,
) -> None:
    rates = {Fault.DOWN: 0.3, Fault.REFUSED: 0.2}

    def outcomes(api: str) -> list[str]:
        server.calls.clear()
        server.weather = Weather(7, rates, sparing=frozenset({"spared"}))
        for _ in range(40):
            requests.post(f"{server.url}/{api}", timeout=5)
        return [call.outcome for call in server.calls]

    first = outcomes("a")
    assert first == outcomes("a")
    assert set(first) == {"done", "down", "refused"}
    assert 8 <= first.count("down") <= 16
    assert set(outcomes("spared")) == {"done"}
    server.weather = None
    assert requests.post(f"{server.url}/a", timeout=5).status_code == 200
