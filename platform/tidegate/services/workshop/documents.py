"""Sets, rules and the vocabulary as plain documents, for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.engine.form_operators import operators_for
from tidegate.engine.language.types import Type
from tidegate.engine.values import plain
from tidegate.engine.writing import document_of
from tidegate.errors import NotFound
from tidegate.services.context import Context
from tidegate.services.workshop import drafts, history, set_edits
from tidegate.services.workshop.model import Draft, Words

TYPES = ("text", "number", "money", "boolean", "instant", "date", "duration")


@dataclass(frozen=True, slots=True)
class DraftDocument:
    """The open draft of a set. `version` grows with every save; `document` is the set as in YAML."""

    set_id: str
    version: int
    state: str
    hash: str
    base_hash: str
    author: str
    authors: Sequence[str]
    approved_by: str
    changed_by: str
    changed_at: datetime
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionDocument:
    """A version of a set: `live`, `draft` or its number."""

    set_id: str
    which: str
    hash: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FactEntry:
    id: str
    group: str
    type: str
    title: Words
    unit: str
    values: Sequence[str]
    personal: bool
    editable: bool
    window: bool
    help: Words


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """`each` names the group of the lines where the group is a list."""

    id: str
    title: Words
    each: str


@dataclass(frozen=True, slots=True)
class ArgumentEntry:
    id: str
    type: str
    title: Words
    required: bool
    values: Sequence[str]
    unit: str


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """`main` is the argument a bare value fills; `many`: several live side by side."""

    id: str
    title: Words
    writes: str
    main: str
    many: bool
    arguments: Sequence[ArgumentEntry]


@dataclass(frozen=True, slots=True)
class GateEntry:
    id: str
    title: Words
    subject: str
    asked: Words
    facts: Sequence[str]
    actions: Sequence[str]


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    id: str
    title: Words


@dataclass(frozen=True, slots=True)
class OperatorEntry:
    """One operator for a type, in both languages. `takes`: value, range, tests, conditions, calendar, nothing."""

    type: str
    operator: str
    title: Words
    takes: str
    wrap: str


@dataclass(frozen=True, slots=True)
class VocabularyDocument:
    groups: Sequence[GroupEntry]
    facts: Sequence[FactEntry]
    gates: Sequence[GateEntry]
    actions: Sequence[ActionEntry]
    calendars: Sequence[CalendarEntry]
    operators: Sequence[OperatorEntry]
    policies: Sequence[str]
    reasons: Mapping[str, Words]


POLICIES = ("first", "unique", "any", "priority", "collect", "stages")


def draft_document(draft: Draft) -> DraftDocument:
    return DraftDocument(
        draft.set_id, draft.version, draft.state, draft.ruleset.hash, draft.base_hash, draft.author,
        draft.authors, draft.approved_by, draft.changed_by, draft.changed_at,
        _plain(document_of(draft.ruleset)),
    )  # fmt: skip


def draft(context: Context, set_id: str) -> DraftDocument:
    """Raises NotFound: the set has no open draft."""
    found = drafts.draft_of(context, set_id)
    if found is None:
        drafts.info(context, set_id)
        raise NotFound(
            "rules.no_draft",
            zh=f"规则集 {set_id} 没有打开的草稿；先从线上版本打开一个。",
            en=f"The set {set_id} has no open draft; start one first.",
            set=set_id,
        )
    return draft_document(found)


def version_document(context: Context, set_id: str, which: str) -> VersionDocument:
    """Raises NotFound."""
    found = history.ruleset_of(context, set_id, which)
    return VersionDocument(set_id, which, found.hash, _plain(document_of(found)))


def rule_document(context: Context, set_id: str, rule_id: str) -> Mapping[str, Any]:
    """A rule of the draft, or of what decides where there is no draft. Raises NotFound."""
    document = document_of(drafts.working_set(context, set_id))
    for block in set_edits.blocks(document):
        for rule in block.get("rules") or ():
            if rule["id"] == rule_id:
                return _plain(rule)
    raise NotFound(
        "rules.no_rule",
        zh=f"没有 {rule_id}；可能已改名或删除。",
        en=f"There is no {rule_id}; it may have been renamed or removed.",
        id=rule_id,
    )


def vocabulary(context: Context) -> VocabularyDocument:
    """Everything a rule may read and ask for."""
    found = context.rules.vocabulary
    return VocabularyDocument(
        groups=[GroupEntry(g.id, g.title, g.each) for g in found.groups.values()],
        facts=[
            FactEntry(
                f.id, f.group, f.type, f.title, f.unit, f.values, f.personal, f.editable, f.window,
                f.help,
            )
            for f in found.facts.values()
        ],
        gates=[
            GateEntry(g.id, g.title, g.subject, g.asked, g.facts, g.actions)
            for g in found.gates.values()
        ],
        actions=[
            ActionEntry(
                a.id, a.title, a.writes, a.main, a.many,
                [
                    ArgumentEntry(one.id, one.type, one.title, one.required, one.values, one.unit)
                    for one in a.args.values()
                ],
            )
            for a in found.actions.values()
        ],
        calendars=[CalendarEntry(name, one.title) for name, one in found.calendars.items()],
        operators=list(_operators()),
        policies=POLICIES,
        reasons=found.reasons,
    )  # fmt: skip


def _operators() -> Iterator[OperatorEntry]:
    for name in TYPES:
        for one in operators_for(Type(name)):
            title = {"zh": str(one["zh"]), "en": str(one["en"])}
            yield OperatorEntry(
                name, str(one["operator"]), title, str(one["takes"]), str(one.get("wrap", ""))
            )


def _plain(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = plain(document)
    assert isinstance(found, Mapping)  # noqa: S101  a mapping stays one
    return found
