"""Trying a set: what is said, in which order, from which facts, and that nothing is written."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from tidegate.errors import InputError, NotFound
from tidegate.services.workshop import case_keeping, drafts, lifecycle, trial_sets, trying
from tidegate.services.workshop.model import Draft

PAID = 'payment.status = "paid"'
RULES: list[dict[str, Any]] = [
    {"id": "stocked", "if": [PAID, "every item in items satisfies item.available >= item.quantity"], "then": ["approve"]},
    {"id": "dear", "if": ["order.total >= 100 CNY"], "then": [{"hold": {"reason": "high_value"}}]},
    {"id": "far", "if": [PAID, 'recipient.province = "西藏自治区"'], "then": [{"hold": {"reason": "remote"}}]},
    {"id": "old", "active": {"to": "2020-01-01"}, "if": [PAID], "then": ["approve"]},
    {"id": "off", "enabled": False, "if": [PAID], "then": ["approve"]},
]  # fmt: skip


def rule(given: dict[str, Any]) -> dict[str, Any]:
    title = {"zh": f"规则 {given['id']}", "en": f"Rule {given['id']}"}
    return {"id": given["id"], "title": title, "why": "试", **given}


@pytest.fixture
def pilot(world: Any) -> tuple[Any, Draft]:
    """A `first` set: in stock is approved, else dear is held."""
    context = world.context
    draft = drafts.create(context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "first", "li")
    for given in RULES:
        draft = drafts.save_rule(
            context, "pilot", draft.version, given["id"], rule(given), "li", new=True
        )
    return world, draft


def kinds(tried: trying.Tried) -> dict[str, str]:
    return {line.rule.id: line.kind for line in tried.lines}


def test_an_order_in_stock_is_approved_and_the_rule_that_lost_names_the_winner(pilot: Any) -> None:
    world, _ = pilot
    world.stock("KETTLE", 5)
    order = world.order(("KETTLE", 2))
    tried = trying.run(world.context, "pilot", trying.order_subject(world.context, "pilot", order))
    assert tried.view.verdict == "approve"
    assert kinds(tried) == {
        "stocked": "fired", "dear": "lost", "far": "near", "old": "resting", "off": "resting",
    }  # fmt: skip
    lost = next(line for line in tried.lines if line.kind == "lost")
    assert lost.rule.lost_to == {"zh": "规则 stocked", "en": "Rule stocked"}
    assert tried.quiet == []


def test_the_line_of_goods_that_failed_is_named_with_both_numbers(pilot: Any) -> None:
    world, _ = pilot
    world.stock("KETTLE", 5)
    world.stock("CUP", 1)
    order = world.order(("KETTLE", 2), ("CUP", 3))
    subject = trying.order_subject(world.context, "pilot", order)
    tried = trying.run(world.context, "pilot", subject, mine="stocked")
    mine = tried.lines[0]
    assert (mine.rule.id, mine.kind) == ("stocked", "mine")
    assert [leaf.first for leaf in mine.leaves] == [False, True]
    assert [(one.number, one.result, one.values["zh"]) for one in mine.leaves[1].lines] == [
        (1, "true", "5 ≥ 2"),
        (2, "false", "1 < 3"),
    ]
    assert mine.short == {"zh": "1 < 3", "en": "1 < 3"}
    assert tried.view.headline is not None
    assert tried.view.headline.code == "high_value"


def test_what_is_unknown_is_named(pilot: Any) -> None:
    world, _ = pilot
    subject = trying.hand_subject(world.context, "pilot", {"f.payment.status": "paid"})
    tried = trying.run(world.context, "pilot", subject)
    assert kinds(tried)["dear"] == "unknown"
    assert {"zh": "订单 金额", "en": "Order: total"} in tried.view.missing


def test_a_rule_being_written_is_tried_in_its_place_also_when_switched_off_or_new(
    pilot: Any,
) -> None:
    world, _ = pilot
    subject = trying.order_subject(world.context, "pilot", world.order())
    reject = {"id": "dear", "if": ["order.total >= 100 CNY"], "then": [{"reject": {"reason": "x"}}]}
    tried = trying.run(world.context, "pilot", subject, json.dumps(rule(reject)))
    assert (tried.view.verdict, tried.mine) == ("reject", "dear")
    new = rule({"id": "brand-new", "if": [PAID], "then": ["approve"]})
    assert (
        kinds(trying.run(world.context, "pilot", subject, json.dumps(new)))["brand-new"] == "mine"
    )
    off = json.dumps(rule({**reject, "enabled": False}))
    tried = trying.run(world.context, "pilot", subject, off)
    assert tried.lines[0].off
    assert [leaf.result for leaf in tried.lines[0].leaves] == ["true"]
    assert drafts.working_set(world.context, "pilot").hash == pilot[1].ruleset.hash


def test_a_rule_that_does_not_read_is_said_and_the_saved_one_tried(pilot: Any) -> None:
    world, _ = pilot
    subject = trying.order_subject(world.context, "pilot", world.order())
    broken = json.dumps(rule({"id": "dear", "if": ["order.totl > 1"], "then": ["approve"]}))
    tried = trying.run(world.context, "pilot", subject, broken)
    assert tried.unsaved is not None
    assert "order.total" in tried.unsaved["en"]
    assert tried.view.verdict == "hold"


def test_what_is_live_is_shown_only_where_it_says_something_else(pilot: Any) -> None:
    world, draft = pilot
    case = {
        "name": "dear",
        "given": {"order": {"total": "100 CNY"}},
        "expect": {"actions": ["hold"]},
    }
    short = {"name": "cheap", "given": {"order": {"total": "99 CNY"}}, "expect": {"actions": []}}
    document = rule(
        {
            "id": "dear",
            "if": ["order.total >= 100 CNY"],
            "then": [{"hold": {"reason": "high_value"}}],
        }
    )
    context = world.context
    made = drafts.create(context, "two", "review", {"zh": "二", "en": "Two"}, "first", "li")
    made = drafts.save_rule(context, "two", made.version, "dear", document, "li", new=True)
    made = drafts.save_cases(context, "two", made.version, [case, short], "li")
    lifecycle.publish(context, "two", made.version, "li")
    subject = trying.order_subject(context, "two", world.order())
    assert trying.run(context, "two", subject).live is None
    changed = {**document, "if": ["order.total >= 1000 CNY"]}
    drafts.save_rule(context, "two", 0, "dear", changed, "li")
    live = trying.run(context, "two", subject).live
    assert live is not None
    assert (live.verdict, live.deciding_title) == ("hold", {"zh": "规则 dear", "en": "Rule dear"})
    assert draft.set_id == "pilot"


def test_facts_by_hand_are_read_by_their_types(pilot: Any) -> None:
    world, _ = pilot
    form = {
        "f.order.total": "¥1,299.5", "f.payment.status": "paid", "f.items.0.available": "3",
        "f.items.0.quantity": "2", "f.items.1.quantity": "", "f.recipient.name": "not read here",
    }  # fmt: skip
    subject = trying.hand_subject(world.context, "pilot", form)
    assert subject.facts == {
        "order": {"total": "1299.5 CNY"}, "payment": {"status": "paid"},
        "items": [{"available": 3, "quantity": 2}],
    }  # fmt: skip
    wrong = trying.hand_subject(
        world.context, "pilot", {"f.order.total": "viel", "f.items.0.quantity": "x"}
    )
    assert set(wrong.wrong) == {"order.total", "items.0.quantity"}
    assert "金额" in wrong.wrong["order.total"]["zh"]
    groups = trying.boxes(world.context, "pilot", wrong, {"f.order.total": "viel"})
    box = next(box for group in groups for box in group.boxes if box.name == "order.total")
    assert (box.value, box.wrong is not None) == ("viel", True)


def test_an_order_by_hand_keeps_what_is_personal_out_of_the_boxes_but_in_the_facts(
    world: Any,
) -> None:
    context = world.context
    order = world.order(recipient_phone="13911112222", seller_memo="私事")
    subject = trying.hand(context, "review", {"base": f"order:{order}"})
    shown = [box for group in trying.boxes(context, "review", subject, {}) for box in group.boxes]
    assert "13911112222" not in {box.value for box in shown}
    held = [box.name for box in shown if box.held]
    assert held
    form = {f"f.{box.name}": box.value for box in shown}
    again = trying.hand(context, "review", {"base": f"order:{order}", **form})
    for name in held:
        group, _, field = name.partition(".")
        assert again.facts[group][field] == subject.facts[group][field]


def test_a_change_that_would_do_is_tried_with_its_boxes_alone(pilot: Any) -> None:
    world, _ = pilot
    world.stock("KETTLE", 1)
    order = world.order(("KETTLE", 2))
    subject = trying.order_subject(world.context, "pilot", order)
    found = trying.ways(world.context, "pilot", subject, "approve")
    assert not found.holds
    assert found.ways
    for way in found.ways:
        form = {"base": subject.base, **dict(way.boxes)}
        assert (
            trying.run(
                world.context, "pilot", trying.hand(world.context, "pilot", form)
            ).view.verdict
            == "approve"
        )
    said = {way.sentence["zh"] for way in found.ways}
    assert any("→" in one for one in said)


def test_a_memo_that_would_change_it_is_shown_without_what_it_says(world: Any) -> None:
    context = world.context
    world.stock("KETTLE", 5)
    order = world.order(seller_memo="张三的秘密备注")
    subject = trying.order_subject(context, "review", order)
    found = trying.ways(context, "review", subject, "hold")
    memos = [way for way in found.ways if not way.boxes]
    assert memos
    for way in memos:
        assert "秘密" not in way.sentence["zh"] + way.sentence["en"]
        form = {"base": subject.base, "way": str(way.number), "way_want": "hold"}
        assert (
            trying.run(context, "review", trying.hand(context, "review", form)).view.verdict
            == "hold"
        )


def test_trying_everything_writes_nothing(pilot: Any) -> None:
    world, _ = pilot
    order = world.order()
    before = world.everything()
    subject = trying.order_subject(world.context, "pilot", order)
    text = json.dumps(rule({"id": "dear", "if": [PAID], "then": ["approve"]}))
    trying.run(world.context, "pilot", subject, text, whole=True)
    trying.ways(world.context, "pilot", subject, "approve", text)
    trying.run(world.context, "pilot", trying.hand(world.context, "pilot", {"base": subject.base}))
    assert world.everything() == before


def test_a_test_from_an_order_keeps_only_what_the_set_reads_and_nobody(world: Any) -> None:
    context = world.context
    order = world.order(
        recipient_phone="13911112222", recipient_name="欧阳测试", seller_memo="私事"
    )
    subject = trying.order_subject(context, "review", order)
    name = case_keeping.save_as_case(context, "review", 0, subject, "real", "li")
    draft = drafts.draft_of(context, "review")
    assert draft is not None
    assert name == "real"
    for personal in ("13911112222", "欧阳测试", "私事", "文一西路"):
        assert personal not in draft.text
    again = case_keeping.save_as_case(context, "review", draft.version, subject, "real", "li")
    assert again == "real (2)"
    with pytest.raises(InputError):
        case_keeping.save_as_case(context, "review", draft.version, subject, "  ", "li")


def test_rows_of_a_table_are_marked_won_lost_unknown_or_not(world: Any) -> None:
    context = world.context
    draft = drafts.create(context, "rows", "review", {"zh": "表", "en": "T"}, "first", "li")
    table = {
        "id": "limits", "title": {"zh": "门槛", "en": "Limits"}, "why": "试", "policy": "first",
        "inputs": ["order.total", "payment.status"], "outputs": ["hold"],
        "rows": [
            {"id": "paid", "when": ["-", '"paid"'], "then": ["a"]},
            {"id": "dear", "when": [">= 1000 CNY", "-"], "then": ["a"]},
            {"id": "middle", "when": [">= 100 CNY", "-"], "then": ["b"]},
            {"id": "cheap", "when": [">= 10 CNY", "-"], "then": ["c"]},
        ],
    }  # fmt: skip
    drafts.save_table(context, "rows", draft.version, "limits", table, "li")
    facts = {"order": {"total": "150 CNY"}}
    subject = trying.Subject(
        "hand", "", {**facts, "payment": {"status": "unpaid"}}, context.clock()
    )
    assert trying.row_marks(context, "rows", "limits", subject) == {
        "paid": "not", "dear": "not", "middle": "won", "cheap": "lost",
    }  # fmt: skip
    unknown = trying.Subject("hand", "", facts, context.clock())
    assert trying.row_marks(context, "rows", "limits", unknown)["paid"] == "unknown"
    with pytest.raises(NotFound):
        trying.row_marks(context, "rows", "nothing", subject)


def test_a_large_set_says_the_same_the_quick_way(world: Any) -> None:
    """A rule being written in a set of 200, against evaluating all of it."""
    context = world.context
    seed = Random().randrange(10**6)
    print(f"seed {seed}")
    rng = Random(seed)
    rules = [_random_rule(n, rng) for n in range(200)]
    for policy in ("first", "collect"):
        document = {
            "tidegate": "ruleset/1", "id": policy, "gate": "review", "title": {"zh": "大", "en": "B"},
            "policy": policy, "otherwise": [], "rules": rules,
        }  # fmt: skip
        if policy == "collect":
            del document["otherwise"]
        drafts.import_text(context, json.dumps(document), "li")
        saved = drafts.working_set(context, policy)
        compared = 0
        for _ in range(40):
            facts = {"order": {"total": f"{rng.randrange(250)} CNY"}}
            if rng.random() < 0.6:
                facts["payment"] = {"status": rng.choice(["paid", "unpaid"])}
            text = json.dumps(_random_rule(rng.randrange(200), rng))
            trial = trial_sets.with_rule(context, saved, text)
            assert trial.unsaved is None
            quick = trial_sets.ask(trial, facts, world.now, context, [trial.rule])
            whole = trial_sets.ask(trial, facts, world.now, context)
            assert quick.decision.actions == whole.decision.actions
            assert list(quick.fired) == list(whole.fired)
            assert list(quick.unknown) == list(whole.unknown)
            assert quick.decision.overridden == whole.decision.overridden
            again = trial_sets.ask(trial_sets.Trial(saved), facts, world.now, context, ())
            full = trial_sets.ask(trial_sets.Trial(saved), facts, world.now, context)
            assert again.decision.actions == full.decision.actions
            assert set(again.near) == set(full.near)
            compared += 1
        assert compared == 40


def _random_rule(number: int, rng: Random) -> dict[str, Any]:
    conditions = [f"order.total {rng.choice(['>', '<', '>='])} {rng.randrange(250)} CNY"]
    if rng.random() < 0.5:
        conditions.append(PAID)
    return rule(
        {"id": f"r{number}", "if": conditions, "then": [{"hold": {"reason": f"x{number}"}}]}
    )


def test_another_merchants_order_is_not_found(world: Any, intruder: Any) -> None:
    order = world.order()
    with pytest.raises(NotFound):
        trying.order_subject(intruder.context, "review", order)
