"""/api/v1/jobs: background jobs by queue, dead ones, and what people do about them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import Schema
from marshmallow import fields as m
from marshmallow import validate as v

from tidegate.services import job_desk, view_jobs
from tidegate_web import desk
from tidegate_web.api import bodies
from tidegate_web.api.operations import MOST_INT, operation
from tidegate_web.api.shapes import schema_of

pages = Blueprint("api_jobs", __name__, url_prefix="/api/v1")


class DeadQuery(Schema):
    after = m.Integer(load_default=0, validate=v.Range(min=0, max=MOST_INT))


class DeadJobs(Schema):
    items = m.List(m.Nested(schema_of(view_jobs.JobLine)), required=True)


class RetryKind(Schema):
    name = m.String(required=True, validate=v.Length(min=1, max=60))


class Retried(Schema):
    retried = m.Integer(required=True)


@operation(pages, "GET", "/jobs", answer=schema_of(view_jobs.Jobs))
def queues() -> Any:
    """Queues with what waits, runs and is dead, and the jobs in hand."""
    return view_jobs.jobs_page(desk.context())


@operation(pages, "GET", "/jobs/dead", query=DeadQuery, answer=DeadJobs)
def dead(query: Any) -> Any:
    """Dead jobs by id, a hundred at a time.

    Ask again with `after` set to the last id for the next hundred.
    """
    return {"items": view_jobs.dead_jobs(desk.context(), query["after"])}


@operation(pages, "POST", "/jobs/<int:job_id>/retry", status=204, errors=[409])
def retry(job_id: int) -> Any:
    """Try a dead job again now."""
    job_desk.retry(desk.context(), job_id, desk.actor())


@operation(pages, "POST", "/jobs/<int:job_id>/drop", body=bodies.Reason, status=204, errors=[409])
def drop(job_id: int, body: Any) -> Any:
    """Give a dead job up for good, with the reason."""
    job_desk.drop(desk.context(), job_id, desk.actor(), body["reason"])


@operation(pages, "POST", "/jobs/retry", body=RetryKind, answer=Retried)
def retry_kind(body: Any) -> Any:
    """Try all dead jobs of a kind again; the number."""
    return {"retried": job_desk.retry_all(desk.context(), body["name"], desk.actor())}
