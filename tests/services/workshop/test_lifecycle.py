"""From a draft to a version in force and back, on a real database with the real chain."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine.problems import RuleProblems
from tidegate.errors import Conflict, InputError, NotFound, TidegateError
from tidegate.services.chain import advance
from tidegate.services.workshop import checking, drafts, history, lifecycle
from tidegate.services.workshop.model import Draft, DraftChanged
from tidegate.services.workshop.readiness import readiness
from tidegate.services.workshop.shadowing import shadow_report
from tidegate.store.tables import Decision
from tidegate.store.workshop_tables import RuleVersion

EXPENSIVE: dict[str, Any] = {
    "id": "expensive",
    "title": {"zh": "贵的转人工", "en": "Expensive orders wait"},
    "why": "试点",
    "if": ["order.total > 100 CNY"],
    "then": [{"hold": {"reason": "high_value", "queue": "manual_review"}}],
}
CASES = [
    {
        "name": "a fen over",
        "given": {"order": {"total": "100.01 CNY"}},
        "expect": {"actions": ["hold"]},
    },
    {
        "name": "exactly",
        "given": {"order": {"total": "100 CNY"}},
        "expect": {"actions": []},
    },
]


@pytest.fixture
def pilot(both: Any) -> tuple[Any, Draft]:
    """A set of its own beside the shipped review: one rule with two tests."""
    context = both.context
    draft = drafts.create(
        context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "collect", "li"
    )
    draft = drafts.save_rule(
        context, "pilot", draft.version, "expensive", EXPENSIVE, "li", new=True
    )
    return both, drafts.save_cases(context, "pilot", draft.version, CASES, "li")


def test_a_published_draft_decides_the_next_order_and_is_pinned(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    before = world.order(total_minor=12900)
    advance(world.context, before)
    assert world.state(before) != "on_hold"
    made = lifecycle.publish(world.context, "pilot", draft.version, "li", note="go")
    assert (made.number, made.published_by) == (1, "li")
    order = world.order(total_minor=12900)
    advance(world.context, order)
    assert world.state(order) == "on_hold"
    (decision,) = [d for d in world.decisions(order, "review") if d.ruleset_id == "pilot"]
    assert decision.ruleset_hash == made.hash
    assert "expensive" in world.context.rules.content(made.hash)
    assert drafts.draft_of(world.context, "pilot") is None
    live = drafts.info(world.context, "pilot").live
    assert live is not None
    assert live.number == 1


def test_at_a_time_with_an_end_needs_no_restart(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    context = world.context
    lifecycle.publish(
        context, "pilot", draft.version, "li",
        starts_at=world.now + timedelta(hours=1), ends_at=world.now + timedelta(hours=2),
    )  # fmt: skip
    seen = []
    for _ in range(3):
        context.rules.look_now()
        seen.append([one.id for one in context.rules.for_gate("review")])
        world.wait(hours=1)
    assert seen == [["review"], ["pilot", "review"], ["review"]]


def test_what_waits_can_be_cancelled_and_what_has_begun_can_not(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    context = world.context
    start = world.now + timedelta(hours=1)
    made = lifecycle.publish(context, "pilot", draft.version, "li", starts_at=start)
    world.wait(minutes=1)
    lifecycle.cancel_scheduled(context, "pilot", made.number, "li")
    world.wait(hours=2)
    context.rules.look_now()
    assert [one.id for one in context.rules.for_gate("review")] == ["review"]
    with pytest.raises(Conflict) as raised:
        lifecycle.cancel_scheduled(context, "pilot", made.number, "li")
    assert raised.value.code == "rules.begun"


def test_rolling_back_is_one_step_and_leaves_the_history(world: Any) -> None:
    context = world.context
    draft = drafts.start(context, "review", "li")
    shipped = draft.base_hash
    draft = drafts.switch_rule(
        context, "review", draft.version, draft.ruleset.rules[0].id, False, "li"
    )
    nothing_known = {"name": "nothing known", "given": {}, "expect": {"actions": ["hold"]}}
    draft = drafts.save_cases(context, "review", draft.version, [nothing_known], "li")
    for finding in checking.findings(context, "review").findings:
        if finding.severity == "error":
            checking.accept(context, "review", finding.key, "known", "li")
    made = lifecycle.publish(context, "review", draft.version, "li")
    assert [one.hash for one in context.rules.for_gate("review")] == [made.hash]
    world.wait(minutes=5)
    back = lifecycle.roll_back(context, "review", 0, "wang", "held too much")
    assert back.number == 2
    assert [one.hash for one in context.rules.for_gate("review")] == [shipped]
    assert [v.number for v in history.versions(context, "review")] == [2, 1, 0]
    assert [entry.act for entry in history.audit(context, "review")][:2] == [
        "rolled_back",
        "published",
    ]
    with pytest.raises(InputError):
        lifecycle.roll_back(context, "review", 1, "wang", "  ")


def test_nothing_is_published_without_tests_or_with_a_red_one(both: Any) -> None:
    context = both.context
    draft = drafts.create(
        context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "collect", "li"
    )
    with pytest.raises(lifecycle.NotReady) as raised:
        lifecycle.publish(context, "pilot", draft.version, "li")
    codes = [b.code for b in raised.value.readiness.blockers]
    assert codes[:2] == ["publish.no_rules", "publish.untested"]
    draft = drafts.save_rule(
        context, "pilot", draft.version, "expensive", EXPENSIVE, "li", new=True
    )
    wrong = [{**CASES[0], "expect": {"actions": []}}]
    draft = drafts.save_cases(context, "pilot", draft.version, wrong, "li")
    with pytest.raises(lifecycle.NotReady) as raised:
        lifecycle.publish(context, "pilot", draft.version, "li")
    assert "publish.tests_fail" in [b.code for b in raised.value.readiness.blockers]
    assert both.count(RuleVersion) == 0


def test_four_eyes_want_another_person_and_nobody_lifts_that_alone(
    pilot: tuple[Any, Draft],
) -> None:
    world, draft = pilot
    context = world.context
    draft = drafts.save_head(context, "pilot", draft.version, {"four_eyes": True}, "li")
    with pytest.raises(lifecycle.NotReady) as raised:
        lifecycle.publish(context, "pilot", draft.version, "li")
    assert [b.code for b in raised.value.readiness.blockers] == ["publish.not_approved"]
    lifecycle.ask_for_review(context, "pilot", draft.version, "li", "please")
    with pytest.raises(InputError) as own:
        lifecycle.approve(context, "pilot", draft.version, "li")
    assert own.value.code == "rules.own_approval"
    lifecycle.approve(context, "pilot", draft.version, "wang")
    made = lifecycle.publish(context, "pilot", draft.version, "li")
    assert made.approved_by == "wang"
    draft = drafts.start(context, "pilot", "li")
    draft = drafts.save_head(context, "pilot", draft.version, {"four_eyes": None}, "li")
    with pytest.raises(lifecycle.NotReady):
        lifecycle.publish(context, "pilot", draft.version, "li")


def test_what_only_ran_in_shadow_is_no_way_around_the_approval(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    context = world.context
    draft = drafts.save_head(context, "pilot", draft.version, {"four_eyes": True}, "li")
    made = lifecycle.publish(context, "pilot", draft.version, "li", mode="shadow")
    with pytest.raises(InputError) as raised:
        lifecycle.roll_back(context, "pilot", made.number, "li", "at night")
    assert raised.value.code == "rules.only_shadow"
    with pytest.raises(InputError) as unknown:
        lifecycle.publish(context, "pilot", draft.version, "li", mode="beside")
    assert unknown.value.code == "rules.unknown_mode"
    assert [one.id for one in context.rules.for_gate("review")] == ["review"]


def test_sent_back_while_it_is_being_published_keeps_it_back(
    pilot: tuple[Any, Draft], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, draft = pilot
    context = world.context
    draft = drafts.save_head(context, "pilot", draft.version, {"four_eyes": True}, "li")
    lifecycle.ask_for_review(context, "pilot", draft.version, "li")
    lifecycle.approve(context, "pilot", draft.version, "wang")

    def sent_back_meanwhile(*given: Any) -> Any:
        found = readiness(*given)
        lifecycle.send_back(context, "pilot", draft.version, "wang", "one more thing")
        return found

    monkeypatch.setattr(lifecycle, "readiness", sent_back_meanwhile)
    with pytest.raises(Conflict) as raised:
        lifecycle.publish(context, "pilot", draft.version, "li")
    assert raised.value.code == "rules.reviewed_meanwhile"
    assert world.count(RuleVersion) == 0


def test_a_change_after_the_approval_takes_it_away(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    context = world.context
    lifecycle.ask_for_review(context, "pilot", draft.version, "li")
    approved = lifecycle.approve(context, "pilot", draft.version, "wang")
    assert approved.state == "approved"
    changed = drafts.save_cases(context, "pilot", approved.version, CASES, "li")
    assert (changed.state, changed.approved_by) == ("editing", "")


def test_a_shadow_decides_beside_and_acts_on_nothing(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    context = world.context
    lifecycle.publish(context, "pilot", draft.version, "li")
    draft = drafts.start(context, "pilot", "li")
    stricter = {**EXPENSIVE, "if": ["order.total > 1 CNY"]}
    draft = drafts.save_rule(context, "pilot", draft.version, "expensive", stricter, "li")
    draft = drafts.save_cases(context, "pilot", draft.version, CASES[:1], "li")
    lifecycle.publish(context, "pilot", draft.version, "li", mode="shadow")
    assert drafts.draft_of(context, "pilot") is not None
    cheap, dear = world.order(total_minor=5000), world.order(total_minor=50000)
    advance(context, cheap)
    advance(context, dear)
    assert world.state(cheap) != "on_hold"
    assert world.state(dear) == "on_hold"
    report = shadow_report(context, "pilot")
    assert report is not None
    assert (report.asked, report.differing) == (2, 1)
    assert report.moved == (("none", "hold", 1),)
    assert [one.order_id for one in report.orders] == [cheap]
    lifecycle.stop_shadow(context, "pilot", "li")
    assert shadow_report(context, "pilot") is None


def test_two_people_never_lose_work_silently(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    context = world.context
    hers = drafts.switch_rule(context, "pilot", draft.version, "expensive", False, "wang")
    with pytest.raises(DraftChanged) as raised:
        drafts.save_rule(
            context, "pilot", draft.version, "expensive", {**EXPENSIVE, "why": "his"}, "li"
        )
    assert raised.value.theirs.version == hers.version
    assert raised.value.theirs.changed_by == "wang"
    assert "his" in raised.value.yours


def test_of_many_saves_at_once_exactly_one_wins(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    context = world.context
    won: list[int] = []
    lost: list[TidegateError] = []

    def save(number: int) -> None:
        try:
            drafts.save_rule(
                context,
                "pilot",
                draft.version,
                "expensive",
                {**EXPENSIVE, "why": f"w{number}"},
                "li",
            )
            won.append(number)
        except DraftChanged as error:
            lost.append(error)

    threads = [threading.Thread(target=save, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)
    found = drafts.draft_of(context, "pilot")
    assert found is not None
    assert found.ruleset.rules[0].why["zh"] == f"w{won[0]}"


def test_a_wrong_rule_is_refused_with_its_place_and_nothing_changes(
    pilot: tuple[Any, Draft],
) -> None:
    world, draft = pilot
    bad = {**EXPENSIVE, "if": ["order.totl > 100 CNY"]}
    with pytest.raises(RuleProblems) as raised:
        drafts.save_rule(world.context, "pilot", draft.version, "expensive", bad, "li")
    (problem,) = raised.value.problems
    assert problem.near == "order.total"
    found = drafts.draft_of(world.context, "pilot")
    assert found is not None
    assert found.version == draft.version


def test_another_tenant_sees_nothing(pilot: tuple[Any, Draft], intruder: Any, world: Any) -> None:
    del pilot
    with pytest.raises(NotFound):
        drafts.info(intruder.context, "pilot")


def test_exported_text_imports_to_the_same_text(pilot: tuple[Any, Draft]) -> None:
    world, draft = pilot
    context = world.context
    drafts.discard(context, "pilot", draft.version, "li")
    again = drafts.import_text(context, draft.text, "li")
    assert again.text == draft.text
    with pytest.raises(RuleProblems):
        drafts.import_text(context, draft.text.replace("order.total", "order.totl"), "li")


PROBE = """
import sys, time
from tidegate.bootstrap import open_context
from tidegate.settings import Settings
from dataclasses import replace
from pathlib import Path
settings = replace(Settings.from_environment(None), data_dir=Path(sys.argv[2]), database_url=sys.argv[1], patterns="own")
context = open_context(settings, carriers={}, migrate=False)
print("ready", flush=True)
until = time.monotonic() + 30
while time.monotonic() < until:
    if any(one.id == "pilot" for one in context.rules.for_gate("review")):
        print(time.time(), flush=True)
        break
    time.sleep(0.05)
