"""Item definitions of a DMN file: the type of a name, and the names of the parts of structures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tidegate.interchange.feel import Feel
from tidegate.interchange.remarks import NotOurs

SIMPLE = {
    "string": "text", "number": "number", "integer": "number", "long": "number",
    "double": "number", "boolean": "boolean", "date": "date", "dateTime": "instant",
    "date and time": "instant", "days and time duration": "duration",
    "dayTimeDuration": "duration",
}  # fmt: skip
MAX_PARTS = 2_000


@dataclass(frozen=True)
class Leaf:
    """A name that can be compared: `path` with dots, its fact type (empty: unknown), and the
    texts it may have.
    """

    path: str
    type: str
    values: tuple[str, ...] = ()


def local(element: Element) -> str:
    """The tag without its namespace: every version of DMN has its own."""
    return str(element.tag).rpartition("}")[2]


def parts(element: Element, *names: str) -> Iterator[Element]:
    """Direct children with one of these tags."""
    return (child for child in element if local(child) in names)


def part(element: Element | None, name: str) -> Element | None:
    return next(parts(element, name), None) if element is not None else None


def text_of(element: Element | None) -> str:
    """What its `<text>` says."""
    found = part(element, "text")
    return (found.text or "").strip() if found is not None else ""


def type_ref(element: Element | None) -> str:
    """The type named by attribute (1.2 and later) or child element (1.1), without its prefix."""
    if element is None:
        return ""
    own = part(element, "typeRef")
    raw = element.get("typeRef") or (own.text if own is not None else "") or ""
    return raw.rpartition(":")[2].strip()


class Types:
    """The item definitions of one file."""

    def __init__(self, root: Element) -> None:
        self.items = {item.get("name", ""): item for item in parts(root, "itemDefinition")}
        self.feel = Feel({})

    def leaves(self, name: str, ref: str) -> list[Leaf]:
        """What can be compared of a name of this type: itself, or the parts of the structure."""
        found: list[Leaf] = []
        self._walk(name, ref, None, found, 0)
        return found

    def _walk(
        self, path: str, ref: str, item: Element | None, found: list[Leaf], level: int
    ) -> None:
        item = item if item is not None else self.items.get(ref)
        if level > 10 or len(found) > MAX_PARTS:
            return
        if item is None:
            found.append(Leaf(path, SIMPLE.get(ref, "")))
            return
        components = list(parts(item, "itemComponent"))
        collection = item.get("isCollection", "").lower() == "true"
        if collection:
            if not components and self._simple(item) in ("text", ""):
                found.append(Leaf(path, "texts"))
            return
        for component in components:
            own = f"{path}.{component.get('name', '')}"
            inner = component if part(component, "itemComponent") is not None else None
            plain = inner is None and component.get("isCollection", "").lower() != "true"
            values = self._allowed(component)
            if plain and values and SIMPLE.get(type_ref(component)) == "text":
                found.append(Leaf(own, "text", values))
                continue
            self._walk(
                own,
                type_ref(component),
                inner if plain or inner is not None else component,
                found,
                level + 1,
            )
        if not components:
            kind = self._simple(item)
            found.append(Leaf(path, kind, self._allowed(item) if kind == "text" else ()))

    def _simple(self, item: Element) -> str:
        """The fact type behind a definition that only narrows another one."""
        for _ in range(10):
            ref = type_ref(item)
            if ref in SIMPLE or ref not in self.items:
                return SIMPLE.get(ref, "")
            item = self.items[ref]
        return ""

    def _allowed(self, item: Element) -> tuple[str, ...]:
        return self.texts(text_of(part(item, "allowedValues")))

    def texts(self, text: str) -> tuple[str, ...]:
        """`"a", "b"` as texts; empty for anything else."""
        values = self.values(text)
        return tuple(map(str, values)) if all(isinstance(v, str) for v in values) else ()

    def values(self, text: str) -> tuple[object, ...]:
        """The constants of an enumeration, in their order; empty when it is none."""
        try:
            tests = self.feel.tests(text).tests if text else ()
        except NotOurs:
            return ()
        values = tuple(getattr(test, "value", None) for test in tests)
        constant = all(type(test).__name__ == "Literal" for test in tests)
        return values if constant else ()
