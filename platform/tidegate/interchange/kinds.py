"""Of which type an input is, judged by what it is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tidegate.engine.language import tree
from tidegate.interchange.model import Model, Table, nodes_of, rebuilt

_KINDS = {
    "bool": "boolean", "Decimal": "number", "str": "text", "Money": "money",
    "timedelta": "duration", "datetime": "instant", "date": "date",
}  # fmt: skip
_TEXT_FUNCTIONS = ("starts_with", "ends_with", "matches", "lower_case", "upper_case")
_NUMBER_FUNCTIONS = ("abs", "floor", "ceiling", "round", "round_half_up", "modulo")
_LIST_FUNCTIONS = ("count", "distinct", "list_contains")


def kind_of(value: object) -> str:
    """The fact type of a constant; empty for none."""
    return _KINDS.get(type(value).__name__, "")


class Evidence:
    """What the expressions of a model say about the types of its names."""

    def __init__(self) -> None:
        self.kinds: dict[str, Counter[str]] = {}
        self.texts: dict[str, dict[str, None]] = {}
        self.alike: list[tuple[str, str]] = []
        self.holders: dict[str, bool] = {}  # asked with contains(…)

    def see(self, name: str, kind: str) -> None:
        if kind:
            self.kinds.setdefault(name, Counter())[kind] += 1

    def best(self, name: str) -> str:
        """The type most often seen; empty when nothing was."""
        seen = self.kinds.get(name)
        return seen.most_common(1)[0][0] if seen else ""


def evidence_of(model: Model) -> Evidence:
    """Look at every cell and expression of the model, and at what its outputs are."""
    evidence = Evidence()
    for decision in model.decisions:
        if isinstance(decision, Table):
            _table(decision, evidence)
        else:
            _compared(tree.Name(decision.key), decision.node, evidence)
        for node in nodes_of(decision):
            _expression(node, evidence)
    for name, variable in model.variables.items():
        evidence.see(name, variable.type)
    for _ in range(3):  # names compared with one another share their types
        for one, other in evidence.alike:
            evidence.see(one, "" if evidence.best(one) else evidence.best(other))
            evidence.see(other, "" if evidence.best(other) else evidence.best(one))
    return evidence


def _table(table: Table, evidence: Evidence) -> None:
    for index, column in enumerate(table.columns):
        for row in table.rows:
            for test in row.cells[index].tests:
                _test(column.subject, test, evidence)
    for index, output in enumerate(table.outputs):
        for row in table.rows:
            said = row.outputs[index]
            if isinstance(said, tree.Node):
                _compared(tree.Name(output.key), said, evidence)


def _test(subject: tree.Node, test: tree.Node, evidence: Evidence) -> None:
    if any(isinstance(part, tree.Input) for part in tree.walk(test)):
        _expression(about(test, subject), evidence)
    elif isinstance(test, tree.Range):
        _compared(subject, test.low, evidence)
        _compared(subject, test.high, evidence)
    elif isinstance(test, tree.ListOf):
        for member in test.members:
            _compared(subject, member, evidence)
    else:
        _compared(subject, test.value if isinstance(test, tree.Test) else test, evidence)


def about(node: tree.Node, subject: tree.Node) -> tree.Node:
    """The test with its subject in place of `?`."""
    if isinstance(node, tree.Input):
        return subject
    return rebuilt(node, lambda part: about(part, subject))


def _compared(left: tree.Node, right: tree.Node, evidence: Evidence) -> None:
    for one, other in ((left, right), (right, left)):
        if not isinstance(one, tree.Name):
            continue
        if isinstance(other, tree.Negate):
            other = other.value
        if isinstance(other, tree.Name):
            evidence.alike.append((one.path, other.path))
        elif isinstance(other, tree.Literal):
            evidence.see(one.path, kind_of(other.value))
            if isinstance(other.value, str):
                evidence.texts.setdefault(one.path, {})[other.value] = None
        else:
            evidence.see(one.path, _result(other))


def _result(node: tree.Node) -> str:
    """The type an operator gives, where that is plain."""
    if isinstance(node, tree.And | tree.Or | tree.Not | tree.Compare | tree.In | tree.Quantified):
        return "boolean"
    if isinstance(node, tree.ListOf):
        return "texts"
    if isinstance(node, tree.If):
        parts = [part for part in (node.then, node.otherwise) if isinstance(part, tree.Literal)]
        return next((kind_of(part.value) for part in parts if kind_of(part.value)), "")
    if isinstance(node, tree.Arithmetic) and node.op in "*/-":
        return "number"
    if isinstance(node, tree.Call) and node.function in (*_NUMBER_FUNCTIONS, "count", "hour"):
        return "number"
    return ""


def _expression(node: tree.Node, evidence: Evidence) -> None:
    for part in tree.walk(node):
        if isinstance(part, tree.Compare):
            _compared(part.left, part.right, evidence)
        elif isinstance(part, tree.Between):
            _compared(part.value, part.low, evidence)
            _compared(part.value, part.high, evidence)
        elif isinstance(part, tree.In):
            for test in part.tests:
                _test(part.value, test, evidence)
        elif isinstance(part, tree.And | tree.Or | tree.Not):
            for name in _names(getattr(part, "parts", None) or (part.value,)):  # type: ignore[union-attr]
                evidence.see(name, "boolean")
        elif isinstance(part, tree.If):
            for name in _names((part.condition,)):
                evidence.see(name, "boolean")
        elif isinstance(part, tree.Quantified | tree.Filter):
            over = part.over if isinstance(part, tree.Quantified) else part.of
            for name in _names((over,)):
                evidence.see(name, "texts")
        elif isinstance(part, tree.Arithmetic):
            _arithmetic(part, evidence)
        elif isinstance(part, tree.Call):
            _call(part, evidence)


def _arithmetic(node: tree.Arithmetic, evidence: Evidence) -> None:
    sides = (node.left, node.right)
    texts = any(isinstance(s, tree.Literal) and isinstance(s.value, str) for s in sides)
    dated = any(
        isinstance(s, tree.Call) and s.function in ("date", "since", "until") for s in sides
    )
    for name in _names(sides):
        if not dated:
            evidence.see(name, "text" if texts else "number")


def _call(node: tree.Call, evidence: Evidence) -> None:
    function, args = node.function, node.args
    if function == "contains":  # asks a text for a part, or a list for a member
        for name in _names(args[:1]):
            evidence.holders[name] = evidence.holders.get(name, True)
        kind, args = "text", args[1:]
    elif function in _TEXT_FUNCTIONS:
        kind = "text"
    elif function in _NUMBER_FUNCTIONS or (function in ("min", "max") and len(args) > 1):
        kind = "number"
    elif function in _LIST_FUNCTIONS:
        kind, args = "texts", args[:1]
    elif function in ("since", "until", "hour", "weekday"):
        kind = "instant"
    elif function == "date":
        kind = "date"
    elif function in ("min", "max", "sum") and isinstance(args[0], tree.ListOf):
        kind, args = "number", args[0].members
    elif function == "coalesce":
        _compared(args[0], args[-1], evidence)
        return
    else:
        return
    for name in _names(args):
        evidence.see(name, kind)


def _names(nodes: tuple[tree.Node, ...]) -> Iterator[str]:
    return (node.path for node in nodes if isinstance(node, tree.Name))
