"""Named thresholds and lists of a set as their pages show them: values, where they are used, who changed them last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, cast, func, select

from tidegate.engine.language.rendering import literal_text
from tidegate.engine.language.tree import ListName, Node, Parameter, walk
from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.services.context import Context
from tidegate.services.view_names import same
from tidegate.services.workshop import drafts
from tidegate.services.workshop.model import Words
from tidegate.store.workshop_tables import RuleAudit


@dataclass(frozen=True, slots=True)
class UsedBy:
    """A rule that uses a name; `table` is empty for a rule that stands by itself."""

    id: str
    title: Words
    table: str


@dataclass(frozen=True, slots=True)
class LastChange:
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Threshold:
    """A named threshold; values are text as they are written."""

    id: str
    title: Words
    type: str
    value: str
    low: str
    high: str
    unit: str
    note: str
    choices: Sequence[str]
    used_by: Sequence[UsedBy]
    changed: LastChange | None


@dataclass(frozen=True, slots=True)
class NamedValues:
    id: str
    title: Words
    type: str
    values: Sequence[str]
    note: str
    used_by: Sequence[UsedBy]
    changed: LastChange | None


def thresholds(context: Context, set_id: str) -> list[Threshold]:
    """Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    used, changed = _users(ruleset), _last(context, set_id, "parameter")
    return [
        Threshold(
            id=name, title=p.title, type=p.type, value=_text(p.value), low=_text(p.low),
            high=_text(p.high), unit=p.unit, note=p.note, choices=p.values,
            used_by=used.get(name, ()), changed=changed.get(name),
        )
        for name, p in ruleset.parameters.items()
    ]  # fmt: skip


def named_lists(context: Context, set_id: str) -> list[NamedValues]:
    """Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    used, changed = _users(ruleset), _last(context, set_id, "list")
    return [
        NamedValues(
            name, found.title, found.type, [_text(value) for value in found.values], found.note,
            used.get(name, ()), changed.get(name),
        )
        for name, found in ruleset.lists.items()
    ]  # fmt: skip


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else literal_text(value)


def _users(ruleset: RuleSet) -> dict[str, list[UsedBy]]:
    """Rules by the thresholds and lists they use, derived facts seen through."""
    derived = {name: set(_names(d.node)) for name, d in ruleset.derive.items()}
    found: dict[str, list[UsedBy]] = {}
    for rule in ruleset.written:
        names = set(_of_rule(rule))
        names |= {name for read in rule.reads for name in derived.get(read, ())}
        title = rule.title if rule.title.get("zh") else same(rule.id)
        for name in names:
            found.setdefault(name, []).append(UsedBy(rule.id, title, rule.table))
    return found


def _of_rule(rule: Rule) -> Iterator[str]:
    nodes = [leaf.node for leaf in rule.leaves]
    nodes += [v for call in rule.actions for v in call.args.values() if isinstance(v, Node)]
    return (name for node in nodes for name in _names(node))


def _names(node: Node) -> Iterator[str]:
    for part in walk(node):
        if isinstance(part, Parameter | ListName):
            yield part.id


def _last(context: Context, set_id: str, act: str) -> Mapping[str, LastChange]:
    """The latest change of each name in the audit log, by name."""
    latest = (
        select(func.max(RuleAudit.id))
        .where(RuleAudit.set_id == set_id, RuleAudit.act == act)
        .group_by(cast(RuleAudit.data["what"], String))
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(select(RuleAudit).where(RuleAudit.id.in_(latest)))
        return {str(row.data.get("what")): LastChange(row.actor, row.at) for row in rows}
