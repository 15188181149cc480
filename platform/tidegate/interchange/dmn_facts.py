"""The facts a DMN file reads, as input data with structured types: one per group of facts."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

from tidegate.engine.language import tree
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Fact

FEEL_TYPES = {
    "text": "string", "choice": "string", "texts": "string", "number": "number",
    "money": "number", "boolean": "boolean", "instant": "date and time", "date": "date",
    "duration": "days and time duration",
}  # fmt: skip


class Facts:
    """Gathers what expressions refer to, then writes item definitions and input data."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        self.vocabulary = ruleset.vocabulary
        self.groups: dict[str, dict[str, Fact]] = {}
        self.lists: dict[str, dict[str, Fact]] = {}
        self.now = False

    def see(self, nodes: Iterable[tree.Node]) -> None:
        for node in nodes:
            for part in tree.walk(node):
                self._part(part)

    def _part(self, part: tree.Node) -> None:
        if isinstance(part, tree.Member):
            fact = self.vocabulary.facts[part.fact]
            self.lists.setdefault(self.vocabulary.variables[fact.group], {})[part.field] = fact
        elif isinstance(part, tree.Fact) and part.id == "now":
            self.now = True
        elif isinstance(part, tree.Fact) and part.id in self.vocabulary.groups:
            self.lists.setdefault(part.id, {})
        elif isinstance(part, tree.Fact):
            fact = self._fact(part.id)
            self.groups.setdefault(fact.group, {})[fact.field_name] = fact

    def _fact(self, name: str) -> Fact:
        return self.ruleset.fields.get(name) or self.vocabulary.facts[name]

    def ids_of(self, part: tree.Node) -> list[str]:
        """The ids of the input data a part of an expression reads."""
        if isinstance(part, tree.Fact):
            head = part.id.partition(".")[0]
            return [_id(head)]
        return []

    def write(self, root: Element, dmn: str, ours: str) -> None:
        """Item definitions first, then input data, as the schema wants it."""
        for group, facts in self.groups.items():
            self._item(root, dmn, group, facts, collection=False)
        for group, facts in self.lists.items():
            self._item(root, dmn, group, facts, collection=True)
        for name in [*self.groups, *self.lists]:
            self._input(root, dmn, name, f"t_{name}")
        if self.now:
            self._input(root, dmn, "now", "date and time")

    def _item(
        self, root: Element, dmn: str, group: str, facts: dict[str, Fact], collection: bool
    ) -> None:
        item = SubElement(
            root, f"{{{dmn}}}itemDefinition", {"id": f"t-{group}", "name": f"t_{group}"}
        )
        if collection:
            item.set("isCollection", "true")
        if not facts:
            SubElement(item, f"{{{dmn}}}typeRef").text = "Any"
        for name, fact in facts.items():
            part = SubElement(item, f"{{{dmn}}}itemComponent", {"name": name})
            if fact.type == "texts":
                part.set("isCollection", "true")
            SubElement(part, f"{{{dmn}}}typeRef").text = FEEL_TYPES.get(fact.type, "Any")
            if fact.values:
                allowed = SubElement(part, f"{{{dmn}}}allowedValues")
                values = ", ".join(literal_text(value) for value in fact.values)
                SubElement(allowed, f"{{{dmn}}}text").text = values

    def _input(self, root: Element, dmn: str, name: str, ref: str) -> None:
        data = SubElement(root, f"{{{dmn}}}inputData", {"id": _id(name), "name": name})
        SubElement(
            data, f"{{{dmn}}}variable", {"id": f"{_id(name)}-v", "name": name, "typeRef": ref}
        )


def _id(name: str) -> str:
    return f"in-{name}"
