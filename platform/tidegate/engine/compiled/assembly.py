"""Straight-line code for one program, put together as a syntax tree.

The pieces are fixed templates of this module. Names in them stand for slots and for values in the
function's namespace; no text of a rule ever becomes code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import lru_cache
from types import FunctionType
from typing import Any

Names = Mapping[str, str | int]
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
        tree = deepcopy(_parsed(f"def {name}({parameters}): pass"))
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef)  # noqa: S101  parsed from the line above
        definition.body = self.body or [ast.Pass()]
        ast.fix_missing_locations(tree)
        module = compile(tree, f"<compiled {name}>", "exec")
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
    statements = deepcopy(_parsed(template)).body
    return [part for one in statements for part in fill.put(one)]


class _Fill(ast.NodeTransformer):
    def __init__(self, names: Names, namespace: Mapping[str, Any], body: Code | None) -> None:
        self.names = names
        self.namespace = namespace
        self.inner = body

    def put(self, statement: ast.stmt) -> list[ast.stmt]:
        found = self.visit(statement)
        return found if isinstance(found, list) else [found]

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        if isinstance(node.value, ast.Name) and node.value.id == "BODY":
            return (self.inner.body if self.inner else None) or [ast.Pass()]
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        found = self.names.get(node.id)
        if found is None:
            return node
        if isinstance(found, int):
            return ast.Constant(found)
        value = self.namespace.get(found)
        if isinstance(value, int | str):
            return ast.Constant(value)
        if isinstance(value, dict | list):
            return ast.Constant(MARK + found)
        return ast.Name(found, node.ctx)
