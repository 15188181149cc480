"""A foreign decision model, whatever format it came in: what it reads, and the decisions that
follow from one another.

Expressions are trees of our language. Where they refer to an input or to another decision, a
`Name` carries its key (`key(3)`), so that nothing depends on how the file spells names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.parser import UnaryTests
from tidegate.engine.vocabulary import Texts
from tidegate.interchange.remarks import Place, Remark

# hit policies of DMN that pick by the order of the output values
BY_OUTPUT = ("PRIORITY", "OUTPUT ORDER")
POLICIES = {
    "UNIQUE": "unique",
    "ANY": "any",
    "FIRST": "first",
    "PRIORITY": "first",  # the rows are put into the order of their outputs
    "RULE ORDER": "collect",
    "OUTPUT ORDER": "collect",
    "COLLECT": "collect",
}


def key(number: int) -> str:
    """A name no file uses: it begins with a letter of a language without computers."""
    return f"ǂ{number}"


@dataclass(frozen=True)
class Variable:
    """Something the model is given. `type` is one of our fact types, or empty when the file does
    not say; `values` are the only texts it may have.
    """

    name: str
    type: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arguments:
    """An output cell that names several arguments of one action."""

    values: Mapping[str, tree.Node]


Said = tree.Node | Arguments | None
"""What an output cell says; None is nothing."""


@dataclass(frozen=True)
class Column:
    """An input: what its cells test."""

    name: str
    subject: tree.Node


@dataclass(frozen=True)
class Output:
    """`key` is what others call the value; `order` lists its values, most important first;
    `default` stands when no row matches; `before` is what it was worth before this table.
    """

    name: str
    key: str
    order: tuple[object, ...] = ()
    default: tree.Node | None = None
    before: tree.Node | None = None
    result: bool = True


@dataclass(frozen=True)
class Row:
    """`number` counts from 1 in the file's table; `line` is a spreadsheet's own number."""

    number: int
    cells: tuple[UnaryTests, ...]
    outputs: tuple[Said, ...]
    note: str = ""
    line: int = 0


@dataclass(frozen=True)
class Table:
    """`policy` is a hit policy of DMN; `aggregation` is SUM, MIN, MAX or COUNT under COLLECT."""

    name: str
    policy: str
    columns: tuple[Column, ...]
    outputs: tuple[Output, ...]
    rows: tuple[Row, ...]
    aggregation: str = ""
    why: str = ""
    id: str = ""

    def place(self, row: Row | None = None, column: str = "") -> Place:
        return (
            Place(self.name, row.number, column, row.line) if row else Place(self.name, 0, column)
        )


@dataclass(frozen=True)
class Formula:
    """A decision that is one expression."""

    name: str
    key: str
    node: tree.Node
    result: bool = False
    why: str = ""


@dataclass
class Model:
    """Decisions stand in an order in which each uses only those before it. `read` counts the
    rows of the file, those that never became a `Row` included. `lost` names the values that the
    file works out in a way that is not ours. `source` says where it came from.
    """

    name: str
    source: Texts
    variables: dict[str, Variable] = field(default_factory=dict)
    decisions: list[Table | Formula] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    read: int = 0
    keys: int = 0

    def new_key(self) -> str:
        self.keys += 1
        return key(self.keys)


def imported_from(name: str, kind: str = "") -> Texts:
    """Where a rule came from, as its reason; `kind` is its format where the name does not tell it."""
    zh, en = (f"（{kind}）", f" ({kind})") if kind else ("", "")
    return {"zh": f"导入自 {name}{zh}", "en": f"Imported from {name}{en}"}


def nodes_of(decision: Table | Formula) -> Iterator[tree.Node]:
    """Every expression of a decision."""
    if isinstance(decision, Formula):
        yield decision.node
        return
    yield from (column.subject for column in decision.columns)
    for output in decision.outputs:
        yield from (node for node in (output.default, output.before) if node is not None)
    for row in decision.rows:
        yield from (test for cell in row.cells for test in cell.tests)
        for said in row.outputs:
            if isinstance(said, Arguments):
                yield from said.values.values()
            elif said is not None:
                yield said


def uses(decision: Table | Formula) -> set[str]:
    """Keys of the inputs and decisions it refers to."""
    return {
        part.path
        for node in nodes_of(decision)
        for part in tree.walk(node)
        if isinstance(part, tree.Name)
    }


def renamed(node: tree.Node, names: Mapping[str, str]) -> tree.Node:
    """The tree with every known name replaced."""
    if isinstance(node, tree.Name):
        return tree.Name(names.get(node.path, node.path))
    return rebuilt(node, lambda part: renamed(part, names))


def rebuilt(node: tree.Node, change: Any) -> tree.Node:
    """The node with `change` applied to its direct parts."""
    changes: dict[str, Any] = {}
    for name, value in vars(node).items():
        if isinstance(value, tree.Node):
            changes[name] = change(value)
        elif isinstance(value, tuple):
            changes[name] = tuple(
                change(part) if isinstance(part, tree.Node) else part for part in value
            )
        else:
            changes[name] = value
    return type(node)(**changes)
