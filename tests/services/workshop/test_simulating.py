"""A simulation says what a draft would change, by hand-worked numbers, and touches nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tidegate.errors import Conflict, InputError, NotFound
from tidegate.jobs.runner import drain_once
from tidegate.services import chain
from tidegate.services.rulebook import shipped_rules
from tidegate.services.workshop import (
    drafts,
    history,
    simulating,
    simulation_run,
    simulation_traces,
    simulation_view,
)
from tidegate.services.workshop.simulating import Request, Upload
from tidegate.services.workshop.simulation_history import difference, wilson
from tidegate.store.simulation_tables import Simulation, SimulationChange
from tidegate.store.tables import Job

HEAD = "tidegate: ruleset/1\nid: {id}\ngate: {gate}\ntitle: {{zh: 自定, en: Own}}\npolicy: first\n"
REVIEW = (
    HEAD.format(id="own-review", gate="review")
    + """\
on_missing: hold
otherwise: [{hold: {reason: no_rule_decided, queue: manual_review}}]
parameters:
  limit: {type: money, value: 200 CNY, title: {zh: 门槛, en: Limit}}
rules:
  - {id: small, title: {zh: 小额通过, en: Small}, why: x, if: ['order.total < limit'], then: [approve]}
  - id: far
    title: {zh: 广东转人工, en: Far}
    why: x
    if: ['recipient.province = "广东省"']
    then: [{hold: {reason: suspicious_address, queue: manual_review}}]
"""
)
ROUTING = (
    HEAD.format(id="own-routing", gate="routing")
    + """\
on_missing: hold
otherwise: [{hold: {reason: no_rule_decided, queue: manual_review}}]
rules:
  - {id: cheap, title: {zh: 选最便宜, en: Cheapest}, why: x, if: ['parcel.weight_g >= 0'], then: [{choose: {by: cheapest}}]}
"""
)
SOUTH = """\
  - {id: south, title: {zh: 广东走顺丰, en: South by SF}, why: x, if: ['recipient.province = "广东省"'], then: [{use_service: {service: SF.standard}}]}
