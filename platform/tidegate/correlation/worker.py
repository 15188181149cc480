"""One living child: started, asked, and ended whatever happens."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.correlation.lines import MAX_REQUEST, Lines, Trouble
from tidegate.correlation.sealing import Sealed

DIED = "died"
COMMAND = (sys.executable, "-I", "-m", "tidegate.correlation.child")


@dataclass(frozen=True)
class Reply:
    """`spent`: the child wants to be replaced."""

    found: bool
    spent: bool


class Worker:
    """Owns a process and its pipes. Not for two threads at once."""

    def __init__(self, command: Sequence[str], start_limit_s: float) -> None:
        """Start the child and wait for its self-test.

        Raises:
            Trouble: it is not installed, failed its self-test, died, or took too long.
        """
        self._process = subprocess.Popen(  # noqa: S603  our own module under our own interpreter
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None  # noqa: S101  a pipe, as asked
        assert sink is not None  # noqa: S101
        self._lines = Lines(source.fileno(), sink.fileno())
        self.asked = 0
        try:
            self._greet(time.monotonic() + start_limit_s)
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, sealed: Sealed, limit_s: float) -> Reply:
        """One episode.

        Raises:
            Trouble: no answer in time, or none that can be trusted. The worker must be ended.
        """
        self.asked += 1
        line = json.dumps({"n": self.asked, **sealed.document()}).encode()
        if len(line) > MAX_REQUEST:
            raise Trouble("error", "request too long")
        deadline = time.monotonic() + limit_s
        if self._lines.pending:
            raise Trouble("garbage", "unasked")
        self._lines.send(line, deadline)
        reply = _document(self._lines.receive(deadline))
        if reply.get("n") != self.asked:
            raise Trouble("garbage", "number")
        if "error" in reply:
            raise Trouble("error", str(reply["error"])[:40])
        if not isinstance(reply.get("found"), bool):
            raise Trouble("garbage", "answer")
        return Reply(reply["found"], reply.get("spent") is True)

    def end(self) -> None:
        """Kill it. Never raises, may be called twice."""
        self._process.kill()
        self._close()
        self._process.wait()

    def forget(self) -> None:
        """Let go of a child that belongs to the process this one was forked from."""
        self._close()
        self._process.returncode = 0  # nobody waits for another's child

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _greet(self, deadline: float) -> None:
        try:
            greeting = _document(self._lines.receive(deadline))
        except Trouble as trouble:
            if trouble.kind == "died":  # as far as anyone can tell, of the self-test
                raise Trouble("self_test", DIED) from trouble
            raise
        if greeting.get("ready") is True:
            return
        reason = str(greeting.get("reason", ""))
        kind, _, detail = reason.partition(":")
        if kind not in ("not_installed", "self_test"):
            raise Trouble("garbage", "greeting")
        raise Trouble(kind, detail[:40])


def _document(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Trouble("garbage", "not JSON") from error
    if not isinstance(found, dict):
        raise Trouble("garbage", "no object")
    return found
