"""What programs send: bodies and queries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, validate
from marshmallow import fields as m

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NAME = validate.Length(min=1, max=120)
WHICH = validate.Regexp(r"(live|draft|[0-9]{1,9})\Z", error="live, draft or a number")


class Whole(m.Integer):
    """A whole number that is written as one: no text, no 1.5, no true."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return value


class Flag(m.Boolean):
    """true or false, nothing that looks like them."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Instant(m.AwareDateTime):
    """An instant with its zone, between 2000 and 2100."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or len(value) < 19:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        found: datetime = super()._deserialize(value, *args, **kwargs)
        if not datetime(1999, 1, 3) <= found.replace(tzinfo=None) <= datetime(2100, 1, 1):  # noqa: DTZ001
            raise ValidationError("between 2000 and 2100")
        return found.astimezone(UTC)


class Document(m.Field[dict[str, Any]]):
    """Any JSON object."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("an object is needed")
        return value


def document(**more: Any) -> Document:
    metadata = {"type": "object", "additionalProperties": True, **more.pop("metadata", {})}
    return Document(metadata=metadata, **more)


class Titles(Schema):
    zh = m.String(required=True, validate=validate.Length(min=1, max=120))
    en = m.String(required=True, validate=validate.Length(min=1, max=120))


class NewSet(Schema):
    id = m.String(required=True, validate=validate.Regexp(r"[a-z][a-z0-9-]{0,59}\Z"))
    gate = m.String(required=True, validate=NAME)
    title = m.Nested(Titles, required=True)
    policy = m.String(load_default="first", validate=NAME)


class NewRule(Schema):
    """`document` as in YAML: id, title, why, if, then … At the end of `stage`, or behind the rule `after`."""

    document = document(required=True)
    stage = m.String(load_default="", validate=validate.Length(max=120))
    after = m.String(load_default="", validate=validate.Length(max=160))


class RuleDocument(Schema):
    document = document(required=True)


class Copy(Schema):
    id = m.String(required=True, validate=NAME)


class Move(Schema):
    """Counted from 1 within the stage."""

    place = Whole(required=True, validate=validate.Range(min=1, max=100_000))


class Switch(Schema):
    on = Flag(required=True)


class Head(Schema):
    """Only what is to change; null removes it."""

    title = m.Nested(Titles)
    note = m.String(allow_none=True, validate=validate.Length(max=2_000))
    policy = m.String(validate=NAME)
    severity = m.List(m.String(validate=NAME), allow_none=True, validate=validate.Length(max=50))
    on_missing = m.String(allow_none=True, validate=NAME)
    otherwise = m.List(m.Raw(), allow_none=True, validate=validate.Length(max=50))
    four_eyes = Flag(allow_none=True)


class Entry(Schema):
    """A threshold (`type`, `value`, `min`, `max`, `unit`, `title`) or a list (`type`, `values`, `title`)."""

    document = document(required=True)


class Table(Schema):
    """A decision table with all its rows; a new one at the end of `stage`."""

    document = document(required=True)
    stage = m.String(load_default="", validate=validate.Length(max=120))


class Cases(Schema):
    """All tests of the set: name, given, expect, at."""

    tests = m.List(document(), required=True, validate=validate.Length(max=2_000))


class Reason(Schema):
    reason = m.String(required=True, validate=validate.Length(min=1, max=500))


class Note(Schema):
    note = m.String(load_default="", validate=validate.Length(max=500))


class Publish(Schema):
    """Now if no start is given; `shadow` decides beside the live version and does nothing."""

    starts_at = Instant(allow_none=True, load_default=None)
    ends_at = Instant(allow_none=True, load_default=None)
    mode = m.String(load_default="live", validate=validate.OneOf(("live", "shadow")))
    note = m.String(load_default="", validate=validate.Length(max=500))


class RollBack(Schema):
    to = Whole(required=True, validate=validate.Range(min=0, max=1_000_000_000))
    reason = m.String(required=True, validate=validate.Length(min=1, max=500))


class Accept(Schema):
    key = m.String(required=True, validate=validate.Length(min=1, max=300))
    reason = m.String(required=True, validate=validate.Length(min=1, max=500))


class Try(Schema):
    """One of: an order of the shop, a saved test, or facts. `rule` is tried in its place without being saved."""

    order = Whole(validate=validate.Range(min=1, max=2_147_483_647))
    test = m.String(validate=validate.Length(min=1, max=300))
    facts = document()
    rule = document()


class Explain(Try):
    """What would have to change for this action to come out."""

    want = m.String(required=True, validate=NAME)


class OrderFile(Schema):
    """Orders to judge instead of the shop's own: what the file says, in base64, and how it is read."""

    name = m.String(required=True, validate=NAME)
    content = m.String(required=True, validate=validate.Length(min=1, max=4_900_000))
    mapping = m.String(load_default="", validate=validate.Length(max=120))


class Simulate(Schema):
    against = m.String(load_default="live", validate=validate.Regexp(r"(live|[0-9]{1,9})\Z"))
    days = Whole(load_default=30, validate=validate.Range(min=1, max=730))
    channels = m.List(
        m.String(validate=validate.Length(min=1, max=40)), load_default=list,
        validate=validate.Length(max=50),
    )  # fmt: skip
    sample = Whole(
        allow_none=True, load_default=None, validate=validate.Range(min=1, max=1_000_000)
    )
    in_order = Flag(load_default=False)
    minutes = m.Float(load_default=None, allow_none=True, validate=validate.Range(0, 1_440))
    capacity = m.Dict(
        keys=m.String(validate=validate.Length(min=1, max=40)),
        values=Whole(validate=validate.Range(0, 10_000_000)),
        load_default=dict,
        validate=validate.Length(max=200),
    )
    file = m.Nested(OrderFile, load_default=None, allow_none=True)


class Fill(Schema):
    """The blanks by name; those left out keep what the template proposes."""

    blanks = m.Dict(
        keys=m.String(), values=m.String(validate=validate.Length(max=10_000)), load_default=dict
    )


# queries


class Changed(Schema):
    """`before` and `after` are keys of outcomes; `rule` is the id of one; `page` counts from 1."""

    before = m.String(load_default="", validate=validate.Length(max=80))
    after = m.String(load_default="", validate=validate.Length(max=80))
    rule = m.String(load_default="", validate=validate.Length(max=120))
    page = m.Integer(load_default=1, validate=validate.Range(1, 1_000_000))


class Between(Schema):
    """`from` and `to`: live, draft or the number of a version."""

    before = m.String(data_key="from", load_default="live", validate=WHICH)
    after = m.String(data_key="to", load_default="draft", validate=WHICH)


class Which(Schema):
    version = m.String(load_default="live", validate=WHICH)


class Find(Schema):
    q = m.String(load_default="", validate=validate.Length(max=60))
    group = m.String(load_default="", validate=validate.Length(max=40))


class Days(Schema):
    days = m.Integer(load_default=7, validate=validate.Range(min=1, max=90))


class Hours(Schema):
    hours = m.Integer(load_default=24, validate=validate.Range(min=1, max=720))
