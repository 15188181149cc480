"""Every bar of the engine, and nothing else: what is wanted, what came, held or MISSED.

    .venv-bench/bin/python benchmarks/engine/bars.py [REPEAT]

The ratios to peers are the median of REPEAT times (3), ours and theirs in turn. On a busy machine they are worth
little: ours reads Python objects and waits more for memory than a peer that copies them. The load stands beside each.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SHOWN = re.compile(r"\bheld\b|\bMISSED\b|\bwanted\b")


def lines_of(script: str, *arguments: str) -> list[str]:
    """What a benchmark says about its bars; its last line of error if it fails."""
    command = [sys.executable, str(FOLDER / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return [f"failed: {(done.stderr.strip().splitlines() or ['-'])[-1]}"]
    return [line for line in done.stdout.splitlines() if SHOWN.search(line)]


def main() -> int:
    repeat = sys.argv[1] if len(sys.argv) > 1 else "3"
    missed = 0
    for script in ("peers", "simulation", "checker", "explain", "memory"):
        print(f"== {script}, load {os.getloadavg()[0]:.1f}", flush=True)
        extra = ("--repeat", repeat) if script == "peers" else ()
        for line in lines_of(f"{script}.py", *extra):
            print(line, flush=True)
            missed += "MISSED" in line or line.startswith("failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
