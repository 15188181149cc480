"""The graph of a GoRules file: its nodes in the order data flows, and what each passes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tidegate.engine.language import tree
from tidegate.errors import InputError
from tidegate.interchange.remarks import NotOurs
from tidegate.interchange.uploads import refused

MAX_NODES = 2_000
NULL = tree.Literal(None)


@dataclass(frozen=True)
class Node:
    id: str
    name: str
    type: str
    content: Mapping[str, Any]
    before: tuple[str, ...]
    last: bool


@dataclass(frozen=True)
class Flow:
    """What reaches a node: values that decisions before it worked out, by path, and whether
    (`open`) everything else of the input is there too. `given` names the node whose result is
    not known here (the input itself: empty). Below a switch (`guarded`) nothing is certain.
    """

    values: Mapping[str, tree.Node | None] = field(default_factory=dict)
    open: bool = False
    given: str = ""
    guarded: str = ""

    def find(self, path: str, variable: Callable[[str, str], tree.Node]) -> tree.Node:
        """The value at a path; `variable(path, given)` makes what the model is given. Raises
        NotOurs.
        """
        if path in self.values:
            found = self.values[path]
            if found is None:
                raise _not_single(path)
            return found
        parts = path.split(".")
        above = [".".join(parts[:n]) for n in range(1, len(parts))]
        if any(self.values.get(one) == NULL for one in above):
            return NULL
        if any(one in self.values for one in above) or any(
            one.startswith(f"{path}.") for one in self.values
        ):
            raise _not_single(path)
        if not self.open:
            raise NotOurs(
                "interchange.not_passed",
                f"到这个节点时没有 {path}：上一个节点没有勾选 passThrough",
                f"{path} isn't there at this node: the node before doesn't pass its input on "
                f"(passThrough)",
            )
        return variable(path, self.given)

    def then(self, values: Mapping[str, tree.Node | None], passed: bool) -> Flow:
        """After a node that adds these values, with or without what came in."""
        if passed:
            kept = {
                path: node
                for path, node in self.values.items()
                if not any(path.startswith(f"{new}.") for new in values)
            }
            return replace(self, values={**kept, **values})
        return Flow(dict(values), False, self.given, self.guarded)


def merged(flows: list[Flow]) -> Flow:
    """What several nodes bring to one."""
    values: dict[str, tree.Node | None] = {}
    for flow in flows:
        values |= flow.values
    return Flow(
        values,
        any(flow.open for flow in flows),
        next((flow.given for flow in flows if flow.given), ""),
        next((flow.guarded for flow in flows if flow.guarded), ""),
    )


def nodes_of(document: Any, name: str) -> list[Node]:
    """The nodes of a file, each after those that lead to it.

    Raises:
        InputError: it is no decision graph, or goes round in a circle.
    """
    raw = document.get("nodes") if isinstance(document, dict) else None
    edges = document.get("edges") if isinstance(document, dict) else None
    if not isinstance(raw, list) or not isinstance(edges, list) or len(raw) > MAX_NODES:
        raise refused(
            "not_jdm",
            name,
            "不是 GoRules 决策图（需要 nodes 和 edges）；请从编辑器导出 JSON",
            "it is no GoRules decision graph (nodes and edges); export the JSON from the editor",
        )
    nodes = {str(one.get("id")): one for one in raw if isinstance(one, dict)}
    before: dict[str, list[str]] = {name: [] for name in nodes}
    leads: set[str] = set()
    for edge in (one for one in edges if isinstance(one, dict)):
        source, target = str(edge.get("sourceId")), str(edge.get("targetId"))
        if source in nodes and target in nodes and source not in before[target]:
            before[target].append(source)
            leads.add(source)
    ordered: list[Node] = []
    done: set[str] = set()
    while len(done) < len(nodes):
        ready = [n for n in nodes if n not in done and done.issuperset(before[n])]
        if not ready:
            raise _circle(name)
        for one in ready:
            ordered.append(_node(one, nodes[one], tuple(before[one]), one not in leads))
            done.add(one)
    return ordered


def _node(own: str, raw: Mapping[str, Any], before: tuple[str, ...], last: bool) -> Node:
    content = raw.get("content")
    title = str(raw.get("name") or own)
    return Node(own, title, str(raw.get("type")), content if isinstance(content, dict) else {},
                before, last)  # fmt: skip


def _not_single(path: str) -> NotOurs:
    return NotOurs(
        "interchange.structure",
        f"{path} 是结构或列表，这里只能读单个值；请改读其中一个字段",
        f"{path} is a structure or a list, only single values can be read here; read one field",
    )


def _circle(name: str) -> InputError:
    return refused(
        "cycle", name, "节点连成了环；请断开", "its nodes form a circle; cut one of the edges"
    )
