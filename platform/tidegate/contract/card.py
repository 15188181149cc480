"""What the kit found, one line a check, for people and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Words = dict[str, str]


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


MARKS = {
    Verdict.PASSED: {"zh": "通过", "en": "passed"},
    Verdict.FAILED: {"zh": "未过", "en": "FAILED"},
    Verdict.NOT_CHECKED: {"zh": "未查", "en": "not checked"},
}


class Wrong(Exception):
    """The connector does not keep its contract: what was seen and what should have been."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words: Words = {"zh": zh, "en": en}


class NotChecked(Wrong):
    """There is no means to look: what is missing."""


@dataclass(frozen=True, slots=True)
class Line:
    """`said` is empty when the check passed."""

    id: str
    title: Words
    verdict: Verdict
    said: Words

    def document(self, language: str) -> dict[str, str]:
        return {
            "check": self.id, "title": self.title[language], "verdict": self.verdict,
            "said": self.said.get(language, ""),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    connector: str
    lines: Sequence[Line]

    @property
    def green(self) -> bool:
        """Everything was looked at and nothing was wrong; a card that found nothing to look at is not green."""
        return bool(self.lines) and all(line.verdict is Verdict.PASSED for line in self.lines)

    def count(self, verdict: Verdict) -> int:
        return sum(line.verdict is verdict for line in self.lines)

    def document(self, language: str) -> dict[str, Any]:
        return {
            "connector": self.connector,
            "green": self.green,
            **{verdict.value: self.count(verdict) for verdict in Verdict},
            "checks": [line.document(language) for line in self.lines],
        }

    def text(self, language: str) -> str:
        """The card for a terminal; under a line that is not passed stands how to see it alone."""
        told = [self._head(language)]
        for line in self.lines:
            mark = MARKS[line.verdict][language]
            told.append(f"  {mark:<12}{line.id:<22}{line.title[language]}")
            if line.said:
                told.append(f"      {line.said[language]}")
                told.append(f"      tidegate connectors check {self.connector} --only {line.id}")
        return "\n".join(told)

    def _head(self, language: str) -> str:
        passed, of = self.count(Verdict.PASSED), len(self.lines)
        failed, unseen = self.count(Verdict.FAILED), self.count(Verdict.NOT_CHECKED)
        if language == "zh":
            state = "全部通过" if self.green else "不合格"
            return f"连接器 {self.connector}: {state}; {of} 项中通过 {passed}, 未过 {failed}, 未查 {unseen}"
        state = "green" if self.green else "not green"
        return f"Connector {self.connector}: {state}; {passed} of {of} passed, {failed} failed, {unseen} not checked"
