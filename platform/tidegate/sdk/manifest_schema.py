"""The shape of a manifest. What is not named here is refused: a typing mistake must not become silence."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates_schema

from tidegate.domain.tracking import STATES
from tidegate.sdk.capabilities import CAPABILITIES
from tidegate.sdk.mapping.schema import check_orders

FORMAT = "connector/1"
KINDS = ("shop", "erp", "carrier", "aggregator", "tracking", "notice", "files")
# with no protocol of their own
MORE = ("push", "orders", "waybill_file", "cancel_waybill", "request_pickup")
CLOSED_OF = ("own_shop", "any_shop")
BLANK = re.compile(r"\{(\w*)\}")
GIVEN = ("callback", "state", "scopes")
VERDICTS = ("later", "refused", "credentials", "unknown", "done")


class WordsField(fields.Field[Any]):
    """`{zh: …, en: …}`, both written."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, dict) or set(value) != {"zh", "en"}:
            raise ValidationError("needs zh and en")
        if not all(isinstance(text, str) and text.strip() for text in value.values()):
            raise ValidationError("zh and en must say something")
        return value


class Text(fields.String):
    """Numbers and booleans that YAML made of a value are text again."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        return super()._deserialize(str(value) if plain else value, *args, **kwargs)


class ChoicesField(fields.Field[Any]):
    """`[tls, starttls]`, or `{own: {zh: …, en: …}}` where people should read something else than the value."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        text, words = Text(), WordsField()
        if isinstance(value, dict):
            return {text.deserialize(one): words.deserialize(said) for one, said in value.items()}
        if not isinstance(value, list):
            raise ValidationError("needs a list, or values with zh and en")
        return {text.deserialize(one): None for one in value}


class SettingSchema(Schema):
    title = WordsField(required=True)
    help = WordsField(load_default=lambda: {"zh": "", "en": ""})
    secret = fields.Boolean(load_default=False)
    required = fields.Boolean(load_default=False)
    default = Text(load_default="")
    choices = ChoicesField(load_default=dict)
    environment = fields.String(load_default="")

    @validates_schema
    def _no_secret_default(self, data: Any, **_: Any) -> None:
        if data["secret"] and data["default"]:
            raise ValidationError("a secret has no default", "default")


class LimitSchema(Schema):
    api = fields.String(load_default="*")
    calls = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    per_s = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    source = fields.String(required=True)


class SyncSchema(Schema):
    by = fields.String(load_default="modified", validate=validate.OneOf(["modified", "created"]))
    most_s = fields.Integer(load_default=86_400, validate=validate.Range(60))
    overlap_s = fields.Integer(load_default=300, validate=validate.Range(0))
    lag_s = fields.Integer(load_default=0, validate=validate.Range(0))
    back_s = fields.Integer(load_default=7_776_000, validate=validate.Range(60))
    every_s = fields.Integer(load_default=60, validate=validate.Range(5))


class ErrorSchema(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(VERDICTS))
    zh = fields.String()
    en = fields.String()
    wait_s = fields.Integer(validate=validate.Range(1))

    @pre_load
    def _short(self, data: Any, **_: Any) -> Any:
        return {"kind": data} if isinstance(data, str) else data

    @validates_schema
    def _both(self, data: Any, **_: Any) -> None:
        if ("zh" in data) != ("en" in data):
            raise ValidationError("zh and en belong together")


class AuthorizeSchema(Schema):
    url = fields.String(required=True, validate=validate.Length(1))
    query = fields.Dict(fields.String(), Text(), required=True)
    when = fields.Dict(fields.String(), Text(), load_default=dict)
    needs = fields.List(fields.String(), load_default=list)
    scopes = fields.List(fields.String(), load_default=list)
    code = fields.String(load_default="code")
    denied = fields.String(load_default="error")
    signed = fields.String(load_default="")
    keeps = fields.Dict(fields.String(), fields.String(), load_default=dict)
    replaces = fields.List(fields.String(), load_default=list)


