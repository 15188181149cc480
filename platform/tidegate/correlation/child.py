"""The process that durable-rules may crash: `python -I -m tidegate.correlation.child`.

One JSON object a line, in and out. It says `{"ready": true}` once the self-test passed, then
answers each request `{n, flags, joins, facts}` with `{n, found}`, or `{n, error}`. With
`"spent": true` it asks to be replaced. It ends with its input, or with its parent.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from typing import Any

from tidegate.correlation.lines import MAX_REQUEST
from tidegate.correlation.network import Network, NetworkError, Pattern
from tidegate.correlation.selftest import failing

MEMORY = 512 * 1024 * 1024
ORPHAN_CHECK_S = 15.0


def main() -> int:
    """Serve until the input ends; 0 then, 1 when the backend must not be used."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    _limit_memory()
    try:
        failed = failing(Network())
    except ImportError:
        return _refuse("not_installed")
    if failed:
        return _refuse(f"self_test:{failed}")
    network = Network()
    _say({"ready": True})
    for line in _requests():
        reply = _answer(network, line)
        if network.spent or "error" in reply:
            reply["spent"] = True
        _say(reply)
    return 0


def _answer(network: Network, line: bytes) -> dict[str, Any]:
    number: object = None
    try:
        request = json.loads(line)
        number = request["n"]
        found = network.find(Pattern.of(request), request["facts"])
    except NetworkError as error:
        return {"n": number, "error": str(error)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"n": number, "error": "request"}
    return {"n": number, "found": found}


def _refuse(reason: str) -> int:
    _say({"ready": False, "reason": reason})
    return 1


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _requests() -> Iterator[bytes]:
    parent, held = os.getppid(), b""
    source = sys.stdin.fileno()
    while True:
        ready, _, _ = select.select([source], [], [], ORPHAN_CHECK_S)
        if not ready:
            if os.getppid() != parent:
                return
            continue
        chunk = os.read(source, 65_536)
        if not chunk:
            return
        held += chunk
        while b"\n" in held:
            line, _, held = held.partition(b"\n")
            yield line
        if len(held) > MAX_REQUEST:
            return


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    sys.exit(main())
