"""Pictures of pages, for people to look at: TIDEGATE_PICTURES=1 puts them into var/screenshots/.

Nobody looks at those of a run that only has to say yes or no, and a picture costs a fifth of a second.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "var" / "screenshots"
WANTED = os.environ.get("TIDEGATE_PICTURES", "") not in ("", "0")


def picture(page: Any, name: str) -> None:
    """The whole page as `<name>.png`, where pictures are wanted."""
    if WANTED:
        FOLDER.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
