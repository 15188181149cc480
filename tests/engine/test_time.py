"""When the answer changes next, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidegate.engine import clock
from tidegate.engine.reference import evaluate, next_change
from tidegate.engine.vocabulary import Vocabulary

NOW = datetime.fromisoformat("2026-11-11T12:00:00+08:00")
TICK = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}+08:00").astimezone(UTC)


def a_set(condition: str, extra: str = "") -> str:
    return f"""
tidegate: ruleset/1
id: t
gate: alert
policy: collect
parameters: {{late: {{type: duration, value: 24h}}}}
derive: {{age: since(parcel.waybill_at)}}
rules:
  - id: a
    {extra}
    if: ['{condition}']
    then: [raise: late]
"""


FACTS = {
    "parcel": {
        "waybill_at": "2026-11-11T10:00:00+08:00",
        "deliver_by": "2026-11-12T12:00:00+08:00",
    },
    "scans": [{"at": "2026-11-11T08:00:00+08:00"}, {"at": "2026-11-11T11:00:00+08:00"}],
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("since(parcel.waybill_at) >= 24h", at("12T10:00:00")),
        ("since(parcel.waybill_at) > 24h", at("12T10:00:00") + TICK),
        ("24h <= since(parcel.waybill_at)", at("12T10:00:00")),
        ("since(parcel.waybill_at) < late", at("12T10:00:00")),
        ("since(parcel.waybill_at) <= late", at("12T10:00:00") + TICK),
        ("since(parcel.waybill_at) > late * 2", at("13T10:00:00") + TICK),
        ("age > late", at("12T10:00:00") + TICK),
        ("since(parcel.waybill_at) > 1h", None),
        ("since(parcel.waybill_at) between 1h and 3h", at("11T13:00:00") + TICK),
        ("since(parcel.waybill_at) between 3h and 4h", at("11T13:00:00")),
        ("since(parcel.waybill_at) in [1h..3h)", at("11T13:00:00")),
        ("since(parcel.waybill_at) in (> 5h, < 1h)", at("11T15:00:00") + TICK),
        ("since(parcel.waybill_at, warehouse_hours) > 11h", at("12T09:00:00") + TICK),
        ("since(parcel.waybill_at, warehouse_hours) >= 10h", at("11T20:00:00")),
        ("until(parcel.deliver_by) < 4h", at("12T08:00:00") + TICK),
        ("until(parcel.deliver_by) <= 4h", at("12T08:00:00")),
        ("now >= parcel.deliver_by", at("12T12:00:00")),
        ("now in warehouse_hours", at("11T20:00:00")),
        ("hour(now) >= 15", at("11T15:00:00")),
        ('weekday(now) = "Fri"'.replace('"', '"'), at("13T00:00:00")),
        ('date(now) > @"2026-11-11"', at("12T00:00:00")),
        ("some scan in scans satisfies since(scan.at) > 5h", at("11T13:00:00") + TICK),
        ("every scan in scans satisfies since(scan.at) > 5h", at("11T16:00:00") + TICK),
        ("count(scans[since(scan.at) >= 2h]) = 2", at("11T13:00:00")),
        ("since(parcel.printed_at) > 1h", None),
        ("since(parcel.waybill_at) > 24h and parcel.fragile", at("12T10:00:00") + TICK),
        ("parcel.fragile", None),
        ('time(now) >= time("18:00")', at("11T18:00:00")),
        ('time(now) > time("18:00")', at("11T18:00:00") + TICK),
        ('time(now) < time("12:00:00.000001")', at("11T12:00:00") + TICK),
        ('now > date and time(date(now), time("18:00"))', at("11T18:00:00") + TICK),
        ("minute(now) >= 30", at("11T12:30:00")),
        ("second(now) = 1", at("11T12:00:01")),
        ("day(now) = 30", at("30T00:00:00")),
        ("month(now) = 12", at("30T00:00:00") + timedelta(days=1)),
        ("week of year(now) > 46", at("16T00:00:00")),
        ("weekday number(now) > 5", at("14T00:00:00")),
        ("year(now) > 2026", at("30T00:00:00") + timedelta(days=32)),
        ('day of week(now) = "Monday"', at("16T00:00:00")),
        ('date(now) > @"2026-11-28"', at("29T00:00:00")),
        ('now in [@"2026-11-20"..@"2026-11-21"]', at("20T00:00:00")),
        (
            'years and months duration(parcel.waybill_at, now) >= duration("P1M")',
            at("30T00:00:00") + timedelta(days=11),
        ),
    ],
)
def test_the_next_change_of_one_condition(
    condition: str, expected: datetime | None, read: Any
) -> None:
    ruleset = read(a_set(condition))
    assert next_change(ruleset, FACTS, NOW) == expected


def test_a_false_conjunct_makes_the_threshold_pointless(read: Any) -> None:
    ruleset = read(a_set("since(parcel.waybill_at) > 24h and parcel.fragile"))
    facts = {**FACTS, "parcel": {**FACTS["parcel"], "fragile": False}}  # type: ignore[dict-item]
    assert next_change(ruleset, facts, NOW) is None


def test_active_windows_open_and_close_at_the_shops_midnight(read: Any) -> None:
    ruleset = read(a_set("parcel.fragile", "active: {from: 2026-11-12, to: 2026-11-13}"))
    assert next_change(ruleset, {}, NOW) == at("12T00:00:00")
    assert next_change(ruleset, {}, at("12T00:00:00")) == at("14T00:00:00")
    assert next_change(ruleset, {}, at("14T00:00:00")) is None


def test_the_earliest_of_several_changes_is_given(read: Any) -> None:
    text = (
        a_set("since(parcel.waybill_at) > 24h")
        + "  - {id: b, if: ['age > 3h'], then: [raise: b]}\n"
    )
    assert next_change(read(text), FACTS, NOW) == at("11T13:00:00") + TICK


def test_waking_up_at_each_change_finds_every_change_and_only_changes(read: Any) -> None:
    text = (
        a_set("since(parcel.waybill_at) in (> 5h, < 3h)")
        + "  - {id: b, if: ['age > 10h'], then: [raise: b]}\n"
    )
    ruleset, now, seen = read(text), NOW, []
    while (then := next_change(ruleset, FACTS, now)) is not None:
        before = [t.result for t in evaluate(ruleset, FACTS, then - TICK).rules]
        after = [t.result for t in evaluate(ruleset, FACTS, then).rules]
        assert before != after
        seen.append(then)
        now = then
    assert seen == [at("11T13:00:00"), at("11T15:00:00") + TICK, at("11T20:00:00") + TICK]


def test_an_alert_is_silent_at_its_threshold_and_rings_one_microsecond_later(read: Any) -> None:
    ruleset = read(a_set("since(parcel.waybill_at) > 24h"))
    assert not evaluate(ruleset, FACTS, at("12T10:00:00")).actions
    assert evaluate(ruleset, FACTS, at("12T10:00:00") + TICK).actions


def test_a_set_with_stages_has_wake_ups_too(read: Any) -> None:
    text = """
