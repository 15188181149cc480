"""From draft to live and back: review by a second person, publishing now or at a time, shadow, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from tidegate.engine.rulesets import RuleSet
from tidegate.engine.writing import write
from tidegate.errors import Conflict, InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.people import required_reason
from tidegate.services.workshop import drafts, history
from tidegate.services.workshop.auditing import record
from tidegate.services.workshop.model import (
    APPROVED,
    EDITING,
    IN_REVIEW,
    LIVE,
    SHADOW,
    Draft,
    DraftChanged,
    VersionInfo,
)
from tidegate.services.workshop.readiness import Readiness, demands_four_eyes, readiness
from tidegate.services.workshop.versions import effective, info_of, rows_of
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.workshop_tables import RuleVersion


class NotReady(Conflict):
    """The draft can't be published yet; `readiness.blockers` say why and what to do."""

    def __init__(self, set_id: str, found: Readiness) -> None:
        said = {lang: " ".join(b.words[lang] for b in found.blockers) for lang in ("zh", "en")}
        super().__init__(
            "rules.not_ready",
            zh=f"规则集 {set_id} 还不能发布：{said['zh']}",
            en=f"The set {set_id} can't be published yet: {said['en']}",
            set=set_id,
            codes=",".join(b.code for b in found.blockers),
        )
        self.readiness = found


# review


def ask_for_review(
    context: Context, set_id: str, version: int, actor: str, note: str = ""
) -> Draft:
    """Raises DraftChanged."""
    return _to_state(context, set_id, version, actor, IN_REVIEW, "review_asked", note)


def approve(context: Context, set_id: str, version: int, actor: str, note: str = "") -> Draft:
    """A second person says yes to exactly this version of the draft.

    Raises:
        InputError: the approver changed the draft, where the set demands four eyes.
        Conflict: nobody asked for a review.
        DraftChanged: it was changed since.
    """
    draft = _draft(context, set_id)
    if draft.state != IN_REVIEW:
        raise Conflict(
            "rules.not_in_review",
            zh=f"规则集 {set_id} 的草稿没有待复核；请先提交复核。",
            en=f"The draft of {set_id} waits for no review; ask for one first.",
            set=set_id,
        )
    if actor in draft.authors and demands_four_eyes(context, draft.ruleset):
        raise InputError(
            "rules.own_approval",
            zh="这个规则集要求双人复核：改过草稿的人不能自己批准；请另一个人来。",
            en="This set demands four eyes: who changed the draft can't approve it; ask another person.",
            field="approve",
        )
    return _to_state(context, set_id, version, actor, APPROVED, "approved", note, IN_REVIEW)


def send_back(context: Context, set_id: str, version: int, actor: str, note: str) -> Draft:
    """With a reason. Raises InputError without one, DraftChanged."""
    reason = required_reason(note)
    return _to_state(context, set_id, version, actor, EDITING, "sent_back", reason)


def _to_state(
    context: Context,
    set_id: str,
    version: int,
    actor: str,
    state: str,
    act: str,
    note: str,
    before: str = "",
) -> Draft:
    with context.store.begin(context.tenant_id) as work:
        row = drafts.guarded(work, context, set_id, version, "")
        if before and row.state != before:
            raise _reviewed_meanwhile(set_id)
        row.state = state
        row.approved_by = actor if state == APPROVED else None
        record(work, context, set_id, actor, act, note, {"version": version})
        work.commit()
    return _draft(context, set_id)


def _draft(context: Context, set_id: str) -> Draft:
    found = drafts.draft_of(context, set_id)
    if found is None:
        raise drafts.unknown_draft(set_id)
    return found


# publishing


def publish(
    context: Context,
    set_id: str,
    version: int,
    actor: str,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    mode: str = LIVE,
    note: str = "",
    summary: Mapping[str, Any] | None = None,
) -> VersionInfo:
    """The draft as a new version, whole, in every process within two seconds of its start.

    A live version ends the draft; a version in shadow leaves it open.

    Raises:
        NotReady: with everything that keeps it back.
        InputError: the end is not after the start, or there is no such mode.
        DraftChanged: it was changed since the page was made.
        Conflict: it was sent back while it was being published.
    """
    if mode not in (LIVE, SHADOW):
        raise _unknown_mode(mode)
    draft = _draft(context, set_id)
    if draft.version != version:
        raise DraftChanged(draft)
    now = context.clock()
    start = max(starts_at, now) if starts_at else now
    _check_window(start, ends_at)
    found = readiness(context, draft)
    blockers = [b for b in found.blockers if mode == LIVE or b.code != "publish.not_approved"]
    if blockers:
        raise NotReady(set_id, found)
    with context.store.begin(context.tenant_id) as work:
        row = drafts.guarded(work, context, set_id, version, "")
        if row.state != draft.state:  # sent back while the checks ran: same version, other state
            raise _reviewed_meanwhile(set_id)
        made = _version(
            work, context, draft.ruleset, draft.text, actor, start=start, ends_at=ends_at,
            mode=mode, note=note, approved_by=row.approved_by,
            summary={**found.as_summary(), **(summary or {})},
        )  # fmt: skip
        if mode == LIVE:
            work.session.delete(row)
        data = {"number": made.number, "mode": mode, "starts_at": start.isoformat()}
        data |= {"ends_at": ends_at.isoformat()} if ends_at else {}
        record(work, context, set_id, actor, "published", note, data)
        work.commit()
        said = info_of(made)
    context.rules.look_now()
    return said