def _check_authorize(about: Any, settings: Any, able: set[str]) -> None:
    """Whatever it names is a setting of the right kind, and the connector can do its part."""
    plain = {name for name, one in settings.items() if not one["secret"]}
    named = {
        word for text in (about["url"], *about["query"].values()) for word in BLANK.findall(text)
    }
    if unknown := sorted(named - plain - set(GIVEN)):
        raise ValidationError(
            f"{{{unknown[0]}}} is no setting that may be shown", "authorize.query"
        )
    if "{state}" not in about["query"].values():
        raise ValidationError("a parameter must be {state}", "authorize.query")
    for part, known in (
        ("when", plain),
        ("needs", set(settings)),
        ("replaces", set(settings) - plain),
    ):
        if unknown := sorted(set(about[part]) - known):
            raise ValidationError(f"{unknown[0]} is no setting of that kind", f"authorize.{part}")
    if unknown := sorted(set(about["keeps"].values()) - set(settings)):
        raise ValidationError(f"{unknown[0]} is no setting", "authorize.keeps")
    if not {"exchange_code", "refresh_tokens"} <= able:
        raise ValidationError("needs exchange_code and refresh_tokens", "authorize")
    if bool(about["signed"]) != ("check_callback" in able):
        raise ValidationError("signed and check_callback belong together", "authorize.signed")


def _state(value: str) -> None:
    if value not in STATES:
        raise ValidationError(f"{value} is no tracking state")


class ManifestSchema(Schema):
    """One `manifest.yaml`."""

    tidegate = fields.String(required=True, validate=validate.Equal(FORMAT))
    id = fields.String(required=True, validate=validate.Regexp(r"[a-z][a-z0-9_]{1,39}\Z"))
    kinds = fields.List(
        fields.String(validate=validate.OneOf(KINDS)), required=True, validate=validate.Length(1)
    )
    title = WordsField(required=True)
    about = WordsField(required=True)
    capabilities = fields.List(
        fields.String(validate=validate.OneOf([*CAPABILITIES, *MORE])),
        required=True, validate=validate.Length(1),
    )  # fmt: skip
    verified = fields.String(
        load_default="none", validate=validate.OneOf(["live", "sandbox", "vectors", "none"])
    )
    verified_note = WordsField(load_default=lambda: {"zh": "", "en": ""})
    documentation = fields.String(load_default="")
    timezone = fields.String(load_default="Asia/Shanghai")
    currency = fields.String(load_default="CNY", validate=validate.Regexp(r"[A-Z]{3}\Z"))
    duplicates = fields.String(load_default="", validate=validate.OneOf(["", "A", "B", "C"]))
    settings = fields.Dict(fields.String(), fields.Nested(SettingSchema), load_default=dict)
    limits = fields.List(fields.Nested(LimitSchema), load_default=list)
    facts = fields.List(fields.Dict(fields.String(), Text()), load_default=list)
    sync = fields.Nested(SyncSchema, load_default=lambda: SyncSchema().load({}))
    channel = fields.String(load_default="")
    orders = fields.Dict(load_default=dict, validate=check_orders)
    tracking = fields.Dict(Text(), fields.String(validate=_state), load_default=dict)
    carriers = fields.Dict(fields.String(), Text(), load_default=dict)
    errors = fields.Dict(Text(), fields.Nested(ErrorSchema), load_default=dict)
    closed_recipients = fields.Dict(
        fields.String(), fields.String(validate=validate.OneOf(CLOSED_OF)), load_default=dict
    )
    plain_recipients = fields.Boolean(load_default=True)
    labels = fields.String(load_default="carrier", validate=validate.OneOf(["own", "carrier"]))
    authorize = fields.Nested(AuthorizeSchema, load_default=None)
    single_use_tokens = fields.Boolean(load_default=True)

    @validates_schema
    def _belongs_together(self, data: Any, **_: Any) -> None:
        able = set(data["capabilities"])
        if "create_waybill" in able and not data["duplicates"]:
            raise ValidationError("says what a repeated key does: A, B or C", "duplicates")
        if data["duplicates"] == "B" and "query_waybill" not in able:
            raise ValidationError("class B needs query_waybill", "duplicates")
        if data["closed_recipients"] and not {"create_waybill", "label"} <= able:
            raise ValidationError("needs create_waybill and label", "closed_recipients")
        if not data["plain_recipients"] and not data["closed_recipients"]:
            raise ValidationError("somebody's recipients must be taken", "plain_recipients")
        if data["sync"]["most_s"] <= data["sync"]["overlap_s"]:
            raise ValidationError("must be longer than overlap_s", "sync.most_s")
        if "pull_orders" in able and not (data["orders"] and data["channel"]):
            raise ValidationError("pull_orders needs channel and orders", "orders")
        if data["authorize"]:
            _check_authorize(data["authorize"], data["settings"], able)
        elif "exchange_code" in able:
            raise ValidationError("exchange_code needs it", "authorize")
