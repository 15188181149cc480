"""What actions are in a DMN table: an output per action, its arguments as a FEEL value or context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import parse
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.problems import ExpressionError
from tidegate.engine.values import Money
from tidegate.engine.vocabulary import Action, Argument
from tidegate.interchange.feel_writing import FeelWriter
from tidegate.interchange.remarks import NotOurs

_TEXTS = ("text", "choice", "any", "texts")


def feel_output(action: Action, raw: Any, writer: FeelWriter, scope: Scope) -> str:
    """A `then` cell, or an action's argument as `document_of` writes it, in FEEL. Raises NotOurs."""
    if raw is False or raw == "-":  # not `in`: a number 0 is something
        return "null"
    if raw is None or (raw is True and not action.main):
        return "true" if not action.main else "null"
    if isinstance(raw, Mapping):
        parts = [
            f"{key}: {_value(action.args[key], one, writer, scope)}" for key, one in raw.items()
        ]
        return "{" + ", ".join(parts) + "}"
    main = action.args[action.main]
    if isinstance(raw, Sequence) and not isinstance(raw, str):
        return "[" + ", ".join(_value(main, one, writer, scope) for one in raw) + "]"
    return _value(main, raw, writer, scope)


def _value(arg: Argument, raw: Any, writer: FeelWriter, scope: Scope) -> str:
    texts = arg.type in _TEXTS
    if isinstance(raw, Sequence) and not isinstance(raw, str):
        return "[" + ", ".join(_value(arg, one, writer, scope) for one in raw) + "]"
    if isinstance(raw, str) and texts and not raw.startswith("="):
        return writer.expression(tree.Literal(raw))
    if isinstance(raw, str):
        return _expression(arg, raw.removeprefix("="), writer, scope)
    if texts and arg.type != "any":
        return writer.expression(tree.Literal(literal_text(raw)))
    exact = isinstance(raw, int) and not isinstance(raw, bool)
    return writer.expression(tree.Literal(Decimal(raw) if exact else raw))


def _expression(arg: Argument, text: str, writer: FeelWriter, scope: Scope) -> str:
    try:
        node, _, problems = bind(parse(text), scope)
    except ExpressionError as error:
        raise NotOurs.of(error.problem) from error
    if problems:
        raise NotOurs.of(problems[0])
    if isinstance(node, tree.Literal) and isinstance(node.value, Money):
        if arg.type == "any":
            raise NotOurs(
                "interchange.not_in_feel",
                f"{text}：DMN 没有币种，任意类型的参数里写不了金额",
                f"{text}: DMN has no currencies, so an argument of any type can't be an amount",
            )
        return writer.expression(tree.Literal(str(node.value)))
    return writer.expression(node)
