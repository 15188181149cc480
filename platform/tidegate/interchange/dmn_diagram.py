"""A plain drawing of a DMN file's decisions, so that modelling tools open it as a diagram."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, register_namespace

DMNDI = "https://www.omg.org/spec/DMN/20191111/DMNDI/"
DC = "http://www.omg.org/spec/DMN/20180521/DC/"
DI = "http://www.omg.org/spec/DMN/20180521/DI/"
WIDTH, HEIGHT, GAP, PER_ROW = 180, 60, 40, 6


def add_diagram(root: Element, dmn: str) -> None:
    """Inputs at the bottom, decisions in rows above, lines for what needs what."""
    for prefix, uri in (("dmndi", DMNDI), ("dc", DC), ("di", DI)):
        register_namespace(prefix, uri)
    inputs = root.findall(f"{{{dmn}}}inputData")
    decisions = root.findall(f"{{{dmn}}}decision")
    diagram = SubElement(
        SubElement(root, f"{{{DMNDI}}}DMNDI"), f"{{{DMNDI}}}DMNDiagram", {"id": "diagram"}
    )
    places: dict[str, tuple[int, int]] = {}
    rows = -(-len(decisions) // PER_ROW)
    for elements, first in ((decisions, 0), (inputs, rows)):
        for number, element in enumerate(elements):
            x = GAP + (number % PER_ROW) * (WIDTH + GAP)
            y = GAP + (first + number // PER_ROW) * (HEIGHT + 2 * GAP)
            places[str(element.get("id"))] = (x, y)
            shape = SubElement(
                diagram,
                f"{{{DMNDI}}}DMNShape",
                {"id": f"shape{element.get('id')}", "dmnElementRef": str(element.get("id"))},
            )
            bounds = {"x": x, "y": y, "width": WIDTH, "height": HEIGHT}
            SubElement(shape, f"{{{DC}}}Bounds", {key: str(value) for key, value in bounds.items()})
    for decision in decisions:
        for need in decision.findall(f"{{{dmn}}}informationRequirement"):
            target = str(need[0].get("href")).removeprefix("#")
            edge = SubElement(
                diagram,
                f"{{{DMNDI}}}DMNEdge",
                {"id": f"edge{need.get('id')}", "dmnElementRef": str(need.get("id"))},
            )
            for x, y in (places[target], places[str(decision.get("id"))]):
                point = {"x": str(x + WIDTH // 2), "y": str(y + HEIGHT // 2)}
                SubElement(edge, f"{{{DI}}}waypoint", point)
