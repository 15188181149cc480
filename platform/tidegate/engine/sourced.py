"""YAML 1.2 as plain data with the place of every value; nothing in a document can run, loop or
explode.

`NO` is text, `12:30` is text, a date is text, a decimal is an exact Decimal. Tags other than
YAML's own are refused. Most documents are read by `simple_yaml`; what it does not know, and every
document with a mistake, is read by ruamel.yaml's parser here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)

from tidegate import simple_yaml
from tidegate.engine.limits import (
    MAX_ALIASES,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_LINE,
    MAX_VALUES,
    MAX_VALUES_FULL,
)
from tidegate.engine.problems import Problem, RuleProblems
from tidegate.simple_yaml import Path as Path
from tidegate.simple_yaml import Place, scalar

_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "seq", "map")
)
_TEXT_TAG = "tag:yaml.org,2002:str"
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass
class Sourced:
    """A document and where its values stand: for each, its line and column (both from 1), and
    the places inside it.
    """

    data: Any
    places: Place | None = field(default=None, repr=False)

    def mark(self, path: Path) -> tuple[int, int]:
        """The place of `path`, or of the nearest value around it; (0, 0) for a document that
        was not text.
        """
        place = self.places
        if place is None:
            return 0, 0
        for part in path:
            inner = place[2].get(part) if place[2] else None
            if inner is None:
                break
            place = inner
        return place[0], place[1]

    def has(self, path: Path) -> bool:
        """Whether the document holds a value at `path`."""
        data = self.data
        for part in path:
            try:
                data = data[part]
            except (TypeError, LookupError):
                return False
        return True


def read_yaml(text: str, name: str) -> Sourced:
    """Text (YAML or JSON) to data.

    Raises:
        RuleProblems: the text is neither, too large, or uses what is refused here.
    """
    _check_size(text, name)
    found = simple_yaml.read(text, MAX_DEPTH, MAX_VALUES)
    if isinstance(found, int):
        return read_fully(text, name, found)
    if found is None:
        raise refused(name, "yaml.too_many_values", *TOO_MANY)
    return Sourced(*found)


def read_fully(text: str, name: str, line: int = 0) -> Sourced:
    """The same by the full parser. `line` is where the document ceased to be simple."""
    return _Builder(name, line).read(text)


def _check_size(text: str, name: str) -> None:
    """Refuse, before reading, what would take long to read."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        megabytes = MAX_BYTES // 1_000_000
        zh = f"文件超过 {megabytes} MB，请拆成几个规则集"
        raise refused(name, "yaml.too_large", zh, f"it is larger than {megabytes} MB; split it")
    if text.count("\n") + text.count(",") + text.count("[") > 2 * MAX_VALUES:
        raise refused(name, "yaml.too_many_values", *TOO_MANY)
    longest = max(map(len, text.split("\n")))
    if longest > MAX_LINE:
        zh = f"有一行超过 {MAX_LINE} 个字符，请分行"
        en = f"a line is longer than {MAX_LINE} characters; break it"
        raise refused(name, "yaml.too_long", zh, en)


TOO_MANY = (
    f"值超过 {MAX_VALUES} 个，或别名超过 {MAX_ALIASES} 个，请拆分",
    f"it holds more than {MAX_VALUES} values or {MAX_ALIASES} aliases; split it",
)


def refused(name: str, code: str, zh: str, en: str, line: int = 0, column: int = 0) -> RuleProblems:
    return RuleProblems(name, [Problem(code, zh, en, line=line, column=column)])


def _unreadable(name: str, error: Exception) -> RuleProblems:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = str(getattr(error, "problem", None) or "").strip() or type(error).__name__
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return refused(
        name,
        "yaml.invalid",
        f"不是有效的 YAML（{what}）；检查缩进、引号和冒号后的空格",
        f"it isn't valid YAML ({what}); check indentation, quotes and the space after a colon",
        line,
        column,
    )


@dataclass
class _Anchored:
    """What an anchor stands for; `size` counts its values, `text` is a scalar's own text."""

    value: Any
    place: Place
    size: int
    text: str | None


@dataclass
class _Open:
    """A collection being read. `key` waits for its value; `merged` are the sources of `<<`."""

    data: dict[str, Any] | list[Any]
    place: Place
    anchor: str | None
    before: int
    key: str | None = None
    spot: Place | None = None
    merge: bool = False
    merged: list[tuple[Any, Place]] = field(default_factory=list)


