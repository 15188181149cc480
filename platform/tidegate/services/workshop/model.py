"""What the workshop hands to pages, commands and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidegate.engine.rulesets import RuleSet
from tidegate.errors import Conflict

Words = Mapping[str, str]
EDITING, IN_REVIEW, APPROVED = "editing", "in_review", "approved"
LIVE, SHADOW = "live", "shadow"


@dataclass(frozen=True, slots=True)
class Draft:
    """The open draft of a set. `version` grows with every save. `text` is canonical YAML with the
    tests under `tests:`.
    """

    set_id: str
    version: int
    text: str
    ruleset: RuleSet
    state: str
    base_hash: str
    author: str
    authors: tuple[str, ...]
    approved_by: str
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DraftInfo:
    version: int
    state: str
    hash: str
    author: str
    approved_by: str
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """A version as it was published. `number` 0 is what ships with Tidegate or lies in the rules folder."""

    set_id: str
    number: int
    hash: str
    mode: str
    starts_at: datetime | None
    ends_at: datetime | None
    withdrawn_at: datetime | None
    published_by: str
    approved_by: str
    published_at: datetime | None
    note: str
    summary: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True, slots=True)
class SetInfo:
    """What headers, tabs and banners of a set need."""

    set_id: str
    gate: str
    title: Words
    policy: str
    live: VersionInfo | None
    draft: DraftInfo | None
    shadow: VersionInfo | None
    scheduled: tuple[VersionInfo, ...]
    differs: bool  # what decides is not what the draft says


@dataclass(frozen=True, slots=True)
class AuditEntry:
    at: datetime
    actor: str
    act: str
    set_id: str
    note: str
    data: Mapping[str, Any]


class DraftChanged(Conflict):
    """Somebody saved the draft meanwhile. `theirs` is the draft as it is now, `yours` the text that
    was to be saved (empty where only an act was asked for).
    """

    def __init__(self, theirs: Draft, yours: str = "") -> None:
        who, number = theirs.changed_by, theirs.version
        super().__init__(
            "rules.draft_changed",
            zh=f"{who} 刚保存了这个草稿（第 {number} 次保存）；请看两边的差别，再决定保留哪一份。",
            en=f"{who} has just saved this draft (save {number}); compare the two, then choose.",
            set=theirs.set_id,
            version=number,
        )
        self.theirs = theirs
        self.yours = yours
