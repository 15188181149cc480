"""YAML 1.2 as plain data with the place of every value; nothing in a document can run, loop or
explode.

`NO` is text, `12:30` is text, a date is text, a decimal is an exact Decimal. Tags other than
YAML's own scalar ones are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tidegate.engine.problems import Problem, RuleProblems

MAX_BYTES = 1_000_000
MAX_VALUES = 100_000
MAX_ALIASES = 500
MAX_DEPTH = 40
_INTEGER = re.compile(r"[-+]?(0|[1-9]\d{0,30})\Z")
_DECIMAL = re.compile(r"[-+]?(\d{1,30}\.\d{0,30}|\.\d{1,30}|\d{1,30})([eE][-+]?\d{1,3})?\Z")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_TAGS = tuple(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge")
)
Path = tuple[str | int, ...]


@dataclass
class Sourced:
    """A document and, for the path of each value, its line and column (both from 1)."""

    data: Any
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def mark(self, path: Path) -> tuple[int, int]:
        """The place of `path`, or of the nearest value around it; (0, 0) for a document that
        was not text.
        """
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, (0, 0))


def read_yaml(text: str, name: str) -> Sourced:
    """Text to data.

    Raises:
        RuleProblems: the text is no YAML, too large, or uses what is refused here.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise _refused(
            name, "yaml.too_large", "文件超过 1 MB，请拆分", "it is larger than 1 MB; split it"
        )
    composer = YAML(typ="safe", pure=True)
    try:
        root = composer.compose(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(name, error) from error
    if root is None:
        return Sourced(None)
    builder = _Builder(name)
    try:
        return Sourced(builder.build(root, ()), builder.marks)
    except RecursionError as error:
        raise _refused(name, "yaml.too_deep", "嵌套过深", "it is nested too deeply") from error


def _refused(
    name: str, code: str, zh: str, en: str, line: int = 0, column: int = 0
) -> RuleProblems:
    return RuleProblems(name, [Problem(code, zh, en, line=line, column=column)])


def _unreadable(name: str, error: Exception) -> RuleProblems:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = str(getattr(error, "problem", None) or "").strip() or type(error).__name__
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return _refused(
        name,
        "yaml.invalid",
        f"不是有效的 YAML（{what}）；检查缩进、引号和冒号后的空格",
        f"it isn't valid YAML ({what}); check indentation, quotes and the space after a colon",
        line,
        column,
    )


class _Builder:
    def __init__(self, name: str) -> None:
        self.name = name
        self.marks: dict[Path, tuple[int, int]] = {}
        self.values = 0
        self.seen: set[int] = set()
        self.aliases = 0
        self.open: set[int] = set()

    def build(self, node: Node, path: Path) -> Any:
        self.marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        self._count(node, path)
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        self.open.add(id(node))
        if isinstance(node, SequenceNode):
            result: Any = [
                self.build(child, (*path, index)) for index, child in enumerate(node.value)
            ]
        else:
            result = self._mapping(node, path) if isinstance(node, MappingNode) else None
        self.open.discard(id(node))
        return result

    def _count(self, node: Node, path: Path) -> None:
        self.values += 1
        if id(node) in self.open:
            raise self._problem(node, "yaml.loop", "别名引用了自身", "an alias contains itself")
        if not isinstance(node, ScalarNode) or node.anchor:
            self.aliases += id(node) in self.seen
            self.seen.add(id(node))
        if self.values > MAX_VALUES or self.aliases > MAX_ALIASES:
            raise self._problem(
                node, "yaml.too_many_values", "值或别名过多", "too many values or aliases"
            )
        if len(path) > MAX_DEPTH:
            raise self._problem(node, "yaml.too_deep", "嵌套过深", "it is nested too deeply")

    def _scalar(self, node: ScalarNode) -> Any:
        text: str = node.value
        tag = str(node.ctag)
        if tag not in _TAGS:
            raise self._problem(
                node, "yaml.tag", f"不接受标签 {tag}", f"the tag {tag} isn't accepted"
            )
        if node.style is not None or tag == _TAGS[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.match(text):
            return int(text)
        return Decimal(text) if _DECIMAL.match(text) else text

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[Any] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._problem(key_node, "yaml.key", "键必须是文字", "a key must be text")
            key = str(key_node.value)
            if key == "<<" and key_node.style is None:
                merged.append((value_node, path))
                continue
            if key in result:
                raise self._problem(
                    key_node, "yaml.duplicate_key", f"键 {key} 重复", f"the key {key} stands twice"
                )
            self.marks[(*path, key)] = (
                key_node.start_mark.line + 1,
                key_node.start_mark.column + 1,
            )
            result[key] = self.build(value_node, (*path, key))
        for value_node, where in merged:
            self._merge(result, value_node, where)
        return result

    def _merge(self, result: dict[str, Any], node: Node, path: Path) -> None:
        """YAML's `<<`: keys written here win over merged ones, earlier sources over later ones."""
        sources = node.value if isinstance(node, SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, MappingNode):
                raise self._problem(
                    source, "yaml.merge", "<< 只能合并映射", "<< merges mappings only"
                )
            for key, value in self.build(source, path).items():
                result.setdefault(key, value)

    def _problem(self, node: Node, code: str, zh: str, en: str) -> RuleProblems:
        return _refused(
            self.name, code, zh, en, node.start_mark.line + 1, node.start_mark.column + 1
        )