"""


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    """The shipped packs with a review and a routing set of our own."""
    folder = tmp_path / "rules"
    shutil.copytree(shipped_rules(), folder)
    for gate, text in (("review", REVIEW), ("routing", ROUTING)):
        for old in (folder / gate).iterdir():
            old.unlink()
        (folder / gate / "own.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def own(own_rules: Path, open_world: Callable[..., Any], chosen_url: str) -> Any:
    """A shop with a review and a routing set of its own."""
    return open_world(chosen_url, own_rules)


def draft(world: Any, set_id: str, old: str, new: str) -> None:
    found = drafts.start(world.context, set_id, "mei")
    assert old in found.text, found.text
    drafts.save_text(world.context, set_id, found.version, found.text.replace(old, new), "mei")


def routed_differently(world: Any) -> None:
    """The draft sends Guangdong by SF."""
    found = drafts.start(world.context, "own-routing", "mei")
    text = ROUTING.replace("rules:\n", "rules:\n" + SOUTH)
    drafts.save_text(world.context, "own-routing", found.version, text, "mei")


def simulate(world: Any, set_id: str, **wanted: Any) -> int:
    found = simulating.start(world.context, set_id, Request(**wanted), "mei")
    simulation_run.run(world.context, found)
    return found


def row(world: Any, simulation_id: int) -> Simulation:
    found: Simulation = world.get(Simulation, Simulation.id == simulation_id)
    return found


def moves(world: Any, simulation_id: int) -> dict[tuple[str, str], int]:
    cells = row(world, simulation_id).result["cells"]
    return {(one["before"], one["after"]): one["n"] for one in cells}


def six_orders(world: Any) -> list[int]:
    """100, 150 and 199 pass below 200; 200 and 300 nobody decides on; 500 to Guangdong is held."""
    world.stock("KETTLE", 100)
    made = [world.order(total_minor=minor) for minor in (10_000, 15_000, 19_900, 20_000, 30_000)]
    made.append(world.order(total_minor=50_000, province="广东省", city="广州市"))
    for order_id in made:
        chain.advance(world.context, order_id)
    return made


def test_the_matrix_of_a_small_shop_is_the_one_worked_out_by_hand(own: Any) -> None:
    six_orders(own)
    draft(own, "own-review", "200 CNY", "150 CNY")
    found = simulate(own, "own-review")
    # below 150 only the first passes now: the second and third move from approve to hold
    assert moves(own, found) == {
        ("approve", "approve"): 1, ("approve", "hold"): 2, ("hold", "hold"): 3,
    }  # fmt: skip
    told = simulating.summary(own.context, found)
    assert (told.subjects, told.changed, told.rebuilt) == (6, 2, 0)
    assert told.held == {"before": 3, "after": 5}
    assert told.undecided == {"before": 2, "after": 4}
    assert told.per_day == Decimal("0.1")  # 2 more in 30 days
    assert told.freight == ()
    assert told.on_time is None
    rules = {one["rule"]: one["changed"] for one in row(own, found).result["rules"]}
    assert rules == {"small": 2, "otherwise": 2}
    cell = simulation_view.cell(own.context, found, "approve", "hold")
    assert [line.key for line in cell.lines] == ["N0002", "N0003"]
    assert simulation_view.cell(own.context, found, "hold", "approve").total == 0
    assert simulation_view.cell(own.context, found, rule="small").total == 2
    assert simulation_view.cell(own.context, found, rule="smal").total == 0


def test_freight_and_lanes_come_from_the_rate_cards(own: Any) -> None:
    six_orders(own)
    simulated = own.order(total_minor=10_000, province="广东省", city="广州市")
    chain.advance(own.context, simulated)
    routed_differently(own)
    found = simulate(own, "own-routing")
    # four parcels were allocated and routed; the held ones are judged as the parcel they would be
    assert moves(own, found) == {
        ("service:ZTO.standard", "service:ZTO.standard"): 5,
        ("service:ZTO.standard", "service:SF.standard"): 2,
    }
    (freight,) = row(own, found).result["freight"]
    # seven parcels at 6.40 by ZTO; two of them cost 12.00 by SF
    assert freight == {"currency": "CNY", "n": 7, "before": 4480, "after": 4480 + 2 * 560}
    run = simulation_view.opened(own.context, found)
    (lane,) = run.lanes
    assert (lane.origin, lane.to, lane.n) == ("嘉兴市", "广东省", 2)
    assert (str(lane.change), str(lane.each)) == ("11.20 CNY", "5.60 CNY")
    assert lane.on_time is None
    assert [str(line.delta) for line in run.dearest] == ["5.60 CNY", "5.60 CNY"]
    assert run.freight[0].share == Decimal(1120) / 4480


@pytest.mark.postgres
def test_the_same_on_postgres(
    own_rules: Path, open_world: Callable[..., Any], postgres_url: str
) -> None:
    there = open_world(postgres_url, own_rules)
    test_freight_and_lanes_come_from_the_rate_cards(there)
    draft(there, "own-review", "200 CNY", "150 CNY")
    found = simulate(there, "own-review")
    assert moves(there, found)["approve", "hold"] == 2
    assert simulation_view.cell(there.context, found, rule="small").total == 2
    assert len(list(simulation_view.changed_rows(there.context, found))) == 2


def test_only_simulations_change_and_the_order_is_explained_twice(own: Any) -> None:
    six_orders(own)
    draft(own, "own-review", "200 CNY", "150 CNY")
    before = {name: rows for name, rows in own.everything() if not name.startswith("simulation")}
    found = simulate(own, "own-review")
    cell = simulation_view.cell(own.context, found, "approve", "hold")
    told = simulation_traces.traces(own.context, found, cell.lines[0].id)
    list(simulation_view.changed_rows(own.context, found))
    after = {name: rows for name, rows in own.everything() if not name.startswith("simulation")}
    assert before == after
    assert told.before is not None
    assert told.after is not None
    assert told.before.verdict == "approve"
    assert told.after.verdict == "hold"
    (failing,) = [rule for rule in told.after.rules if rule.id == "small"]
    assert [leaf.first for leaf in failing.leaves] == [True]
    assert "150.00 CNY" in failing.leaves[0].values["zh"]


def test_facts_of_the_moment_are_used_and_what_is_lacking_is_said(own: Any) -> None:
    made = six_orders(own)
    with own.context.store.begin(own.context.tenant_id) as work:
        from tidegate.store.tables import Order

        order = work.session.get(Order, made[0])
        order.total_minor = 99_900  # edited since: the decision remembers 100.00
        order.buyer_memo = "加急"
        work.commit()
    draft(own, "own-review", "order.total < limit", 'order.buyer_memo = "" and order.total < limit')
    found = simulate(own, "own-review")
    told = simulating.summary(own.context, found)
    assert told.rebuilt == 6  # no decision of that day kept a memo
    assert moves(own, found)["approve", "hold"] == 1  # the memo of today, the total of then
    (change,) = simulation_view.cell(own.context, found).lines
    assert change.rebuilt


def test_channels_and_period_and_sample_narrow_what_is_judged(own: Any) -> None:
    six_orders(own)
    own.order(channel="jd", total_minor=100)
    old = own.order(total_minor=100, ordered_at=own.now - timedelta(days=40))
    own.wait(minutes=1)
    assert old
    assert row(own, simulate(own, "own-review")).result["subjects"] == 7
    assert row(own, simulate(own, "own-review", days=60)).result["subjects"] == 8
    assert row(own, simulate(own, "own-review", channels=("jd",))).result["subjects"] == 1
    sampled = row(own, simulate(own, "own-review", sample=3)).result
    assert (sampled["subjects"], sampled["total"]) == (3, 7)


def test_an_older_version_can_be_compared_with(own: Any) -> None:
    six_orders(own)
    draft(own, "own-review", "200 CNY", "150 CNY")
    found = simulate(own, "own-review", against="0")
    assert moves(own, found)["approve", "hold"] == 2
    with pytest.raises(NotFound):
        simulating.start(own.context, "own-review", Request(against="7"), "mei")
    assert history.versions(own.context, "own-review")


def test_a_file_of_facts_is_judged_stored_nowhere_and_its_bad_lines_are_named(own: Any) -> None:
    draft(own, "own-review", "200 CNY", "150 CNY")
    lines = [
        {"order": {"number": f"F{n}", "total": f"{total} CNY"},
         "recipient": {"province": "浙江省", "name": "张三"}}
        for n, total in enumerate((100, 160, 900))
    ]  # fmt: skip
    content = "\n".join([*(json.dumps(line) for line in lines), "{broken", "[1]"]).encode()
    found = simulate(own, "own-review", upload=Upload("a.jsonl", content, "facts"))
    result = row(own, found).result
    assert moves(own, found) == {
        ("approve", "approve"): 1, ("approve", "hold"): 1, ("hold", "hold"): 1,
    }  # fmt: skip
    assert [one["row"] for one in result["rejected_rows"]] == [4, 5]
    (change,) = own.all(SimulationChange)
    assert change.row_key == "F1"
    assert "张三" not in json.dumps(change.facts, ensure_ascii=False)
    folder = own.context.data_dir / simulating.FOLDER
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    told = simulation_traces.traces(own.context, found, change.id)
    assert told.after is not None
    assert told.after.verdict == "hold"


def test_orders_of_a_file_are_read_as_an_import_reads_them(own: Any) -> None:
    draft(own, "own-review", "200 CNY", "150 CNY")
    text = "\n".join(
        json.dumps(
            {
                "order": {"number": f"X{n}", "channel": "jd", "shop": "京东店", "total": total,
                          "currency": "CNY", "ordered_at": "2026-11-01T10:00:00+08:00"},
                "payment": {"status": "paid"},
                "recipient": {"province": "浙江省", "city": "杭州市", "address": "文一西路 1 号"},
                "items": [{"sku": "KETTLE", "quantity": 1}],
            },
            ensure_ascii=False,
        )
        for n, total in enumerate(("100.00", "160.00"))
    )  # fmt: skip
    before = own.everything()
    upload = Upload("orders.jsonl", text.encode(), "tidegate")
    found = simulating.start(own.context, "own-review", Request(upload=upload), "mei")
    simulation_run.run(own.context, found)
    kept = row(own, found)
    assert kept.error is None, kept.error
    assert moves(own, found) == {("approve", "approve"): 1, ("approve", "hold"): 1}
    changed = [a[0] for a, b in zip(own.everything(), before, strict=True) if a != b]
    assert sorted(changed) == ["simulation", "simulation_change"]


def test_a_file_that_cannot_be_read_fails_in_words(own: Any) -> None:
    upload = Upload("orders.csv", b"a,b\n1,2\n", "online-retail")
    found = simulating.start(own.context, "own-review", Request(upload=upload), "mei")
    simulation_run.run(own.context, found)
    kept = row(own, found)
    assert kept.state == "failed"
    assert kept.error is not None
    assert kept.error["zh"]
    assert own.count(SimulationChange) == 0


def test_the_job_does_the_work_and_a_second_worker_leaves_it_alone(own: Any) -> None:
    six_orders(own)
    found = simulating.start(own.context, "own-review", Request(), "mei")
    (job,) = own.all(Job, Job.name == "simulate")
    assert job.args == {"simulation_id": found}
    assert simulating.take(own.context, found) is not None
    assert simulating.take(own.context, found) is None  # somebody has it
    while drain_once(own.context):
        pass
    assert row(own, found).state == "running"
    own.wait(minutes=4)  # and is gone: the job that looks again takes it over
    while drain_once(own.context):
        pass
    kept = row(own, found)
    assert (kept.state, kept.attempts, kept.done) == ("done", 2, 6)


def test_a_run_that_breaks_again_and_again_is_given_up(own: Any) -> None:
    found = simulating.start(own.context, "own-review", Request(), "mei")
    for _ in range(simulation_run.ATTEMPTS):
        assert simulating.take(own.context, found) is not None
        own.wait(minutes=4)
    simulation_run.run(own.context, found)
    kept = row(own, found)
    assert kept.state == "failed"
    assert kept.error is not None
    assert kept.error["code"] == "simulation.gave_up"


def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_at_its_next_chunk(own: Any) -> None:
    six_orders(own)
    found = simulating.start(own.context, "own-review", Request(), "mei")
    simulating.cancel(own.context, found)
    assert row(own, found).state == "cancelled"
    with pytest.raises(Conflict):
        simulating.cancel(own.context, found)
    simulation_run.run(own.context, found)  # its job comes late
    assert row(own, found).state == "cancelled"
    other = simulating.start(own.context, "own-review", Request(), "mei")
    with own.context.store.begin(own.context.tenant_id) as work:
        work.session.get(Simulation, other).cancel_asked = True
        work.commit()
    simulation_run.run(own.context, other)
    assert row(own, other).state == "cancelled"
    assert own.count(SimulationChange) == 0


def test_stock_is_used_up_in_the_order_of_the_orders(world: Any) -> None:
    world.stock("KETTLE", 3)
    for _ in range(3):
        world.order(("KETTLE", 2))  # none has been judged: stock is free
    found = simulate(world, "inventory", in_order=True)
    # 3 units: the first takes 2, the second needs 2 of 1, and so the third
    assert moves(world, found) == {
        ("allocate", "allocate"): 1, ("hold_for_stock", "hold_for_stock"): 2,
    }  # fmt: skip
    free = simulate(world, "inventory")
    assert moves(world, free) == {("allocate", "allocate"): 3}


def test_another_tenant_sees_nothing_of_it(own: Any) -> None:
    from dataclasses import replace

    found = simulate(own, "own-review")
    stranger = replace(own.context, tenant_id=2)
    for act in (simulating.summary, simulating.cancel, simulation_view.opened):
        with pytest.raises(NotFound):
            act(stranger, found)


def test_a_person_of_some_shops_sees_only_runs_over_those(own: Any) -> None:
    from dataclasses import replace

    from tidegate.store.tables import Order, Shop

    six_orders(own)
    (other,) = own.add(Shop(channel="jd", name="京东店"))
    own.order(shop_id=other, channel="jd", total_minor=100)
    everything = simulate(own, "own-review")
    assert row(own, everything).result["subjects"] == 7
    limited = replace(own.context, store=own.context.store.limited_to(frozenset({other})))
    with pytest.raises(NotFound):
        simulation_view.opened(limited, everything)
    assert simulation_view.form(limited, "own-review").runs == ()
    mine = simulating.start(limited, "own-review", Request(), "jd")
    simulation_run.run(own.context, mine)  # the runner isn't limited, the run is
    assert simulation_view.opened(limited, mine).line.subjects == 1
    assert own.count(Order) == 7


def test_the_latest_of_a_draft_is_found_by_its_hash(own: Any) -> None:
    six_orders(own)
    draft(own, "own-review", "200 CNY", "150 CNY")
    simulate(own, "own-review")
    found = simulate(own, "own-review")
    now = drafts.working_set(own.context, "own-review").hash
    told = simulating.latest(own.context, "own-review", now)
    assert told is not None
    assert told.id == found
    assert told.as_summary()["changed"] == 2
    assert json.dumps(told.as_summary())
    assert simulating.latest(own.context, "own-review", "0" * 64) is None


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"days": 0}, "days"),
        ({"sample": 0}, "sample"),
        ({"minutes": Decimal(500)}, "minutes"),
        ({"upload": Upload("a.csv", b"", "tidegate")}, "file"),
        ({"upload": Upload("a.csv", b"x", "nope")}, "mapping"),
    ],
)
def test_wrong_choices_name_their_field(own: Any, wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        simulating.start(own.context, "own-review", Request(**wanted), "mei")
    assert caught.value.fields["field"] == field
    assert own.count(Simulation) == 0


def test_intervals_are_the_published_ones() -> None:
    # Newcombe, Stat. Med. 17 (1998): 857 (81 of 263, method 3) and 873 (56/70 against 48/80, method 10)
    assert [round(one, 4) for one in wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(one, 4) for one in difference((48, 80), (56, 70))] == [0.2, 0.0524, 0.3339]
