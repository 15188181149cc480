"""`manifest.yaml` of a connector: what it is, can do and needs, as data that people, pages and the platform read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from marshmallow import ValidationError
from ruamel.yaml.error import YAMLError

from tidegate.errors import ConfigError
from tidegate.sdk.manifest_schema import ManifestSchema
from tidegate.simple_yaml import plain

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a person fills in. A `secret` is kept encrypted and never shown again."""

    name: str
    title: Words
    help: Words
    secret: bool = False
    required: bool = False
    default: str = ""
    choices: Mapping[str, Words | None] = field(default_factory=dict)  # value: what people read
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` in `per_s` seconds for an `api` (`*`: for all together). `source` says who says so."""

    api: str
    calls: int
    per_s: int
    source: str


@dataclass(frozen=True, slots=True)
class Sync:
    """How orders are pulled: seconds of the longest window, of overlap, of lag behind pushes, of the way back."""

    by: str = "modified"
    most_s: int = 86_400
    overlap_s: int = 300
    lag_s: int = 0
    back_s: int = 7_776_000
    every_s: int = 60


@dataclass(frozen=True, slots=True)
class Authorize:
    """How a shop's owner gives access. `url` and the values of `query` may name `{callback}`, `{state}`, `{scopes}` and
    settings that are not secret.

    `when`: settings that must have these values for it to be offered; `needs`: those that are filled in before;
    `code`, `denied`, `signed`: parameters of the callback that hold the code, an owner's refusal, the platform's proof
    ("" where it proves nothing); `keeps`: what the exchange tells -> the setting it is kept in; `replaces`: typed
    secrets that are dropped.
    """

    url: str
    query: Mapping[str, str]
    when: Mapping[str, str]
    needs: tuple[str, ...]
    scopes: tuple[str, ...]
    code: str
    denied: str
    signed: str
    keeps: Mapping[str, str]
    replaces: tuple[str, ...]

    def offered(self, settings: Mapping[str, str]) -> bool:
        """Whether an account with these settings (defaults filled in) is authorised so."""
        return all(settings.get(name) == value for name, value in self.when.items())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an error code of the platform means to us: later, refused, credentials, unknown, done."""

    kind: str
    words: Words | None = None
    wait_s: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """`verified` says against what the connector was tried: live, sandbox, vectors (published ones) or none.

    `orders` is the field mapping of tidegate.sdk.mapping; `tracking` maps the platform's scan codes to ours;
    `carriers` our carrier codes to the platform's; `errors` its codes to what they mean. `closed_recipients` are the
    channels whose tokens waybills are made from, of the account's `own_shop` or `any_shop`; `labels` says whose labels
    are printed where it gives some; `single_use_tokens`: asking for tokens uses up what was typed in.
    """

    id: str
    kinds: tuple[str, ...]
    title: Words
    about: Words
    capabilities: frozenset[str]
    verified: str
    verified_note: Words
    documentation: str
    timezone: str
    currency: str
    duplicates: str
    settings: Mapping[str, Setting]
    limits: tuple[Limit, ...]
    facts: tuple[Mapping[str, str], ...]
    sync: Sync
    channel: str
    orders: Mapping[str, Any] = field(default_factory=dict)
    tracking: Mapping[str, str] = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, Verdict] = field(default_factory=dict)
    closed_recipients: Mapping[str, str] = field(default_factory=dict)
    plain_recipients: bool = True
    labels: str = "carrier"
    authorize: Authorize | None = None
    single_use_tokens: bool = True

    @property
    def secrets(self) -> frozenset[str]:
        """Names of settings that are secret."""
        return frozenset(name for name, one in self.settings.items() if one.secret)

    def filled(self, given: Mapping[str, str]) -> dict[str, str]:
        """Settings as a connector sees them: what was given, and defaults where nothing was."""
        return {name: one.default for name, one in self.settings.items() if one.default} | dict(
            given
        )


@cache
def load_manifest(package: str) -> Manifest:
    """The manifest beside a connector's package.

    Raises:
        ConfigError: it is missing or says something wrong; the message names the place.
    """
    name = f"{package}/manifest.yaml"
    try:
        text = files(package).joinpath("manifest.yaml").read_text(encoding="utf-8")
    except (FileNotFoundError, ModuleNotFoundError):
        raise _wrong(name, "", "文件不存在", "there is no such file") from None
    return read_manifest(text, name)


def read_manifest(text: str, name: str = "manifest.yaml") -> Manifest:
    """Raises ConfigError."""
    try:
        document = plain(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else ""
        raise _wrong(name, line, "不是正确的 YAML", "is no proper YAML") from None
    if not isinstance(document, dict):
        raise _wrong(name, "", "应为键值表", "must be a mapping")
    try:
        loaded = ManifestSchema().load(document)
    except ValidationError as error:
        place, said = _first(error.messages)
        raise _wrong(name, place, said, said) from None
    return _made(loaded)


def _made(loaded: Mapping[str, Any]) -> Manifest:
    settings = {name: _setting(name, about) for name, about in loaded["settings"].items()}
    errors = {
        str(code): Verdict(about["kind"], _words(about), about.get("wait_s"))
        for code, about in loaded["errors"].items()
    }
    plain = (
        "id", "title", "about", "verified", "verified_note", "documentation", "timezone",
        "currency", "duplicates", "channel", "orders", "tracking", "carriers", "closed_recipients",
        "plain_recipients", "labels", "single_use_tokens",
    )  # fmt: skip
    return Manifest(
        **{name: loaded[name] for name in plain},
        kinds=tuple(loaded["kinds"]),
        capabilities=frozenset(loaded["capabilities"]),
        settings=settings,
        limits=tuple(Limit(**about) for about in loaded["limits"]),
        facts=tuple(loaded["facts"]),
        sync=Sync(**loaded["sync"]),
        errors=errors,
        authorize=_authorize(loaded["authorize"]),
    )


def _authorize(about: Mapping[str, Any] | None) -> Authorize | None:
    if about is None:
        return None
    lists = {name: tuple(about[name]) for name in ("needs", "scopes", "replaces")}
    return Authorize(**{**about, **lists})


def _setting(name: str, about: Mapping[str, Any]) -> Setting:
    return Setting(name, **about)


def _words(about: Mapping[str, Any]) -> Words | None:
    return {"zh": about["zh"], "en": about["en"]} if "zh" in about else None


def _first(messages: Any, place: str = "") -> tuple[str, str]:
    """The first problem with the dotted place it is at."""
    if isinstance(messages, Mapping):
        name, inner = next(iter(messages.items()))
        dotted = place if name in ("_schema", "value") else f"{place}.{name}".lstrip(".")
        return _first(inner, dotted)
    if isinstance(messages, list) and messages:
        return (
            _first(messages[0], place) if not isinstance(messages[0], str) else (place, messages[0])
        )
    return place, str(messages)


def _wrong(name: str, place: str, zh: str, en: str) -> ConfigError:
    at = f" {place}" if place else ""
    return ConfigError(
        "connector.manifest",
        zh=f"连接器说明 {name}{at}：{zh}；格式见 docs/connectors/manifest.md。",
        en=f"{name}{at}: {en}; the format is in docs/connectors/manifest.md.",
        file=name,
        place=place,
    )