def roll_back(
    context: Context, set_id: str, to_version: int, actor: str, reason: str
) -> VersionInfo:
    """An earlier version once more, as a new one, at once. It was tested and approved when it was
    published, so one person can do this at night; the audit log says who and why.

    Raises:
        NotFound: there is no such version.
        InputError: no reason, or the version only ran in shadow, which nobody had to approve.
    """
    why = required_reason(reason)
    _was_live(context, set_id, to_version)
    ruleset = history.ruleset_of(context, set_id, to_version)
    with context.store.begin(context.tenant_id) as work:
        made = _version(
            work, context, ruleset, write(ruleset), actor, start=context.clock(), ends_at=None,
            mode=LIVE, note=why, approved_by=None, summary={"rolled_back_to": to_version},
        )  # fmt: skip
        data = {"number": made.number, "to": to_version}
        record(work, context, set_id, actor, "rolled_back", why, data)
        work.commit()
        said = info_of(made)
    context.rules.look_now()
    return said


def cancel_scheduled(
    context: Context, set_id: str, number: int, actor: str, reason: str = ""
) -> None:
    """A version that has not begun yet never will. Raises NotFound, or Conflict if it has begun."""
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, set_id, number)
        if row.starts_at <= context.clock():
            raise Conflict(
                "rules.begun",
                zh=f"第 {number} 版已经开始生效；要撤回请回滚。",
                en=f"Version {number} is in force already; roll back instead.",
                set=set_id,
            )
        _withdraw(work, context, row, actor, "schedule_cancelled", reason)
    context.rules.look_now()


def withdraw(context: Context, set_id: str, number: int, actor: str, reason: str) -> None:
    """A version that decides no longer does: the one before decides again, or nothing under this id.

    Raises:
        NotFound: there is no such version.
        InputError: no reason.
    """
    why = required_reason(reason)
    with context.store.begin(context.tenant_id) as work:
        _withdraw(work, context, _row(work, set_id, number), actor, "withdrawn", why)
    context.rules.look_now()


def stop_shadow(context: Context, set_id: str, actor: str, reason: str = "") -> None:
    """Raises NotFound if none runs."""
    with context.store.begin(context.tenant_id) as work:
        row = effective(rows_of(work, set_id), SHADOW, context.clock())
        if row is None:
            raise _no_version(set_id, "shadow")
        _withdraw(work, context, row, actor, "shadow_stopped", reason)
    context.rules.look_now()


def _withdraw(
    work: UnitOfWork, context: Context, row: RuleVersion, actor: str, act: str, reason: str
) -> None:
    work.session.execute(
        update(RuleVersion)
        .where(RuleVersion.id == row.id, RuleVersion.withdrawn_at.is_(None))
        .values(withdrawn_at=context.clock())
    )
    record(work, context, row.set_id, actor, act, reason, {"number": row.number})
    work.commit()


def _version(
    work: UnitOfWork,
    context: Context,
    ruleset: RuleSet,
    text: str,
    actor: str,
    *,
    start: datetime,
    ends_at: datetime | None,
    mode: str,
    note: str,
    approved_by: str | None,
    summary: Mapping[str, Any],
) -> RuleVersion:
    last = work.session.scalar(
        select(func.max(RuleVersion.number)).where(RuleVersion.set_id == ruleset.id)
    )
    row = RuleVersion(
        set_id=ruleset.id, number=(last or 0) + 1, hash=ruleset.hash, text=text, mode=mode,
        starts_at=start, ends_at=ends_at, published_by=actor, approved_by=approved_by,
        published_at=context.clock(), note=note, summary=dict(summary),
    )  # fmt: skip
    work.add(row)
    try:
        work.session.flush()
    except IntegrityError:
        raise Conflict(
            "rules.published_twice",
            zh=f"规则集 {ruleset.id} 刚被别人发布；请刷新后再看。",
            en=f"{ruleset.id} was published by somebody else just now; reload and look again.",
            set=ruleset.id,
        ) from None
    return row


def _unknown_mode(mode: str) -> InputError:
    return InputError(
        "rules.unknown_mode",
        zh=f"发布方式应为 {LIVE} 或 {SHADOW}，而不是 {mode[:20]}。",
        en=f"A version is published as {LIVE} or {SHADOW}, not {mode[:20]!r}.",
        field="mode",
    )


def _was_live(context: Context, set_id: str, number: int) -> None:
    """Raises InputError for a version in shadow."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        shadow = any(r.number == number and r.mode != LIVE for r in rows_of(work, set_id))
    if shadow:
        raise InputError(
            "rules.only_shadow",
            zh=f"第 {number} 版只在影子中运行过，没有批准；请从草稿发布。",
            en=f"Version {number} only ran in shadow, nobody approved it; publish it from a draft.",
            field="to",
        )


def _reviewed_meanwhile(set_id: str) -> Conflict:
    return Conflict(
        "rules.reviewed_meanwhile",
        zh=f"规则集 {set_id} 的复核状态刚被别人改了；请刷新后再看。",
        en=f"Somebody has just changed the review of {set_id}; reload and look again.",
        set=set_id,
    )


def _check_window(start: datetime, ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at <= start:
        raise InputError(
            "rules.ends_before_start",
            zh="结束时间要晚于开始时间。",
            en="The end must be after the start.",
            field="ends_at",
        )


def _row(work: UnitOfWork, set_id: str, number: int) -> RuleVersion:
    found = next((row for row in rows_of(work, set_id) if row.number == number), None)
    if found is None:
        raise _no_version(set_id, number)
    return found


def _no_version(set_id: str, which: int | str) -> NotFound:
    return NotFound(
        "rules.no_version",
        zh=f"规则集 {set_id} 没有这个版本（{which}）。",
        en=f"The rule set {set_id} has no such version ({which}).",
        set=set_id,
    )