class _Builder:
    """Data from the parser's events, one loop without recursion."""

    def __init__(self, name: str, line: int) -> None:
        self.name = name
        self.line = line
        self.values = 0
        self.events = 0
        self.aliases = 0
        self.anchors: dict[str, _Anchored] = {}
        self.open: list[_Open] = []
        self.root: Sourced | None = None

    def read(self, text: str) -> Sourced:
        for event in self._events(text):
            self.events += 1
            if isinstance(event, ScalarEvent):
                self._scalar(event)
            elif isinstance(event, CollectionStartEvent):
                self._start(event)
            elif isinstance(event, CollectionEndEvent):
                self._end(event)
            elif isinstance(event, AliasEvent):
                self._alias(event)
            elif isinstance(event, DocumentStartEvent) and self.root is not None:
                problem = "两份文档", "it holds more than one document"
                raise self._problem(event, "yaml.invalid", *problem)
        return self.root or Sourced(None)

    def _events(self, text: str) -> Iterator[Event]:
        """The parser's events; whatever it raises on odd text becomes one clear problem."""
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except (YAMLError, ValueError, RecursionError, LookupError, TypeError) as error:
            raise _unreadable(self.name, error) from error
        except (AssertionError, AttributeError) as error:  # the parser's own slips on odd text
            raise _unreadable(self.name, error) from error

    def _scalar(self, event: ScalarEvent) -> None:
        text: str = event.value
        tag = self._tag(event)
        self._count(event, 0 if self._at_key() else 1)
        if SURROGATE.search(text):
            zh, en = "文字里有不成对的代理字符", "text holds half of a surrogate pair"
            raise self._problem(event, "yaml.bad_text", zh, en)
        plain = event.style is None and tag != _TEXT_TAG
        self._add(event, scalar(text) if plain else text, _spot(event), 1, text, plain)

    def _tag(self, event: Any) -> str:
        tag = str(event.ctag) if event.ctag is not None else ""
        if tag not in ("", "!") and tag not in _TAGS:
            raise self._problem(
                event, "yaml.tag", f"不接受标签 {tag}", f"the tag {tag} isn't accepted"
            )
        return tag

    def _start(self, event: CollectionStartEvent) -> None:
        self._tag(event)
        self._count(event, 1)
        if len(self.open) >= MAX_DEPTH:
            raise self._problem(event, "yaml.too_deep", "嵌套过深", "it is nested too deeply")
        self._key_expected(event)
        data: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        line, column, _ = _spot(event)
        self.open.append(_Open(data, (line, column, {}), event.anchor, self.values - 1))

    def _end(self, event: Event) -> None:
        done = self.open.pop()
        for source, place in done.merged:
            self._merge(event, done, source, place)
        self._add(event, done.data, done.place, self.values - done.before, None, False, done.anchor)

    def _alias(self, event: AliasEvent) -> None:
        if any(frame.anchor == event.anchor for frame in self.open):
            raise self._problem(event, "yaml.loop", "别名引用了自身", "an alias contains itself")
        known = self.anchors.get(event.anchor)
        if known is None:
            zh, en = f"没有锚点 {event.anchor}", f"there is no anchor {event.anchor}"
            raise self._problem(event, "yaml.invalid", zh, en)
        self.aliases += 1
        self._count(event, known.size)
        self._add(event, known.value, known.place, known.size, known.text, False)

    def _count(self, event: Event, size: int) -> None:
        self.values += size
        if self.values > MAX_VALUES or self.aliases > MAX_ALIASES:
            raise self._problem(event, "yaml.too_many_values", *TOO_MANY)
        if self.events > MAX_VALUES_FULL:
            zh = f"值超过 {MAX_VALUES_FULL} 个的文件不能用锚点、多行文字和跨行的括号；这一行用到了，或写错了"
            en = (
                f"with more than {MAX_VALUES_FULL} values a document can't use anchors, texts or "
                f"brackets over several lines; this line does, or it is wrong"
            )
            raise refused(self.name, "yaml.not_simple", zh, en, self.line, 1)

    def _at_key(self) -> bool:
        frame = self.open[-1] if self.open else None
        return bool(
            frame and isinstance(frame.data, dict) and frame.key is None and not frame.merge
        )

    def _key_expected(self, event: Event) -> None:
        if self._at_key():
            raise self._problem(event, "yaml.key", "键必须是文字", "a key must be text")

    def _add(
        self,
        event: Any,
        value: Any,
        place: Place,
        size: int,
        text: str | None,
        plain: bool,
        anchor: str | None = None,
    ) -> None:
        """Put a finished value where it belongs: as key, value, member or the whole document."""
        anchor = anchor or (event.anchor if isinstance(event, ScalarEvent) else None)
        if anchor:
            self.anchors[anchor] = _Anchored(value, place, size, text)
        if not self.open:
            self.root = Sourced(value, place)
            return
        frame = self.open[-1]
        inside = frame.place[2]
        assert inside is not None  # noqa: S101  a collection's place has room for its members
        if isinstance(frame.data, list):
            inside[len(frame.data)] = place
            frame.data.append(value)
        elif frame.merge:
            frame.merged.append((value, place))
            frame.merge = False
        elif frame.key is None:
            self._key(event, frame, text, plain)
        else:
            line, column, _ = frame.spot or place
            inside[frame.key] = (line, column, place[2])
            frame.data[frame.key] = value
            frame.key = None

    def _key(self, event: Event, frame: _Open, text: str | None, plain: bool) -> None:
        if text is None:
            self._key_expected(event)
            return
        if text == "<<" and plain:
            frame.merge = True
        elif text in frame.data:
            zh, en = f"键 {text} 重复", f"the key {text} stands twice"
            raise self._problem(event, "yaml.duplicate_key", zh, en)
        else:
            frame.key, frame.spot = text, _spot(event)

    def _merge(self, event: Event, target: _Open, source: Any, place: Place) -> None:
        """YAML's `<<`: keys written here win over merged ones, earlier sources over later ones."""
        sources = source if isinstance(source, list) else [source]
        inner = place[2] or {}
        for number, one in enumerate(sources):
            if not isinstance(one, dict) or not isinstance(target.data, dict):
                raise self._problem(
                    event, "yaml.merge", "<< 只能合并映射", "<< merges mappings only"
                )
            where = inner[number] if isinstance(source, list) else place
            self._count(event, len(one))
            for key, value in one.items():
                if key not in target.data:
                    target.data[key] = value
                    if target.place[2] is not None and where[2]:
                        target.place[2][key] = where[2][key]

    def _problem(self, event: Event, code: str, zh: str, en: str) -> RuleProblems:
        line, column, _ = _spot(event)
        return refused(self.name, code, zh, en, line, column)


def _spot(event: Event) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1, None
