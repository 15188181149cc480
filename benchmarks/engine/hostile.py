"""What comes from outside to do harm: the time until each case has its answer, against the limit of one second."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LIMIT_S = 1.0
CASES = Path(__file__).parents[2] / "tests" / "engine" / "hostile_cases.py"


def main() -> None:
    done = subprocess.run(
        [sys.executable, str(CASES)], capture_output=True, text=True, check=True, timeout=900
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    rows.sort(key=lambda row: -row["seconds"])
    for row in rows[:8]:
        print(
            f"{row['seconds'] / LIMIT_S:6.2f} of the limit  {row['peak_mb']:4d} MB  {row['name']}"
        )
    over = sum(row["seconds"] > LIMIT_S for row in rows)
    print(f"{len(rows)} cases, {over} over {LIMIT_S:.0f} s of processor time")


if __name__ == "__main__":
    main()
