"""How conditions are laid out on axes: what shares no fact stands apart, and what ties facts of
different groups together is taken out of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.engine.proof.boxes import Encoding
from tidegate.engine.proof.formulas import Atom
from tidegate.engine.proof.grouping import Grouping
from tidegate.engine.proof.groups import Group
from tidegate.engine.proof.sources import LINES, Source

MOST_TRIED_TOGETHER = 3  # facts; more are too many to try out together
Read = Mapping[Atom, frozenset[Source]]


@dataclass
class Layout:
    """`exact` and `loose` are the two readings of every atom; `unsure` names what an atom that
    can't be decided exactly depends on.
    """

    exact: dict[Atom, Encoding] = field(default_factory=dict)
    loose: dict[Atom, Encoding] = field(default_factory=dict)
    unsure: dict[Atom, tuple[str, ...]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)


def laid_out(grouping: Grouping, read: Read) -> Layout:
    layout = Layout()
    for atoms in components(read):
        links = [
            atom for atom in atoms if len(read[atom]) > 1 and not _ordered(grouping, atom, read)
        ]
        alone = [atom for atom in atoms if atom not in links]
        if links and alone:
            _tied(grouping, read, layout, links, alone)
        else:
            _group(grouping, read, layout, atoms)
    return layout


def _ordered(grouping: Grouping, atom: Atom, read: Read) -> bool:
    return grouping.order_only(sorted(read[atom]), [atom])


def _tied(
    grouping: Grouping, read: Read, layout: Layout, links: Sequence[Atom], alone: Sequence[Atom]
) -> None:
    """Conditions on single facts, and conditions that tie those facts together: the former stay
    exact among themselves. The ties are tried out with them where the facts are few.
    """
    for atoms in components({atom: read[atom] for atom in alone}):
        _group(grouping, read, layout, atoms)
    sources = _sources(read, [*links, *alone])
    named = tuple(source.id or "now" for source in sources)
    layout.loose |= {atom: grouping.free(atom) for atom in links}
    together = [*alone, *links]
    if len(sources) > MOST_TRIED_TOGETHER or any(source.kind == LINES for source in sources):
        layout.exact |= {atom: layout.loose[atom] for atom in links}
        layout.unsure |= dict.fromkeys(links, named)
        return
    layout.loose |= {a: layout.loose.get(a, layout.exact[a]) for a in alone}
    tried = grouping.sampled(sources, together)
    layout.groups.append(tried)
    layout.exact |= tried.encodings()
    if not tried.complete:
        layout.unsure |= dict.fromkeys(together, named)


def _group(grouping: Grouping, read: Read, layout: Layout, atoms: Sequence[Atom]) -> None:
    sources = _sources(read, atoms)
    group = grouping.group(sources, atoms)
    layout.groups.append(group)
    layout.exact |= group.encodings()
    if not group.complete:
        layout.loose |= grouping.loosened(sources, atoms)
        layout.unsure |= dict.fromkeys(atoms, tuple(source.id or "now" for source in sources))


def _sources(read: Read, atoms: Iterable[Atom]) -> list[Source]:
    return sorted({source for atom in atoms for source in read[atom]})


def components(read: Read) -> list[list[Atom]]:
    """Atoms together that share a source, also through others; in the order of first appearance."""
    leader: dict[Source, Source] = {}

    def root(source: Source) -> Source:
        while leader.setdefault(source, source) != source:
            source = leader[source]
        return source

    for sources in read.values():
        first, *others = sorted(sources)
        for other in others:
            leader[root(other)] = root(first)
    found: dict[Source, list[Atom]] = {}
    for atom, sources in read.items():
        found.setdefault(root(min(sources)), []).append(atom)
    return list(found.values())
