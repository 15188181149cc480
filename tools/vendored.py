"""Check every vendored file against its lock: `python tools/vendored.py check`.

Finds the tools by looking (`tools/vendor_*.py`), each of which knows `fetch` and `check`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    tools = sorted(Path(__file__).parent.glob("vendor_*.py"))
    if not tools:
        print("no vendoring tool found: nothing was checked")
        return 1
    failed = [
        tool.name for tool in tools if subprocess.run([sys.executable, tool, "check"]).returncode
    ]
    for name in failed:
        print(f"{name}: a vendored file differs from its lock")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:] != ["check"]:
        sys.exit("usage: python tools/vendored.py check")
    sys.exit(main())
