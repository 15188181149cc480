"""The data dictionary: which facts and actions exist, what they are called, of which type, at
which gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tidegate.engine.calendars import DAYS as DAYS
from tidegate.engine.calendars import Calendar as Calendar
from tidegate.engine.calendars import read_calendar
from tidegate.engine.problems import nearest
from tidegate.engine.sourced import read_yaml
from tidegate.engine.values import fold
from tidegate.errors import ConfigError

Texts = Mapping[str, str]
FACT_TYPES = frozenset(
    ("text", "number", "money", "boolean", "instant", "date", "duration", "choice", "texts")
)
ARGUMENT_TYPES = FACT_TYPES | {"any"}


@dataclass(frozen=True)
class Fact:
    """One fact. `values` lists what a choice may be; a windowed fact is read as
    `history.x(24h)`.
    """

    id: str
    type: str
    title: Texts
    unit: str = ""
    values: tuple[str, ...] = ()
    sample: object = None
    personal: bool = False
    editable: bool = False
    window: bool = False
    help: Texts = field(default_factory=dict)

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]

    @property
    def field_name(self) -> str:
        return self.id.partition(".")[2]


@dataclass(frozen=True)
class Group:
    """Facts of one thing (`order`), or a list (`items`) whose `each` names the group of its
    elements (`item`). A list `of` another group is also called by it: `parcel.scans`.
    """

    id: str
    title: Texts
    each: str = ""
    of: str = ""


@dataclass(frozen=True)
class Gate:
    id: str
    subject: str
    title: Texts
    asked: Texts
    facts: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Argument:
    id: str
    type: str
    title: Texts
    required: bool = False
    default: object = None
    values: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True)
class Consumption:
    """What an action uses up: `what` (a line's fact, `item.available`) per `key` (its field
    `sku`), by the amount in field `by` of every line, or by one for the key in argument `named`.
    """

    what: str
    key: str
    by: str = ""
    named: str = ""


@dataclass(frozen=True)
class Action:
    """What a rule may ask for. `writes` names what it changes; `many` lets several such writes
    live side by side; `consumes` is what there is less of afterwards.
    """

    id: str
    title: Texts
    writes: str
    main: str = ""
    many: bool = False
    args: Mapping[str, Argument] = field(default_factory=dict)
    consumes: Consumption | None = None

    @property
    def excludes(self) -> str:
        """What this action forbids: writing `routing.excluded` with a `service` forbids that
        `routing.service`.
        """
        group, _, what = self.writes.partition(".")
        return f"{group}.{self.main}" if what == "excluded" and self.main else ""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Equal to itself alone: the same text gives the same object (load_vocabulary)."""

    groups: Mapping[str, Group]
    facts: Mapping[str, Fact]
    calendars: Mapping[str, Calendar]
    gates: Mapping[str, Gate]
    actions: Mapping[str, Action]
    reasons: Mapping[str, Texts]
    words: Mapping[str, Mapping[str, Texts]] = field(default_factory=dict)
    """What the values of a fact are called, by fact and value."""

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Every name a fact or list answers to: its id and its Chinese name `订单.金额`."""
        names = {fact.id: fact.id for fact in self.facts.values()}
        for fact in self.facts.values():
            names.setdefault(f"{self.groups[fact.group].title['zh']}.{fact.title['zh']}", fact.id)
        for group in self.groups.values():
            if group.each:
                names[group.id] = group.id
                names.setdefault(group.title["zh"], group.id)
            if group.each and group.of:
                names.setdefault(f"{group.of}.{group.id}", group.id)
                names.setdefault(
                    f"{self.groups[group.of].title['zh']}.{group.title['zh']}", group.id
                )
        return MappingProxyType(names)

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """Bound element names in both languages, to the list they range over: `item` and `商品`
        to `items`.
        """
        found: dict[str, str] = {}
        for group in self.groups.values():
            if group.each:
                found[group.each] = group.id
                found.setdefault(self.groups[group.each].title["zh"], group.id)
        return MappingProxyType(found)

    @cached_property
    def naming(self) -> Mapping[str, Fact]:
        """Of each group its first fact, which names an element to a person."""
        found: dict[str, Fact] = {}
        for fact in self.facts.values():
            found.setdefault(fact.group, fact)
        return MappingProxyType(found)

    def fact(self, name: str) -> Fact | None:
        """The fact with this id or Chinese name."""
        return self.facts.get(self.names.get(name, ""))

    def list(self, name: str) -> Group | None:
        """The list (`items`) with this id or Chinese name."""
        found = self.groups.get(self.names.get(name, ""))
        return found if found and found.each else None

    def nearest(self, name: str) -> str:
        """The known fact or list most like `name`, or an empty text."""
        return nearest(name, self.names)

    def reason(self, code: str, lang: str) -> str:
        """A reason code in words; an unknown code as it is."""
        texts = self.reasons.get(code)
        return texts["zh" if lang.startswith("zh") else "en"] if texts else code

    def word(self, fact: str, value: str, lang: str) -> str:
        """What a value of a fact is called; one without a name is said as it is."""
        texts = self.words.get(fact, {}).get(fold(value))
        return texts["zh" if lang.startswith("zh") else "en"] if texts else value


def load_vocabulary(source: Path | str) -> Vocabulary:
    """Read the dictionary from a path or from its text.

    Raises:
        ConfigError: the dictionary contradicts itself (an operator fixes the file).
    """
    is_path = isinstance(source, Path) or (
        "\n" not in source and source.endswith((".yaml", ".yml"))
    )
    text = Path(source).read_text(encoding="utf-8") if is_path else str(source)
    return _loaded(text, str(source) if is_path else "vocabulary")


@lru_cache(maxsize=8)  # a rulebook reads it again whenever a set is published
def _loaded(text: str, name: str) -> Vocabulary:
    document = read_yaml(text, name).data
    if not isinstance(document, dict) or document.get("tidegate") != "vocabulary/1":
        raise _wrong(
            "tidegate",
            "首行应为 tidegate: vocabulary/1",
            "it must begin with tidegate: vocabulary/1",
        )
    try:
        vocabulary = _build(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(
            str(error), f"结构不完整：{error}", f"its structure is incomplete: {error}"
        ) from error
    _check(vocabulary)
    return vocabulary


def _wrong(what: str, zh: str, en: str) -> ConfigError:
    return ConfigError(
        "vocabulary.invalid",
        zh=f"数据字典有误：{zh}",
        en=f"The vocabulary is wrong: {en}",
        what=what,
    )


def _build(document: dict[str, Any]) -> Vocabulary:
    groups: dict[str, Group] = {}
    facts: dict[str, Fact] = {}
    for name, group in document["groups"].items():
        groups[name] = Group(
            name, _texts(group["title"]), group.get("each", ""), group.get("of", "")
        )
        for key, spec in group.get("fields", {}).items():
            facts[f"{name}.{key}"] = read_fact(f"{name}.{key}", spec)
    actions = {name: _action(name, spec) for name, spec in document["actions"].items()}
    gates = {
        name: Gate(
            name,
            spec["subject"],
            _texts(spec["title"]),
            _texts(spec["asked"]),
            tuple(spec["facts"]),
            tuple(spec["actions"]),
        )
        for name, spec in document["gates"].items()
    }
    calendars = {
        name: read_calendar(name, spec, _texts(spec["title"]))
        for name, spec in document.get("calendars", {}).items()
    }
    reasons = {code: _texts(texts) for code, texts in (document.get("reasons") or {}).items()}
    frozen = MappingProxyType
    words = {
        fact: frozen({fold(str(value)): _texts(texts) for value, texts in named.items()})
        for fact, named in (document.get("words") or {}).items()
    }
    return Vocabulary(
        frozen(groups),
        frozen(facts),
        frozen(calendars),
        frozen(gates),
        frozen(actions),
        frozen(reasons),
        frozen(words),
    )


def read_fact(name: str, spec: Mapping[str, Any]) -> Fact:
    """A fact from its entry; also used for the custom `fields` of a rule set. Raises ValueError."""
    if spec["type"] not in FACT_TYPES:
        raise ValueError(f"{name}: type {spec['type']}")
    return Fact(
        id=name,
        type=spec["type"],
        title=_texts(spec["title"]),
        unit=str(spec.get("unit", "")),
        values=tuple(spec.get("values", ())),
        sample=spec.get("sample"),
        personal=bool(spec.get("personal", False)),
        editable=bool(spec.get("editable", False)),
        window=bool(spec.get("window", False)),
        help=spec.get("help", {}),
    )


def _action(name: str, spec: Mapping[str, Any]) -> Action:
    args = {
        key: Argument(
            id=key,
            type=arg["type"],
            title=_texts(arg["title"]),
            required=bool(arg.get("required", False)),
            default=arg.get("default"),
            values=tuple(arg.get("values", ())),
            unit=str(arg.get("unit", "")),
        )
        for key, arg in spec.get("args", {}).items()
    }
    main, many = spec.get("main", ""), bool(spec.get("many", False))
    consumes = Consumption(**spec["consumes"]) if "consumes" in spec else None
    return Action(
        name, _texts(spec["title"]), spec["writes"], main, many, MappingProxyType(args), consumes
    )


def _texts(texts: object) -> Texts:
    """A title: `{zh, en}`, or one text for both."""
    if isinstance(texts, str):
        return {"zh": texts, "en": texts}
    if isinstance(texts, Mapping) and (texts.get("zh") or texts.get("en")):
        zh, en = texts.get("zh") or texts["en"], texts.get("en") or texts["zh"]
        return MappingProxyType({"zh": str(zh), "en": str(en)})
    raise ValueError(f"title {texts!r}")


def _check(vocabulary: Vocabulary) -> None:
    _known("group", (g.each for g in vocabulary.groups.values() if g.each), vocabulary.groups)
    _known("group", (g.of for g in vocabulary.groups.values() if g.of), vocabulary.groups)
    _known("fact", vocabulary.words, vocabulary.facts)
    for name, named in vocabulary.words.items():
        if vocabulary.facts[name].values:
            _known(f"value of {name}", named, map(fold, vocabulary.facts[name].values))
    for gate in vocabulary.gates.values():
        _known("group", gate.facts, vocabulary.groups)
        _known("action", gate.actions, vocabulary.actions)
    for action in vocabulary.actions.values():
        _known("argument", [action.main] if action.main else [], action.args)
        _known("type", (arg.type for arg in action.args.values()), ARGUMENT_TYPES)
        if action.consumes:
            use, each = action.consumes, action.consumes.what.partition(".")[0]
            _known("fact", [use.what, f"{each}.{use.key}"], vocabulary.facts)
            _known("fact", [f"{each}.{use.by}"] if use.by else [], vocabulary.facts)
            _known("argument", [use.named] if use.named else [], action.args)


def _known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        listed = ", ".join(unknown)
        raise _wrong(listed, f"未定义的 {kind}：{listed}", f"{kind} {listed} isn't defined")
