"""Orders from programs: stored and on the disk before they are told so, once per Idempotency-Key.

Requests that arrive together share one transaction (store/group_commit.py); one that fails fails alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from tidegate.domain.orders import OrderDraft
from tidegate.errors import NotFound, TidegateError
from tidegate.services.context import Context
from tidegate.services.intake_store import Intake, Taken, one_at_a_time
from tidegate.services.kept_answers import Once, answers_of, keep, other_request
from tidegate.store.tables import Shop
from tidegate.store.unit_of_work import UnitOfWork

Identity = tuple[str, str, str]  # channel, shop, number


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """What one request brings: drafts of distinct identities, who brought them, and its key if it has one."""

    context: Context
    drafts: Sequence[OrderDraft]
    source: str
    once: Once | None

    def marks(self) -> set[object]:
        """What two requests must not have in common to be stored by one call."""
        found: set[object] = {identity(draft) for draft in self.drafts}
        return found | ({(self.once.scope, self.once.key)} if self.once else set())


def take_orders(
    context: Context, drafts: Sequence[OrderDraft], *, source: str, once: Once | None = None
) -> list[Taken]:
    """Store drafts of distinct identities, all or none; what became of each. On the disk when this returns.

    Raises:
        InputError: the key was used for another request. Unavailable: not just now.
    """
    offer = Offer(context, drafts, source, once)
    found = context.store.gathered(context.tenant_id, _take, offer)
    if isinstance(found, TidegateError):
        raise found
    return found


def identity(draft: OrderDraft) -> Identity:
    return (draft.channel, draft.shop, draft.number)


def open_shops(context: Context) -> frozenset[tuple[str, str]] | None:
    """(channel, name) of the shops that whoever asks may bring orders of; None: any, new ones too."""
    if context.store.shops is None:
        return None
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = work.session.execute(select(Shop.channel, Shop.name))
        return frozenset((channel, name) for channel, name in found)


def foreign_shop(draft: OrderDraft) -> NotFound:
    """What somebody of some shops is told about any other."""
    return NotFound(
        "orders.no_shop",
        zh=f"你的店铺里没有 {draft.channel} 的“{draft.shop}”; 请核对, 或用覆盖它的令牌。",
        en=f"{draft.shop!r} on {draft.channel} is not among your shops; check it, or use a token that covers it.",
        field="order.shop",
    )


def _take(work: UnitOfWork, offers: list[Offer]) -> list[list[Taken] | TidegateError]:
    """An answer per offer; those that touch the same order or key are done one after the other."""
    one_at_a_time(work)
    answers: dict[int, list[Taken] | TidegateError] = {}
    for together in _rounds(offers):
        answers |= _take_round(work, together)
    return [answers[id(offer)] for offer in offers]


def _rounds(offers: Sequence[Offer]) -> Iterator[list[Offer]]:
    waiting = list(offers)
    while waiting:
        now: list[Offer] = []
        later: list[Offer] = []
        taken: set[object] = set()
        for offer in waiting:
            marks = offer.marks()
            (later if marks & taken else now).append(offer)
            taken |= marks
        yield now
        waiting = later


def _take_round(
    work: UnitOfWork, offers: Sequence[Offer]
) -> dict[int, list[Taken] | TidegateError]:
    answers: dict[int, list[Taken] | TidegateError] = {}
    known = answers_of(work, [offer.once for offer in offers if offer.once])
    fresh: dict[str, list[Offer]] = {}
    for offer in offers:
        kept = known.get((offer.once.scope, offer.once.key)) if offer.once else None
        if kept is None or offer.once is None:
            fresh.setdefault(offer.source, []).append(offer)
        elif kept.asked != offer.once.asked:
            answers[id(offer)] = other_request(offer.once)
        else:
            answers[id(offer)] = [Taken(order_id, outcome) for order_id, outcome in kept.answer]
    for source, some in fresh.items():
        answers |= _store(work, source, some)
    return answers


def _store(work: UnitOfWork, source: str, offers: Sequence[Offer]) -> dict[int, list[Taken]]:
    context = offers[0].context
    intake = Intake(work, context, source=source, run_chain=True)
    taken = iter(intake.store([draft for offer in offers for draft in offer.drafts]))
    answers = {id(offer): [next(taken) for _ in offer.drafts] for offer in offers}
    given = {
        offer.once: [[one.order_id, one.outcome] for one in answers[id(offer)]]
        for offer in offers
        if offer.once is not None
    }
    keep(work, given, intake.now)
    return answers
