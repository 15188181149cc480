"""Restarts while people work: two instances of the pages, ended and started in turn, and nobody notices (B21)."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
import requests
from ports import free_port

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
CLIENTS = 4
PAUSE_S = 0.02  # of a client between two requests: the instances that start need the machine, too


class Balancer:
    """Clients that ask those instances only that say they are ready, and never ask twice."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.ready: list[int] = []
        self.asked = 0
        self.failed: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._look)]
        self._threads += [threading.Thread(target=self._client, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self) -> Balancer:
        self.look()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def look(self) -> None:
        self.ready = [port for port in self.ports if self._is_ready(port)]

    def _is_ready(self, port: int) -> bool:
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).raise_for_status()
            return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code != 503
        except requests.RequestException:
            return False

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            self.look()

    def _client(self, number: int) -> None:
        while not self._ended.wait(PAUSE_S):
            ready = self.ready
            port = ready[(number + self.asked) % len(ready)]
            try:
                answer = requests.get(f"http://127.0.0.1:{port}/orders", timeout=30)
                if answer.status_code != 200:
                    self.failed.append(f"{port}: {answer.status_code}")
            except requests.RequestException as error:
                self.failed.append(f"{port}: {type(error).__name__}")
            self.asked += 1


def until(claim: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_instances_restart_in_turn_and_no_request_fails(site) -> None:
    ports = [free_port(), free_port()]
    words = ("serve", "--processes", "1", "--drain", "3", "--port")
    running = [site.start(*words, str(port)) for port in ports]
    until(lambda: all(requests.get(f"http://127.0.0.1:{p}/orders", timeout=30).ok for p in ports))
    ended_in = []
    with Balancer(ports) as clients:
        for n, port in enumerate(ports):
            until(lambda: sorted(clients.ready) == sorted(ports))
            begun, before = time.monotonic(), clients.asked
            os.kill(running[n].pid, signal.SIGTERM)
            assert running[n].wait(40) == 0
            ended_in.append(time.monotonic() - begun)
            assert clients.asked > before, "there was load meanwhile"
            running[n] = site.start(*words, str(port))
        until(lambda: sorted(clients.ready) == sorted(ports))
    print(
        f"{clients.asked} requests, {len(clients.failed)} failed; ended in {max(ended_in):.1f} s at most"
    )
    assert clients.asked > 20
    assert clients.failed == []
    assert max(ended_in) < 39  # the patience above
