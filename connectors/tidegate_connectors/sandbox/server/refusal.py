"""A business no, answered with HTTP 200 and success=false as waybill services do."""

from __future__ import annotations


class Refusal(Exception):
    """`code` travels; the texts are for whoever reads the raw answer."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en
