"""Processes of a simulation end with the process that asked for them, also when that one was killed."""

from __future__ import annotations

import os
import threading
import time

LOOK_EVERY_S = 2.0


def end_with_parent() -> None:
    """Watch from a thread: a process whose parent is gone waits for work for ever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
