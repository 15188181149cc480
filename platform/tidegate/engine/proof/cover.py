"""Which boxes overlap, and whether some boxes cover another: exact, with sets of boxes as the bits
of one number, one per axis and region (a bitmap index).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tidegate.engine.proof.boxes import Box

MOST_COMPARED = 64
WHOLE, ONE = 8_000_000, 2_000_000  # steps of all searches over one set, and of a single one


class OutOfBudget(Exception):
    """The search was given up before it had an answer."""


class Work:
    """How many steps are left for the searches over one set; a step is one comparison of two sets
    of boxes. Over it a question stays open.
    """

    def __init__(self, left: int = WHOLE) -> None:
        self.left = left
        self.watch: Callable[[], None] | None = None  # called with each step; may raise to stop
        self._floor = 0

    def begin(self) -> None:
        """A new search, which may take its share of what is left."""
        self._floor = max(self.left - ONE, 0)

    def spend(self, steps: int) -> None:
        """Raises OutOfBudget."""
        if self.watch is not None:
            self.watch()
        self.left -= steps
        if self.left < self._floor:
            raise OutOfBudget


def bits(number: int) -> Iterator[int]:
    """The positions of the bits that are set, ascending."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


class Cover:
    """An index over boxes; `among` in its questions is a set of them, one bit each."""

    def __init__(
        self, boxes: Sequence[Box], sizes: Sequence[int], work: Work | None = None
    ) -> None:
        self.boxes = boxes
        self.work = work or Work()
        self.everything = (1 << len(boxes)) - 1
        self._sizes = sizes
        self._by_mask: dict[int, dict[int, int]] = {}  # axis → mask → boxes
        self._named: dict[int, int] = {}  # axis → boxes that say something about it
        for number, box in enumerate(boxes):
            for axis, mask in box:
                masks = self._by_mask.setdefault(axis, {})
                masks[mask] = masks.get(mask, 0) | 1 << number
                self._named[axis] = self._named.get(axis, 0) | 1 << number
        self._patterns: dict[int, list[tuple[int, int]]] = {}
        self._apart: dict[tuple[int, int], int] = {}
        self._partial: dict[tuple[int, int], int] = {}

    def overlapping(self, box: Box, among: int) -> int:
        """Which of `among` have a point in common with the box."""
        for axis, mask in box:
            among &= ~self._disjoint(axis, mask)
            if not among:
                break
        return among

    def containing(self, box: Box, among: int) -> int:
        """Which of `among` contain the whole box."""
        masks = dict(box)
        for axis in self._by_mask:
            among &= ~self._outside(axis, masks.get(axis, self._full(axis)))
        return among

    def uncovered(self, box: Box, among: int) -> Box | None:
        """A part of the box that none of `among` touches, or None if together they cover it.

        Raises:
            OutOfBudget: it takes too long to tell.
        """
        live = self.overlapping(box, among)
        if not live:
            return box
        self.work.begin()
        return _Search(self, box, live).run()

    # about one axis

    def _full(self, axis: int) -> int:
        return (1 << self._sizes[axis]) - 1

    def _disjoint(self, axis: int, mask: int) -> int:
        """Boxes that take no region of the mask."""
        key = (axis, mask)
        if key not in self._apart:
            found = 0
            for other, boxes in self._by_mask.get(axis, {}).items():
                if not other & mask:
                    found |= boxes
            self._apart[key] = found
        return self._apart[key]

    def _outside(self, axis: int, mask: int) -> int:
        """Boxes that leave out some region of the mask."""
        key = (axis, mask)
        if key not in self._partial:
            found = 0
            for other, boxes in self._by_mask.get(axis, {}).items():
                if mask & ~other:
                    found |= boxes
            self._partial[key] = found
        return self._partial[key]

    def _split(self, axis: int) -> list[tuple[int, int]]:
        """(regions, the boxes that do not take them): regions alike for every box together."""
        if axis not in self._patterns:
            refused = [0] * self._sizes[axis]
            named = self._named.get(axis, 0)
            for mask, boxes in self._by_mask.get(axis, {}).items():
                for region in bits(mask):
                    refused[region] |= boxes
            groups: dict[int, int] = {}
            for region, taken in enumerate(refused):
                groups[named & ~taken] = groups.get(named & ~taken, 0) | 1 << region
            self._patterns[axis] = [(regions, out) for out, regions in groups.items()]
        return self._patterns[axis]


class _Search:
    """Axis by axis, the boxes still in the way are followed through the regions; sets of boxes that
    were seen at an axis, and sets that hold more than another, are not looked at again.
    """

    def __init__(self, cover: Cover, box: Box, live: int) -> None:
        self.cover = cover
        self.domain = dict(box)
        self.live = live
        self.axes = self._axes()
        self.free = self._free()
        self.dead: list[set[int]] = [set() for _ in self.axes]
        self.path: list[int] = []

    def _axes(self) -> list[int]:
        """Axes on which boxes leave something out, the most telling first."""
        found = []
        for axis in self.cover._by_mask:
            telling = self.live & self.cover._outside(axis, self._mask(axis))
            if telling:
                found.append((-telling.bit_count(), axis))
        return [axis for _, axis in sorted(found)]

    def _mask(self, axis: int) -> int:
        return self.domain.get(axis, self.cover._full(axis))

    def _free(self) -> list[int]:
        """For each depth the boxes that nothing from there on can keep from covering."""
        free = [self.cover.everything] * (len(self.axes) + 1)
        for depth in range(len(self.axes) - 1, -1, -1):
            axis = self.axes[depth]
            free[depth] = free[depth + 1] & ~self.cover._outside(axis, self._mask(axis))
        return free

    def run(self) -> Box | None:
        if not self._open(0, self.live):
            return None
        found = dict(self.domain)
        for axis, regions in zip(self.axes, self.path, strict=False):
            found[axis] = regions
        return tuple(sorted(found.items()))

    def _open(self, depth: int, live: int) -> bool:
        if not live:
            return True
        if live & self.free[depth]:
            return False
        if live in self.dead[depth]:
            return False
        for rest, regions in self._choices(depth, live):
            self.path.append(regions)
            if self._open(depth + 1, rest):
                return True
            self.path.pop()
        self.dead[depth].add(live)
        return False

    def _choices(self, depth: int, live: int) -> list[tuple[int, int]]:
        """(boxes left, regions), the fewest boxes first; what leaves more than another is left
        out.
        """
        axis = self.axes[depth]
        mask = self._mask(axis)
        groups: dict[int, int] = {}
        split = self.cover._split(axis)
        for regions, out in split:
            if regions & mask:
                rest = live & ~out
                groups[rest] = groups.get(rest, 0) | regions & mask
        ordered = sorted(groups.items(), key=lambda item: item[0].bit_count())
        kept: list[tuple[int, int]] = []
        steps = len(split)
        for rest, regions in ordered:
            steps += min(len(kept), MOST_COMPARED) + 1
            if not any(less & rest == less for less, _ in kept[:MOST_COMPARED]):
                kept.append((rest, regions))
        self.cover.work.spend(steps)
        return kept
