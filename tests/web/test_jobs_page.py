"""/jobs and its API: dead jobs are seen with what they concern, tried again or dropped, by who may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tidegate.jobs.names import FUNCTIONS
from tidegate.services.job_kinds import QUEUES
from tidegate.services.work import enqueue
from tidegate.store.tables import Job, Order
from tidegate_web.language import catalogue


@pytest.fixture
def dead(desk):
    """Three dead jobs of two kinds, one that runs and two that wait; the ids of the dead ones."""
    now, order = desk.clock(), desk.all(Order)[0]
    with desk.context.store.begin(1) as work:
        work.session.query(Job).delete()
        for name, args, hours in (
            ("advance_order", {"order_id": order.id}, 0),
            ("advance_order", {"order_id": order.id}, 0),
            ("void_waybill", {"effect_id": 1}, 0),
            ("pull_scans", {}, -2),
            ("pull_scans", {}, 5),
            ("simulate", {"simulation_id": 1}, 0),
        ):
            enqueue(work, name, args, due_at=now + timedelta(hours=hours), now=now)
        work.commit()
    rows = desk.all(Job)
    with desk.context.store.begin(1) as work:
        for row in rows[:3]:
            found = work.session.get(Job, row.id)
            found.state, found.error, found.attempts = "dead", "carrier.unreachable", 10
        work.session.get(Job, rows[5].id).state = "leased"
        work.commit()
    return [row.id for row in rows[:3]]


def state(desk, id_: int) -> tuple[str, int]:
    (row,) = desk.all(Job, Job.id == id_)
    return row.state, row.attempts


@pytest.mark.parametrize("language", ["zh", "en"])
def test_queues_and_dead_jobs_are_shown_with_the_order_they_concern(desk, dead, language) -> None:
    html = desk.client(language).get("/jobs").get_data(as_text=True)
    number = desk.all(Order)[0].number
    assert html.count(number) >= 2
    assert html.count("carrier.unreachable") >= 2
    queues = html.partition('id="dead"')[0]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", queues, re.S)
    figures = {re.sub("<[^>]+>", " ", row).split()[-1] for row in rows}
    assert len(rows) == len(QUEUES)
    assert figures == {"0", "1", "2"}
    assert ("推进订单" in html) is (language == "zh")


def test_one_is_tried_again_and_all_of_a_kind(desk, dead) -> None:
    visitor = desk.client()
    form = "advance_order/carrier.unreachable"
    answer = visitor.post("/jobs/act", "/jobs", act="retry", job=dead[0], form=form)
    assert answer.status_code == 303
    assert state(desk, dead[0]) == ("ready", 0)
    assert state(desk, dead[1]) == ("dead", 10)
    fields = {"kind": "advance_order", "error": "carrier.unreachable", "form": form}
    assert visitor.post("/jobs/act", "/jobs", act="retry_all", **fields).status_code == 303
    assert state(desk, dead[1]) == ("ready", 0)
    assert state(desk, dead[2]) == ("dead", 10), "another kind"


def test_dropping_needs_a_reason_and_keeps_it(desk, dead) -> None:
    visitor = desk.client("en")
    fields = {"act": "drop", "job": dead[2], "form": "void_waybill/carrier.unreachable"}
    refused = visitor.post("/jobs/act", "/jobs", **fields)
    assert refused.status_code == 422
    assert "reason" in refused.get_data(as_text=True)
    assert state(desk, dead[2])[0] == "dead"
    assert visitor.post("/jobs/act", "/jobs", **fields, reason="done by phone").status_code == 303
    (row,) = desk.all(Job, Job.id == dead[2])
    assert (row.state, row.note, row.noted_by) == ("dropped", "done by phone", "local")


def test_nothing_ticked_and_a_job_that_is_not_dead_any_more_are_told(desk, dead) -> None:
    visitor = desk.client("en")
    form = "advance_order/carrier.unreachable"
    assert visitor.post("/jobs/act", "/jobs", act="retry", form=form).status_code == 422
    assert visitor.post("/jobs/act", "/jobs", act="dance", form=form).status_code == 422
    visitor.post("/jobs/act", "/jobs", act="retry", job=dead[0], form=form)
    again = visitor.post("/jobs/act", "/jobs", act="retry", job=dead[0], form=form)
    assert "jobs.not_dead" in again.get_data(as_text=True)


def test_programs_do_the_same(desk, dead) -> None:
    client = desk.client("en").client
    found = client.get("/api/v1/jobs").get_json()
    assert {queue["name"]: queue["dead"] for queue in found["queues"]}["orders"] == 2
    assert [line["id"] for line in found["running"]] == [desk.all(Job)[5].id]
    assert [line["id"] for line in client.get("/api/v1/jobs/dead").get_json()["items"]] == dead
    later = client.get(f"/api/v1/jobs/dead?after={dead[0]}").get_json()["items"]
    assert [line["id"] for line in later] == dead[1:]
    head = {"X-CSRFToken": token(client)}
    post = lambda path, body=None: client.post(f"/api/v1/jobs{path}", json=body, headers=head)  # noqa: E731
    assert post(f"/{dead[0]}/retry").status_code == 204
    assert post(f"/{dead[0]}/retry").status_code == 409
    assert post("/999999/retry").status_code == 404
    assert post(f"/{dead[2]}/drop", {"reason": "x"}).status_code == 204
    assert post("/retry", {"name": "advance_order"}).get_json() == {"retried": 1}


def token(client) -> str:
    html = client.get("/jobs").get_data(as_text=True)
    found = re.search(r'"X-CSRFToken": "([^"]+)"', html)
    assert found
    return found.group(1)


def test_every_queue_and_job_has_a_name_in_words() -> None:
    words = catalogue()
    wanted = [f"jobs.queue_of.{queue}" for queue in QUEUES]
    wanted += [f"jobs.name_of.{name}" for name in FUNCTIONS]
    assert len(wanted) > 25
    assert [key for key in wanted if key not in words] == []
