"""The other recent orders to a phone or an address, as events that patterns search."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from tidegate.services.chain import advance, advance_many
from tidegate.services.decisions import _read_facts
from tidegate.services.episodes import EPISODES, MOST, SPAN
from tidegate.services.history import history_facts, load_history, windows_read
from tidegate.services.subjects import load_subject, load_subjects
from tidegate.services.tracking import pull_scans
from tidegate.services.view_decisions import shown
from tidegate.services.view_names import field_title
from tidegate.store.tables import Alert, Decision, Order, Parcel

PHONE = {"phone_key": "p" * 64, "buyer": "tb_甲"}


def facts_of(world: Any, order_id: int) -> dict[str, Any]:
    with world.context.store.begin(world.context.tenant_id, readonly=True) as work:
        sets = world.context.rules.for_gate("review")
        return history_facts(work, load_subject(work, order_id), sets)


def returned(world: Any, order_id: int, state: str = "returned") -> None:
    world.add(
        Parcel(
            order_id=order_id, number=f"R{order_id}", warehouse_id=1, state=state,
            state_since=world.now, currency="CNY",
        )
    )  # fmt: skip


def test_an_episode_holds_the_other_orders_to_the_phone_oldest_first(both: Any) -> None:
    first = both.order(**PHONE, total_minor=60_000)
    both.wait(minutes=5)
    second = both.order(**{**PHONE, "buyer": "tb_乙"})
    returned(both, second)
    both.wait(minutes=5)
    order = both.order(**PHONE)
    both.order(phone_key="q" * 64)
    found = facts_of(both, order)["phone_orders"]
    assert [one["at"] for one in found] == [
        (both.now - timedelta(minutes=m)).isoformat() for m in (10, 5)
    ]
    assert [one["total"] for one in found] == ["600.00 CNY", "129.00 CNY"]
    assert [one["came_back"] for one in found] == [False, True]
    assert found[1]["returned_at"] == (both.now - timedelta(minutes=5)).isoformat()
    assert "returned_at" not in found[0]
    assert first < second < order


def test_an_episode_holds_marks_and_nothing_personal(world: Any) -> None:
    world.order(**PHONE, recipient_name="王小明", recipient_phone="13912345678")
    order = world.order(**PHONE)
    (one,) = facts_of(world, order)["phone_orders"]
    assert set(one) == {
        "at",
        "account",
        "phone",
        "address",
        "channel",
        "shop",
        "total",
        "came_back",
    }
    assert [len(one[name]) for name in ("account", "phone", "address")] == [16, 16, 7]
    told = str(facts_of(world, order))
    for personal in ("tb_甲", "王小明", "13912345678", "文一西路"):
        assert personal not in told


def test_the_mark_of_an_account_is_one_per_channel_buyer_and_tenant(
    world: Any, intruder: Any
) -> None:
    world.order(**PHONE)
    world.order(**{**PHONE, "buyer": "tb_乙"})
    world.order(**PHONE, channel="jd")
    world.order(**{**PHONE, "buyer": None})
    order = world.order(**PHONE)
    marks = [one.get("account") for one in facts_of(world, order)["phone_orders"]]
    assert marks[3] is None
    assert len({*marks[:3]}) == 3
    with world.context.store.begin(world.context.tenant_id, readonly=True) as work:
        from tidegate.services.facts import order_facts

        assert order_facts(load_subject(work, order))["order"]["account"] == marks[0]


def test_orders_of_another_merchant_are_never_in_an_episode(world: Any, intruder: Any) -> None:
    from tidegate.store.tables import Shop

    intruder.add(Shop(channel="taobao", name="别家"))
    shop = intruder.get(Shop).id
    intruder.order(**PHONE, shop_id=shop, address_key="a" * 64)
    order = world.order(**PHONE, address_key="a" * 64)
    assert [facts_of(world, order)[name] for name in EPISODES] == [[], []]


def test_without_a_key_an_episode_is_unknown_not_empty(world: Any) -> None:
    order = world.order(phone_key=None, address_key=None)
    assert set(facts_of(world, order)) == {"history"}


def test_an_episode_ends_with_the_order_and_begins_thirty_days_before(world: Any) -> None:
    now = world.now
    placed = [now - SPAN - timedelta(seconds=1), now - SPAN, now, now + timedelta(seconds=1)]
    for at in placed:
        world.order(**PHONE, ordered_at=at)
    order = world.order(**PHONE, ordered_at=now)
    found = facts_of(world, order)["phone_orders"]
    assert [one["at"] for one in found] == [placed[1].isoformat(), placed[2].isoformat()]


def test_rejected_and_cancelled_orders_are_no_events(world: Any) -> None:
    for state in ("rejected", "cancelled", "on_hold"):
        world.order(**PHONE, state=state)
    assert len(facts_of(world, world.order(**PHONE))["phone_orders"]) == 1


def test_of_too_many_orders_the_newest_are_kept(world: Any) -> None:
    rows = [
        Order(
            shop_id=1, channel="taobao", number=f"M{n}", state="received", state_since=world.now,
            currency="CNY", ordered_at=world.now - timedelta(minutes=MOST + 5 - n), source_hash=f"m{n}",
            imported_at=world.now, updated_at=world.now, phone_key=PHONE["phone_key"], buyer="b",
            total_minor=n,
        )
        for n in range(MOST + 5)
    ]  # fmt: skip
    world.add(*rows)
    found = facts_of(world, world.order(**PHONE))["phone_orders"]
    assert len(found) == MOST
    assert (found[0]["total"], found[-1]["total"]) == ("0.05 CNY", f"{(MOST + 4) / 100:.2f} CNY")


def test_amounts_in_another_currency_are_left_out(world: Any) -> None:
    world.order(**PHONE, currency="USD")
    (one,) = facts_of(world, world.order(**PHONE))["phone_orders"]
    assert "total" not in one


def test_episodes_of_many_orders_are_read_together(world: Any) -> None:
    ids = [world.order(**PHONE) for _ in range(6)]
    statements: list[str] = []
    sets = world.context.rules.for_gate("review")
    assert {name for name, _ in windows_read(sets)} >= set(EPISODES)
    with world.context.store.begin(world.context.tenant_id, readonly=True) as work:
        subjects = load_subjects(work, ids)
        engine = work.session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(str(args[2])))
        load_history(work, list(subjects.values()), windows_read(sets))
        read = len(statements)
        lengths = [len(history_facts(work, subjects[id_], sets)["phone_orders"]) for id_ in ids]
    assert lengths == [5, 5, 5, 5, 5, 5]
    assert read <= 4
    assert len(statements) == read


def test_nothing_is_read_for_sets_that_ask_for_no_episode(world: Any) -> None:
    order = world.order(**PHONE)
    with world.context.store.begin(world.context.tenant_id, readonly=True) as work:
        subject = load_subject(work, order)
        sets = world.context.rules.for_gate("intake")
        assert not windows_read(sets)
        assert history_facts(work, subject, sets) == {"history": {}}
        assert subject.past is None


# the shipped patterns, through the whole chain


def an_order_of(world: Any, buyer: str) -> int:
    """To the one phone, of goods and to an address that no other order has."""
    world.stock(f"SKU-{buyer}", 9)
    fields = {**PHONE, "buyer": buyer, "address_key": buyer * 64}
    return int(world.order((f"SKU-{buyer}", 1), **fields))


def test_a_third_account_within_ten_minutes_is_held(both: Any) -> None:
    orders = []
    for buyer in ("a", "b", "c"):
        orders.append(an_order_of(both, buyer))
        both.wait(minutes=5)
    advance_many(both.context, orders, "received")
    assert [both.state(id_) for id_ in orders] == ["waybill", "waybill", "on_hold"]
    held = both.get(Order, Order.id == orders[2])
    assert held.hold_reason == "accounts_storm"
    decision = both.decisions(orders[2], "review")[0]
    with both.context.store.begin(both.context.tenant_id, readonly=True) as work:
        rules = work.session.scalars(select(Decision.rules).where(Decision.id == decision.id)).one()
    leaf = next(
        leaf
        for rule in rules
        if rule["id"] == "accounts-storm"
        for leaf in rule["leaves"]
        if "one" in leaf["values"]
    )
    assert (leaf["values"]["one"], leaf["values"]["two"], leaf["line"]) == (1, 2, 2)
    assert set(decision.facts["phone_orders"][0]) == {"at", "account"}


def test_the_same_three_orders_over_a_longer_time_pass(world: Any) -> None:
    orders = []
    for buyer in ("a", "b", "c"):
        orders.append(an_order_of(world, buyer))
        world.wait(minutes=5, seconds=1)
    advance_many(world.context, orders, "received")
    assert [world.state(id_) for id_ in orders] == ["waybill", "waybill", "waybill"]


def test_three_small_orders_to_one_address_are_held(world: Any) -> None:
    world.stock("KETTLE", 9)
    orders = [
        world.order(buyer="a", address_key="x" * 64, total_minor=70_000, paid_total_minor=70_000)
        for _ in range(3)
    ]
    for order in orders:
        advance(world.context, order, "received")
    reasons = [row.hold_reason for row in world.all(Order)]
    assert reasons.count("split_orders") == 3  # each has the two others beside it


def test_a_scan_after_the_signature_rings(world: Any) -> None:
    from tidegate.services import handover, labels

    world.stock("KETTLE", 5)
    order = world.order()
    advance(world.context, order, "received")
    labels.print_labels(world.context, None, "li")
    handover.hand_over(world.context, [world.parcel(order).id], "li")
    waybill = str(world.parcel(order).waybill_no)
    for hours, state in ((1, "picked_up"), (20, "delivered")):
        world.carrier.scan(waybill, state, world.now + timedelta(hours=hours))
    world.wait(hours=21)
    pull_scans(world.context)
    assert world.count(Alert, Alert.kind == "false_signature") == 0
    world.carrier.scan(waybill, "in_transit", world.now)
    pull_scans(world.context)
    assert world.get(Alert, Alert.kind == "false_signature").severity == "critical"


# how pages show what a pattern found


def test_a_value_a_pattern_found_is_named_and_masked_like_any_other() -> None:
    assert field_title("signed.scan.at") == {"zh": "signed 一条轨迹 时间", "en": "signed Scan: at"}
    assert shown("one.phone_order.account", "5f3a9c0e1b7d2468") == "***"
    assert shown("phone_orders.2.account", "5f3a9c0e1b7d2468") == "***"
    assert shown("signed.scan.state", "delivered") == "delivered"


def test_a_decision_keeps_only_the_fields_of_an_episode_that_were_read(world: Any) -> None:
    (review,) = world.context.rules.for_gate("review")
    facts = {"phone_orders": [{"at": "x", "account": "y", "phone": "z", "shop": "s"}]}
    assert _read_facts(facts, review) == {"phone_orders": [{"at": "x", "account": "y"}]}


def test_the_rules_folder_may_leave_patterns_out(
    open_world: Callable[..., Any], chosen_url: str, tmp_path: Path
) -> None:
    """A shop whose review reads no episode has none in its facts."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "review.yaml").write_text(
        "tidegate: ruleset/1\nid: r\ngate: review\npolicy: first\n"
        "rules: [{id: a, title: a, if: [history.orders_to_phone(24h) >= 0], then: [approve]}]\n",
        "utf-8",
    )
    shipped = Path(__file__).parents[2] / "rules" / "tidegate_rules"
    for name in ("vocabulary.yaml", "states.yaml"):
        (folder / name).write_text((shipped / name).read_text("utf-8"), "utf-8")
    world = open_world(chosen_url, folder)
    assert set(facts_of(world, world.order(**PHONE))) == {"history"}
