"""The made-up courier itself: a list of scans, three a page."""

from __future__ import annotations

from typing import Any

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Asked, StageServer, Told, told

PAGE = 3


class CourierServer(StageServer):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []

    def answer(self, asked: Asked, api: str) -> Told:
        start = int(asked.json()["cursor"] or 0)
        page = self.rows[start : start + PAGE]
        end = start + len(page)
        return told({"rows": page, "next": str(end), "more": end < len(self.rows)})

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return told({"error": fault}, 429)

    def scan(self, number: str, state: str, at: float) -> None:
        key = f"c{len(self.rows)}"
        self.rows.append({"id": key, "number": number, "at": at, "code": state, "state": state})
