"""The versions of a set, what differs between them, and who did what."""

from __future__ import annotations

from sqlalchemy import select

from tidegate.engine.rulesets import RuleSet
from tidegate.engine.writing import write
from tidegate.errors import NotFound
from tidegate.services.context import Context
from tidegate.services.workshop import comparing, drafts
from tidegate.services.workshop.live_sets import live_set, unknown_set, with_tests
from tidegate.services.workshop.model import LIVE, AuditEntry, Draft, VersionInfo
from tidegate.services.workshop.versions import info_of, rows_of
from tidegate.store.workshop_tables import RuleAudit, RuleVersion

Which = str | int  # "live", "draft" or the number of a version


def versions(context: Context, set_id: str) -> tuple[VersionInfo, ...]:
    """The newest first; 0 is the one of the rules folder, if it has one. Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = [info_of(row) for row in rows_of(work, set_id)]
    base = context.rules.base(set_id)
    if base is not None:
        found.append(VersionInfo(set_id, 0, base.hash, LIVE, None, None, None, "", "", None, ""))
    if not found and drafts.draft_of(context, set_id) is None:
        raise unknown_set(set_id)
    return tuple(found)


def text_of(context: Context, set_id: str, which: Which) -> str:
    """The YAML of a version, tests with it. Raises NotFound."""
    return write(ruleset_of(context, set_id, which))


def ruleset_of(context: Context, set_id: str, which: Which) -> RuleSet:
    """A version as it is read today.

    Raises:
        NotFound: there is none.
        RuleProblems: the vocabulary has changed so that it reads no more.
    """
    found: RuleSet | None = None
    if which == "live":
        found = live_set(context, set_id)
    elif which == "draft":
        draft = drafts.draft_of(context, set_id)
        found = draft.ruleset if draft else None
    elif which in (0, "0"):
        base = context.rules.base(set_id)
        found = with_tests(context, base) if base else None
    elif str(which).isdigit():
        with context.store.begin(context.tenant_id, readonly=True) as work:
            row = work.session.scalar(
                select(RuleVersion).where(
                    RuleVersion.set_id == set_id, RuleVersion.number == int(which)
                )
            )
        found = drafts.read_text(context, row.text) if row else None
    if found is None:
        raise NotFound(
            "rules.no_version",
            zh=f"规则集 {set_id} 没有版本 {which}。",
            en=f"The rule set {set_id} has no version {which}.",
            set=set_id,
            version=which,
        )
    return found


def diff(context: Context, set_id: str, before: Which, after: Which) -> comparing.Diff:
    """Raises NotFound."""
    return comparing.compare(
        ruleset_of(context, set_id, before), ruleset_of(context, set_id, after)
    )


def diff_with(context: Context, theirs: Draft, yours: str) -> comparing.Diff:
    """From a draft as it is to a text somebody wanted to save; with an empty text, from what decides
    now to the draft.
    """
    if yours:
        return comparing.compare(theirs.ruleset, drafts.read_text(context, yours))
    live = live_set(context, theirs.set_id)
    return comparing.compare(live or theirs.ruleset, theirs.ruleset)


def audit(context: Context, set_id: str, limit: int = 200) -> tuple[AuditEntry, ...]:
    """The newest first."""
    statement = select(RuleAudit).where(RuleAudit.set_id == set_id)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(statement.order_by(RuleAudit.id.desc()).limit(limit))
        return tuple(
            AuditEntry(row.at, row.actor, row.act, row.set_id, row.note, row.data) for row in rows
        )
