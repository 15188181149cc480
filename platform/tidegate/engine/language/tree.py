"""The typed tree of an expression. Nodes are frozen values; `at` (characters from 0) takes no
part in equality.

The parser leaves names as `Name`; binding replaces each by what it means (`Fact`, `Parameter`,
`ListName` …).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Node:
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Literal(Node):
    """A constant; `value` is one of `values.py`. `true` is no 1, though Python takes them for
    equal.
    """

    value: object

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Literal) and type(self.value) is type(other.value)
        return same and bool(self.value == other.value)  # type: ignore[attr-defined]  # a Literal by now

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True)
class Name(Node):
    """A name as written, not yet looked up."""

    path: str


@dataclass(frozen=True)
class Fact(Node):
    """A fact or a list of the vocabulary, a custom field, `now`, or `decided.<action>`."""

    id: str


@dataclass(frozen=True)
class Parameter(Node):
    id: str


@dataclass(frozen=True)
class ListName(Node):
    id: str


@dataclass(frozen=True)
class Derived(Node):
    id: str


@dataclass(frozen=True)
class Calendar(Node):
    id: str


@dataclass(frozen=True)
class Variable(Node):
    """What `some x in …` binds."""

    id: str


@dataclass(frozen=True)
class Input(Node):
    """The `?` of a unary test: the value of the table's input column."""


@dataclass(frozen=True)
class Member(Node):
    """A field of a line (`item.sku`) or of every line of a list (`items.quantity`). `fact` is
    filled by binding.
    """

    of: Node
    field: str
    fact: str = ""


@dataclass(frozen=True)
class Window(Node):
    """A windowed fact: `history.similar_orders(24h)`."""

    fact: str
    span: Node


@dataclass(frozen=True)
class Arithmetic(Node):
    op: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Negate(Node):
    value: Node


@dataclass(frozen=True)
class Compare(Node):
    """`op` is one of = != < <= > >=."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Between(Node):
    value: Node
    low: Node
    high: Node


@dataclass(frozen=True)
class Test(Node):
    """An operator without its left side, as in `x in (< 5, >= 10)`."""

    op: str
    value: Node


@dataclass(frozen=True)
class Range(Node):
    low: Node
    high: Node
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True)
class In(Node):
    """One of the tests holds: a value, a range, a list, a calendar or a `Test`."""

    value: Node
    tests: tuple[Node, ...]


@dataclass(frozen=True)
class ListOf(Node):
    members: tuple[Node, ...]


@dataclass(frozen=True)
class And(Node):
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or(Node):
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not(Node):
    value: Node


@dataclass(frozen=True)
class If(Node):
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Quantified(Node):
    """`kind` is some, every or no."""

    kind: str
    variable: str
    over: Node
    condition: Node


@dataclass(frozen=True)
class For(Node):
    """`for x in items return x.quantity * 2`: the list of results, in order."""

    variable: str
    over: Node
    result: Node


@dataclass(frozen=True)
class Filter(Node):
    """`items[item.fragile]`; `variable` (the element's name) is filled by binding."""

    of: Node
    condition: Node
    variable: str = ""


@dataclass(frozen=True)
class Presence(Node):
    """`is missing` (`missing=True`) or `is present`; never unknown."""

    value: Node
    missing: bool


@dataclass(frozen=True)
class Call(Node):
    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Step(Node):
    """One entry of a pattern's `find`: an event with its name, or (`absent`) what no event
    between its neighbours may be. The event's own fields are members of the variable `name`.
    """

    name: str
    condition: Node
    absent: bool = False


@dataclass(frozen=True)
class Sequence(Node):
    """A pattern: events of the list `over`, one after another by the instants `by`, the last at
    most `within` after the first. True, false or unknown like any condition.
    """

    over: Node
    by: Node
    steps: tuple[Step, ...]
    within: Node | None = None

    def __hash__(self) -> int:
        """Worked out once: a pattern is looked up by itself each time that it is judged."""
        if (found := self.__dict__.get("_hash")) is None:
            found = hash((self.over, self.by, self.steps, self.within))
            object.__setattr__(self, "_hash", found)
        return int(found)

    def __getstate__(self) -> dict[str, object]:
        """Without the hash: another process has another."""
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}


BINDING = (Quantified, For, Filter)  # what names each element of a list while it looks at it


def children(node: Node) -> Iterator[Node]:
    """The direct parts of a node, left to right."""
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (part for part in value if isinstance(part, Node))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def depth(node: Node) -> int:
    """Levels of nesting, without recursion so that hostile text cannot exhaust the stack."""
    deepest, queue = 0, [(node, 1)]
    while queue:
        current, level = queue.pop()
        deepest = max(deepest, level)
        queue.extend((child, level + 1) for child in children(current))
    return deepest