"""


def test_another_process_sees_it_within_two_seconds(
    open_world: Callable[..., Any], chosen_url: str, tmp_path: Path
) -> None:
    world = open_world(chosen_url)
    context = world.context
    draft = drafts.create(
        context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "collect", "li"
    )
    draft = drafts.save_rule(
        context, "pilot", draft.version, "expensive", EXPENSIVE, "li", new=True
    )
    draft = drafts.save_cases(context, "pilot", draft.version, CASES, "li")
    probe = subprocess.Popen(
        [sys.executable, "-c", PROBE, chosen_url, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert probe.stdout is not None
    assert probe.stdout.readline().strip() == "ready"
    lifecycle.publish(context, "pilot", draft.version, "li")
    published = time.time()
    seen = probe.communicate(timeout=40)[0].strip()
    assert seen
    assert float(seen) - published < 2.0


def test_a_version_that_reads_no_more_leaves_the_last_good_rules_deciding(world: Any) -> None:
    context = world.context
    context.rules.look_now()
    deciding = [one.hash for one in context.rules.all()]
    assert deciding
    world.add(
        RuleVersion(
            set_id="review", number=1, hash="0" * 64, text="tidegate: ruleset/1\nid: review\n",
            mode="live", starts_at=world.now, published_by="x", published_at=world.now,
        )
    )  # fmt: skip
    context.rules.look_now()
    assert [one.hash for one in context.rules.all()] == deciding
    assert len(context.rules.problems) == 1
    assert world.count(Decision) == 0


@pytest.mark.parametrize("taken", ["ideas", "parameters", "simulations", "templates", "review"])
def test_a_set_can_not_have_the_address_of_another_page(world: Any, taken: str) -> None:
    with pytest.raises(InputError) as raised:
        drafts.create(world.context, taken, "review", {"zh": "x", "en": "x"}, "collect", "li")
    assert raised.value.code == "rules.set_taken"
