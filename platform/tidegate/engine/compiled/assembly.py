"""Straight-line code for one program, put together as a syntax tree.

The pieces are fixed templates of this module. Names in them stand for slots and for values in the
function's namespace; no text of a rule ever becomes code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any, TypeVar

Names = Mapping[str, str | int]
Placed = TypeVar("Placed", bound=ast.AST)
_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")
_PLAIN = frozenset({int, str, float, bool, type(None)})
_SHARED = frozenset(
    kind
    for base in (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
    for kind in base.__subclasses__()
)
MARK = "\0"  # before the name of a table that takes the place of a constant


class Code:
    """Statements in order, and the namespace they will run in."""

    def __init__(self) -> None:
        self.body: list[ast.stmt] = []
        self.namespace: dict[str, Any] = {}

    def inner(self) -> Code:
        """Code for a nested place, in the same namespace."""
        found = Code()
        found.namespace = self.namespace
        return found

    def bind(self, value: object, stem: str = "k") -> str:
        """A fresh name for a value."""
        name = f"{stem}{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def add(self, template: str, names: Names | None = None, body: Code | None = None) -> None:
        """Append a template; capital names in it are replaced; `BODY` takes other code."""
        self.body += _filled(template, _Fill(names or {}, self.namespace, body))

    def function(self, name: str, parameters: str) -> Callable[..., Any]:
        """The statements as a function of these parameters. Tables stand in it as constants, which are read quicker
        than globals.
        """
        body = _filled(f"def {name}({parameters}):\n    BODY", _Fill({}, {}, self))
        module = compile(ast.Module(body, type_ignores=[]), f"<compiled {name}>", "exec")
        code = next(part for part in module.co_consts if hasattr(part, "co_code"))
        tables = {MARK + name: value for name, value in self.namespace.items()}
        known = (tables.get(one, one) if one.__class__ is str else one for one in code.co_consts)
        return FunctionType(code.replace(co_consts=tuple(known)), self.namespace, name)


def either(test: str, names: Names, yes: Code, no: Code) -> Code:
    """`if test: yes else: no`, with the names in the test replaced."""
    found = yes.inner()
    found.add(f"if {test}:\n    BODY", names, yes)
    statement: Any = found.body[-1]
    statement.orelse = no.body
    return found


@lru_cache(maxsize=256)
def _parsed(template: str) -> ast.Module:
    return ast.parse(template)


def _filled(template: str, fill: _Fill) -> list[ast.stmt]:
    return fill.all(_parsed(template).body)


class _Fill:
    """A template's syntax tree made anew, with its names replaced. What never changes in a tree is shared: copying all
    of it took most of the time that a set takes to compile.
    """

    def __init__(self, names: Names, namespace: Mapping[str, Any], body: Code | None) -> None:
        self.names = names
        self.namespace = namespace
        self.inner = body

    def all(self, nodes: list[Any]) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            if node.__class__ is ast.Expr and _is_body(node):
                found += (self.inner.body if self.inner else None) or [_placed(ast.Pass(), node)]
            else:
                found.append(self.made(node))
        return found

    def made(self, node: Any) -> Any:
        kind = node.__class__
        if kind is ast.Name:
            return self._name(node)
        if kind in _SHARED or not isinstance(node, ast.AST):
            return node
        made = kind.__new__(kind)
        parts = made.__dict__
        for field, part in node.__dict__.items():
            if part.__class__ is list:
                parts[field] = self.all(part)
            elif part.__class__ in _PLAIN:
                parts[field] = part
            else:
                parts[field] = self.made(part)
        return made

    def _name(self, node: ast.Name) -> ast.expr:
        found = self.names.get(node.id)
        if found is None:
            return node
        if isinstance(found, int):
            return _placed(ast.Constant(found), node)
        value = self.namespace.get(found)
        if isinstance(value, int | str):
            return _placed(ast.Constant(value), node)
        if isinstance(value, dict | list):
            return _placed(ast.Constant(MARK + found), node)
        return _placed(ast.Name(found, node.ctx), node)


def _is_body(node: ast.Expr) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "BODY"


def _placed(made: Placed, like: ast.AST) -> Placed:
    """Where the node stands in whose place it is: a compiler wants to know."""
    made.__dict__.update({name: like.__dict__[name] for name in _PLACE})
    return made
