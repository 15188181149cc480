"""Where FEEL means something else than our language by the same words, or has other words for
what we can say: rebuilt, so that the decision stays the same.

`feel_writing` says our words in FEEL; what it writes comes back from here as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree
from tidegate.interchange.model import rebuilt
from tidegate.interchange.remarks import NotOurs

NULL, ZERO, NOW = tree.Literal(None), tree.Literal(Decimal(0)), tree.Name("now")


def meaning(node: tree.Node) -> tree.Node:
    """The tree in our meaning. Raises NotOurs."""
    node = rebuilt(node, meaning)
    change = _CHANGES.get(type(node))
    return change(node) if change else node


def counted(over: tree.Node, op: str) -> tree.Node:
    return tree.Compare(op, tree.Call("count", (over,)), ZERO)


def _compare(node: tree.Compare) -> tree.Node:
    left, right = node.left, node.right
    if node.op in ("=", "!=") and NULL in (left, right):
        return tree.Presence(left if right == NULL else right, missing=node.op == "=")
    return node


def _in(node: tree.In) -> tree.Node:
    """`x in (null, 1)`: our comparisons never ask for null."""
    tests = tuple(test for test in node.tests if test != NULL)
    if len(tests) == len(node.tests):
        return node
    missing = tree.Presence(node.value, missing=True)
    return tree.Or((missing, tree.In(node.value, tests))) if tests else missing


def _quantified(node: tree.Quantified) -> tree.Node:
    """FEEL's `every` holds over nothing, ours does not."""
    if node.kind != "every":
        return node
    return tree.Or((counted(node.over, "="), node))


def _and(node: tree.And) -> tree.Node:
    """`count(x) > 0 and every …` is our `every`."""
    parts = list(node.parts)
    for part in node.parts:
        whole = _ours_every(part)
        if whole and counted(whole.over, ">") in parts:
            parts[parts.index(part)] = whole
            parts.remove(counted(whole.over, ">"))
    return parts[0] if len(parts) == 1 else tree.And(tuple(parts))


def _ours_every(node: tree.Node) -> tree.Quantified | None:
    if isinstance(node, tree.Or) and len(node.parts) == 2:
        empty, every = node.parts
        if isinstance(every, tree.Quantified) and empty == counted(every.over, "="):
            return every
    return None


def _not(node: tree.Not) -> tree.Node:
    """`not(some …)` is our `no`."""
    inner = node.value
    if isinstance(inner, tree.Presence):
        return tree.Presence(inner.value, not inner.missing)
    if isinstance(inner, tree.Quantified) and inner.kind == "some":
        return tree.Quantified("no", inner.variable, inner.over, inner.condition)
    return node


def _if(node: tree.If) -> tree.Node:
    asked = node.condition
    if isinstance(asked, tree.Presence) and asked.missing:
        if node.otherwise == asked.value:
            return tree.Call("coalesce", (asked.value, node.then))
        inner = node.otherwise
        if node.then == NULL and isinstance(inner, tree.If) and inner.condition == asked.value:
            return inner
    return node


def _call(node: tree.Call) -> tree.Node:
    args = node.args
    if node.function == "now" and not args:
        return NOW
    if node.function == "substring" and _is_day(args):
        return tree.Call("weekday", args[0].args)  # type: ignore[attr-defined]  # _is_day looked
    return _matches(args) if node.function == "matches" else node


def _is_day(args: tuple[tree.Node, ...]) -> bool:
    """`substring(day of week(x), 1, 3)` is `Mon`, our weekday."""
    return (
        len(args) == 3
        and isinstance(args[0], tree.Call)
        and args[0].function == "day_of_week"
        and args[1:] == (tree.Literal(Decimal(1)), tree.Literal(Decimal(3)))
    )


def _matches(args: tuple[tree.Node, ...]) -> tree.Node:
    """FEEL searches with a regular expression, we match the whole text with wildcards."""
    constants = [arg.value for arg in args[1:] if isinstance(arg, tree.Literal)]
    if len(args) not in (2, 3) or len(constants) != len(args) - 1:
        raise _no_regex("")
    pattern = _wildcards(str(constants[0]))
    flags = str(constants[1]) if len(args) == 3 else ""
    if flags.strip("i"):
        raise _no_regex(str(constants[0]))
    if "i" in flags:
        return tree.Call("matches", (args[0], tree.Literal(pattern)))
    exact = tree.Call("exact", (tree.Literal(pattern),))
    if "*" not in pattern and "?" not in pattern:
        return tree.Compare("=", args[0], exact)
    return tree.Call("matches", (args[0], exact))


def _wildcards(regex: str) -> str:
    found: list[str] = [] if regex.startswith("^") else ["*"]
    body, ended = regex.removeprefix("^"), False
    index = 0
    while index < len(body):
        letter, following = body[index], body[index + 1 : index + 2]
        if letter == "$" and index == len(body) - 1:
            ended = True
        elif letter == "." and following in ("*", "+"):
            found.append("*" if following == "*" else "?*")
            index += 1
        elif letter == ".":
            found.append("?")
        elif letter == "\\" and following and not following.isalnum() and following not in "*?":
            found.append(following)
            index += 1
        elif letter in "\\[](){}|*+?^$":
            raise _no_regex(regex)
        else:
            found.append(letter)
        index += 1
    return re.sub(r"\*+", "*", "".join(found if ended else [*found, "*"]))


def _no_regex(regex: str) -> NotOurs:
    return NotOurs(
        "interchange.regex",
        f"不支持正则表达式 {regex}；请改写为 *、? 通配，或 starts with、contains",
        f"regular expressions aren't offered ({regex}); use the wildcards * and ?, starts with or "
        f"contains",
    )


_CHANGES: dict[type[tree.Node], Callable[[Any], tree.Node]] = {
    tree.Compare: _compare,
    tree.In: _in,
    tree.Quantified: _quantified,
    tree.And: _and,
    tree.Not: _not,
    tree.If: _if,
    tree.Call: _call,
}