tidegate: ruleset/1
id: t
gate: routing
policy: stages
stages:
  - id: s
    policy: first
    rules:
      - id: a
        if: ['since(parcel.routed_at) > 1h', 'not("x" in decided.exclude)']
        then: [use_service: SF]
"""
    facts = {"parcel": {"routed_at": "2026-11-11T11:30:00+08:00"}}
    assert next_change(read(text), facts, NOW) == at("11T12:30:00") + TICK


def test_daylight_saving_days_count_real_working_hours(read: Any) -> None:
    # New York springs forward on 2026-03-08 at 02:00; a working day from 08:00 keeps its 12 hours
    ruleset = read(a_set("since(parcel.waybill_at, warehouse_hours) >= 13h"))
    facts = {"parcel": {"waybill_at": "2026-03-07T19:00:00-05:00"}}
    now = datetime.fromisoformat("2026-03-07T19:30:00-05:00")
    found = next_change(ruleset, facts, now, "America/New_York")
    assert found == datetime.fromisoformat("2026-03-08T20:00:00-04:00")


# public holidays, and time that is computed with

OFFICE = """tidegate: ruleset/1
id: t
gate: alert
policy: collect
rules:
  - {id: late, if: ['since(parcel.printed_at, office_hours) > 1h'], then: [raise: {kind: label_late}]}
"""


def test_the_national_holidays_of_2026_are_no_office_hours_and_make_up_days_are(
    vocabulary: Vocabulary,
) -> None:
    """National Day 2026: 1 to 7 October off; Saturday 10 October is worked instead (State Council)."""
    office = vocabulary.calendars["office_hours"]
    zone = clock.zone("Asia/Shanghai")
    at = lambda day: datetime(2026, 10, day, 10, tzinfo=zone)  # noqa: E731
    opened = [day for day in range(1, 12) if clock.is_open(office, at(day), zone)]
    assert opened == [8, 9, 10]


def test_an_alert_waits_over_the_holidays(read: Any) -> None:
    """Printed half an hour before closing on 30 September: due half an hour into 8 October."""
    facts = {"parcel": {"printed_at": "2026-09-30T17:30:00+08:00"}}
    now = datetime.fromisoformat("2026-09-30T17:31:00+08:00")
    found = next_change(read(OFFICE), facts, now)
    assert found == datetime.fromisoformat("2026-10-08T09:30:00.000001+08:00")


@pytest.mark.parametrize(
    ("condition", "at"),
    [
        ("since(parcel.printed_at) + 2h > 24h", "2026-11-12T10:00:00.000001+08:00"),
        ("now - parcel.printed_at >= 24h", "2026-11-12T12:00:00+08:00"),
        ("since(parcel.printed_at) / 1h >= 5", "2026-11-11T17:00:00+08:00"),
        (
            "max(since(parcel.printed_at), since(parcel.waybill_at)) > 3h",
            "2026-11-11T14:00:00.000001+08:00",
        ),
        ("now + 4h > order.ship_by", "2026-11-12T08:00:00.000001+08:00"),
        ('date(now) = @"2027-03-01"', "2027-03-01T00:00:00+08:00"),
    ],
)
def test_time_that_is_computed_with_is_found_to_the_microsecond(
    read: Any, condition: str, at: str
) -> None:
    text = OFFICE.replace(
        "since(parcel.printed_at, office_hours) > 1h", condition.replace("'", "''")
    )
    facts = {
        "parcel": {
            "printed_at": "2026-11-11T12:00:00+08:00",
            "waybill_at": "2026-11-11T11:00:00+08:00",
        },
        "order": {"ship_by": "2026-11-12T12:00:00+08:00"},
    }
    now = datetime.fromisoformat("2026-11-11T12:00:01+08:00")
    assert next_change(read(text), facts, now) == datetime.fromisoformat(at)
