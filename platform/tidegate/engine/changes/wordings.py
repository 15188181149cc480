"""What conditions ask of a text: the texts it is compared with, and the patterns it must show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tidegate.engine.changes.formulas import Atom, Book
from tidegate.engine.changes.slots import Slot
from tidegate.engine.language import tree
from tidegate.engine.regions import flat

_PATTERNS = frozenset(("contains", "starts_with", "ends_with", "matches"))
_SPELLINGS = frozenset(("exact", "lower_case", "upper_case", "trim"))
_PLAIN = frozenset(
    ("count", "distinct", "coalesce", "list_contains", "exact", "all", "any", "index_of")
)


@dataclass(frozen=True)
class Pattern:
    """`kind` is equals, contains, starts_with, ends_with, matches or length (at least `least`)."""

    kind: str
    text: str = ""
    least: int = 0


class Wordings:
    """The constants and patterns some atoms hold one text place (or list of texts) against."""

    def __init__(self, book: Book, slot: Slot) -> None:
        self.book = book
        self.context = book.context
        self.slot = slot
        self.constants: dict[str, None] = {}
        self.patterns: dict[Pattern, None] = {}
        self.ordered = False
        self.doubts: list[tree.Node] = []

    def add(self, atom: Atom) -> None:
        self.book.within(atom.around, lambda: self.visit(atom.node))

    def touches(self, node: tree.Node) -> bool:
        if self.slot.fact.id in self.book.names(node):
            return True
        return any(
            isinstance(part, tree.Variable) and self.context.variables.get(part.id) is _MEMBER
            for part in tree.walk(node)
        )

    def visit(self, node: tree.Node) -> None:
        if not self.touches(node):
            return
        handle = _VISIT.get(type(node))
        if handle:
            handle(self, node)
        elif isinstance(node, tree.Sequence):
            self.doubts.append(node)
        else:
            for child in tree.children(node):
                self.visit(child)

    def is_text(self, node: tree.Node) -> bool:
        """Whether the node is the place itself, perhaps spelled otherwise or with a fallback."""
        if isinstance(node, tree.Derived):
            return self.is_text(self.context.derive[node.id])
        if isinstance(node, tree.Call):
            if node.function == "coalesce":
                return any(self.is_text(arg) for arg in node.args)
            return node.function in _SPELLINGS and self.is_text(node.args[0])
        if isinstance(node, tree.If):
            return self.is_text(node.then) or self.is_text(node.otherwise)
        if isinstance(node, tree.Variable):
            return self.context.variables.get(node.id) is _MEMBER
        one_field = isinstance(node, tree.Member) and isinstance(node.of, tree.Variable)
        return self.touches(node) and (isinstance(node, tree.Fact) or one_field)

    # what it is held against

    def compare(self, node: tree.Compare) -> None:
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if self.is_text(one):
                self.against(other)
                self.ordered |= node.op not in ("=", "!=")
            elif self._length_of(one):
                self._lengths(other)
        self.visit_all((node.left, node.right))

    def between(self, node: tree.Between) -> None:
        if self.is_text(node.value):
            self.ordered = True
        for bound in (node.low, node.high):
            if self.is_text(node.value):
                self.against(bound)
            elif self._length_of(node.value):
                self._lengths(bound)
        self.visit_all((node.value, node.low, node.high))

    def within(self, node: tree.In) -> None:
        for test in node.tests:
            inner = test.value if isinstance(test, tree.Test) else test
            if isinstance(test, (tree.Test, tree.Range)):
                self.ordered |= self.is_text(node.value)
            if self._length_of(node.value):
                self._lengths(inner)
            self.against(inner)
        self.against(node.value)
        self.visit_all((node.value, *node.tests))

    def visit_all(self, nodes: Iterable[tree.Node]) -> None:
        for node in nodes:
            self.visit(node)

    def against(self, node: tree.Node) -> None:
        """Texts that the place may be equal to."""
        if isinstance(node, tree.Derived):
            self.against(self.context.derive[node.id])
        elif isinstance(node, (tree.If, tree.ListOf, tree.Range)) or (
            isinstance(node, tree.Call) and node.function == "coalesce"
        ):
            for child in tree.children(node):
                self.against(child)
        elif not isinstance(node, tree.Calendar) and not self.is_text(node):
            for text in flat(self.context.value(node)):
                if isinstance(text, str):
                    self.constants[str(text)] = None

    def _length_of(self, node: tree.Node) -> bool:
        if isinstance(node, tree.Derived):
            return self._length_of(self.context.derive[node.id])
        return (
            isinstance(node, tree.Call)
            and node.function == "string_length"
            and self.is_text(node.args[0])
        )

    def _lengths(self, node: tree.Node) -> None:
        if self.touches(node):
            self.doubts.append(node)
            return
        for number in flat(self.context.value(node)):
            if isinstance(number, Decimal) and 0 <= number < 500:
                for least in (int(number), int(number) + 1):
                    self.patterns[Pattern("length", least=least)] = None

    def call(self, node: tree.Call) -> None:
        name, args = node.function, node.args
        if name in _PATTERNS and len(args) == 2:
            if self.is_text(args[0]) and not self.touches(args[1]):
                for text in flat(self.context.value(args[1])):
                    if isinstance(text, str):
                        self.patterns[Pattern(name, str(text))] = None
                return self.visit(args[0])
            if name == "contains" and isinstance(self._list(args[0]), tuple):
                self.against(args[1])
                self._others(args[0])
                return self.visit_all(args)
        if name == "list_contains":
            self.against(args[1])
            self._others(args[0])
        elif name == "string_length" and self.is_text(args[0]):
            return self.visit(args[0])
        elif name == "coalesce":
            for arg in args:
                self.against(arg)
        elif name not in _PLAIN and name not in _SPELLINGS and any(map(self._holds, args)):
            self.doubts.append(node)
            for arg in args:
                self.against(arg)
        return self.visit_all(args)

    def _holds(self, node: tree.Node) -> bool:
        """Whether a function gets the place itself, rather than something worked out from it."""
        if self.slot.kind == "texts":
            return self.touches(node)
        return self.is_text(node) or (
            isinstance(node, tree.Member) and node.fact == self.slot.fact.id
        )

    def _list(self, node: tree.Node) -> object:
        return self.context.value(node)

    def _others(self, node: tree.Node) -> None:
        """The other members of a list that holds the place."""
        found = self.context.value(node)
        for text in flat(found) if isinstance(found, tuple) else ():
            if isinstance(text, str):
                self.constants[str(text)] = None

    def member(self, node: tree.Member) -> None:
        if not isinstance(node.of, tree.Variable):
            self._others(node)
        self.visit(node.of)

    def arithmetic(self, node: tree.Arithmetic) -> None:
        if self.is_text(node.left) or self.is_text(node.right):
            self.doubts.append(node)
        self.visit_all((node.left, node.right))

    def derived(self, node: tree.Derived) -> None:
        self.visit(self.context.derive[node.id])

    def elements(self, node: tree.Quantified | tree.Filter) -> None:
        source = node.over if isinstance(node, tree.Quantified) else node.of
        self.visit(source)
        found = self.context.value(source)
        members = found if isinstance(found, tuple) else ()
        own = self.slot.kind == "texts" and self.touches(source)
        for element in (_MEMBER,) if own else members:
            with self._bound(node.variable, element):
                self.visit(node.condition)

    @contextmanager
    def _bound(self, name: str, element: object) -> Iterator[None]:
        outer = self.context.variables.get(name)
        self.context.variables[name] = element
        try:
            yield
        finally:
            self.context.variables[name] = outer


class _AnyMember(str):
    """Stands for whatever member the list of texts may have."""

    __slots__ = ()


_MEMBER = _AnyMember("")
_VISIT: dict[type[tree.Node], Callable[[Wordings, Any], None]] = {
    tree.Compare: Wordings.compare,
    tree.Between: Wordings.between,
    tree.In: Wordings.within,
    tree.Call: Wordings.call,
    tree.Member: Wordings.member,
    tree.Derived: Wordings.derived,
    tree.Arithmetic: Wordings.arithmetic,
    tree.Quantified: Wordings.elements,
    tree.Filter: Wordings.elements,
}
