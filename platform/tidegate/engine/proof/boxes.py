"""Sets of points as unions of boxes. A box says, for some axes, which of their regions it takes;
regions are bits of a mask.

A formula of three-valued logic has four such sets: where it is true, false, not true, not false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tidegate.engine.proof.formulas import Atom, Branch, Every, Fixed, Formula, Neg, Some

Box = tuple[tuple[int, int], ...]  # (axis, mask) with axes ascending; an axis not named is free
EVERYWHERE: Box = ()
TRUE, FALSE, NOT_TRUE, NOT_FALSE = "true", "false", "not true", "not false"
MAX_BOXES = 256
_OPPOSITE = {TRUE: FALSE, FALSE: TRUE, NOT_TRUE: NOT_FALSE, NOT_FALSE: NOT_TRUE}
_CONJUNCTIVE = {TRUE: True, FALSE: False, NOT_TRUE: False, NOT_FALSE: True}


class TooManyBoxes(Exception):
    """A formula falls into more alternatives than are worth looking at."""


@dataclass(frozen=True)
class Encoding:
    """Where an atom is true, false, not true and not false."""

    true: tuple[Box, ...]
    false: tuple[Box, ...]
    not_true: tuple[Box, ...]
    not_false: tuple[Box, ...]

    def boxes(self, mode: str) -> tuple[Box, ...]:
        return {
            TRUE: self.true,
            FALSE: self.false,
            NOT_TRUE: self.not_true,
            NOT_FALSE: self.not_false,
        }[mode]


def on_axis(axis: int, size: int, true: int, false: int) -> Encoding:
    """The encoding of an atom that one axis decides."""
    full = (1 << size) - 1

    def one(mask: int) -> tuple[Box, ...]:
        return () if not mask else (EVERYWHERE,) if mask == full else (((axis, mask),),)

    return Encoding(one(true), one(false), one(full & ~true), one(full & ~false))


def meet(one: Box, other: Box) -> Box | None:
    """What two boxes have in common; None when it is nothing."""
    if not one or not other:
        return one or other
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        (axis, mask), (second, more) = one[i], other[j]
        if axis == second:
            if not mask & more:
                return None
            found.append((axis, mask & more))
            i, j = i + 1, j + 1
        elif axis < second:
            found.append((axis, mask))
            i += 1
        else:
            found.append((second, more))
            j += 1
    return (*found, *one[i:], *other[j:])


def within(inner: Box, outer: Box) -> bool:
    """Whether all of one box lies in the other."""
    masks = dict(inner)
    return all(axis in masks and not masks[axis] & ~mask for axis, mask in outer)


def meets(one: Sequence[Box], other: Sequence[Box]) -> list[Box]:
    """The intersection of two unions."""
    if len(one) * len(other) > MAX_BOXES * 4:
        raise TooManyBoxes
    found = [box for a in one for b in other if (box := meet(a, b)) is not None]
    return union(found)


def union(boxes: Iterable[Box]) -> list[Box]:
    """The same set with fewer boxes: none inside another, neighbours on one axis joined."""
    found = list(dict.fromkeys(boxes))
    if len(found) > MAX_BOXES:
        raise TooManyBoxes
    changed = len(found) > 1
    while changed:
        found, changed = _joined(found)
    return found


def _joined(boxes: list[Box]) -> tuple[list[Box], bool]:
    kept: list[Box] = []
    changed = False
    for box in boxes:
        for index, other in enumerate(kept):
            whole = box if within(other, box) else other if within(box, other) else None
            whole = whole or _side_by_side(box, other)
            if whole is not None:
                kept[index] = whole
                changed = True
                break
        else:
            kept.append(box)
    return kept, changed


def _side_by_side(one: Box, other: Box) -> Box | None:
    if len(one) != len(other):
        return None
    differing = [k for k in range(len(one)) if one[k] != other[k]]
    if len(differing) != 1 or one[differing[0]][0] != other[differing[0]][0]:
        return None
    k = differing[0]
    return (*one[:k], (one[k][0], one[k][1] | other[k][1]), *one[k + 1 :])


def trimmed(box: Box, sizes: Sequence[int]) -> Box:
    """Without axes all of whose regions it takes."""
    return tuple((axis, mask) for axis, mask in box if mask != (1 << sizes[axis]) - 1)


Encode = Callable[[Atom], Encoding]


def boxes_of(formula: Formula, mode: str, encode: Encode) -> list[Box]:
    """Where the formula is what `mode` says. Raises TooManyBoxes."""
    if isinstance(formula, Atom):
        return list(encode(formula).boxes(mode))
    if isinstance(formula, Fixed):
        return [EVERYWHERE] if _fixed(formula.value, mode) else []
    if isinstance(formula, Neg):
        return boxes_of(formula.part, _OPPOSITE[mode], encode)
    if isinstance(formula, Branch):
        return _branch(formula, mode, encode)
    conjunctive = _CONJUNCTIVE[mode] is isinstance(formula, Every)
    return _conjunction(formula, mode, encode) if conjunctive else _union(formula, mode, encode)


def _conjunction(formula: Every | Some, mode: str, encode: Encode) -> list[Box]:
    found: list[Box] = [EVERYWHERE]
    for part in formula.parts:
        more = boxes_of(part, mode, encode)
        if len(found) == len(more) == 1:
            box = meet(found[0], more[0])
            found = [box] if box is not None else []
        else:
            found = meets(found, more)
        if not found:
            break
    return found


def _union(formula: Every | Some, mode: str, encode: Encode) -> list[Box]:
    return union(box for part in formula.parts for box in boxes_of(part, mode, encode))


def _branch(formula: Branch, mode: str, encode: Encode) -> list[Box]:
    condition, then, otherwise = formula.condition, formula.then, formula.otherwise
    first = meets(boxes_of(condition, TRUE, encode), boxes_of(then, mode, encode))
    second = meets(boxes_of(condition, NOT_TRUE, encode), boxes_of(otherwise, mode, encode))
    return union([*first, *second])


def _fixed(value: bool | None, mode: str) -> bool:
    return {
        TRUE: value is True,
        FALSE: value is False,
        NOT_TRUE: value is not True,
        NOT_FALSE: value is not False,
    }[mode]
